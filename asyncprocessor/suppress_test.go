package asyncprocessor_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// traced makes an exporter that traces its own calls with tracer, in every way that
// an instrumented HTTP client may: nested, in goroutines of its own, as a new root,
// and with a span that ends after the call.
type traced struct {
	tracer func() trace.Tracer
	late   sync.WaitGroup // spans that have not ended
	end    chan struct{}  // closed when they shall
}

func newTraced(provider **sdktrace.TracerProvider) *traced {
	return &traced{
		tracer: func() trace.Tracer { return (*provider).Tracer("http client") },
		end:    make(chan struct{}),
	}
}

func (e *traced) export(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
	tracer := e.tracer()
	ctx, request := tracer.Start(ctx, "own request")
	nested, dial := tracer.Start(ctx, "own dial")
	_, root := tracer.Start(nested, "own root", trace.WithNewRoot())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			_, s := tracer.Start(ctx, "own goroutine")
			s.End()
		})
	}
	wg.Wait()
	root.End()
	dial.End()
	request.End()
	_, late := tracer.Start(ctx, "own late")
	e.late.Go(func() {
		<-e.end
		late.End()
	})
	return nil
}

func (e *traced) shutdown(ctx context.Context) error {
	_, s := e.tracer().Start(ctx, "own shutdown")
	s.End()
	return nil
}

// finish ends the late spans.
func (e *traced) finish() {
	close(e.end)
	e.late.Wait()
}

func TestExporterThatTracesItselfDoesNotFeedItself(t *testing.T) {
	for name, opts := range map[string][]asyncprocessor.Option{
		"default":                    nil,
		"StartAlways":                {asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways)},
		"StartNever":                 {asyncprocessor.WithStartPolicy(asyncprocessor.StartNever)},
		"blocking with a queue of 1": {asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(1)},
		"blocking with a queue of 2": {asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2), asyncprocessor.WithConcurrency(1)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tp *sdktrace.TracerProvider
				own := newTraced(&tp)
				exp := &recorder{export: own.export, shutdown: own.shutdown}
				p := newProcessor(t, exp, opts...)
				other := new(endKeeper)
				tp = provider(p, other)
				for range 5 {
					_, span := tp.Tracer("app").Start(t.Context(), "app")
					span.End()
					time.Sleep(time.Second)
				}
				require.NoError(t, p.ForceFlush(t.Context()))
				own.finish()
				time.Sleep(time.Hour)
				before := balanced(t, p)
				time.Sleep(24 * time.Hour)
				assert.Equal(t, before, balanced(t, p), "nothing goes on for ever")
				require.NoError(t, p.Shutdown(t.Context()))

				ends := 0
				for _, name := range exp.names() {
					assert.Contains(t, []string{"START app", "END app"}, name)
					if name == "END app" {
						ends++
					}
				}
				assert.Equal(t, 5, ends)
				s := balanced(t, p)
				assert.Equal(t, s.Offered, s.Exported+s.Coalesced, "spans of its own are not offered at all")

				calls := len(exp.calls())
				seen := map[string]int{}
				for _, s := range other.spans {
					seen[s.Name()]++
				}
				assert.Equal(t, map[string]int{
					"app": 5, "own request": calls, "own dial": calls, "own root": calls, "own goroutine": 3 * calls,
					"own late": calls, "own shutdown": 1,
				}, seen, "another processor sees them all")
				assert.Len(t, other.started, 6+7*calls)
			})
		})
	}
}

// Two processors on one provider, each with an exporter that traces itself, do not
// feed each other.
func TestTwoProcessorsDoNotFeedEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tp *sdktrace.TracerProvider
		one, two := newTraced(&tp), newTraced(&tp)
		exp1, exp2 := &recorder{export: one.export}, &recorder{export: two.export}
		blocking := []asyncprocessor.Option{asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2)}
		p1, p2 := newProcessor(t, exp1, blocking...), newProcessor(t, exp2, blocking...)
		tp = provider(p1, p2)
		for range 5 {
			_, span := tp.Tracer("app").Start(t.Context(), "app")
			span.End()
		}
		time.Sleep(time.Hour)
		one.finish()
		two.finish()
		time.Sleep(time.Hour)
		require.NoError(t, tp.Shutdown(t.Context()))
		for _, exp := range []*recorder{exp1, exp2} {
			ends := 0
			for _, name := range exp.names() {
				assert.Contains(t, []string{"START app", "END app"}, name)
				if name == "END app" {
					ends++
				}
			}
			assert.Equal(t, 5, ends)
		}
	})
}

// The mark is on the exporter's context alone: a span of the application that has
// nothing to do with a call is exported while one is under way.
func TestOtherSpansAreExportedWhileAnExportIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tp *sdktrace.TracerProvider
		own := newTraced(&tp)
		exp := new(recorder)
		exp.export = func(ctx context.Context, n int, s []asyncprocessor.Snapshot) error {
			defer time.Sleep(10 * time.Second)
			return own.export(ctx, n, s)
		}
		p := newProcessor(t, exp)
		tp = provider(p)
		_, before := tp.Tracer("app").Start(t.Context(), "before")
		time.Sleep(time.Second)
		_, during := tp.Tracer("app").Start(t.Context(), "during")
		during.End()
		before.End()
		require.NoError(t, p.Shutdown(t.Context()))
		own.finish()
		assert.ElementsMatch(t, []string{"START before", "END before", "END during"}, exp.names())
	})
}

// Its spans are ignored after Shutdown too, rather than counted as refused.
func TestOwnSpansAfterShutdownAreNotOffered(t *testing.T) {
	var tp *sdktrace.TracerProvider
	own := newTraced(&tp)
	exp := &recorder{export: own.export, shutdown: own.shutdown}
	p := newProcessor(t, exp)
	tp = provider(p)
	_, span := tp.Tracer("app").Start(t.Context(), "app")
	span.End()
	require.NoError(t, p.Shutdown(t.Context()))
	own.finish()
	s := balanced(t, p)
	assert.Equal(t, uint64(2), s.Offered)
	assert.Empty(t, s.DroppedBy)
}

// What an exporter starts and never ends is not kept for ever, and costs the others
// nothing.
func TestOwnSpansThatNeverEndConcurrentSafe(t *testing.T) {
	var tp *sdktrace.TracerProvider
	exp := new(recorder)
	exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
		for range 20 {
			_, _ = tp.Tracer("http client").Start(ctx, "never ends")
		}
		return nil
	}
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(1))
	tp = provider(p)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				_, span := tp.Tracer("app").Start(context.Background(), "app")
				span.End()
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, uint64(1600), balanced(t, p).Offered)
}

// What an exporter sends with a context of its own is marked by SuppressContext.
func TestSpansUnderASuppressedContextAreNotOffered(t *testing.T) {
	p := newProcessor(t, new(recorder))
	tp := provider(p)
	ctx, request := tp.Tracer("http client").Start(asyncprocessor.SuppressContext(context.Background()), "own request")
	_, dial := tp.Tracer("http client").Start(ctx, "own dial")
	dial.End()
	request.End()
	_, span := tp.Tracer("app").Start(context.Background(), "app")
	span.End()
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, uint64(2), balanced(t, p).Offered)
}
