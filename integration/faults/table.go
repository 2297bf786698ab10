package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// kind is one of the two tables of RELIABILITY.md.
type kind struct {
	// header is the text above its rows. %s stands for the day, %d for the cores.
	header string
	// row runs a scenario and returns its row.
	row func(ctx context.Context, s *scenario) (string, error)
}

var withoutSpool = &kind{header: `# Reliability

What a service loses to faults of the network and of servers, with this project's exporter, and with
BatchSpanProcessor and otlptracehttp at their defaults under the same, at the same time. Printed by ` + "`make faults`" + ` (%s, %d cores).

Each row is a service in a process of its own, of 2,000 spans/s where nothing else is said, half of the traces open for 0.8 s, behind
toxiproxy. A fault comes after a second, and is followed by five seconds of load and a shutdown of at most 30 s. *Lost* are spans
that ended and were not stored; *at fault* are those that the server is made to refuse. *Recovered* is how long after the fault spans were still stored late: more than 2 s after their end,
7 s with BatchSpanProcessor, whose batches wait 5 s; – is that none was. *Memory* is the most heap in use above that at the start. *Order* counts a
START that was stored after its END and a child that was before its parent's START. What BatchSpanProcessor drops it does not count.
Where all its columns are –, it was not run: those faults are SGP's own.

| fault | spans | delivered | lost, by reason | order | recovered | memory | shutdown | BSP + OTLP: lost | recovered | memory | shutdown |
|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|
`, row: func(ctx context.Context, s *scenario) (string, error) {
	ours, peer, err := s.runBoth(ctx)
	if err != nil {
		return "", err
	}
	return row(s, ours, peer), nil
}}

// row says what came of a scenario. peer is nil where the fault is SGP's own.
func row(s *scenario, ours, peer *outcome) string {
	bsp := "– | – | – | –"
	if peer != nil {
		bsp = fmt.Sprintf("%s | %s | %.0f MiB | %s", number(peer.lost()), seconds(peer.Recovered), peer.HeapMiB, seconds(peer.Shutdown))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %d | %s | %.0f MiB | %s | %s |",
		s.name, number(int(ours.Spans)), number(ours.Delivered), ours.reasons(), ours.Violations,
		seconds(ours.Recovered), ours.HeapMiB, seconds(ours.Shutdown), bsp)
}

// reasons returns the spans that were lost, and under which reasons snapshots were dropped.
func (o *outcome) reasons() string {
	text := number(o.lost())
	if o.AtFault > 0 {
		text += fmt.Sprintf(" of %s at fault", number(int(o.AtFault)))
	}
	var reasons []string
	for _, reason := range slices.SortedFunc(maps.Keys(o.Dropped), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.Dropped[b], o.Dropped[a]), strings.Compare(a, b))
	}) {
		if n := o.Dropped[reason]; n > 0 {
			reasons = append(reasons, fmt.Sprintf("%s %s", number(int(n)), reason))
		}
	}
	if len(reasons) > 0 {
		text += " (snapshots: " + strings.Join(reasons, ", ") + ")"
	}
	if o.Conservation != "" {
		text += " **counts do not add up**"
	}
	return text
}

// number writes n with commas.
func number(n int) string {
	text := itoa(int64(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
