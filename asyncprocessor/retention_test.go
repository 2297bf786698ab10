package asyncprocessor

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// alive counts those that the collector has not freed.
func alive(pointers []weak.Pointer[byte]) int {
	runtime.GC()
	runtime.GC() // a pool gives up what it held at the second
	n := 0
	for _, p := range pointers {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// addPrompt sets an attribute whose memory can be watched.
func addPrompt(span trace.Span) weak.Pointer[byte] {
	prompt := strings.Repeat("x", 100)
	span.SetAttributes(attribute.String("prompt", prompt))
	return weak.Make(unsafe.StringData(prompt))
}

// While the queue is full, spans grow and end whose STARTs wait in it: in the log, or, of a
// trace that is with the exporter, in its shard. Their ENDs are dropped, and then nothing is
// kept of what they had grown to.
func TestStartsDoNotKeepWhatIsAddedLater(t *testing.T) {
	for name, parent := range map[string]context.Context{
		"of many traces": context.Background(),
		"of one trace": trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
		})),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := &hangUntil{until: make(chan struct{})}
				p := New(exp, WithMaxQueueSize(100), WithMaxExportBatchSize(1), WithConcurrency(1), WithStartPolicy(StartAlways))
				tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
				var prompts []weak.Pointer[byte]
				func() {
					var spans []trace.Span
					for range 100 { // from the 75th on they are refused
						_, s := tracer.Start(parent, "long")
						spans = append(spans, s)
						synctest.Wait() // the first is with the exporter
					}
					for _, s := range spans[:25] {
						s.End() // the queue is full now
					}
					for _, s := range spans[25:] { // those that were refused too
						prompts = append(prompts, addPrompt(s))
						s.End()
					}
				}()
				require.Equal(t, uint64(75), p.Stats().DroppedBy[ReasonQueueFull])
				assert.Zero(t, alive(prompts))
				close(exp.until)
				require.NoError(t, p.ForceFlush(t.Context()))
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}

// The records of STARTs share allocations. One that waits keeps no span of those
// whose START was left out.
func TestAStartDoesNotKeepItsNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(heldByName{}, WithBatchTimeout(time.Hour))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		var prompts []weak.Pointer[byte]
		for range 8 {
			_, s := tracer.Start(context.Background(), "short")
			prompts = append(prompts, addPrompt(s))
			s.End()
		}
		require.NoError(t, p.ForceFlush(t.Context()))
		require.Equal(t, uint64(8), p.Stats().Coalesced)
		tracer.Start(context.Background(), "waits")
		assert.Zero(t, alive(prompts))
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

// The queue keeps nothing of STARTs that were exported, not even while it is idle.
func TestExportedStartsAreNotKept(t *testing.T) {
	for name, last := range map[string]func(*testing.T, *Processor){
		"idle":     func(t *testing.T, p *Processor) { require.NoError(t, p.ForceFlush(t.Context())) },
		"shutdown": func(t *testing.T, p *Processor) { require.NoError(t, p.Shutdown(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New(deliverAll{}, WithStartPolicy(StartAlways))
				tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
				var prompts []weak.Pointer[byte]
				func() {
					var spans []trace.Span
					for range 2*slabSize + slabSize/2 { // not all slabs are full, whichever STARTs have records of their own
						_, s := tracer.Start(t.Context(), "long")
						spans = append(spans, s)
					}
					require.NoError(t, p.ForceFlush(t.Context()))
					for _, s := range spans {
						prompts = append(prompts, addPrompt(s))
						s.End()
					}
				}()
				last(t, p)
				synctest.Wait()
				assert.Zero(t, alive(prompts))
				runtime.KeepAlive(tracer)
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}

// Nor of those that Shutdown gave up, or that came back after it did.
func TestGivenUpStartsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &hangUntil{until: make(chan struct{})}
		p := New(exp, WithStartPolicy(StartAlways), WithConcurrency(1), WithMaxExportBatchSize(1))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		var prompts []weak.Pointer[byte]
		func() {
			var spans []trace.Span
			for range slabSize + slabSize/2 {
				_, s := tracer.Start(t.Context(), "long")
				spans = append(spans, s)
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.Error(t, p.Shutdown(ctx))
			for _, s := range spans {
				prompts = append(prompts, addPrompt(s))
				s.End()
			}
		}()
		close(exp.until)
		synctest.Wait()
		// Dispatcher and queue are reachable, as they are in a service that goes on.
		n := alive(prompts)
		runtime.KeepAlive(p)
		runtime.KeepAlive(tracer)
		assert.Zero(t, n)
	})
}

// A START that was detached says the same as before.
func TestDetachedStart(t *testing.T) {
	remote := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true,
	})
	_, live := sdktrace.NewTracerProvider().Tracer("scope", trace.WithInstrumentationVersion("1.2")).Start(
		trace.ContextWithRemoteSpanContext(context.Background(), remote), "name",
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(time.Unix(1, 0)))
	s := new(startSpan)
	s.fix(live.(sdktrace.ReadOnlySpan), sdkspan.PeekLive(live.(sdktrace.ReadOnlySpan)))
	s.detach()
	live.SetName("another")
	assert.Equal(t, "name", s.Name())
	assert.Equal(t, live.SpanContext(), s.SpanContext())
	assert.Equal(t, remote, s.Parent())
	assert.Equal(t, trace.SpanKindClient, s.SpanKind())
	assert.Equal(t, time.Unix(1, 0), s.StartTime())
	assert.Equal(t, "scope", s.InstrumentationScope().Name)
	assert.Equal(t, "1.2", s.InstrumentationScope().Version)
	assert.Equal(t, "scope", s.InstrumentationLibrary().Name)
	assert.Same(t, live.(sdktrace.ReadOnlySpan).Resource(), s.Resource())
	again := s.ReadOnlySpan
	s.detach()
	assert.Same(t, again, s.ReadOnlySpan)
}

