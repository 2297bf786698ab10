package collector

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func sum(m metricdata.Metrics) (n int64) {
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		n += point.Value
	}
	return n
}

func TestSpansArriveThroughTheQueue(t *testing.T) {
	p := newPipeline(t, []sgptest.Option{sgptest.WithAPIKey(key), sgptest.WithAccountID("acct")}, nil,
		func(c *Config) { c.AccountID = "acct" })
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(3)))
	p.stop()
	assert.Equal(t, []string{"span 1", "span 2", "span 3"}, p.names())
	requests := p.sgp.Requests()
	require.Len(t, requests, 1)
	assert.Equal(t, "/v5/spans/batch", requests[0].Path)
	span := p.sgp.Spans()[0]
	assert.Equal(t, "00000000000000000000000000000001", span.TraceID)
	assert.Equal(t, "otel-collector", span.Metadata["__source__"])
	assert.Equal(t, time.Second, span.Duration())
}

func TestARequestHasAtMostSoManySpansAndBytes(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue, func(c *Config) { c.MaxRequestItems = 4 })
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(10)))
	var items []int
	for _, r := range p.sgp.Requests() {
		items = append(items, len(r.Items))
	}
	assert.Equal(t, []int{4, 4, 2}, items)
	assert.Len(t, p.names(), 10)
}

// A span that SGP refuses fails nothing else, and is not an error: nothing is sent again.
func TestARefusedSpanIsSetApart(t *testing.T) {
	p := newPipeline(t, nil, []sgptest.ViolationKind{sgptest.Rejected}, withoutQueue)
	p.sgp.SetFault(refuses("span 3"))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(5)))
	assert.ElementsMatch(t, []string{"span 1", "span 2", "span 4", "span 5"}, p.names())
	assert.Equal(t, int64(1), p.counter(t, "otelcol_exporter_sgp_rejected_spans"))
	logged := p.log.FilterMessageSnippet("SGP refuses a span").All()
	require.Len(t, logged, 1)
	assert.Equal(t, "span 3", logged[0].ContextMap()["name"])
}

// refuses answers 422 to every request that holds a span of that name.
func refuses(name string) func(r *sgptest.Request) sgptest.Fault {
	return func(r *sgptest.Request) sgptest.Fault {
		for i := range r.Items {
			if r.Items[i].Name == name {
				return sgptest.Status(http.StatusUnprocessableEntity)
			}
		}
		return sgptest.Fault{}
	}
}

func TestAnOutageCostsNothing(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue)
	p.sgp.Inject(sgptest.Status(http.StatusServiceUnavailable).Times(3), sgptest.ResetConnection())
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(3)))
	assert.Len(t, p.names(), 3)
	assert.Equal(t, int64(4), p.counter(t, "otelcol_exporter_sgp_retries"))
}

// Without retries a failure for now is for good: exporterhelper drops the batch and counts it.
func TestWithoutRetriesAFailureIsPermanent(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue, func(c *Config) { c.Retry.Enabled = false })
	p.sgp.Inject(sgptest.Status(http.StatusServiceUnavailable))
	err := p.traces.ConsumeTraces(t.Context(), spansOf(3))
	require.ErrorContains(t, err, "503")
	assert.True(t, consumererror.IsPermanent(err))
	assert.Empty(t, p.names())
}

// What one span does to a request, while SGP takes others, comes back alone.
func TestOnlyWhatFailsComesBack(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue)
	e := p.traces.(*arrival).exp
	p.sgp.SetFault(func(r *sgptest.Request) sgptest.Fault {
		for i := range r.Items {
			if r.Items[i].Name == "span 2" {
				go func() { _ = e.pushTraces(t.Context(), otherTrace()) }() // SGP takes others meanwhile
				return sgptest.Status(http.StatusInternalServerError)
			}
		}
		return sgptest.Fault{}
	})
	err := e.pushTraces(t.Context(), spansOf(3, func(i int, s ptrace.Span) { s.SetTraceID(pcommon.TraceID{14: byte(i)}) }))
	var back consumererror.Traces
	require.ErrorAs(t, err, &back)
	assert.False(t, consumererror.IsPermanent(err))
	require.Equal(t, 1, back.Data().SpanCount())
	assert.Equal(t, "span 2", back.Data().ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Name())
	assert.Contains(t, p.names(), "span 1")
	assert.Contains(t, p.names(), "span 3")
}

// What there is after a request that fails alone is sent all the same.
func TestARequestThatFailsAloneHoldsUpNothing(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue, func(c *Config) { c.MaxRequestItems, c.MaxConcurrentRequests = 1, 1 })
	e := p.traces.(*arrival).exp
	p.sgp.SetFault(poisoned(t, e, "span 2"))
	err := e.pushTraces(t.Context(), spansOf(3, func(i int, s ptrace.Span) { s.SetTraceID(pcommon.TraceID{14: byte(i)}) }))
	var back consumererror.Traces
	require.ErrorAs(t, err, &back)
	assert.Equal(t, 1, back.Data().SpanCount())
	assert.Subset(t, p.names(), []string{"span 1", "span 3"})
}

// The queue's only consumer does not wait for a span that SGP cannot take now: it is tried
// again from a queue of its own, until it succeeds.
func TestWhatFailsAloneGoesAside(t *testing.T) {
	p := newPipeline(t, nil, nil, func(c *Config) { c.Queue.Get().Batch.Get().FlushTimeout = time.Millisecond })
	e := p.traces.(*arrival).exp
	p.sgp.SetFault(poisoned(t, e, "span 1"))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(1)))
	setAside := func() bool { return p.log.FilterMessageSnippet("tried again beside these").Len() > 0 }
	require.NoError(t, p.sgp.WaitForRequests(t.Context(), func([]sgptest.Request) bool { return setAside() }))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), otherTrace()))
	require.NoError(t, p.sgp.WaitFor(t.Context(), has("other")))
	assert.NotContains(t, p.names(), "span 1")
	p.sgp.ClearFaults()
	require.NoError(t, p.sgp.WaitFor(t.Context(), has("span 1")))
}

