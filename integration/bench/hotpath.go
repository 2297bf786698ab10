package main

import (
	"fmt"
	"runtime"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// hotPath measures the CPU that a processor adds to a span, drain included: ours as a user has it,
// against the simplest processor that does the same job, which forwards START and END to a
// BatchSpanProcessor. Beside it stands BatchSpanProcessor with the ENDs alone. Every round runs
// all of them, so that the machine's drift falls on all alike.
func hotPath(r *report, o options) {
	for _, ballastMiB := range []int{256, 0} {
		ballast := makeBallast(ballastMiB)
		for _, procs := range []int{1, 2, 8} {
			hotPathAt(r, o, procs, ballastMiB)
		}
		runtime.KeepAlive(ballast)
	}
}

// makeBallast allocates what a service would hold. With a small heap the
// collector never rests, and a processor that merely holds memory looks cheaper
// than none.
func makeBallast(mib int) []byte {
	ballast := make([]byte, mib<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	return ballast
}

type hotPathRound struct{ nothing, live, bsp, ours float64 }

func hotPathAt(r *report, o options, procs, ballastMiB int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	variants := []func() sdktrace.SpanProcessor{
		func() sdktrace.SpanProcessor { return nothing{} }, liveOnBSP, bspBlocking, oursBlocking,
	}
	idle := mallocs(func() { cpuPerSpan(nothing{}, procs, o.spans, fiveAttributes) })
	busy := mallocs(func() { cpuPerSpan(oursBlocking(), procs, o.spans, fiveAttributes) })
	allocs := (float64(busy) - float64(idle)) / float64(o.spans)
	var rounds []hotPathRound
	for round := range o.rounds + 1 {
		var ns [4]float64
		for i := range variants {
			// Another order each round, so that none always follows the same.
			v := (i + round) % len(variants)
			ns[v] = cpuPerSpan(variants[v](), procs, o.spans, fiveAttributes)
		}
		if round > 0 { // the first warms up
			rounds = append(rounds, hotPathRound{ns[0], ns[1], ns[2], ns[3]})
		}
	}
	ours := medianOf(func(x hotPathRound) float64 { return x.ours - x.nothing })
	liveBSP := medianOf(func(x hotPathRound) float64 { return x.live - x.nothing })
	bsp := medianOf(func(x hotPathRound) float64 { return x.bsp - x.nothing })
	ratio := bootstrap(rounds, func(rs []hotPathRound) float64 { return ours(rs) / liveBSP(rs) })
	target, missed := "", false
	if ballastMiB > 0 {
		most := map[int]float64{1: 1.0, 2: 1.0, 8: 0.9}[procs]
		target, missed = fmt.Sprintf("≤ %.1f", most), ratio.high > most
	}
	r.add(row{
		name:   fmt.Sprintf("hot path, GOMAXPROCS %d, %d MiB ballast", procs, ballastMiB),
		ours:   fmt.Sprintf("+%.0f ns CPU/span (start+end), %.1f allocs above nothing", ours(rounds), allocs),
		peer:   fmt.Sprintf("live on BSP +%.0f; BSP with ENDs alone +%.0f", liveBSP(rounds), bsp(rounds)),
		ratio:  &ratio,
		target: target,
		missed: missed,
	})
}
