package sgptest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestParentsRefused(t *testing.T) {
	answer := func(item int, reason string) string {
		return fmt.Sprintf(`{"detail":"items[%d].parent_id: %s","item":%d,"field":"parent_id"}`, item, reason, item)
	}
	cases := []refused{
		{"its own parent", items(ids("t", "a", "a")), 409, answer(0, "is part of a cycle")},
		{"a cycle of two", items(ids("t", "a", "b"), ids("t", "b", "a")), 409, answer(0, "is part of a cycle")},
		{"a cycle of three behind a tail", items(ids("t", "x", "a"), ids("t", "a", "b"), ids("t", "b", "c"), ids("t", "c", "a")), 409,
			answer(1, "is part of a cycle")},
		{"a cycle made by the last of repeated ids", items(ids("t", "a", ""), ids("t", "b", "a"), ids("t", "a", "b")), 409,
			answer(1, "is part of a cycle")},
		{"another trace", items(ids("t", "a", ""), ids("u", "b", "a")), 409, answer(1, "belongs to another trace")},
		{"another trace, later in the request", items(ids("u", "b", "a"), ids("t", "a", "")), 409, answer(0, "belongs to another trace")},
	}
	checkRefused(t, cases)
	checkRefused(t, cases, sgptest.WithOlderStore())
}

func TestParentsAccepted(t *testing.T) {
	for name, list := range map[string][]string{
		"child before parent":                            {ids("t", "b", "a"), ids("t", "a", "")},
		"a cycle undone by the last of repeated ids":     {ids("t", "a", "b"), ids("t", "b", "a"), ids("t", "a", "")},
		"the parent's id in another trace too":           {ids("t", "a", ""), ids("u", "a", ""), ids("u", "b", "a")},
		"two children of one parent":                     {ids("t", "a", ""), ids("t", "b", "a"), ids("t", "c", "a")},
		"a parent elsewhere that the last does not have": {ids("t", "a", ""), ids("u", "b", "a"), ids("u", "b", "")},
	} {
		t.Run(name, func(t *testing.T) {
			mustPut(t, newServer(t), list...)
		})
	}
}

func TestParentInAnotherStoredTraceIsRefused(t *testing.T) {
	for _, opts := range [][]sgptest.Option{nil, {sgptest.WithOlderStore()}} {
		srv := newServer(t, opts...)
		mustPut(t, srv, ids("t", "a", ""))
		status, body := put(t, srv, items(ids("u", "x", ""), ids("u", "b", "a")))
		assert.Equal(t, 409, status)
		assert.Equal(t, `{"detail":"items[1].parent_id: belongs to another trace","item":1,"field":"parent_id"}`, body)
		assert.Len(t, srv.Spans(), 1, "all or nothing")
		mustPut(t, srv, ids("t", "c", "a"))
	}
}

// In the older store the request moves the parent to its own trace.
func TestParentThatTheRequestWritesInAnotherTrace(t *testing.T) {
	for want, opts := range map[int][]sgptest.Option{200: nil, 409: {sgptest.WithOlderStore()}} {
		srv := newServer(t, opts...)
		mustPut(t, srv, ids("t", "p", ""))
		status, answer := put(t, srv, items(ids("u", "p", ""), ids("t", "c", "p")))
		assert.Equal(t, want, status, answer)
	}
}
