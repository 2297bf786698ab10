package integration

import (
	"net"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func once(t *testing.T, sgpURL string, args ...string) *process {
	t.Helper()
	return start(t, exampleProgram, exampleEnv(sgpURL), append([]string{"-once", "-goroot", smallGOROOT, "-pace", "0"}, args...)...)
}

var traceLine = regexp.MustCompile(`(?m)^Trace ([0-9a-f]{32}), as it was delivered:$`)

// TestExampleOnce: the answer, the waterfall and the counts are printed, and all
// that they tell of is on the server.
func TestExampleOnce(t *testing.T) {
	srv := newSGP(t)
	example := once(t, srv.URL, "-q", question)
	require.Equal(t, 0, example.wait(), "%s", example.stderr)
	out := example.stdout.String()
	assert.Empty(t, example.stderr.String())
	assert.Contains(t, out, "\nQ: "+question+"\n")
	assert.Contains(t, out, "\nUse `http.NewRequestWithContext` with `context.WithCancel`.\n")

	found := traceLine.FindStringSubmatch(out)
	require.NotNil(t, found, out)
	trace := srv.Trace(found[1])
	require.Len(t, trace, 40)
	assert.Contains(t, out, "\nIn this trace: 40 spans, 3 failed and the agent recovered.\n")
	_, waterfall, _ := strings.Cut(out, found[0])
	for _, span := range trace {
		assert.Regexp(t, `(?m)^ *`+regexp.QuoteMeta(span.Name)+` +`+span.Type+` +\+\d+\.\d{3}s +\d+\.\d{3}s  `+span.Status, waterfall)
	}

	n := example.counts()
	assert.Equal(t, counts{offered: n.offered, delivered: n.delivered, coalesced: n.coalesced}, n)
	assert.GreaterOrEqual(t, n.offered, 88, "two of each span, and updates")
	assert.Equal(t, n.offered, n.delivered+n.coalesced)
	stats := srv.Stats()
	assert.Equal(t, n.delivered, int(stats.Items))
	assert.Equal(t, 44, stats.Spans)
	assert.Equal(t, 44, completed(srv.Spans()))
	require.NoError(t, srv.CheckOrder())
	assert.Empty(t, srv.Violations())
}

// TestExampleOnceRefused: a key that is not the server's makes it fail, and it
// says why and what to check.
func TestExampleOnceRefused(t *testing.T) {
	srv := newRefusingSGP(t)
	srv.SetAPIKey("another key")
	example := once(t, srv.URL, "-drain", "1s")
	assert.Equal(t, 1, example.wait())
	assert.Contains(t, example.stdout.String(), "\nUse `http.NewRequestWithContext`", "the answer is there all the same")
	n := example.counts()
	assert.GreaterOrEqual(t, n.offered, 88)
	assert.Zero(t, n.delivered)
	assert.Positive(t, n.lost)
	assert.Equal(t, n.offered, n.coalesced+n.lost)
	assert.Contains(t, example.stdout.String(), "\n  "+strconv.Itoa(n.lost)+" unauthorized\n")
	said := example.stderr.String()
	assert.Contains(t, said, "not every span was delivered")
	assert.Contains(t, said, "no spans are delivered, they wait in the queue: SGP answered 403 Forbidden")
	assert.Contains(t, said, "check that the API key (from SGP_API_KEY; or use WithAPIKey) is valid for the base URL "+srv.URL+" (")
	assert.NotContains(t, said, apiKey, "the key shows nowhere")
	assert.NotContains(t, example.stdout.String(), apiKey)
	assert.Empty(t, srv.Spans())
}

// TestExampleOnceWithoutServer: nobody there is told apart from a wrong key.
func TestExampleOnceWithoutServer(t *testing.T) {
	address, _ := reserve(t)
	env := append(exampleEnv("http://"+address), "AGENTEX_SPAN_QUEUE_MAX_RETRIES=1") // 1: four attempts
	example := start(t, exampleProgram, env, "-once", "-goroot", smallGOROOT, "-pace", "0", "-drain", "4s")
	assert.Equal(t, 1, example.wait())
	n := example.counts()
	assert.Equal(t, n.offered, n.coalesced+n.lost)
	said := example.stderr.String()
	assert.Contains(t, said, "connection refused")
	assert.LessOrEqual(t, strings.Count(said, "shutdown with "), 1, said)
	assert.True(t, strings.HasSuffix(said, "\notel-app: not every span was delivered\n"), said)
	assert.Regexp(t, `(?m)^Nothing of trace [0-9a-f]{32} was delivered\.$`, example.stdout.String())
	assert.NotContains(t, example.stdout.String(), "as it was delivered:")
}

func TestExampleBusyPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	srv := newSGP(t)
	example := start(t, exampleProgram, exampleEnv(srv.URL), "-port", port, "-goroot", smallGOROOT)
	assert.Equal(t, 1, example.wait())
	assert.Contains(t, example.stderr.String(), "port "+port+" of 127.0.0.1 is in use by another program: choose one with -port, or a free one with -port 0")
	assert.Equal(t, 1, strings.Count(example.stderr.String(), "\n"), "one line")
	assert.Empty(t, srv.Requests())
}

// TestExampleStopped: a signal in the middle of a question loses no span, and the
// program says so.
func TestExampleStopped(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults []sgptest.Fault
	}{
		{name: "server at work"},
		{name: "server in trouble", faults: []sgptest.Fault{sgptest.Status(503), sgptest.ResetConnection().Stored()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := newSGP(t)
			example := serve(t, srv.URL, "-pace", "10ms", "-grace", "0")
			answers := example.ask(question)
			require.NoError(t, srv.WaitFor(waiting(t), func(spans []sgptest.Span) bool {
				agents := 0
				for _, span := range spans {
					if span.Type == "AGENT_WORKFLOW" && !span.Completed() {
						agents++
					}
				}
				return agents == 2
			}))
			srv.Inject(test.faults...)
			example.signal(syscall.SIGTERM)
			require.Equal(t, 0, example.wait(), "%s", example.stderr)
			assert.Contains(t, example.stdout.String(), "\nStopping.\n")
			a := <-answers
			assert.Equal(t, 503, a.status)

			n := example.counts()
			assert.Equal(t, counts{offered: n.offered, delivered: n.delivered, coalesced: n.coalesced}, n)
			assert.Equal(t, n.offered, n.delivered+n.coalesced)
			spans := srv.Spans()
			assert.GreaterOrEqual(t, n.offered, 2*len(spans), "every span has a start and an end")
			assert.Equal(t, len(spans), completed(spans), "what was cut short has ended too")
			assert.Equal(t, "CANCELED", only(t, srv.Trace(a.TraceID), "POST /ask").Status)
			checkParents(t, srv.Trace(a.TraceID))
			require.NoError(t, srv.CheckOrder())
			assert.Empty(t, srv.Violations())
		})
	}
}

// TestExampleStoppedWithoutServer: what cannot be delivered in time is counted,
// and the program fails.
func TestExampleStoppedWithoutServer(t *testing.T) {
	srv := newSGP(t)
	example := serve(t, srv.URL, "-drain", "500ms")
	a := <-example.ask("what is a context?")
	require.Equal(t, 200, a.status)
	require.NoError(t, srv.WaitFor(waiting(t), func([]sgptest.Span) bool {
		trace := srv.Trace(a.TraceID)
		return len(trace) > 0 && len(trace) == completed(trace)
	}))
	srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
	second := <-example.ask("what is a context?")
	require.Equal(t, 200, second.status)
	example.signal(syscall.SIGTERM)
	assert.Equal(t, 1, example.wait())
	n := example.counts()
	assert.Positive(t, n.lost)
	assert.Equal(t, n.offered, n.delivered+n.coalesced+n.lost)
	assert.Equal(t, n.delivered, int(srv.Stats().Items))
	assert.Contains(t, example.stderr.String(), strconv.Itoa(n.lost)+" snapshots not delivered")
	assert.Empty(t, srv.Trace(second.TraceID))
}
