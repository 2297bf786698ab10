package sgpexporter_test

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// arrivals notes which spans a server stored, how often, and how many in each second.
type arrivals struct {
	refusal sgptest.Fault

	mu       sync.Mutex // guards what follows
	refuse   bool
	refused  int            // requests
	times    map[string]int // by id
	begin    time.Time      // of the outage or its end
	bySecond map[int]int    // from begin on
}

func (a *arrivals) fault(r *sgptest.Request) sgptest.Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse {
		a.refused++
		return a.refusal
	}
	for i := range r.Items {
		a.times[r.Items[i].ID]++
	}
	a.bySecond[int(time.Since(a.begin)/time.Second)] += len(r.Items)
	return sgptest.Fault{}
}

func (a *arrivals) isDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refuse, a.begin, a.bySecond = down, time.Now(), map[int]int{}
}

func newArrivals(refusal sgptest.Fault) *arrivals {
	return &arrivals{times: map[string]int{}, bySecond: map[int]int{}, refusal: refusal, begin: time.Now()}
}

// manyth is the n-th span of millions, of a trace of its own.
func manyth(n int) sdktrace.ReadOnlySpan {
	return span(0, func(s *tracetest.SpanStub) {
		s.SpanContext = trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{0: 1, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)},
			SpanID:  trace.SpanID{0: 1, 4: byte(n >> 24), 5: byte(n >> 16), 6: byte(n >> 8), 7: byte(n)}, TraceFlags: 1,
		})
	})
}

// An outage of ten minutes costs nothing, and all is delivered within seconds of its end. SPOOL_OUTAGE_RATE
// is the spans a second; "make soak" says 2,000.
func TestSpoolOutageOfTenMinutes(t *testing.T) {
	rate := 20
	if text := os.Getenv("SPOOL_OUTAGE_RATE"); text != "" {
		var err error
		rate, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				seen := newArrivals(sgptest.ResetConnection())
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithoutRecording(), sgptest.WithLatency(50 * time.Millisecond)},
					sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode))
				srv.SetFault(seen.fault)
				// The queue holds some seconds of the load.
				proc := asyncprocessor.New(exp, asyncprocessor.WithMaxQueueSize(10*rate), asyncprocessor.WithUnfinishedSpans(false))
				n := 0
				work := func(minutes int) {
					for range minutes * 600 {
						for range rate / 10 {
							n++
							proc.OnEnd(manyth(n))
						}
						time.Sleep(100 * time.Millisecond)
					}
				}
				work(1)
				seen.isDown(true)
				work(10)
				assert.Greater(t, exp.Stats().Spool.Items, int64(570*rate), "it is on disk")
				seen.isDown(false)
				over := time.Now()
				for exp.Stats().Spool.Items > int64(rate) { // with SpoolAlways something always is
					work(1)
					require.Less(t, time.Since(over), 10*time.Minute)
				}
				require.NoError(t, proc.Shutdown(t.Context()))
				assert.Equal(t, uint64(n), proc.Stats().Exported)
				assert.Empty(t, exp.Stats().Spool.Dropped)
				seen.mu.Lock()
				assert.Len(t, seen.times, n, "nothing is lost")
				busiest := 0
				recovered := time.Duration(0)
				for second, items := range seen.bySecond {
					busiest = max(busiest, items)
					if items > 2*rate {
						recovered = max(recovered, time.Duration(second+1)*time.Second)
					}
				}
				t.Logf("%d spans; %d requests during the outage; recovered after %s, at most %d spans in a second", n, seen.refused, recovered, busiest)
				seen.mu.Unlock()
				assert.LessOrEqual(t, recovered, 40*time.Second)
				synctest.Wait()
			})
		})
	}
}

