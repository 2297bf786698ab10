package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

const (
	// spoolEnv makes this program one of the services of spoolCost. It says where SGP is, how many slices of
	// time there are, and with which of spoolKinds the first is.
	spoolEnv = "OTELSGP_BENCH_SPOOL"
	// spoolRate is its load, in spans a second.
	spoolRate  = 10_000
	spoolSlice = 2 // seconds
)

var spoolKinds = [...]struct {
	name string
	opts func(dir string) []sgpexporter.Option
}{
	{"without", func(string) []sgpexporter.Option { return nil }},
	{sgpexporter.SpoolOnFailure.String(), func(dir string) []sgpexporter.Option {
		return []sgpexporter.Option{sgpexporter.WithSpool(dir)}
	}},
	{sgpexporter.SpoolAlways.String(), func(dir string) []sgpexporter.Option {
		return []sgpexporter.Option{sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways)}
	}},
}

// spoolCost measures what a spool costs while SGP takes everything: the client's CPU for a span, from its start to
// the end of Shutdown, of a service that makes 10,000 spans a second, with each mode against none. Three
// processes run at the same time, each with another kind, which change places every two seconds: so
// what else the machine does, and where a process runs, is in all of them alike. The files are in the directory for
// temporary files.
func spoolCost(r *report, o options) {
	url, stop := startServer("0s")
	defer stop()
	slices := int(o.sustain / (spoolSlice * time.Second))
	var cpu [len(spoolKinds)][]float64 // of each process, by slice
	var services sync.WaitGroup
	for i := range cpu {
		services.Go(func() { cpu[i] = startSpoolService(fmt.Sprintf("%s %d %d", url, slices, i)) })
	}
	services.Wait()
	rounds := make([][len(spoolKinds)]float64, slices)
	for n := range rounds {
		for i := range cpu {
			rounds[n][(i+n)%len(spoolKinds)] = cpu[i][n]
		}
		fmt.Fprintf(os.Stderr, "spool, slice %d: %.0f ns CPU/span\n", n, rounds[n])
	}
	of := func(kind int) func([][len(spoolKinds)]float64) float64 { // the mean, so that what happens now and then counts
		return func(rounds [][len(spoolKinds)]float64) (sum float64) {
			for _, x := range rounds {
				sum += x[kind] / float64(len(rounds))
			}
			return sum
		}
	}
	for kind, most := range [...]float64{1: 1.05, 2: 2} {
		if kind == 0 {
			continue
		}
		ratio := bootstrap(rounds, func(rs [][len(spoolKinds)]float64) float64 { return of(kind)(rs) / of(0)(rs) })
		r.add(row{
			name:   fmt.Sprintf("a spool, %s, %d spans/s", spoolKinds[kind].name, spoolRate),
			ours:   fmt.Sprintf("%.0f ns CPU/span", of(kind)(rounds)),
			peer:   fmt.Sprintf("without %.0f", of(0)(rounds)),
			ratio:  &ratio,
			target: fmt.Sprintf("≤ %.3g", most),
			missed: ratio.high > most,
		})
	}
}

// startSpoolService runs a service in a process of its own and returns its CPU for a span, of each slice.
func startSpoolService(about string) []float64 {
	exe, err := os.Executable()
	if err != nil {
		fail(err)
	}
	cmd := exec.Command(exe) //nolint:gosec // this program
	cmd.Env = append(os.Environ(), spoolEnv+"="+about)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		fail(err)
	}
	if err := cmd.Start(); err != nil {
		fail(err)
	}
	var slices []float64
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var cpu float64
		if _, err := fmt.Sscan(lines.Text(), &cpu); err != nil {
			fail(err)
		}
		slices = append(slices, cpu)
	}
	if err := cmd.Wait(); err != nil {
		fail(err)
	}
	return slices
}

// spoolService is the life of such a process.
func spoolService(about string, w io.Writer) error {
	var url string
	var slices, first int
	if _, err := fmt.Sscan(about, &url, &slices, &first); err != nil {
		return err
	}
	for n := range slices {
		cpu, err := spoolOneSlice(url, (first+n)%len(spoolKinds))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(w, cpu)
	}
	return nil
}

// spoolOneSlice is a service for the time of a slice. It returns its CPU for a span.
func spoolOneSlice(url string, kind int) (float64, error) {
	dir, err := os.MkdirTemp("", "bench-spool")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	runtime.GC()
	before := cpuTime()
	exp, err := sgpexporter.New(append(spoolKinds[kind].opts(dir), sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey("bench"))...)
	if err != nil {
		return 0, err
	}
	p := asyncprocessor.New(exp)
	tp := newProvider(p)
	pacedTraces(tp.Tracer("bench"), spoolSlice*spoolRate)
	if err := tp.Shutdown(context.Background()); err != nil {
		return 0, err
	}
	if s, d := p.Stats(), exp.Stats().Spool; s.Dropped > 0 || d.Items > 0 || d.Failures > 0 || len(d.Dropped) > 0 {
		return 0, fmt.Errorf("not everything was delivered: %+v, %+v", s, d)
	}
	return float64(cpuTime()-before) / (spoolSlice * spoolRate), nil
}

// pacedTraces makes spoolRate spans a second, in traces of five. Of one trace in twenty the root runs for 0.8 s,
// so that it is delivered while it runs.
func pacedTraces(tr trace.Tracer, spans int) {
	const tick, perTick = 5 * time.Millisecond, spoolRate / 200 / 5
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var running sync.WaitGroup
	for n := 0; n < spans/5; {
		<-ticker.C
		for range perTick {
			n++
			ctx, root := tr.Start(context.Background(), "root", fiveAttributes)
			for range 4 {
				_, child := tr.Start(ctx, "child", fiveAttributes)
				child.End()
			}
			if n%20 > 0 {
				root.End()
			} else {
				running.Add(1)
				time.AfterFunc(800*time.Millisecond, func() {
					defer running.Done()
					root.End()
				})
			}
		}
	}
	running.Wait()
}
