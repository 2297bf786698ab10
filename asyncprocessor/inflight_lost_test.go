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
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// However an export loses the END of a span whose START was stored, the span is closed, with its true end and status and all
// that the END said.
func TestASpanWhoseEndAnExportLostIsClosed(t *testing.T) {
	for reason, lose := range map[asyncprocessor.DropReason]func(ctx context.Context) error{
		"export_failed": func(context.Context) error { return errors.New("failed") },
		"rejected": func(context.Context) error {
			return &asyncprocessor.ExportError{Undelivered: []int{0}, Reason: asyncprocessor.ReasonRejected, Err: errors.New("no")}
		},
		"exporter_panic": func(context.Context) error { panic("a fault") },
		"deadline":       func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(string(reason), func(t *testing.T) {
			collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(ctx context.Context, n int, _ []asyncprocessor.Snapshot) error {
					if n == 2 {
						return lose(ctx)
					}
					return nil
				}
				p := inFlight(t, exp, asyncprocessor.WithExportTimeout(3*time.Second))
				_, span := start(t.Context(), p, "agent")
				require.NoError(t, p.ForceFlush(t.Context()))
				time.Sleep(2 * time.Second)
				span.SetAttributes(attribute.String("answer", "42"))
				span.SetStatus(codes.Error, "failed")
				endedAt := time.Now()
				end(p, span)
				require.Error(t, p.ForceFlush(t.Context()))
				time.Sleep(time.Minute)
				synctest.Wait()
				require.Equal(t, []string{"START agent", "END agent", "UNFINISHED agent"}, exp.names())
				last := exp.snapshot(t, "UNFINISHED agent")
				assert.Equal(t, endedAt, last.EndTime())
				assert.Equal(t, codes.Error, last.Status().Code)
				assert.Equal(t, []attribute.KeyValue{attribute.String("answer", "42")}, last.Attributes())
				s := balanced(t, p)
				assert.Equal(t, uint64(1), s.Dropped)
				assert.Equal(t, uint64(2), s.Exported)
			})
		})
	}
}

// An update has the links of the START, whatever links come later: the SDK shares those with the application. It has the
// events, name and status of now.
func TestAnUpdateHasTheLinksOfTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp)
		_, span := start(t.Context(), p, "agent", trace.WithLinks(trace.Link{SpanContext: linked}))
		require.NoError(t, p.ForceFlush(t.Context()))
		shared := []attribute.KeyValue{attribute.String("k", "before")}
		span.AddLink(trace.Link{SpanContext: linked, Attributes: shared})
		span.AddEvent("event")
		span.SetName("renamed")
		span.SetStatus(codes.Error, "failing")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		shared[0] = attribute.String("k", "after")
		require.Equal(t, []string{"START agent", "UPDATE renamed"}, exp.names())
		update := exp.snapshot(t, "UPDATE renamed")
		require.Len(t, update.Links(), 1)
		assert.Empty(t, update.Links()[0].Attributes)
		assert.Len(t, update.Events(), 1)
		assert.Equal(t, codes.Error, update.Status().Code)
		assert.True(t, update.EndTime().IsZero())
	})
}
