package asyncprocessor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// A span that the backend shows as running is closed when its END is lost, also an END that took the place of an
// update that waited.
func TestASpanWhoseEndTookTheUpdatesPlaceIsClosed(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			switch snapshots[0].Phase {
			case asyncprocessor.PhaseUpdate:
				return forNow(snapshots)
			case asyncprocessor.PhaseEnd:
				return errors.New("lost")
			default:
				return nil
			}
		}
		p := inFlight(t, exp)
		_, span := start(t.Context(), p, "agent")
		require.NoError(t, p.ForceFlush(t.Context()))
		span.SetAttributes(attribute.String("k", "v"))
		time.Sleep(12 * time.Second)
		synctest.Wait()
		require.Contains(t, exp.names(), "UPDATE agent")
		end(p, span)
		require.Error(t, p.ForceFlush(t.Context()))
		time.Sleep(time.Minute)
		synctest.Wait()
		names := exp.names()
		assert.Equal(t, "UNFINISHED agent", names[len(names)-1])
	})
}

// And one that took the place of a START that failed for now: no answer came, and the backend may have stored it.
func TestASpanWhoseEndTookThePlaceOfAStartWithoutAnswerIsClosed(t *testing.T) {
	for name, endsEarly := range map[string]bool{"while its START rests": false, "while its START is with the exporter": true} {
		t.Run(name, func(t *testing.T) {
			collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
					switch n {
					case 1:
						time.Sleep(time.Second)
						return forNow(snapshots) // stored, and the answer is lost
					case 2:
						return errors.New("lost")
					default:
						return nil
					}
				}
				p := inFlight(t, exp)
				_, span := start(t.Context(), p, "agent")
				time.Sleep(time.Second) // it is with the exporter
				if !endsEarly {
					time.Sleep(510 * time.Millisecond)
				}
				end(p, span)
				time.Sleep(time.Minute)
				synctest.Wait()
				assert.Equal(t, []string{"START agent", "END agent", "UNFINISHED agent"}, exp.names())
			})
		})
	}
}

// An END is counted as processed once, when the exporter first has it.
func TestAnEndIsProcessedOnce(t *testing.T) {
	t.Run("in the place of a START that failed for now", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			reader := sdkmetric.NewManualReader()
			exp := new(recorder)
			exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
				if n == 1 {
					return forNow(snapshots)
				}
				return nil
			}
			p := newProcessor(t, exp, asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
			_, span := start(t.Context(), p, "a")
			time.Sleep(600 * time.Millisecond)
			end(p, span)
			time.Sleep(time.Minute)
			require.Equal(t, []string{"START a", "END a"}, exp.names())
			assert.Equal(t, int64(1), collect(t, reader)["otel.sdk.processor.span.processed"])
		})
	})
	t.Run("what remains of one larger than the queue", func(t *testing.T) {
		collectReports(t)
		reader := sdkmetric.NewManualReader()
		p := newProcessor(t, new(recorder), asyncprocessor.WithMaxQueueBytes(50_000),
			asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		offerEnd(p, "a", payload(50_000))
		require.NoError(t, p.Shutdown(t.Context()))
		got := collect(t, reader)
		assert.Equal(t, int64(1), got["otel.sdk.processor.span.processed"])
		assert.Zero(t, got["otel.sdk.processor.span.processed/too_large"])
		assert.Equal(t, int64(1), got["asyncprocessor.snapshot.dropped/too_large"])
	})
	t.Run("failed for now and given up by Shutdown", func(t *testing.T) {
		collectReports(t)
		synctest.Test(t, func(t *testing.T) {
			reader := sdkmetric.NewManualReader()
			exp := new(recorder)
			exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error { return forNow(snapshots) }
			p := newProcessor(t, exp, asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
			offerEnd(p, "a")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			require.Error(t, p.Shutdown(ctx))
			got := collect(t, reader)
			assert.Equal(t, int64(1), got["otel.sdk.processor.span.processed"]+got["otel.sdk.processor.span.processed/shutdown_deadline"])
		})
	})
}

// Under StartAlways too, where an END may come while its START waits.
func TestASpanWhoseStartAndEndLeaveTogetherIsClosed(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			for i, s := range snapshots {
				if s.Phase == asyncprocessor.PhaseEnd {
					return &asyncprocessor.ExportError{Undelivered: []int{i}, Reason: asyncprocessor.ReasonRejected, Err: errors.New("no")}
				}
			}
			return nil
		}
		p := inFlight(t, exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
		_, span := start(t.Context(), p, "agent")
		end(p, span)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"START agent", "END agent", "UNFINISHED agent"}, exp.names())
	})
}

// After Shutdown nothing is held, so nothing is tracked.
func TestNothingIsTrackedAfterShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		p := newProcessor(t, new(recorder), asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		start(t.Context(), p, "runs on")
		time.Sleep(time.Minute)
		require.Equal(t, int64(1), p.Stats().Tracked)
		require.NoError(t, p.Shutdown(t.Context()))
		time.Sleep(time.Minute)
		assert.Zero(t, p.Stats().Tracked)
		assert.Zero(t, collect(t, reader)["asyncprocessor.span.oldest_age"])
	})
}
