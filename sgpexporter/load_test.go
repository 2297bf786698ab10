package sgpexporter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Faults under a load of 2,000 spans/s, on the clock of a bubble: the same whatever the
// machine does. integration/faults has them with processes and sockets.

// load makes 2,000 spans/s, in traces of four, and returns how many ended. Every second
// root runs for 0.8 s, so that its START is delivered apart. name names a child.
func load(tracer trace.Tracer, lasts time.Duration, name func() string) (ended int) {
	const tick, traces = 20 * time.Millisecond, 10
	for range lasts / tick {
		time.Sleep(tick)
		for n := range traces {
			ctx, root := tracer.Start(context.Background(), "root")
			for range 3 {
				_, child := tracer.Start(ctx, name())
				child.End()
				ended++
			}
			if n%2 == 0 {
				root.End()
			} else {
				time.AfterFunc(800*time.Millisecond, func() { root.End() })
			}
			ended++
		}
	}
	time.Sleep(810 * time.Millisecond) // the last roots
	return ended
}

// service is a processor with its defaults, in front of a server with 50 ms of latency.
func service(t *testing.T) (*sgptest.Server, *asyncprocessor.Processor, trace.Tracer) {
	srv, exp := newExporter(t, []sgptest.Option{
		sgptest.WithInMemoryNetwork(), sgptest.WithLatency(50 * time.Millisecond), sgptest.WithMaxRequests(1),
	})
	sgpexporter.Handled(t)
	proc := asyncprocessor.New(exp)
	return srv, proc, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("test")
}

// completed is the number of spans that the server has an end of.
func completed(srv *sgptest.Server) (n int) {
	for _, span := range srv.Spans() {
		if span.Completed() {
			n++
		}
	}
	return n
}

// A server that answers nothing for 12 s costs no END, and no START.
func TestTwelveSecondsWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, proc, tracer := service(t)
		begin := time.Now()
		srv.SetFault(func(*sgptest.Request) sgptest.Fault {
			if since := time.Since(begin); since > time.Second && since < 13*time.Second {
				return sgptest.Hang()
			}
			return sgptest.Fault{}
		})
		ended := load(tracer, 15*time.Second, func() string { return "child" })
		require.NoError(t, proc.Shutdown(context.Background()))
		assert.Empty(t, proc.Stats().DroppedBy)
		assert.Equal(t, ended, completed(srv))
		require.NoError(t, srv.CheckOrder())
		synctest.Wait()
	})
}

// Spans that SGP refuses cost no other span, and Shutdown after 10 s of them is short.
func TestRefusedSpansCostNoOther(t *testing.T) {
	for _, c := range []struct {
		percent  int
		named    bool
		shutdown time.Duration
	}{
		{1, true, 8 * time.Second},
		{3, true, 8 * time.Second},
		{10, true, 15 * time.Second},
		{1, false, 8 * time.Second},
		{3, false, 8 * time.Second},
		{10, false, 15 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d %%, named: %v", c.percent, c.named), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, proc, tracer := service(t)
				isBad := func(item *sgptest.Span) bool { return item.Name == "refused" }
				srv.SetFault(sgptest.RefuseItems(422, isBad))
				if c.named {
					srv.SetFault(sgptest.RefuseNamed(422, isBad))
				}
				bad, random := 0, rand.New(rand.NewPCG(1, 2))
				lasts := 4 * time.Second
				if raceDetector { // it takes six times as long
					lasts = 2 * time.Second
				}
				ended := load(tracer, lasts, func() string {
					if random.IntN(75) >= c.percent { // three quarters of the spans are children
						return "child"
					}
					bad++
					return "refused"
				})
				begin := time.Now()
				err := proc.Shutdown(context.Background())
				t.Logf("%d of %d refused, Shutdown %v, %v", bad, ended, time.Since(begin), err)
				assert.Less(t, time.Since(begin), c.shutdown)
				dropped := proc.Stats().DroppedBy
				assert.Len(t, dropped, 1)
				assert.GreaterOrEqual(t, int(dropped[asyncprocessor.ReasonRejected]), bad, "STARTs may be among them")
				assert.Equal(t, ended-bad, completed(srv))
				require.NoError(t, srv.CheckOrder())
				synctest.Wait()
			})
		})
	}
}
