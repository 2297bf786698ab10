package asyncprocessor_test

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

	"github.com/otelsgp/otelsgp/asyncprocessor"
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
func addPrompt(span trace.Span, bytes int) weak.Pointer[byte] {
	prompt := strings.Repeat("x", bytes)
	span.SetAttributes(attribute.String("prompt", prompt))
	return weak.Make(unsafe.StringData(prompt))
}

// hangUntil is an exporter whose calls wait for a channel and deliver.
type hangUntil chan struct{}

func (h hangUntil) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error {
	<-h
	return nil
}

func (hangUntil) Shutdown(context.Context) error { return nil }

// What a span that is not tracked gets after its start costs the queue nothing for longer than two
// seconds, whether it ends or not, while its START waits or is with the exporter.
func TestStartsDoNotKeepWhatIsAddedLater(t *testing.T) {
	for name, opts := range map[string][]asyncprocessor.Option{
		"not tracked":              {asyncprocessor.WithMaxTrackedSpans(0)},
		"above the bound of bytes": {asyncprocessor.WithMaxQueueBytes(1 << 20), asyncprocessor.WithUpdateInterval(0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := make(hangUntil)
				p := asyncprocessor.New(exp, append(opts, asyncprocessor.WithMaxExportBatchSize(100), asyncprocessor.WithConcurrency(1),
					asyncprocessor.WithExportTimeout(0), asyncprocessor.WithUnfinishedSpans(false))...)
				tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
				var prompts []weak.Pointer[byte]
				func() {
					for range 300 { // a batch is with the exporter, the others wait
						_, s := tracer.Start(t.Context(), "never ends")
						prompts = append(prompts, addPrompt(s, 20_000))
					}
				}()
				time.Sleep(2100 * time.Millisecond)
				synctest.Wait()
				s := p.Stats()
				require.Equal(t, int64(300), s.Queued+s.InFlight)
				if name == "not tracked" {
					assert.Zero(t, alive(prompts))
				} else {
					assert.LessOrEqual(t, alive(prompts), (1<<20)/20_000)
				}
				close(exp)
				require.NoError(t, p.Shutdown(t.Context()))
				runtime.KeepAlive(tracer)
			})
		})
	}
}

// A START that was left out keeps nothing, nor does one whose span has ended.
func TestNothingIsKeptOfSpansThatEnded(t *testing.T) {
	for name, policy := range map[string]asyncprocessor.StartPolicy{
		"coalesced": asyncprocessor.StartCoalesced, "always": asyncprocessor.StartAlways, "never": asyncprocessor.StartNever,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := make(hangUntil)
				close(exp)
				p := asyncprocessor.New(exp, asyncprocessor.WithStartPolicy(policy))
				tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
				var prompts []weak.Pointer[byte]
				func() {
					var long []trace.Span
					for range 40 {
						_, s := tracer.Start(t.Context(), "short")
						prompts = append(prompts, addPrompt(s, 100))
						s.End()
						_, s = tracer.Start(t.Context(), "long")
						long = append(long, s)
					}
					require.NoError(t, p.ForceFlush(t.Context()))
					for _, s := range long {
						prompts = append(prompts, addPrompt(s, 100))
						s.End()
					}
				}()
				require.NoError(t, p.ForceFlush(t.Context()))
				synctest.Wait()
				assert.Zero(t, alive(prompts))
				assert.Zero(t, p.Stats().Tracked)
				runtime.KeepAlive(tracer)
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}

// Nor of what Shutdown gave up, also when it comes back after that.
func TestNothingIsKeptOfWhatShutdownGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := make(hangUntil)
		p := asyncprocessor.New(exp, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxExportBatchSize(1))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		var prompts []weak.Pointer[byte]
		func() {
			for range 20 {
				_, s := tracer.Start(t.Context(), "long")
				prompts = append(prompts, addPrompt(s, 100))
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.Error(t, p.Shutdown(ctx))
		}()
		close(exp)
		synctest.Wait()
		n := alive(prompts)
		runtime.KeepAlive(p) // as in a service that goes on
		runtime.KeepAlive(tracer)
		assert.Zero(t, n)
	})
}