// A server that comes back gets few spans first, and more with each request that it takes; less when it asks for
// less. While it is away it gets hardly a request.
func TestReplayRampsUpAndBacksOff(t *testing.T) {
	for status := range map[int]bool{http.StatusTooManyRequests: true, http.StatusServiceUnavailable: true} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				seen := newArrivals(sgptest.Status(status))
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithoutRecording()}, sgpexporter.WithSpool(t.TempDir()))
				srv.SetFault(seen.fault)
				seen.isDown(true)
				n := 0
				for range 200 {
					batch := make([]asyncprocessor.Snapshot, 500)
					for i := range batch {
						n++
						batch[i] = asyncprocessor.Snapshot{Phase: end, Span: manyth(n)}
					}
					require.NoError(t, exp.KeepSnapshots(t.Context(), batch))
				}
				time.Sleep(time.Minute)
				seen.mu.Lock()
				refused := seen.refused
				seen.mu.Unlock()
				assert.LessOrEqual(t, refused, 120, "requests in a minute of an outage")
				assert.GreaterOrEqual(t, refused, 6)

				seen.isDown(false)
				time.Sleep(10 * time.Second)
				seen.mu.Lock()
				var first int
				for second := range 10 {
					if first == 0 {
						first = seen.bySecond[second]
					}
				}
				most := 0
				for _, items := range seen.bySecond {
					most = max(most, items)
				}
				seen.mu.Unlock()
				assert.LessOrEqual(t, first, 500, "spans in the first second")
				assert.GreaterOrEqual(t, most, 5000, "spans in the best")
				for exp.Stats().Spool.Items > 0 {
					time.Sleep(time.Second)
				}
				assert.Len(t, seen.times, n)
				for id, times := range seen.times {
					require.Equal(t, 1, times, id)
				}
				synctest.Wait()
			})
		})
	}
}

// With a backlog of an hour in the spool, fresh spans of other traces are delivered at once, those of a trace
// that has some there in their order.
func TestFreshSpansDoNotWaitBehindABacklog(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithMaxRequests(0), sgptest.WithLatency(100 * time.Millisecond)},
					sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode))
				isDown(srv)
				n := 0
				for range 100 {
					batch := make([]asyncprocessor.Snapshot, 400)
					for i := range batch {
						n++
						batch[i] = asyncprocessor.Snapshot{Phase: end, Span: manyth(n)}
					}
					require.NoError(t, exp.KeepSnapshots(t.Context(), batch))
				}
				require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(start, 1)}))
				time.Sleep(time.Minute)
				srv.SetFault(nil)
				for exp.Stats().Spool.Delivered == 0 {
					time.Sleep(time.Millisecond)
				}
				proc := asyncprocessor.New(exp, asyncprocessor.WithBatchTimeout(50*time.Millisecond), asyncprocessor.WithUnfinishedSpans(false))
				fresh := manyth(n + 1)
				proc.OnEnd(fresh)
				proc.OnEnd(span(1)) // its START is the last in the spool
				time.Sleep(200 * time.Millisecond)
				_, found := srv.Span(fresh.SpanContext().TraceID().String(), fresh.SpanContext().SpanID().String())
				assert.True(t, found, "the fresh span is there after the batch timeout and one request")
				assert.Greater(t, exp.Stats().Spool.Items, int64(30_000), "and the backlog still waits")
				for exp.Stats().Spool.Items > 0 {
					time.Sleep(time.Second)
				}
				require.NoError(t, proc.Shutdown(t.Context()))
				assert.Len(t, srv.Spans(), n+2)
				require.NoError(t, srv.CheckOrder())
				synctest.Wait()
			})
		})
	}
}

