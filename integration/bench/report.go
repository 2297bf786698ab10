package main

import (
	"fmt"
	"io"
	"os"
)

// row is a line of the table.
type row struct {
	name, ours, peer string
	ratio            *interval // nil when there is no peer
	target           string
	missed           bool // the target, which the table says
}

// report prints the table as it grows, in Markdown.
type report struct{ w io.Writer }

func (r *report) header() {
	_, _ = fmt.Fprintln(r.w, "| benchmark | ours | peer | ratio, median [95 %] | target |")
	_, _ = fmt.Fprintln(r.w, "|---|---|---|---|---|")
}

func (r *report) add(row row) {
	ratio := "–"
	if row.ratio != nil {
		ratio = fmt.Sprintf("%.2f [%.2f, %.2f]", row.ratio.estimate, row.ratio.low, row.ratio.high)
	}
	target := row.target
	if target == "" {
		target = "–"
	}
	if row.missed {
		target += ": **not met**"
	}
	_, _ = fmt.Fprintf(r.w, "| %s | %s | %s | %s | %s |\n", row.name, row.ours, row.peer, ratio, target)
}

// fail ends the program: a benchmark that lost something measures nothing.
func fail(err error) {
	_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}
