// Command bench measures the processor and the exporter next to their peers and
// prints one table. Ratios are medians over interleaved rounds of one process, with
// 95 % bootstrap bounds; absolute figures are of the machine it runs on.
//
//	go run ./bench                     everything, some 15 minutes
//	go run ./bench -only hotpath       one of them
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

type options struct {
	rounds, spans         int
	tailRounds, tailSpans int
	sustain               time.Duration
}

var benchmarks = []struct {
	name string
	run  func(*report, options)
}{
	{"memory", memory}, // first, while the heap is small
	{"hotpath", hotPath},
	{"wholeway", wholeWay},
	{"slowserver", slowServer},
	{"tail", tail},
	{"growth", growth},
}

func main() {
	if wait := os.Getenv(serverEnv); wait != "" {
		if err := serve(wait); err != nil {
			fail(err)
		}
		return
	}
	only := flag.String("only", "", "comma-separated benchmarks: hotpath, wholeway, slowserver, memory, tail, growth")
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 30, "interleaved rounds")
	flag.IntVar(&o.spans, "spans", 200_000, "spans a round")
	flag.IntVar(&o.tailRounds, "tail-rounds", 20, "runs pooled for the tail")
	flag.IntVar(&o.tailSpans, "tail-spans", 100_000, "spans a run for the tail")
	flag.DurationVar(&o.sustain, "sustain", 20*time.Second, "how long throughput is sustained")
	flag.Parse()

	fmt.Printf("%s %s/%s, %d CPUs, %s, %d rounds of %d spans\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), revision(), o.rounds, o.spans)
	r := &report{w: os.Stdout}
	r.header()
	for _, b := range benchmarks {
		if *only == "" || slices.Contains(strings.Split(*only, ","), b.name) {
			b.run(r, o)
		}
	}
}

// revision is the commit this program was built from, as far as it knows.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown commit"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "commit " + s.Value[:min(12, len(s.Value))]
		}
	}
	return "unknown commit"
}
