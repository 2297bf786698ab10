package spool

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// childConfig is what a child process is told, in its environment.
type childConfig struct {
	URL, Dir string
	Mode     sgpexporter.SpoolMode
	Load     bool          // else it delivers what is in the spool, and ends
	Shutdown time.Duration // after SIGTERM
	Workers  int
}

const childVariable = "SPOOL_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		var cfg childConfig
		if err := json.Unmarshal([]byte(text), &cfg); err != nil {
			panic(err)
		}
		os.Exit(child(cfg))
	}
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// child is the process that is killed. It prints a line for each span that has ended, and, for
// each ForceFlush that succeeded, how many of the lines before are of spans that were
// handed over.
func child(cfg childConfig) int {
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(cfg.URL), sgpexporter.WithAPIKey("key"),
		sgpexporter.WithSpool(cfg.Dir), sgpexporter.WithSpoolMode(cfg.Mode))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if !cfg.Load {
		return deliver(exp)
	}
	proc := asyncprocessor.New(exp, asyncprocessor.WithBatchTimeout(50*time.Millisecond), asyncprocessor.WithMaxQueueSize(1<<17))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	out := &lines{w: bufio.NewWriter(os.Stdout)}
	var load sync.WaitGroup
	for range cfg.Workers {
		load.Go(func() { work(stop, tp, out) })
	}
	load.Go(func() {
		for stop.Err() == nil {
			n := out.count.Load()
			if proc.ForceFlush(stop) == nil {
				out.print(fmt.Sprintf("flushed %d", n))
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	load.Wait()
	ctx, end := context.WithTimeout(context.Background(), cfg.Shutdown)
	defer end()
	began := time.Now()
	err = tp.Shutdown(ctx)
	st := proc.Stats()
	out.print(fmt.Sprintf("shutdown %d %d %d %d %d %v", time.Since(began).Milliseconds(), st.Offered, st.Exported, st.Coalesced, st.Dropped, err))
	return 0
}

// deliver ends when nothing is left in the spool.
func deliver(exp *sgpexporter.Exporter) int {
	for range 3000 {
		time.Sleep(10 * time.Millisecond)
		if st := exp.Stats().Spool; st.Open && st.Items == 0 && st.Running == 0 {
			fmt.Printf("delivered %d unfinished %d damaged %d\n", st.Delivered, st.Unfinished, st.Damaged)
			_ = exp.Shutdown(context.Background())
			return 0
		}
	}
	fmt.Printf("left %+v\n", exp.Stats().Spool)
	return 3
}

// lines are what the child prints, each with one write: a kill must not tear them.
type lines struct {
	mu    sync.Mutex
	w     *bufio.Writer
	count atomic.Int64 // of spans that ended
}

func (l *lines) ended(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.WriteString("ended " + id + "\n")
	_ = l.w.Flush()
	l.count.Add(1)
}

func (l *lines) print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.WriteString(text + "\n")
	_ = l.w.Flush()
}

// work makes traces of a root and some children, most of them short.
func work(ctx context.Context, tp *sdktrace.TracerProvider, out *lines) {
	tracer := tp.Tracer("load")
	for ctx.Err() == nil {
		inTrace, root := tracer.Start(context.Background(), "root")
		for range 4 {
			_, s := tracer.Start(inTrace, "step")
			pause := time.Duration(rand.IntN(3)) * time.Millisecond
			if rand.IntN(20) == 0 {
				pause = 200 * time.Millisecond
			}
			time.Sleep(pause)
			s.End()
			out.ended(s.SpanContext().TraceID().String() + "/" + s.SpanContext().SpanID().String())
		}
		root.End()
		out.ended(root.SpanContext().TraceID().String() + "/" + root.SpanContext().SpanID().String())
	}
}
