package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// serviceEnv holds the configuration of a service, in JSON: the program, or its test,
// that finds it set is one.
const serviceEnv = "FAULTS_SERVICE"

// serviceConfig says what the service under test does: a process of its own, so that its
// memory is its own, and limits hold for it alone.
type serviceConfig struct {
	// Peer exports with BatchSpanProcessor and otlptracehttp instead.
	Peer bool
	URL  string
	// Rate is the spans it starts in a second, for Duration. Then it shuts down within
	// Shutdown.
	Rate               int
	Duration, Shutdown time.Duration
	// Refused is the share, in 1,000, of spans that are named "refused"; Foreign, of
	// traces whose remote parent belongs to another trace.
	Refused, Foreign int
	Files            uint64 // the limit of file descriptors, 0 for none
	Procs            int    // GOMAXPROCS, 0 for the default
	Spool            *spoolConfig
}

// serviceResult is what the service says at its end.
type serviceResult struct {
	Spans        uint64            // that ended
	AtFault      uint64            // of these, those that are named "refused"
	Dropped      map[string]uint64 // by reason; nil for the peer, which does not say
	Conservation string            // what is wrong with the counts, if anything
	HeapMiB      float64           // the most that was in use, above what was at the start
	Shutdown     time.Duration     // how long it took
	Told         int               // calls of the error handler
	FirstTold    string
	Goroutines   [2]int     // at a third of the time, and at its end
	Heap         [2]float64 // likewise, after a collection
	Descriptors  [2]int
	OnDisk       int // items that are left in the spool
	Recovered    int // items that a process which only delivers them has found there
}

// serve is the whole life of a service.
func serve() int {
	var cfg serviceConfig
	if err := json.Unmarshal([]byte(os.Getenv(serviceEnv)), &cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = os.Unsetenv(serviceEnv)
	if cfg.Procs > 0 {
		runtime.GOMAXPROCS(cfg.Procs)
	}
	if cfg.Files > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: cfg.Files, Max: cfg.Files}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	result, err := cfg.run()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (cfg *serviceConfig) run() (*serviceResult, error) {
	if cfg.Spool != nil && cfg.Spool.Deliver {
		return cfg.deliver()
	}
	ctx := context.Background()
	result := new(serviceResult)
	var told atomic.Int64
	var first sync.Once
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		told.Add(1)
		first.Do(func() { result.FirstTold = err.Error() })
	}))

	processor, exporter, err := cfg.processor(ctx)
	if err != nil {
		return nil, err
	}
	count := new(counter)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor), sdktrace.WithSpanProcessor(count))

	watch := watchService()
	fmt.Println("started") // the parent begins its faults
	cfg.load(tp.Tracer("service"), watch)
	begin := time.Now()
	shutdown, cancel := context.WithTimeout(ctx, cfg.Shutdown)
	err = tp.Shutdown(shutdown)
	cancel()
	result.Shutdown = time.Since(begin)
	watch.end(result)
	result.Spans, result.AtFault = count.ended.Load(), count.atFault.Load()
	result.Told = int(told.Load())
	if ours, ok := processor.(*asyncprocessor.Processor); ok {
		result.settle(ours.Stats(), err)
		result.OnDisk = int(exporter.Stats().Spool.Items)
	}
	return result, nil
}

// processor returns the span processor under test, and its exporter, which is nil for the peer.
func (cfg *serviceConfig) processor(ctx context.Context) (sdktrace.SpanProcessor, *sgpexporter.Exporter, error) {
	if cfg.Peer {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.URL+"/v1/traces"))
		if err != nil {
			return nil, nil, err
		}
		return sdktrace.NewBatchSpanProcessor(exporter), nil, nil
	}
	exporter, err := sgpexporter.New(append(cfg.Spool.options(), sgpexporter.WithBaseURL(cfg.URL), sgpexporter.WithAPIKey(apiKey))...)
	if err != nil {
		return nil, nil, err
	}
	return asyncprocessor.New(exporter), exporter, nil
}

