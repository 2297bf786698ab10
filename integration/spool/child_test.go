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
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
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
	Queue    int // its bound in snapshots; 0 for the default
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

// child is the process that is killed. It prints a line for each span that has ended, with the time, and
// one for the spans whose ENDs were handed over.
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
	out := &lines{w: bufio.NewWriter(os.Stdout)}
	var opts []asyncprocessor.Option
	if cfg.Queue > 0 {
		opts = append(opts, asyncprocessor.WithMaxQueueSize(cfg.Queue))
	}
	proc := asyncprocessor.New(&witness{exp, out}, opts...)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	var load sync.WaitGroup
	for range cfg.Workers {
		load.Go(func() { work(stop, tp, out) })
	}
	load.Wait()
	ctx, end := context.WithTimeout(context.Background(), cfg.Shutdown)
	defer end()
	began := time.Now()
	err = tp.Shutdown(ctx)
	st := proc.Stats()
	out.print(fmt.Sprintf("shutdown %d %d %d %d %d %v", time.Since(began).Milliseconds(), st.Offered, st.Exported, st.Coalesced, st.Dropped, err))
	return 0
}

// witness prints which ENDs the exporter took over.
type witness struct {
	*sgpexporter.Exporter
	out *lines
}

func (w *witness) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	return w.tell(snapshots, w.Exporter.ExportSnapshots(ctx, snapshots))
}

func (w *witness) KeepSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	return w.tell(snapshots, w.Exporter.KeepSnapshots(ctx, snapshots))
}

func (w *witness) tell(snapshots []asyncprocessor.Snapshot, err error) error {
	if err != nil { // of a part of them: they are not looked at
		return err
	}
	line := "kept"
	for _, s := range snapshots {
		if s.Phase == asyncprocessor.PhaseEnd {
			line += " " + nameOf(s.Span.SpanContext())
		}
	}
	w.out.print(line)
	return nil
}

func nameOf(sc trace.SpanContext) string { return sc.TraceID().String() + "/" + sc.SpanID().String() }

// deliver ends when nothing is left in the spool.
func deliver(exp *sgpexporter.Exporter) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		st := exp.Stats().Spool
		if st.Open && st.Items == 0 && st.Running == 0 {
			fmt.Printf("delivered %d unfinished %d damaged %d\n", st.Delivered, st.Unfinished, st.Damaged)
			_ = exp.Shutdown(context.Background())
			return 0
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			fmt.Printf("left %+v\n", st)
			return 3
		}
	}
}

// lines are what the child prints, each with one write.
type lines struct {
	mu sync.Mutex
	w  *bufio.Writer
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
	end := func(s trace.Span) {
		name := nameOf(s.SpanContext())
		s.SetAttributes(attribute.String("app.name", name)) // its END has it alone
		s.End()
		out.print(fmt.Sprintf("ended %s %d", name, time.Now().UnixMicro()))
	}
	for ctx.Err() == nil {
		inTrace, root := tracer.Start(context.Background(), "root")
		for range 4 {
			_, s := tracer.Start(inTrace, "step")
			pause := time.Duration(rand.IntN(3)) * time.Millisecond
			if rand.IntN(20) == 0 {
				pause = 200 * time.Millisecond
			}
			<-time.After(pause)
			end(s)
		}
		end(root)
	}
}
