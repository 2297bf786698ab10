package integration

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

const (
	apiKey  = "the key"
	account = "the account"
)

// smallGOROOT is a Go installation that is quick to index.
var smallGOROOT = filepath.Join("..", "examples", "otel-app", "internal", "docs", "testdata", "goroot")

// newSGP starts a server that wants apiKey and account. At the end of the test it
// has nothing to object to.
func newSGP(t *testing.T, options ...sgptest.Option) *sgptest.Server {
	t.Helper()
	srv := newRefusingSGP(t, options...)
	t.Cleanup(func() { assert.NoError(t, srv.Check()) })
	return srv
}

// newRefusingSGP is newSGP for a test in which requests are meant to be refused.
func newRefusingSGP(t *testing.T, options ...sgptest.Option) *sgptest.Server {
	t.Helper()
	srv := sgptest.NewServer(append([]sgptest.Option{sgptest.WithAPIKey(apiKey), sgptest.WithAccountID(account)}, options...)...)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { assert.NoError(t, srv.Check(sgptest.Rejected)) })
	return srv
}

// exampleEnv points the example at a server, and lets spans leave at once, so
// that every span that takes longer than a request shows while it runs.
func exampleEnv(url string) []string {
	return []string{"SGP_API_KEY=" + apiKey, "SGP_ACCOUNT_ID=" + account, "SGP_CLIENT_BASE_URL=" + url, "AGENTEX_SPAN_QUEUE_LINGER_MS=1"}
}

// service is the example as it serves.
type service struct {
	*process
	url string
}

var openLine = regexp.MustCompile(`(?m)^Open   (http://\S+)/$`)

// serve starts the example on a free port, and returns when it serves.
func serve(t *testing.T, sgpURL string, args ...string) *service {
	t.Helper()
	p := start(t, exampleProgram, exampleEnv(sgpURL), append([]string{"-port", "0", "-goroot", smallGOROOT, "-pace", "100us"}, args...)...)
	require.NoError(t, p.stdout.wait(waiting(t), openLine.MatchString), "%s%s", p.stdout, p.stderr)
	return &service{process: p, url: openLine.FindStringSubmatch(p.stdout.String())[1]}
}

// answer is what POST /ask answers.
type answer struct {
	status         int
	Answer         string
	Error          string
	TraceID        string `json:"trace_id"`
	ConversationID string `json:"conversation_id"`
}

// ask asks a question. The channel gives the answer, or is closed if the
// connection was.
func (s *service) ask(question string) <-chan answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"question": question})
	require.NoError(s.t, err)
	request, err := http.NewRequestWithContext(waiting(s.t), http.MethodPost, s.url+"/ask", strings.NewReader(string(body)))
	require.NoError(s.t, err)
	answers := make(chan answer, 1)
	go func() {
		defer close(answers)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			return
		}
		defer func() { _ = response.Body.Close() }()
		out := answer{status: response.StatusCode}
		if json.NewDecoder(response.Body).Decode(&out) == nil {
			answers <- out
		}
	}()
	return answers
}

// counts are the numbers that the example prints at its end, in starts and ends
// of spans.
type counts struct{ offered, delivered, coalesced, lost int }

var countsLine = regexp.MustCompile(`(?m)^Of (\d+) starts and ends of spans: (\d+) delivered, (\d+) starts not sent \(the end says all of it\), (\d+) not delivered\.$`)

func (p *process) counts() counts {
	p.t.Helper()
	found := countsLine.FindStringSubmatch(p.stdout.String())
	require.NotNil(p.t, found, "no counts in:\n%s", p.stdout)
	var numbers [4]int
	for i := range numbers {
		var err error
		numbers[i], err = strconv.Atoi(found[i+1])
		require.NoError(p.t, err)
	}
	return counts{numbers[0], numbers[1], numbers[2], numbers[3]}
}

// completed counts the spans that have ended.
func completed(spans []sgptest.Span) int {
	n := 0
	for _, span := range spans {
		if span.Completed() {
			n++
		}
	}
	return n
}
