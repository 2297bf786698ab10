package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// smallGOROOT is quick to index.
const smallGOROOT = "internal/docs/testdata/goroot"

// clearEnv unsets what the environment of whoever runs the tests may have.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "SGP_API_KEY", "SGP_ACCOUNT_ID", "SGP_CLIENT_BASE_URL",
		"DISABLE_SCALE_TRACING", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "AGENTEX_SPAN_QUEUE_BATCH_SIZE",
		"AGENTEX_SPAN_QUEUE_LINGER_MS", "AGENTEX_SPAN_QUEUE_MAX_SIZE", "AGENTEX_SPAN_QUEUE_CONCURRENCY",
		"AGENTEX_SPAN_QUEUE_MAX_RETRIES", "AGENTEX_TRACING_SKIP_SPAN_START",
	} {
		t.Setenv(name, "")
	}
}

// output is written by the program and read by the test at the same time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program is a run of the program.
type program struct {
	stdout, stderr output
	// stop does what a signal does.
	stop context.CancelFunc
	code chan int
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{stop: cancel, code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, append([]string{"-pace", "0", "-goroot", smallGOROOT}, args...), &p.stdout, &p.stderr)
	}()
	t.Cleanup(cancel)
	return p
}

// wait returns the exit code.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-time.After(time.Minute):
		t.Fatalf("the program does not end:\n%s%s", p.stdout.String(), p.stderr.String())
		return -1
	}
}

var openLine = regexp.MustCompile(`Open   (http://\S+)/\n`)

// url returns where the program serves, once it does.
func (p *program) url(t *testing.T) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = openLine.FindStringSubmatch(p.stdout.String())
		return found != nil
	}, time.Minute, 5*time.Millisecond, "it does not serve")
	return found[1]
}

// client keeps no connections, so that none is left behind.
var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestOnce(t *testing.T) {
	clearEnv(t)
	p := start(t, "-once", "-q", "how do I cancel an HTTP request?")
	require.Equal(t, 0, p.wait(t), p.stderr.String())

	out := p.stdout.String()
	assert.Empty(t, p.stderr.String())
	for line := range strings.Lines(out) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 110, line)
	}
	for _, want := range []string{
		"The model is local-docs-1, embedded, as OPENAI_API_KEY is not set.\nSpans go to an embedded SGP server, as SGP_API_KEY is not set.\n",
		"\nQ: how do I cancel an HTTP request?\n",
		"\nUse `http.NewRequestWithContext` with `context.WithCancel`.\n",
		"it passes gofmt and go vet",
		"\nSPAN                                      TYPE               START  DURATION  STATUS          TOKENS\nPOST /ask                                 STANDALONE       +0.000s",
		"\n  invoke_agent go-docs-lead               AGENT_WORKFLOW",
		"\n      invoke_agent go-docs-researcher     AGENT_WORKFLOW",
		"\n          retrieval go-stdlib-docs        KB_RETRIEVAL",
		"\n            SELECT passages               STANDALONE",
		"\n        ! package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (",
		"\nIn this trace: 40 spans, 3 failed and the agent recovered.\nTokens: in>out of one model call; (in>out) of an agent",
		"\n\nIn all traces of this process, its own start-up included:\nOf ",
		" 0 not delivered.\n",
	} {
		assert.Contains(t, out, want)
	}
	assert.Regexp(t, `Trace [0-9a-f]{32}, as it was delivered:`, out)
	assert.NotContains(t, out, "running", "every span has ended")
	counts := regexp.MustCompile(`Of (\d+) starts and ends of spans: (\d+) delivered, (\d+) starts not sent`).FindStringSubmatch(out)
	require.NotNil(t, counts)
	offered := number(t, counts[1])
	assert.GreaterOrEqual(t, offered, 88, "two of each of the 40 spans of the question and the 4 of the index, and updates")
	assert.Equal(t, offered, number(t, counts[2])+number(t, counts[3]))
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestOnceToSGP: with an API key, spans go where SGP_CLIENT_BASE_URL says, and
// the trace is printed all the same.
func TestOnceToSGP(t *testing.T) {
	clearEnv(t)
	sgp := sgptest.NewServer(sgptest.WithAPIKey("key"), sgptest.WithAccountID("account"))
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_ACCOUNT_ID", "account")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	p := start(t, "-once")
	require.Equal(t, 0, p.wait(t), p.stderr.String())
	assert.Contains(t, p.stdout.String(), "Spans go to SGP at "+sgp.URL+".\n")
	assert.Contains(t, p.stdout.String(), "\nIn this trace: 40 spans, 3 failed and the agent recovered.\n")
	assert.Equal(t, 44, sgp.Stats().Spans)
	assert.NoError(t, sgp.Check())

	for _, span := range sgp.Spans() {
		assert.NotContains(t, span.Name, "/v5/spans/batch", "the exporter must not feed itself")
		assert.NotContains(t, span.Name, "HTTP PUT")
		assert.True(t, span.Completed(), span.Name)
	}
}

