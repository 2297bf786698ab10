package asyncprocessor_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// Nor does a START keep what is added later while it waits for a batch that takes longer than two seconds to fill.
func TestAStartThatWaitsForItsBatchDoesNotKeepWhatIsAddedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := make(hangUntil)
		close(exp)
		p := asyncprocessor.New(exp, parked(asyncprocessor.WithMaxTrackedSpans(0), asyncprocessor.WithUnfinishedSpans(false))...)
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		var prompts []weak.Pointer[byte]
		offerEnd(p, "begins the batch")
		synctest.Wait()
		func() {
			for range 10 {
				_, s := tracer.Start(t.Context(), "never ends")
				prompts = append(prompts, addPrompt(s, 20_000))
			}
		}()
		time.Sleep(2100 * time.Millisecond)
		synctest.Wait()
		n := alive(prompts)
		require.Equal(t, int64(11), p.Stats().Queued)
		assert.Zero(t, n)
		require.NoError(t, p.Shutdown(t.Context()))
		runtime.KeepAlive(tracer)
	})
}
