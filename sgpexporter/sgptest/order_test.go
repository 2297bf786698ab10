package sgptest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func child(id, parent string, completed bool) string {
	item := `{"trace_id":"t","id":"` + id + `","name":"n","start_timestamp":"2026-01-02T03:04:05Z"`
	if parent != "" {
		item += `,"parent_id":"` + parent + `"`
	}
	if completed {
		item += `,"end_timestamp":"2026-01-02T03:04:06Z"`
	}
	return item + "}"
}

func TestOrderViolations(t *testing.T) {
	const running, ended = false, true
	for _, tt := range []struct {
		name     string
		requests [][]string
		// want has kind, number of the write at fault, number of the earlier one.
		want []string
	}{
		{"START, END", [][]string{{start("t", "a", "")}, {end("t", "a", "")}}, nil},
		{"START, END in one request", [][]string{{start("t", "a", ""), end("t", "a", "")}}, nil},
		{"END alone", [][]string{{end("t", "a", "")}}, nil},
		{"a write repeated", [][]string{{start("t", "a", "")}, {start("t", "a", "")}, {end("t", "a", "")}, {end("t", "a", "")}}, nil},
		{"END, START", [][]string{{end("t", "a", "")}, {start("t", "a", "")}}, []string{"start_after_end 2 1"}},
		{"END, START in one request", [][]string{{end("t", "a", ""), start("t", "a", "")}}, []string{"start_after_end 2 1"}},
		{"START, END, START, END", [][]string{{start("t", "a", "")}, {end("t", "a", "")}, {start("t", "a", "")}, {end("t", "a", "")}},
			[]string{"start_after_end 3 2"}},
		{"START and END in one request, sent again", [][]string{{start("t", "a", ""), end("t", "a", "")}, {start("t", "a", ""), end("t", "a", "")}}, nil},
		{"END, START of another span", [][]string{{end("t", "a", "")}, {start("u", "a", ""), start("t", "b", "")}}, nil},
		{"parent, child", [][]string{{child("p", "", running)}, {child("c", "p", ended)}, {child("p", "", ended)}}, nil},
		{"parent, child in one request", [][]string{{child("p", "", running), child("c", "p", ended)}}, nil},
		{"parent's END, child", [][]string{{child("p", "", ended)}, {child("c", "p", ended)}}, nil},
		{"child of a parent that is never written", [][]string{{child("c", "p", ended)}, {child("d", "p", ended)}}, nil},
		{"child, parent's START", [][]string{{child("c", "p", running)}, {child("p", "", running)}}, []string{"child_before_parent 2 1"}},
		{"child, parent's START in one request", [][]string{{child("c", "p", ended), child("p", "", running)}},
			[]string{"child_before_parent 2 1"}},
		{"children, parent's START, END", [][]string{{child("c", "p", ended), child("d", "p", ended)}, {child("p", "", running)}, {child("p", "", ended)}},
			[]string{"child_before_parent 3 1"}},
		{"child, parent's END", [][]string{{child("c", "p", ended)}, {child("p", "", ended)}}, []string{"child_before_parent_end 2 1"}},
		{"grandchild first", [][]string{{child("g", "c", ended)}, {child("c", "p", running)}, {child("p", "", running)}},
			[]string{"child_before_parent 2 1", "child_before_parent 3 2"}},
		{"the parent's id in another trace", [][]string{{child("c", "p", ended)}, {child("p", "", running)}, {start("u", "p", "")}},
			[]string{"child_before_parent 2 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t)
			for _, request := range tt.requests {
				mustPut(t, srv, request...)
			}
			var got []string
			for _, v := range srv.Violations() {
				got = append(got, fmt.Sprintf("%s %d %d", v.Kind, v.Write.Seq, v.Earlier.Seq))
				assert.Equal(t, v.Write.Request, v.Request)
			}
			assert.Equal(t, tt.want, got)
			if tt.want == nil {
				assert.NoError(t, srv.CheckOrder())
				return
			}
			require.Error(t, srv.CheckOrder())
			var v sgptest.Violation
			require.ErrorAs(t, srv.CheckOrder(), &v)
			assert.Equal(t, srv.Violations()[0], v)
		})
	}
}