// TestOnceNotDelivered: spans that nobody takes are told of, and make it fail.
func TestOnceNotDelivered(t *testing.T) {
	clearEnv(t)
	sgp := sgptest.NewServer(sgptest.WithAPIKey("another key"))
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	p := start(t, "-once", "-drain", "2s")
	assert.Equal(t, 1, p.wait(t))
	out := p.stdout.String()
	assert.Contains(t, out, "Use `http.NewRequestWithContext`", "the answer is there all the same")
	assert.Regexp(t, `Of \d+ starts and ends of spans: 0 delivered, `, out)
	assert.Regexp(t, `, [1-9]\d* not delivered\.\n  \d+ \w+\n`, out)
	assert.Equal(t, "otel-app: not every span was delivered\n", p.stderr.String())
	assert.Regexp(t, `\n\nNothing of trace [0-9a-f]{32} was delivered\.\n\nIn all traces of this process,`, out)
	assert.NotContains(t, out, "as it was delivered:")
	assert.NoError(t, sgp.Check(sgptest.Rejected), "it refuses the key")
}

func TestOnceDisabled(t *testing.T) {
	clearEnv(t)
	t.Setenv("DISABLE_SCALE_TRACING", "1")
	p := start(t, "-once")
	assert.Equal(t, 1, p.wait(t), "what was not delivered is not a success")
	assert.Contains(t, p.stdout.String(), "Spans go to nowhere, as DISABLE_SCALE_TRACING is set.\n")
	assert.NotContains(t, p.stdout.String(), "as it was delivered:")
	assert.Equal(t, "otel-app: there is no trace to print: DISABLE_SCALE_TRACING is set, so nothing is exported\n", p.stderr.String())
}

// TestOnceModelFails: the question fails, its trace does not.
func TestOnceModelFails(t *testing.T) {
	clearEnv(t)
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/chat/completions", r.URL.Path)
		assert.Equal(t, "Bearer key", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}`)
	}))
	defer model.Close()
	t.Setenv("OPENAI_API_KEY", "key")
	t.Setenv("OPENAI_BASE_URL", model.URL+"/v1")
	t.Setenv("OPENAI_MODEL", "some-model")
	p := start(t, "-once")
	assert.Equal(t, 1, p.wait(t))
	assert.Contains(t, p.stdout.String(), "The model is some-model at "+model.URL+"/v1.\n")
	assert.Contains(t, p.stdout.String(), "    chat some-model                       COMPLETION")
	assert.Contains(t, p.stdout.String(), "    ! the model API answered 429: You exceeded your current quota\n")
	assert.Contains(t, p.stdout.String(), " 0 not delivered.\n")
	assert.Equal(t, "otel-app: the question was not answered: go-docs-lead: the model API answered 429: You exceeded your current quota\n", p.stderr.String())
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-h"}, 0, "answer one question, print its trace, and exit"},
		{[]string{"-nonsense"}, 2, "flag provided but not defined: -nonsense"},
		{[]string{"how do I?"}, 2, `unexpected argument "how do I?"; a question goes after -q, in quotes`},
		{[]string{"-port", "70000"}, 2, "-port 70000: must be from 0 to 65535"},
		{[]string{"-pace", "-1s"}, 2, "-pace and -grace must not be negative"},
		{[]string{"-once", "-q", " "}, 2, "-q: the question is empty"},
		{[]string{"-once", "-q", strings.Repeat("x", 2001)}, 2, "-q: the question has more than 2000 characters"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, c.code, run(t.Context(), c.args, &stdout, &stderr), c.args)
		assert.Contains(t, stderr.String(), c.says)
		assert.Empty(t, stdout.String())
	}
}

func TestPortIsBusy(t *testing.T) {
	clearEnv(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, busy.Close()) }()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	for _, args := range [][]string{{"-port", port}, {"-once", "-port", port}} {
		p := start(t, args...)
		assert.Equal(t, 1, p.wait(t))
		assert.Contains(t, p.stderr.String(), "otel-app: port "+port+" of 127.0.0.1 is in use by another program: choose one with -port, or a free one with -port 0")
		assert.Empty(t, p.stdout.String())
	}
}

func TestStartFails(t *testing.T) {
	clearEnv(t)
	for _, c := range []struct{ name, value, says string }{
		{"SGP_CLIENT_BASE_URL", "nonsense", "set the exporter up"},
		{"OPENAI_BASE_URL", "nonsense", `OPENAI_BASE_URL "nonsense" is not an http or https URL`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("SGP_API_KEY", "key")
			t.Setenv("SGP_CLIENT_BASE_URL", "http://127.0.0.1:1")
			t.Setenv(c.name, c.value)
			p := start(t, "-port", "0", "-drain", "100ms")
			assert.Equal(t, 1, p.wait(t))
			assert.Contains(t, p.stderr.String(), c.says)
		})
	}
	t.Run("no documentation", func(t *testing.T) {
		p := start(t, "-port", "0", "-goroot", t.TempDir())
		assert.Equal(t, 1, p.wait(t))
		assert.Contains(t, p.stderr.String(), "no Go standard library sources in")
	})
}
