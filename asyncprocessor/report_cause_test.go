package asyncprocessor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// What is refused at the door is told as such, though an export lost something for the same reason before, or since the
// last report.
func TestARefusalIsNotToldWithAnExportsCause(t *testing.T) {
	for name, pause := range map[string]time.Duration{"a minute later": time.Minute, "in the same report": 0} {
		t.Run(name, func(t *testing.T) {
			log := collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				tooLarge := errors.New("413 Payload Too Large")
				exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
					for i, s := range snapshots {
						if s.Span.Name() == "refused by the server" {
							return &asyncprocessor.ExportError{Undelivered: []int{i}, Reason: asyncprocessor.ReasonTooLarge, Err: tooLarge}
						}
					}
					return nil
				}
				p := newProcessor(t, exp, asyncprocessor.WithMaxQueueBytes(50_000))
				offerEnd(p, "refused by the queue", payload(50_000)) // told at once: what follows waits for the interval
				synctest.Wait()
				require.Len(t, log.take(), 1)

				offerEnd(p, "refused by the server")
				require.Error(t, p.ForceFlush(t.Context()))
				time.Sleep(pause)
				synctest.Wait()
				offerEnd(p, "refused by the queue", payload(50_000))
				time.Sleep(time.Minute)
				synctest.Wait()

				refused, failed := 0, 0
				for _, err := range log.take() {
					require.ErrorIs(t, err, asyncprocessor.ErrDropped)
					assert.ErrorContains(t, err, "1 too_large")
					if errors.Is(err, tooLarge) {
						failed++
					} else {
						refused++
						assert.ErrorContains(t, err, "WithMaxQueueBytes")
					}
				}
				assert.Equal(t, 1, refused, "reports of what was refused")
				assert.Equal(t, 1, failed, "reports of what was not delivered")
			})
		})
	}
}

// exploding is an error that cannot be put into words, as a nil pointer with a method on its value cannot.
type exploding struct{}

func (exploding) Error() string { panic("no words") }

// An error of the exporter that panics when it is put into words does not end the process: only who prints what Shutdown
// returned asks for its text.
func TestShutdownDoesNotPutErrorsIntoWords(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return errors.New("lost") }
		exp.shutdown = func(context.Context) error { return exploding{} }
		p := asyncprocessor.New(exp)
		offerEnd(p, "a")
		var err error
		require.NotPanics(t, func() { err = p.Shutdown(t.Context()) })
		var failed *asyncprocessor.ShutdownError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, uint64(1), failed.Undelivered)
	})
}

// A handler that panics with one error is told the others all the same.
func TestAHandlerThatPanicsIsToldTheRest(t *testing.T) {
	log := collectReports(t)
	onReport(t, func(error) { panic("a handler's fault") })
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return errors.New("503") }
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(4))
		offerEnd(p, "begins the interval")
		require.Error(t, p.ForceFlush(t.Context()))
		synctest.Wait()
		require.Len(t, log.take(), 1)
		offerEnds(p, 5)
		require.Error(t, p.ForceFlush(t.Context()))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, log.take(), 2, "what was refused, and what was not delivered")
	})
}