func has(name string) func(spans []sgptest.Span) bool {
	return func(spans []sgptest.Span) bool {
		return slices.ContainsFunc(spans, func(s sgptest.Span) bool { return s.Name == name })
	}
}

// poisoned answers 500 to requests with a span of that name, and has SGP take another
// request meanwhile.
func poisoned(t *testing.T, e *sgpExporter, name string) func(r *sgptest.Request) sgptest.Fault {
	return func(r *sgptest.Request) sgptest.Fault {
		for i := range r.Items {
			if r.Items[i].Name == name {
				go func() { _ = e.pushTraces(t.Context(), meanwhile()) }()
				return sgptest.Status(http.StatusInternalServerError)
			}
		}
		return sgptest.Fault{}
	}
}

func meanwhile() ptrace.Traces {
	return spansOf(1, func(_ int, s ptrace.Span) { s.SetTraceID(pcommon.TraceID{0: 8}); s.SetName("meanwhile") })
}

func TestTheSpansOfATraceAreInOneLane(t *testing.T) {
	b := &batch{}
	for i := range 300 {
		in := mapping.Input{TraceID: trace.TraceID{15: byte(i % 30), 3: byte(i % 30)}}
		b.inputs = append(b.inputs, in)
	}
	lanes := b.split(4)
	in := map[trace.TraceID]int{}
	spans := 0
	for lane, indexes := range lanes {
		assert.True(t, slices.IsSorted(indexes))
		assert.Greater(t, len(indexes), 30, "no lane has nearly nothing")
		spans += len(indexes)
		for _, i := range indexes {
			if other, seen := in[b.inputs[i].TraceID]; seen {
				require.Equal(t, other, lane)
			}
			in[b.inputs[i].TraceID] = lane
		}
	}
	assert.Equal(t, 300, spans)
}

// None of three requests is answered: they are under way at once, and no others.
func TestABatchIsSentInRequestsAtOnce(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue, func(c *Config) { c.MaxConcurrentRequests, c.MaxRequestItems = 3, 1 })
	p.sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Hang() })
	ctx, cancel := context.WithCancel(t.Context())
	var push sync.WaitGroup
	push.Go(func() {
		assert.Error(t, p.traces.ConsumeTraces(ctx, spansOf(100, func(i int, s ptrace.Span) { s.SetTraceID(pcommon.TraceID{14: byte(i)}) })))
	})
	require.NoError(t, p.sgp.WaitForRequests(t.Context(), func(r []sgptest.Request) bool { return len(r) == 3 }))
	cancel()
	push.Wait()
	assert.Len(t, p.sgp.Requests(), 3)
}

func otherTrace() ptrace.Traces {
	return spansOf(1, func(_ int, s ptrace.Span) { s.SetTraceID(pcommon.TraceID{0: 9}); s.SetName("other") })
}

// choose keeps resource, scope and order.
func TestChooseCopiesWholeSpans(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue)
	td := ptrace.NewTraces()
	for r := range 2 {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutInt("r", int64(r))
		rs.SetSchemaUrl("schema")
		for s := range 2 {
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName(string(rune('a' + s)))
			for range 2 {
				ss.Spans().AppendEmpty().SetName(string(rune('0' + td.SpanCount())))
			}
		}
	}
	b := p.traces.(*arrival).exp.read(td)
	defer b.release()
	got := b.choose(td, []int{0, 1, 3, 6})
	var all []string
	for _, rs := range got.ResourceSpans().All() {
		number, _ := rs.Resource().Attributes().Get("r")
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				all = append(all, number.AsString()+rs.SchemaUrl()+ss.Scope().Name()+s.Name())
			}
		}
	}
	assert.Equal(t, []string{"0schemaa1", "0schemaa2", "0schemab4", "1schemab7"}, all)
}

// A shutdown ends the waits of what fails: without a persistent queue it is lost, and said so.
func TestShutdownDoesNotWaitForSGP(t *testing.T) {
	p := newPipeline(t, nil, nil, func(c *Config) { c.Retry.InitialInterval = time.Hour; c.Retry.MaxInterval = time.Hour })
	p.sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(http.StatusServiceUnavailable) })
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(1)))
	require.NoError(t, p.sgp.WaitForRequests(t.Context(), func(r []sgptest.Request) bool { return len(r) > 0 }))
	p.stop()
	assert.Empty(t, p.names())
}

// What is left when the Collector shuts down is not given up, a refused key's spans
// included: a persistent queue keeps it.
func TestAtShutdownNothingIsGivenUp(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusUnauthorized} {
		p := newPipeline(t, nil, nil, func(c *Config) { c.Retry.InitialInterval = time.Hour; c.Retry.MaxInterval = time.Hour })
		p.sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(status) })
		exp := p.traces.(*arrival).exp
		result := make(chan error, 1)
		go func() { result <- exp.pushTraces(context.Background(), spansOf(1)) }()
		require.NoError(t, p.sgp.WaitForRequests(t.Context(), func(r []sgptest.Request) bool { return len(r) > 0 }))
		exp.beginShutdown()
		err := <-result
		require.Error(t, err)
		assert.False(t, consumererror.IsPermanent(err), "%d", status)
	}
}
