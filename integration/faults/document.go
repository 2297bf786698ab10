package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"time"
)

// document is RELIABILITY.md: two tables, with a row for each scenario. A run of some scenarios leaves the rows of
// the others as they are.
type document []*table

// table is one of them.
type table struct {
	kind   *kind
	header string
	rows   map[string]string // by scenario
}

// readDocument returns what is in a file: tables without rows if there is none.
func readDocument(file string) (document, error) {
	p := document{{kind: withoutSpool, rows: map[string]string{}}, {kind: withSpool, rows: map[string]string{}}}
	text, err := os.ReadFile(file) //nolint:gosec // it is named by who runs this
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t := p[0]
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") {
			t = p[1]
		}
		if name, ok := scenarioOf(line); ok {
			t.rows[name] = strings.TrimSuffix(line, "\n")
		} else {
			t.header += line
		}
	}
	// The second begins with the empty line between them.
	if first, ok := strings.CutSuffix(p[0].header, "\n\n"); ok {
		p[0].header, p[1].header = first+"\n", "\n"+p[1].header
	}
	return p, nil
}

// scenarioOf returns the scenario that a line is the row of.
func scenarioOf(line string) (string, bool) {
	cells := strings.SplitN(line, " | ", 2)
	name, ok := strings.CutPrefix(cells[0], "| ")
	return name, ok && len(cells) == 2 && name != "fault"
}

// begin gives a table the header of today.
func (t *table) begin() {
	t.header = fmt.Sprintf(t.kind.header, time.Now().UTC().Format(time.DateOnly), runtime.NumCPU())
}

// String returns the tables that were run once.
func (p document) String() string {
	var text strings.Builder
	for _, t := range p {
		text.WriteString(t.header)
		for i := range scenarios {
			if row := t.rows[scenarios[i].name]; row != "" {
				text.WriteString(row + "\n")
			}
		}
	}
	return text.String()
}
