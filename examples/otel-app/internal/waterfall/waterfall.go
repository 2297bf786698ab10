package waterfall

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Width is the most columns that a line has.
const Width = 100

// The widths of the columns: 40+2+14+2+8+2+8+2+8+2+12 = 100.
const (
	nameWidth = 40
	typeWidth = 14
	row       = "%s  %s  %8s  %8s  %-8s  %12s"
)

// Write draws the trace whose SGP span items, in the order of their delivery,
// are given: for each span its name, indented below its parent's, its type,
// when it started after the trace did, how long it took, its status, and the
// tokens that went in and came out. Below a span that failed is why, and at the
// end what there is in this trace. An item that is no SGP span is an error; so is no
// item at all.
func Write(w io.Writer, items []json.RawMessage) error {
	roots, count, err := parse(items)
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return fmt.Errorf("the trace has no spans, or none without a parent")
	}
	out := bufio.NewWriter(w)
	d := drawing{out: out, origin: roots[0].Start}
	d.line(fit("SPAN", nameWidth), fit("TYPE", typeWidth), "START", "DURATION", "STATUS", "TOKENS")
	for _, root := range roots {
		d.draw(root, 0)
	}
	_, _ = fmt.Fprintf(out, "In this trace: %s, %s.\n", spans(count), d.outcome(roots))
	if d.sums {
		_, _ = fmt.Fprintln(out, "Tokens: in>out of one model call; (in>out) of an agent: what all model calls below it come to.")
	}
	return out.Flush() // tells of errors before it too
}

func spans(n int) string {
	if n == 1 {
		return "1 span"
	}
	return fmt.Sprintf("%d spans", n)
}

type drawing struct {
	out    io.Writer
	origin time.Time
	failed int
	sums   bool // there are tokens in parentheses
}

// outcome says how many failed, and whether that was the end of it.
func (d *drawing) outcome(roots []*node) string {
	failed := func(n *node) bool { return n.Status != "SUCCESS" }
	switch {
	case d.failed == 0:
		return "none failed"
	case slices.ContainsFunc(roots, failed):
		return fmt.Sprintf("%d failed", d.failed)
	}
	return fmt.Sprintf("%d failed and the agent recovered", d.failed)
}

func (d *drawing) draw(n *node, depth int) {
	indent := strings.Repeat("  ", depth)
	status, took := n.Status, n.End.Sub(n.Start)
	duration := seconds(took)
	if n.End.IsZero() {
		status, duration = "running", ""
	}
	tokens := tokens(n.span)
	d.sums = d.sums || strings.HasPrefix(tokens, "(")
	d.line(fit(indent+n.Name, nameWidth), fit(n.Type, typeWidth), "+"+seconds(n.Start.Sub(d.origin)), duration, status, tokens)
	if n.Status == "ERROR" {
		d.failed++
		if n.Metadata.ErrorMessage != "" {
			message := strings.Join(strings.Fields(n.Metadata.ErrorMessage), " ")
			_, _ = fmt.Fprintln(d.out, strings.TrimRight(fit(indent+"! "+message, Width), " "))
		}
	}
	for _, child := range n.children {
		d.draw(child, depth+1)
	}
}

func (d *drawing) line(columns ...any) {
	_, _ = fmt.Fprintln(d.out, strings.TrimRight(fmt.Sprintf(row, columns...), " "))
}

// seconds is a duration in at most seven columns, to the millisecond where they
// suffice.
func seconds(d time.Duration) string {
	if d >= 100*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%.3fs", d.Seconds())
}

// tokens is "in>out" of a single call of a model, and of anything else what its
// calls come to, in parentheses.
func tokens(s span) string {
	if u := s.Output.Usage; u != nil {
		return fmt.Sprintf("%d>%d", u.InputTokens, u.OutputTokens)
	}
	if u := s.Metadata.Usage; u != nil {
		return fmt.Sprintf("(%d>%d)", u.InputTokens, u.OutputTokens)
	}
	return ""
}

// fit cuts or pads a text to a width in runes.
func fit(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text + strings.Repeat(" ", width-n)
	}
	return string([]rune(text)[:width-1]) + "…"
}
