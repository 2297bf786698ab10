package integration

import (
	"maps"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

const question = "how do I cancel an HTTP request?"

// slack is how far a child's end may lie after its parent's. A span's end is its
// start, read from the wall clock, and what the monotonic clock says it took; the
// two are read one after the other, and a process may lose its processor between.
const slack = 50 * time.Millisecond

// TestExampleTrace: the trace of one question, as the server has it, is whole.
func TestExampleTrace(t *testing.T) {
	srv := newSGP(t)
	example := serve(t, srv.URL)
	a := <-example.ask(question)
	require.Equal(t, http.StatusOK, a.status, a.Error)
	assert.Contains(t, a.Answer, "Use `http.NewRequestWithContext`")
	example.signal(syscall.SIGTERM)
	require.Equal(t, 0, example.wait(), "%s", example.stderr)

	trace := srv.Trace(a.TraceID)
	names := map[string]int{}
	for _, span := range trace {
		names[span.Name]++
	}
	assert.Equal(t, map[string]int{
		"POST /ask":                        1,
		"invoke_agent go-docs-lead":        1,
		"invoke_agent go-docs-researcher":  1,
		"invoke_agent go-example-reviewer": 1,
		"chat local-docs-1":                9,
		"POST /v1/chat/completions":        9,
		"execute_tool ask_researcher":      1,
		"execute_tool ask_reviewer":        1,
		"execute_tool search_docs":         2,
		"execute_tool lookup_symbol":       4,
		"execute_tool check_example":       2,
		"retrieval go-stdlib-docs":         2,
		"SELECT passages":                  2,
		"gofmt":                            2,
		"go vet":                           2,
	}, names)

	t.Run("parents", func(t *testing.T) {
		checkParents(t, trace)
		for child, parent := range map[string]string{
			"invoke_agent go-docs-lead":        "POST /ask",
			"execute_tool ask_researcher":      "invoke_agent go-docs-lead",
			"invoke_agent go-docs-researcher":  "execute_tool ask_researcher",
			"invoke_agent go-example-reviewer": "execute_tool ask_reviewer",
		} {
			assert.Equal(t, parent, parentOf(t, trace, only(t, trace, child)).Name, child)
		}
	})
	t.Run("identity", func(t *testing.T) {
		for _, span := range trace {
			assert.Regexp(t, "^[0-9a-f]{32}$", span.TraceID)
			assert.Regexp(t, "^[0-9a-f]{16}$", span.ID)
			assert.Equal(t, span.TraceID, span.ObsTraceID)
			assert.Equal(t, span.ID, span.ObsSpanID)
			assert.Equal(t, a.ConversationID, span.GroupID, span.Name)
			assert.Equal(t, "otel-go", span.Metadata["__source__"])
		}
	})
	t.Run("types and usage", func(t *testing.T) { checkTypesAndUsage(t, trace) })
	t.Run("errors", func(t *testing.T) { checkErrors(t, trace) })
	t.Run("order", func(t *testing.T) { checkOrder(t, srv, trace) })
	t.Run("payloads", func(t *testing.T) {
		root := only(t, trace, "POST /ask")
		assert.Equal(t, question, root.Input["question"])
		assert.Equal(t, a.Answer, root.Output["answer"])
		lookup := trace[slices.IndexFunc(trace, func(s sgptest.Span) bool { return s.Name == "execute_tool lookup_symbol" && s.Status == "ERROR" })]
		assert.Equal(t, map[string]any{"symbol": "net/http.CancelRequest"}, lookup.Input["arguments"])
		retrieval := trace[slices.IndexFunc(trace, func(s sgptest.Span) bool { return s.Name == "retrieval go-stdlib-docs" })]
		assert.NotEmpty(t, retrieval.Input["query"])
		assert.NotEmpty(t, retrieval.Output["documents"])
	})
}

// only returns the span of a name that one span has.
func only(t *testing.T, spans []sgptest.Span, name string) sgptest.Span {
	t.Helper()
	var found []sgptest.Span
	for _, span := range spans {
		if span.Name == name {
			found = append(found, span)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}

// parentOf returns a span's parent.
func parentOf(t *testing.T, trace []sgptest.Span, span sgptest.Span) sgptest.Span {
	t.Helper()
	i := slices.IndexFunc(trace, func(s sgptest.Span) bool { return s.ID == span.ParentID })
	require.GreaterOrEqual(t, i, 0, "%s has no parent", span.Name)
	return trace[i]
}

// checkParents: one root, every parent there, every time within its parent's.
func checkParents(t *testing.T, trace []sgptest.Span) {
	byID := map[string]sgptest.Span{}
	for _, span := range trace {
		byID[span.ID] = span
	}
	require.Len(t, byID, len(trace), "ids are unique")
	var roots []string
	for _, span := range trace {
		require.True(t, span.Completed(), span.Name)
		if span.ParentID == "" {
			roots = append(roots, span.Name)
			continue
		}
		parent, ok := byID[span.ParentID]
		if !assert.True(t, ok, "%s has no parent %s", span.Name, span.ParentID) {
			continue
		}
		assert.False(t, span.StartTimestamp.Before(parent.StartTimestamp), "%s starts before %s", span.Name, parent.Name)
		assert.False(t, span.EndTimestamp.After(parent.EndTimestamp.Add(slack)), "%s ends after %s", span.Name, parent.Name)
	}
	assert.Equal(t, []string{"POST /ask"}, roots)
}

// checkTypesAndUsage: the type of each kind of step, and tokens billed once, by
// the calls of the model, with the agents' totals beside them.
func checkTypesAndUsage(t *testing.T, trace []sgptest.Span) {
	types := map[string]map[string]bool{}
	for _, span := range trace {
		if types[span.Type] == nil {
			types[span.Type] = map[string]bool{}
		}
		types[span.Type][span.Name] = true
	}
	assert.Equal(t, []string{"AGENT_WORKFLOW", "COMPLETION", "CUSTOM", "KB_RETRIEVAL", "STANDALONE"}, slices.Sorted(maps.Keys(types)))
	for kind, names := range map[string][]string{
		"AGENT_WORKFLOW": {"invoke_agent go-docs-lead", "invoke_agent go-docs-researcher", "invoke_agent go-example-reviewer"},
		"COMPLETION":     {"chat local-docs-1"},
		"CUSTOM":         {"execute_tool ask_researcher", "execute_tool ask_reviewer", "execute_tool check_example", "execute_tool lookup_symbol", "execute_tool search_docs"},
		"KB_RETRIEVAL":   {"retrieval go-stdlib-docs"},
		"STANDALONE":     {"POST /ask", "POST /v1/chat/completions", "SELECT passages", "go vet", "gofmt"},
	} {
		assert.Equal(t, names, slices.Sorted(maps.Keys(types[kind])), kind)
	}

	var in, out float64
	for _, span := range trace {
		if span.Type == "COMPLETION" {
			usage, ok := span.Output["usage"].(map[string]any)
			require.True(t, ok, "a call of the model has its usage in its output: %v", span.Output)
			assert.NotContains(t, span.Metadata, "usage")
			in += usage["input_tokens"].(float64)
			out += usage["output_tokens"].(float64)
			continue
		}
		assert.NotContains(t, span.Output, "usage", span.Name)
	}
	assert.Positive(t, in)
	assert.Positive(t, out)
	total, ok := only(t, trace, "invoke_agent go-docs-lead").Metadata["reported_usage"].(map[string]any)
	require.True(t, ok, "an agent's total, whose calls are billed, is in its metadata")
	assert.Equal(t, in, total["input_tokens"])
	assert.Equal(t, out, total["output_tokens"])
}

// checkErrors: what failed says so, why, and nothing else does.
func checkErrors(t *testing.T, trace []sgptest.Span) {
	failed := map[string]string{}
	for _, span := range trace {
		if span.Status == "SUCCESS" {
			assert.NotContains(t, span.Metadata, "error", span.Name)
			continue
		}
		assert.Equal(t, "ERROR", span.Status, span.Name)
		assert.Equal(t, true, span.Metadata["error"], span.Name)
		assert.NotEmpty(t, span.Metadata["error_type"], span.Name)
		failed[span.Name], _ = span.Metadata["error_message"].(string)
	}
	assert.Equal(t, []string{"execute_tool check_example", "execute_tool lookup_symbol", "go vet"}, slices.Sorted(maps.Keys(failed)))
	assert.Contains(t, failed["execute_tool lookup_symbol"], "package net/http has no symbol CancelRequest")
	assert.Contains(t, failed["go vet"], "undefined: fmt")
}

// checkOrder: the server saw each START before its END, each parent before its
// children, and nothing that it had to object to.
func checkOrder(t *testing.T, srv *sgptest.Server, trace []sgptest.Span) {
	require.NoError(t, srv.CheckOrder())
	assert.Empty(t, srv.Violations())
	long := 0
	for _, span := range trace {
		require.NotEmpty(t, span.Writes)
		require.LessOrEqual(t, len(span.Writes), 2, span.Name)
		assert.True(t, span.Writes[len(span.Writes)-1].Completed, "the END of %s is last", span.Name)
		if len(span.Writes) == 2 {
			long++
			assert.False(t, span.Writes[0].Completed, "the START of %s is first", span.Name)
			assert.Less(t, span.Writes[0].Seq, span.Writes[1].Seq)
		}
	}
	assert.GreaterOrEqual(t, long, 3, "spans that show while they run")
	root := only(t, trace, "POST /ask")
	require.Len(t, root.Writes, 2)
	assert.True(t, root.Writes[0].Time.Before(root.EndTimestamp), "the question was to be seen before it ended")
}

// TestExampleRunningSpan: what runs is to be seen while it runs, and complete
// afterwards.
func TestExampleRunningSpan(t *testing.T) {
	srv := newSGP(t)
	example := serve(t, srv.URL, "-pace", "1ms")
	answers := example.ask(question)
	ctx := waiting(t)
	require.NoError(t, srv.WaitFor(ctx, func(spans []sgptest.Span) bool {
		running := map[string]bool{}
		for _, span := range spans {
			running[span.Name] = running[span.Name] || !span.Completed()
		}
		return running["POST /ask"] && running["invoke_agent go-docs-lead"] && running["chat local-docs-1"]
	}), "no span shows while it runs")
	select {
	case a := <-answers:
		require.Failf(t, "the question was over before it was seen running", "%+v", a)
	default:
	}
	for _, span := range srv.Spans() {
		if !span.Completed() {
			assert.Empty(t, span.Status, "what runs has no status: %s", span.Name)
			assert.Zero(t, span.EndTimestamp)
		}
	}
	a := <-answers
	require.Equal(t, http.StatusOK, a.status, a.Error)
	require.NoError(t, srv.WaitFor(ctx, func([]sgptest.Span) bool {
		trace := srv.Trace(a.TraceID)
		return len(trace) == 40 && completed(trace) == 40
	}), "not every span is completed once the question is answered, without a shutdown")
	require.NoError(t, srv.CheckOrder())
	example.signal(syscall.SIGTERM)
	assert.Equal(t, 0, example.wait())
	assert.Empty(t, srv.Violations())
}
