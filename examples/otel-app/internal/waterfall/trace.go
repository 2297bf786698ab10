// Package waterfall draws a trace as text, from SGP span items as they are on
// the wire.
package waterfall

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// span is what a waterfall shows of an SGP span.
type span struct {
	ID       string    `json:"id"`
	ParentID string    `json:"parent_id"`
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Status   string    `json:"status"`
	Start    time.Time `json:"start_timestamp"`
	End      time.Time `json:"end_timestamp"`
	Output   struct {
		Usage *usage `json:"usage"`
	} `json:"output"`
	Metadata struct {
		Usage        *usage `json:"reported_usage"`
		ErrorMessage string `json:"error_message"`
	} `json:"metadata"`
}

type usage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

// node is a span in the tree.
type node struct {
	span
	children []*node
}

// parse reads the items of one trace, in the order of their delivery, and
// returns its roots: spans without a parent, or whose parent is not there. Of a
// span's items a completed one wins, else the later one.
func parse(items []json.RawMessage) (roots []*node, count int, err error) {
	nodes := map[string]*node{}
	for i, item := range items {
		var s span
		if err := json.Unmarshal(item, &s); err != nil {
			return nil, 0, fmt.Errorf("item %d is no SGP span: %w", i, err)
		}
		if old := nodes[s.ID]; old == nil {
			nodes[s.ID] = &node{span: s}
		} else if old.End.IsZero() || !s.End.IsZero() {
			old.span = s
		}
	}
	for _, n := range nodes {
		if parent := nodes[n.ParentID]; parent != nil {
			parent.children = append(parent.children, n)
		} else {
			roots = append(roots, n)
		}
	}
	for _, n := range nodes {
		sortByStart(n.children)
	}
	sortByStart(roots)
	return roots, len(nodes), nil
}

func sortByStart(nodes []*node) {
	slices.SortFunc(nodes, func(a, b *node) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
}