// When SGP refuses the key, spans go to disk at once, and are delivered when it does not any more.
func TestSpoolTakesWhatARefusedKeyHoldsUp(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reports := sgpexporter.Handled(t)
				srv, exp := newRefused(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithAPIKey("another")},
					sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode))
				proc := asyncprocessor.New(exp)
				for n := range 100 {
					proc.OnEnd(ofTrace(n, "good"))
				}
				time.Sleep(10 * time.Second)
				assert.Equal(t, int64(100), exp.Stats().Spool.Items)
				assert.Equal(t, uint64(100), proc.Stats().Exported)
				told := reports.All()
				require.Len(t, told, 2) // the first is of plain HTTP
				assert.EqualError(t, told[1], "sgpexporter: no spans are delivered, they wait in the queue and the spool: "+whatToCheck)
				srv.SetAPIKey(key)
				time.Sleep(10 * time.Minute)
				assert.Len(t, srv.Spans(), 100)
				assert.Zero(t, exp.Stats().Spool.Items)
				require.NoError(t, proc.Shutdown(t.Context()))
				synctest.Wait()
			})
		})
	}
}

// Without an answer to its search the spans that ran are left as they are, and it is said once.
func TestSpoolLeavesWhatRanAsLongAsSGPDoesNotSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := sgpexporter.Handled(t)
		dir := t.TempDir()
		server := []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithAPIKey(key)}
		srv, exp := newExporter(t, server, sgpexporter.WithSpool(dir))
		require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(start, 1)}))
		left := spoolOf(t, dir)
		srv.SetAPIKey("another") // no search is answered
		reports.Forget()

		next := another(t, srv, left, sgpexporter.SpoolOnFailure)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, int64(1), next.Stats().Spool.Running)
		assert.Zero(t, next.Stats().Spool.Unfinished)
		var said []string
		for _, err := range reports.All() {
			said = append(said, err.Error())
		}
		assert.Len(t, said, 2)
		assert.Contains(t, said, "sgpexporter: spool: spans that another process left running are not ended yet: SGP answered a search with 403 Forbidden")

		srv.SetAPIKey(key)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, uint64(1), next.Stats().Spool.Unfinished)
		stored, _ := srv.Span(span(1).SpanContext().TraceID().String(), span(1).SpanContext().SpanID().String())
		assert.Equal(t, "CANCELED", stored.Status)
		synctest.Wait()
	})
}

// tracing is an HTTP client that makes a span of each request, as an instrumented one does.
type tracing struct {
	http.RoundTripper
	tracer   trace.Tracer
	requests atomic.Int64

	registered chan struct{} // closed when the tracer's provider has its processor
}

func (c *tracing) RoundTrip(req *http.Request) (*http.Response, error) {
	<-c.registered // a span whose start the processor has not seen would be the application's
	ctx, s := c.tracer.Start(req.Context(), req.Method)
	defer s.End()
	c.requests.Add(1)
	return c.RoundTripper.RoundTrip(req.WithContext(ctx))
}

// The requests of the replay make no spans of their own that are exported, from the first one on, before the
// processor has called the exporter.
func TestSpansOfTheReplaysRequestsAreNotExported(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir))
	isDown(srv)
	require.NoError(t, exp.KeepSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(start, 1), snapshot(end, 2, inTrace(2))}))
	left := spoolOf(t, dir)
	srv.SetFault(nil)
	eventually(t, "the first exporter is through", func() bool { return exp.Stats().Spool.Items == 0 })

	client := &tracing{RoundTripper: http.DefaultTransport, registered: make(chan struct{})}
	traced := *srv.Client()
	client.RoundTripper, traced.Transport = traced.Transport, client
	if client.RoundTripper == nil {
		client.RoundTripper = http.DefaultTransport
	}
	tp := sdktrace.NewTracerProvider()
	client.tracer = tp.Tracer("http client")
	next, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(&traced), sgpexporter.WithSpool(left))
	require.NoError(t, err)
	proc := asyncprocessor.New(next)
	tp.RegisterSpanProcessor(proc)
	close(client.registered)
	eventually(t, "what was left is delivered, and what ran is ended", func() bool {
		st := next.Stats().Spool
		return st.Open && st.Items == 0 && st.Running == 0 && st.Unfinished == 1
	})
	require.NoError(t, proc.Shutdown(ctx))
	assert.NotZero(t, client.requests.Load())
	assert.Zero(t, proc.Stats().Offered)
}