func TestCheckOrderExcept(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, child("c", "p", true))
	mustPut(t, srv, child("p", "", true))
	require.Error(t, srv.CheckOrder())
	require.NoError(t, srv.CheckOrder(sgptest.ChildBeforeParentEnd))
	mustPut(t, srv, child("p", "", false))
	assert.EqualError(t, srv.CheckOrder(sgptest.ChildBeforeParentEnd),
		`sgptest: start_after_end: write 3 (request 3, item 0): START of span "p" in trace "t", `+
			`after write 2 (request 2, item 0): END of span "p" in trace "t"`)
}

func TestCheckIsAboutAllKinds(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, minimal)
	require.NoError(t, srv.Check())
	status, _ := put(t, srv, items(ids("t", "a", "a")))
	require.Equal(t, 409, status)
	mustPut(t, srv, `{"trace_id":"t","id":"b","name":"n","start_timestamp":"2026-01-02T03:04:05Z","metadata":{"k":1,"k":2}}`)
	assert.EqualError(t, srv.Check(), "sgptest: rejected: request 2 was answered 409: items[0].parent_id: is part of a cycle\n"+
		`sgptest: duplicate_name: write 2 (request 3, item 0): START of span "b" in trace "t": "k"`)
	assert.ErrorContains(t, srv.Check(sgptest.Rejected), "duplicate_name")
	assert.NoError(t, srv.Check(sgptest.Rejected, sgptest.DuplicateName))
}

func TestCheckOrderIsNotAboutRefusals(t *testing.T) {
	srv := newServer(t)
	status, _ := put(t, srv, items(ids("t", "a", "a")))
	require.Equal(t, 409, status)
	require.NoError(t, srv.CheckOrder())
	require.Len(t, srv.Violations(), 1)
	v := srv.Violations()[0]
	require.EqualError(t, v, "sgptest: rejected: request 1 was answered 409: items[0].parent_id: is part of a cycle")
	var r *sgptest.Rejection
	require.ErrorAs(t, v, &r)
	assert.Equal(t, 409, r.Status)
	assert.Equal(t, 0, r.Item)
	assert.Equal(t, "parent_id", r.Field)
}

func TestDuplicateNameIsAViolation(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, minimal, `{"trace_id":"t","id":"b","name":"n","start_timestamp":"2026-01-02T03:04:05Z","metadata":{"a":[{"k":1,"\u006b":2}],"b":{"k":3}}}`)
	got, _ := srv.Span("t", "b")
	assert.Equal(t, map[string]any{"a": []any{map[string]any{"k": 2.0}}, "b": map[string]any{"k": 3.0}}, got.Metadata)
	require.Len(t, srv.Violations(), 1)
	v := srv.Violations()[0]
	assert.Equal(t, sgptest.DuplicateName, v.Kind)
	assert.Equal(t, "k", v.Name)
	assert.Equal(t, 1, v.Write.Item)
	require.NoError(t, srv.CheckOrder())
	assert.EqualError(t, v, `sgptest: duplicate_name: write 2 (request 1, item 1): START of span "b" in trace "t": "k"`)
}

func TestWritesAreNumbered(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, start("t", "a", ""), child("b", "a", false), start("t", "a", ""))
	status, _ := put(t, srv, items(`1`))
	require.Equal(t, 422, status)
	mustPut(t, srv, end("t", "a", ""))
	mustPut(t, srv, start("t", "a", ""))
	type fact struct {
		seq, request   uint64
		item           int
		id, parent     string
		ended, applied bool
	}
	var got []fact
	for _, w := range srv.Writes() {
		assert.Equal(t, "t", w.TraceID)
		assert.False(t, w.Time.IsZero())
		got = append(got, fact{w.Seq, w.Request, w.Item, w.ID, w.ParentID, w.Completed, w.Applied})
	}
	assert.Equal(t, []fact{
		{1, 1, 0, "a", "", false, false},
		{2, 1, 1, "b", "a", false, true},
		{3, 1, 2, "a", "", false, true},
		{4, 3, 0, "a", "", true, true},
		{5, 4, 0, "a", "", false, false},
	}, got)
	assert.Len(t, srv.Spans()[0].Writes, 4)
}

func TestViolationsAreBoundedAndCounted(t *testing.T) {
	srv := newServer(t)
	var ends, starts []string
	for i := range 600 {
		ends = append(ends, end("t", fmt.Sprint(i), ""))
		starts = append(starts, start("t", fmt.Sprint(i), ""))
	}
	mustPut(t, srv, ends...)
	mustPut(t, srv, starts...)
	mustPut(t, srv, starts...)
	assert.Len(t, srv.Violations(), 1000)
	assert.Equal(t, uint64(1200), srv.Stats().Violations)
}
