// Command bench measures the processor and the exporter next to their peers and
// prints one table. Ratios are medians over interleaved rounds of one process, with
// 95 % bootstrap bounds; absolute figures are of the machine it runs on.
//
//	go run ./bench                     everything, some 15 minutes
//	go run ./bench -only hotpath       one of them
//
// What the kernel takes to give a heap its pages, and to give them again after the runtime has returned them, is left out: on a
// virtual machine it can be more than all else. So memory is touched before, and returned lazily.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rounds, spans         int
	tailRounds, tailSpans int
	sustain               time.Duration
}

type benchmark struct {
	name string
	run  func(*report, options)
}

var benchmarks = []benchmark{
	{"memory", memory}, // first, while the heap is small
	{"hotpath", hotPath},
	{"wholeway", wholeWay},
	{"slowserver", slowServer},
	{"tail", tail},
	{"growth", growth},
	{"fairness", fairness},
	{"quiet", quiet},
	{"encoder", encoder},
	{"spool", spoolCost},
}

// returnMemoryLazily starts this program again with the setting of the runtime that lets the kernel take pages only when it
// needs them.
func returnMemoryLazily() error {
	const setting = "madvdontneed=0"
	if strings.Contains(os.Getenv("GODEBUG"), setting) {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, append(os.Environ(), "GODEBUG="+setting)) //nolint:gosec // this program
}

func main() {
	if wait := os.Getenv(serverEnv); wait != "" {
		if err := serve(wait); err != nil {
			fail(err)
		}
		return
	}
	if about := os.Getenv(spoolEnv); about != "" {
		if err := spoolService(about, os.Stdout); err != nil {
			fail(err)
		}
		return
	}
	if err := returnMemoryLazily(); err != nil {
		fail(err)
	}
	only := flag.String("only", "", "comma-separated benchmarks: "+names())
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 30, "interleaved rounds")
	flag.IntVar(&o.spans, "spans", 200_000, "spans a round")
	flag.IntVar(&o.tailRounds, "tail-rounds", 20, "runs pooled for the tail")
	flag.IntVar(&o.tailSpans, "tail-spans", 100_000, "spans a run for the tail")
	flag.DurationVar(&o.sustain, "sustain", 20*time.Second, "how long throughput is sustained")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the benchmarks to this file")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil {
		fail(err)
	}

	makeBallast(512)
	fmt.Printf("%s %s/%s, %d CPUs, %s, %d rounds of %d spans\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), revision(), o.rounds, o.spans)
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fail(err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			fail(err)
		}
		defer pprof.StopCPUProfile()
	}
	r := &report{w: os.Stdout}
	r.header()
	for _, b := range chosen {
		b.run(r, o)
	}
}

func names() string {
	all := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		all[i] = b.name
	}
	return strings.Join(all, ", ")
}

// choose returns the benchmarks that only names, in the order of the table, and all
// of them if it names none.
func choose(only string) ([]benchmark, error) {
	if only == "" {
		return benchmarks, nil
	}
	wanted := strings.Split(only, ",")
	for i, name := range wanted {
		wanted[i] = strings.TrimSpace(name)
		if !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == wanted[i] }) {
			return nil, fmt.Errorf("-only: there is no benchmark %q; there are %s", wanted[i], names())
		}
	}
	var chosen []benchmark
	for _, b := range benchmarks {
		if slices.Contains(wanted, b.name) {
			chosen = append(chosen, b)
		}
	}
	return chosen, nil
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