// forwarder is an exporter that hands the spans that it gets to another processor.
type forwarder struct {
	to   *Processor
	kept []sdktrace.ReadOnlySpan
}

func (e *forwarder) ExportSnapshots(_ context.Context, snapshots []Snapshot) error {
	for _, s := range snapshots {
		e.kept = append(e.kept, s.Span)
		e.to.OnEnd(s.Span)
	}
	return nil
}

func (*forwarder) Shutdown(context.Context) error { return nil }

// What an exporter keeps stays as it is, also when another processor refuses it.
func TestAnotherProcessorsStartIsNotReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &hangUntil{until: make(chan struct{})}
		full := New(exp, WithMaxQueueSize(1))
		offerTo(full, 1, PhaseEnd)
		forward := &forwarder{to: full}
		p := New(forward, WithStartPolicy(StartAlways))
		sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t").Start(context.Background(), "name")
		require.NoError(t, p.ForceFlush(t.Context()))
		require.Equal(t, uint64(1), full.Stats().DroppedBy[ReasonQueueFull])
		assert.Equal(t, "name", forward.kept[0].Name())
		close(exp.until)
		require.NoError(t, p.Shutdown(t.Context()))
		require.NoError(t, full.Shutdown(t.Context()))
	})
}

// A backlog that is gone leaves little behind.
func TestNodesAreGivenUpAfterABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &hangUntil{until: make(chan struct{})}
		p := New(exp, WithConcurrency(1))
		for n := range uint16(30_000) {
			offerTo(p, n%(maxReady/2), PhaseEnd)
		}
		time.Sleep(2 * DefaultBatchTimeout) // what has waited so long is put into the shards
		synctest.Wait()
		require.Greater(t, p.dispatcher.shards.waiting, maxFreeNodes*nodeSize)
		close(exp.until)
		require.NoError(t, p.ForceFlush(t.Context()))
		synctest.Wait()
		assert.LessOrEqual(t, p.dispatcher.shards.nodes.count, maxFreeNodes)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(30_000), p.Stats().Exported)
	})
}

// What waited in a shard and was delivered is kept by nobody.
func TestNodesKeepNoSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &hangUntil{until: make(chan struct{})}
		p := New(exp)
		offerTo(p, 1, PhaseEnd)
		time.Sleep(2 * DefaultBatchTimeout) // it is with the exporter
		for range 3*nodeSize + 1 {
			offerTo(p, 1, PhaseEnd)
		}
		time.Sleep(2 * DefaultBatchTimeout)
		synctest.Wait()
		require.Equal(t, 3*nodeSize+1, p.dispatcher.shards.waiting)
		close(exp.until)
		require.NoError(t, p.ForceFlush(t.Context()))
		synctest.Wait()
		require.Equal(t, blockSize, p.dispatcher.shards.nodes.count)
		for n := p.dispatcher.shards.nodes.first; n != nil; n = n.next {
			for i := range n.entries {
				assert.Nil(t, n.entries[i].span)
			}
		}
		require.NoError(t, p.Shutdown(t.Context()))
	})
}
