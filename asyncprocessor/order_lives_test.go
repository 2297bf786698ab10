package asyncprocessor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// When a START comes back that failed for now, the END of its own life takes its place, and not that of a later one.
func TestLivesOfAnIDStayInOrderWhenAStartComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
			if n > 1 {
				return nil
			}
			time.Sleep(time.Second)
			return &asyncprocessor.ExportError{Undelivered: []int{0}, Retryable: true, Err: errors.New("for now")}
		}
		p := newProcessor(t, exp)
		ids := sdktrace.WithIDGenerator(sameIDs{})
		life := func(name string) func() {
			_, span := sdktrace.NewTracerProvider(ids).Tracer("t").Start(t.Context(), name)
			p.OnStart(t.Context(), span.(sdktrace.ReadWriteSpan))
			return func() { end(p, span) }
		}
		endFirst := life("first life")
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, []string{"START first life"}, exp.names())
		endFirst()
		life("second life")()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"START first life", "END first life", "END second life"}, exp.names())
		assert.Equal(t, uint64(1), balanced(t, p).DroppedBy[asyncprocessor.ReasonAlreadyEnded])
	})
}

// A life whose END was lost is not closed when the id has started again: that would be the last word on the later life.
func TestALifeIsNotClosedAfterALaterOne(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
			if n != 2 {
				return nil
			}
			return &asyncprocessor.ExportError{Undelivered: []int{0}, Reason: asyncprocessor.ReasonRejected, Err: errors.New("no")}
		}
		p := inFlight(t, exp)
		life := func(name string) func() {
			_, span := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(sameIDs{})).Tracer("t").Start(t.Context(), name)
			p.OnStart(t.Context(), span.(sdktrace.ReadWriteSpan))
			return func() { end(p, span) }
		}
		endFirst := life("first life")
		require.NoError(t, p.ForceFlush(t.Context()))
		endFirst()
		life("second life")()
		require.Error(t, p.ForceFlush(t.Context()))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"START first life", "END first life", "END second life"}, exp.names())
	})
}

// sameIDs gives every span the same id.
type sameIDs struct{}

func (sameIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return trace.TraceID{1}, trace.SpanID{1}
}

func (sameIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return trace.SpanID{1} }