// settle reads the counts at the end.
func (r *serviceResult) settle(s asyncprocessor.Stats, shutdown error) {
	r.Dropped = map[string]uint64{}
	var dropped uint64
	for reason, n := range s.DroppedBy {
		r.Dropped[string(reason)] = n
		dropped += n
	}
	held := uint64(s.Queued + s.InFlight)
	if s.Offered != s.Exported+s.Coalesced+s.Dropped+held || s.Dropped != dropped || held != 0 {
		r.Conservation = fmt.Sprintf("%+v", s)
	}
	var lost *asyncprocessor.ShutdownError
	if undelivered := r.Dropped["shutdown_deadline"]; errors.As(shutdown, &lost) && lost.Undelivered < undelivered {
		r.Conservation += fmt.Sprintf(" Shutdown told of %d undelivered", lost.Undelivered)
	}
}

// counter counts the spans that ended, and those of them that are named "refused".
type counter struct{ ended, atFault atomic.Uint64 }

func (*counter) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (c *counter) OnEnd(span sdktrace.ReadOnlySpan) {
	c.ended.Add(1)
	if span.Name() == refusedName {
		c.atFault.Add(1)
	}
}
func (*counter) ForceFlush(context.Context) error { return nil }
func (*counter) Shutdown(context.Context) error   { return nil }

// tick is how often spans are started.
const tick = 20 * time.Millisecond

// load makes traces of four spans. Of half of them the first span runs for 0.8 s, longer
// than a batch waits, so that its START is delivered apart from its END.
func (cfg *serviceConfig) load(tracer trace.Tracer, watch *watched) {
	const spansOfTrace = 4
	perTick := float64(cfg.Rate) * tick.Seconds() / spansOfTrace
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var running sync.WaitGroup
	begin, owed := time.Now(), 0.0
	for n := 0; time.Since(begin) < cfg.Duration; {
		now := <-ticker.C
		if now.Sub(begin) > cfg.Duration/3 {
			watch.mark()
		}
		for owed += perTick; owed >= 1; owed-- {
			n++
			cfg.trace(tracer, n, &running)
		}
	}
	running.Wait()
}

func (cfg *serviceConfig) trace(tracer trace.Tracer, n int, running *sync.WaitGroup) {
	ctx := context.Background()
	if rand.IntN(1000) < cfg.Foreign {
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{0: 1, 8: byte(n >> 24), 9: byte(n >> 16), 10: byte(n >> 8), 11: byte(n)},
			SpanID:  trace.SpanID{0: foreignPrefix, 7: 1}, TraceFlags: trace.FlagsSampled,
		}))
	}
	ctx, root := tracer.Start(ctx, "invoke_agent", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.Int("n", n)))
	for _, name := range [...]string{"chat", "execute_tool", "chat"} {
		if rand.IntN(750) < cfg.Refused { // three of four spans are children
			name = refusedName
		}
		_, child := tracer.Start(ctx, name)
		child.SetAttributes(attribute.String("gen_ai.prompt", prompt), attribute.Int("gen_ai.usage.input_tokens", 12))
		child.End()
	}
	if n%2 == 0 {
		root.End()
		return
	}
	running.Add(1)
	time.AfterFunc(800*time.Millisecond, func() {
		defer running.Done()
		root.End()
	})
}

const (
	refusedName   = "refused"
	foreignPrefix = 0xee
	apiKey        = "faults"
)

var prompt = strings.Repeat("What does the network do? ", 10)

// watched is what a service takes of its machine.
type watched struct {
	stop  chan struct{}
	done  sync.WaitGroup
	once  sync.Once
	start uint64
	most  uint64
	third usage
}

type usage struct {
	goroutines, descriptors int
	heap                    float64
}

func watchService() *watched {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w := &watched{stop: make(chan struct{}), start: m.HeapInuse}
	w.done.Go(func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				runtime.ReadMemStats(&m)
				w.most = max(w.most, m.HeapInuse)
			case <-w.stop:
				return
			}
		}
	})
	return w
}

// mark notes what is used now, once.
func (w *watched) mark() { w.once.Do(func() { w.third = used() }) }

func used() usage {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // 0 where there is none
	return usage{goroutines: runtime.NumGoroutine(), descriptors: len(files), heap: mib(m.HeapInuse)}
}

func (w *watched) end(r *serviceResult) {
	close(w.stop)
	w.done.Wait()
	last := used()
	r.HeapMiB = mib(max(w.most, w.start) - w.start)
	r.Goroutines = [2]int{w.third.goroutines, last.goroutines}
	r.Heap = [2]float64{w.third.heap, last.heap}
	r.Descriptors = [2]int{w.third.descriptors, last.descriptors}
}

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }
