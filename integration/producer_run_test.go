package integration

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/integration/internal/producer"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// source is a producer as a child process.
type source struct {
	*process
	events *events
}

// produce starts a producer. What config leaves open is set so that tests are
// quick: spans leave at once, and a retry waits for milliseconds.
func produce(t *testing.T, config producer.Config, urls ...string) *source {
	t.Helper()
	for _, url := range urls {
		config.Targets = append(config.Targets, producer.Target{Service: "producer", BaseURL: url, APIKey: apiKey})
	}
	if config.Steps == 0 {
		config.Steps = 5
	}
	if config.BatchTimeout == 0 {
		config.BatchTimeout = time.Millisecond
	}
	if config.RetryInitial == 0 {
		config.RetryInitial = 2 * time.Millisecond
	}
	if config.RetryMax == 0 {
		config.RetryMax = 100 * time.Millisecond
	}
	config.Drain = patience
	variable, err := config.Environ()
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	s := &source{process: start(t, self, []string{variable}), events: new(events)}
	s.events.read = s.stdout
	return s
}

// goOn writes a line to the producer, which it waits for while it holds.
func (s *source) goOn() {
	s.t.Helper()
	_, err := io.WriteString(s.stdin, "go on\n")
	require.NoError(s.t, err)
}

// enough ends the producer's work where that has no end of its own.
func (s *source) enough() {
	s.t.Helper()
	require.NoError(s.t, s.stdin.Close())
}

// until waits until the producer has reported n events of a kind.
func (s *source) until(kind producer.Kind, n int) []producer.Event {
	s.t.Helper()
	require.NoError(s.t, s.stdout.wait(waiting(s.t), func(string) bool { return len(s.events.of(kind)) >= n }),
		"waiting for %d events %q, there were %d; %d answered, %d failed", n, kind,
		len(s.events.of(kind)), len(s.events.of(producer.Answered)), len(s.events.of(producer.Failed)))
	return s.events.of(kind)
}

// results waits for the producer's end, and returns what became of each target.
func (s *source) results() []producer.Result {
	s.t.Helper()
	done := s.until(producer.Done, 1)
	require.Equal(s.t, 0, s.wait(), "%s", s.stderr)
	return done[0].Results
}

// events are what a producer has reported so far.
type events struct {
	read *output

	mu   sync.Mutex
	seen int // bytes of read that are in list
	list []producer.Event
}

func (e *events) of(kind producer.Kind) []producer.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := []byte(e.read.String())
	if end := bytes.LastIndexByte(text, '\n') + 1; end > e.seen {
		for line := range bytes.Lines(text[e.seen:end]) {
			var event producer.Event
			if err := json.Unmarshal(line, &event); err != nil {
				panic("a producer's report: " + err.Error() + ": " + string(line))
			}
			e.list = append(e.list, event)
		}
		e.seen = end
	}
	var out []producer.Event
	for _, event := range e.list {
		if event.Kind == kind {
			out = append(out, event)
		}
	}
	return out
}

// checkDelivered: every span that was made is on the server, once, complete and
// under its parent, and nothing else is; in order; and the counts say so.
func checkDelivered(t *testing.T, srv *sgptest.Server, result producer.Result) {
	t.Helper()
	assert.Empty(t, result.Shutdown)
	stats := result.Stats
	assert.Equal(t, 2*len(result.Spans), int(stats.Offered))
	assert.Equal(t, stats.Offered, stats.Exported+stats.Coalesced)
	assert.Zero(t, stats.Dropped)
	assert.Zero(t, stats.Queued)
	assert.Zero(t, stats.InFlight)

	stored := map[producer.Span]bool{}
	for _, span := range srv.Spans() {
		stored[producer.Span{TraceID: span.TraceID, ID: span.ID, ParentID: span.ParentID, Name: span.Name}] = span.Completed()
	}
	require.NotEmpty(t, result.Spans)
	missing, running := 0, 0
	for _, span := range result.Spans {
		complete, ok := stored[span]
		switch {
		case !ok:
			missing++
		case !complete:
			running++
		}
	}
	assert.Zero(t, missing, "spans that were lost, of %d", len(result.Spans))
	assert.Zero(t, running, "spans whose end was lost, of %d", len(result.Spans))
	assert.Len(t, stored, len(result.Spans), "and no other span")
	checkOrderAndContract(t, srv)
}

// checkOrderAndContract: the server had nothing to object to.
func checkOrderAndContract(t *testing.T, srv *sgptest.Server) {
	t.Helper()
	require.NoError(t, srv.CheckOrder())
	assert.Empty(t, srv.Violations())
}

// waitForStored waits until n requests have taken effect.
func waitForStored(t *testing.T, srv *sgptest.Server, n int) {
	t.Helper()
	require.NoError(t, srv.WaitForRequests(waiting(t), func([]sgptest.Request) bool { return srv.Stats().Stored >= uint64(n) }))
}
