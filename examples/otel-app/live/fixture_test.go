package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// epoch is when the fixtures' traces begin.
var epoch = time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)

type object = map[string]any

// wireSpan describes one SGP item; offsets are from the trace's start.
type wireSpan struct {
	trace, id, parent, name, typ, group string
	base                                time.Time
	start, end                          time.Duration // end 0: in progress
	err                                 string
	canceled                            bool
	input, output, metadata             object
}

func (w wireSpan) item() json.RawMessage {
	if w.base.IsZero() {
		w.base = epoch
	}
	m := object{
		"trace_id": w.trace, "id": w.id, "name": w.name,
		"start_timestamp": w.base.Add(w.start).Format(time.RFC3339Nano),
	}
	md := object{"__source__": "otel-go"}
	for k, v := range w.metadata {
		md[k] = v
	}
	if w.parent != "" {
		m["parent_id"] = w.parent
	}
	if w.typ != "" {
		m["type"] = w.typ
	}
	if w.end != 0 {
		m["end_timestamp"] = w.base.Add(w.end).Format(time.RFC3339Nano)
		m["status"] = "SUCCESS"
	}
	if w.group != "" {
		m["group_id"] = w.group
	}
	if w.canceled {
		m["status"] = "CANCELED"
	}
	if w.err != "" {
		m["status"] = "ERROR"
		md["error"], md["error_type"], md["error_message"] = true, "*exec.ExitError", w.err
	}
	if w.input != nil {
		m["input"] = w.input
	}
	if w.output != nil && w.end != 0 {
		m["output"] = w.output
	}
	m["metadata"] = md
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return raw
}

// started is the item of the same span while it runs.
func (w wireSpan) started() json.RawMessage {
	w.end, w.err = 0, ""
	return w.item()
}

func message(role, text string) object {
	return object{"role": role, "parts": []any{object{"type": "text", "content": text}}}
}

const answerText = "Give the request a context and cancel the context. http.NewRequestWithContext ties the two together: " +
	"when the context is done, the transport closes the connection and Do returns an error that wraps ctx.Err().\n\n" +
	"```go\nctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)\ndefer cancel()\n" +
	"req, err := http.NewRequestWithContext(ctx, \"GET\", url, nil)\nif err != nil {\n\treturn err\n}\nresp, err := http.DefaultClient.Do(req)\n```\n\n" +
	"A body that is being read is cancelled too, so keep the context until you have read it."

// askTrace is the trace of one question to a research agent, with an error in it.
func askTrace(id, question string, base time.Time) []wireSpan {
	ms := time.Millisecond
	usage := func(in, out int, cost float64) object {
		return object{"input_tokens": in, "output_tokens": out, "total_tokens": in + out, "cost_usd": cost}
	}
	system := object{"type": "text", "content": "You answer questions about Go from the documentation of its standard library. Quote only what you were given."}
	spans := []wireSpan{
		{id: "01", name: "POST /ask", typ: "STANDALONE", start: 0, end: 3912 * ms, metadata: object{
			"kind":       "server",
			"attributes": object{"http.request.method": "POST", "url.path": "/ask", "http.response.status_code": 200, "server.address": "127.0.0.1"},
		}},
		{id: "02", parent: "01", name: "invoke_agent researcher", typ: "AGENT_WORKFLOW", start: 2 * ms, end: 3905 * ms,
			input: object{"messages": []any{message("user", question)}}, output: object{"messages": []any{message("assistant", answerText)}},
			metadata: object{"reported_usage": usage(2905, 412, 0.0128), "attributes": object{"gen_ai.agent.name": "researcher"}}},
		{id: "03", parent: "02", name: "plan", typ: "PROMPT_ENGINEERING", start: 3 * ms, end: 722 * ms},
		{id: "04", parent: "03", name: "chat gpt-go-mini", typ: "COMPLETION", start: 4 * ms, end: 718 * ms,
			input: object{"system_instructions": []any{system}, "messages": []any{message("user", question)}},
			output: object{"messages": []any{object{"role": "assistant", "finish_reason": "tool_call", "parts": []any{
				object{"type": "reasoning", "content": "The question is about net/http clients. Contexts are the documented way."},
				object{"type": "tool_call", "id": "call_1", "name": "search_docs", "arguments": object{"query": "cancel HTTP request context", "limit": 5}},
			}}}, "usage": usage(412, 58, 0.0014)},
			metadata: object{
				"attributes": object{"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-go-mini", "gen_ai.request.temperature": 0.2, "gen_ai.response.finish_reasons": []any{"tool_call"}},
				"events": []any{
					object{"name": "first_token", "time": base.Add(204 * ms).Format(time.RFC3339Nano), "attributes": object{"gen_ai.token.index": 0}},
				},
			}},
		{id: "05", parent: "04", name: "HTTP POST", typ: "STANDALONE", start: 6 * ms, end: 716 * ms, metadata: object{"kind": "client"}},
		{id: "06", parent: "02", name: "search_docs", typ: "KB_RETRIEVAL", start: 726 * ms, end: 951 * ms,
			input: object{"query": "cancel HTTP request context", "limit": 5}, output: object{"documents": []any{
				object{"package": "net/http", "symbol": "NewRequestWithContext", "score": 0.91},
				object{"package": "context", "symbol": "WithTimeout", "score": 0.83},
				object{"package": "net/http", "symbol": "Client.Do", "score": 0.77},
			}}},
		{id: "07", parent: "06", name: "sql.conn.query", typ: "STANDALONE", start: 731 * ms, end: 884 * ms, metadata: object{
			"kind":       "client",
			"attributes": object{"db.system.name": "sqlite", "db.query.text": "SELECT path, snippet(docs, 2, '', '', '…', 40) FROM docs WHERE docs MATCH ? ORDER BY rank LIMIT ?"}}},
		{id: "08", parent: "06", name: "rerank", typ: "RERANKING", start: 886 * ms, end: 946 * ms},
		{id: "09", parent: "02", name: "invoke_agent reviewer", typ: "AGENT_WORKFLOW", start: 958 * ms, end: 2304 * ms, metadata: object{"reported_usage": usage(1180, 96, 0.0041)}},
		{id: "10", parent: "09", name: "execute_tool lookup_symbol", typ: "CUSTOM", start: 962 * ms, end: 1103 * ms,
			input: object{"symbol": "net/http.NewRequestWithContext"}, output: object{"result": "func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error)"}},
		{id: "11", parent: "09", name: "execute_tool vet_example", typ: "CUSTOM", start: 1110 * ms, end: 1690 * ms,
			err:   "go vet: exit status 1: ./example.go:9:2: the cancel function is not used on all paths (possible context leak)",
			input: object{"source": "ctx, _ := context.WithTimeout(parent, time.Second)"},
			metadata: object{"events": []any{
				object{"name": "exception", "time": base.Add(1688 * ms).Format(time.RFC3339Nano), "attributes": object{
					"exception.type": "*exec.ExitError", "exception.message": "exit status 1", "exception.stacktrace": "main.vetExample\n\t/app/tools.go:88\nmain.(*reviewer).run\n\t/app/reviewer.go:41",
				}},
			}}},
		{id: "12", parent: "09", name: "chat gpt-go-mini", typ: "COMPLETION", start: 1696 * ms, end: 2298 * ms,
			input:  object{"messages": []any{message("user", "Review this example."), object{"role": "tool", "parts": []any{object{"type": "tool_call_response", "id": "call_2", "response": object{"exit": 1, "stderr": "the cancel function is not used on all paths"}}}}}},
			output: object{"messages": []any{message("assistant", "Keep the cancel function and defer it.")}, "usage": usage(1180, 96, 0.0041)}},
		{id: "13", parent: "02", name: "check_grounding", typ: "GUARDRAIL", start: 2310 * ms, end: 2402 * ms, output: object{"grounded": true, "score": 0.94}},
		{id: "14", parent: "02", name: "chat gpt-go", typ: "COMPLETION", start: 2408 * ms, end: 3896 * ms,
			input:  object{"system_instructions": []any{system}, "messages": []any{message("user", question)}},
			output: object{"messages": []any{message("assistant", answerText)}, "usage": usage(1313, 258, 0.0073)}},
		{id: "15", parent: "14", name: "HTTP POST", typ: "STANDALONE", start: 2410 * ms, end: 3890 * ms, metadata: object{"kind": "client"}},
	}
	for i := range spans {
		spans[i].trace, spans[i].base = id, base
	}
	return spans
}

func items(spans []wireSpan) []json.RawMessage {
	out := make([]json.RawMessage, len(spans))
	for i, s := range spans {
		out[i] = s.item()
	}
	return out
}

// manySpans is one trace of n finished spans, three levels deep.
func manySpans(trace string, n int) []json.RawMessage {
	types := []string{"COMPLETION", "KB_RETRIEVAL", "CODE_EXECUTION", "STANDALONE"}
	out := make([]json.RawMessage, 0, n)
	out = append(out, wireSpan{trace: trace, id: "root", name: "batch run", typ: "AGENT_WORKFLOW", end: 100 * time.Second}.item())
	for i := 1; i < n; i++ {
		at := time.Duration(i) * 9 * time.Millisecond
		s := wireSpan{trace: trace, id: fmt.Sprintf("s%d", i), parent: "root", name: fmt.Sprintf("step %d", i),
			typ: types[i%len(types)], start: at, end: at + time.Duration(1+i%50)*time.Millisecond}
		if i%10 != 1 {
			s.parent = fmt.Sprintf("s%d", i-(i+9)%10)
		}
		if i == n-5 {
			s.err = "the one that failed"
		}
		out = append(out, s.item())
	}
	return out
}

// fakeSource is a queue whose counts a test sets.
type fakeSource struct {
	mu    sync.Mutex
	stats asyncprocessor.Stats
}

func (f *fakeSource) Stats() asyncprocessor.Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

func (f *fakeSource) set(s asyncprocessor.Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats = s
}

// conversations are two services' traces in two conversations, one of them failed, one slow.
func conversations() []wireSpan {
	service := func(name, model string) object {
		return object{"service_name": name, "k8s_pod_name": name + "-pod-1",
			"attributes": object{"gen_ai.response.model": model, "gen_ai.response.time_to_first_chunk": 0.25, "http.response.status_code": 503}}
	}
	s := time.Second
	return []wireSpan{
		{trace: "t1", id: "r", name: "POST /chat", typ: "AGENT_WORKFLOW", group: "conv-a", end: 2 * s, input: object{"question": "First question?"}, metadata: service("front", "")},
		{trace: "t1", id: "m", parent: "r", name: "chat", typ: "COMPLETION", group: "conv-a", start: s, end: 2 * s, metadata: service("models", "gpt-x"),
			output: object{"usage": object{"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.5}}},
		{trace: "t2", id: "r", name: "POST /chat", typ: "AGENT_WORKFLOW", group: "conv-a", start: 5 * s, end: 6 * s, err: "quota exceeded for this key", metadata: service("front", "gpt-y")},
		{trace: "t3", id: "r", name: "nightly", typ: "CUSTOM", group: "conv-b", start: 9 * s, end: 29 * s, metadata: service("batch", "")},
		{trace: "t4", id: "r", name: "stopped", start: 31 * s, end: 32 * s, canceled: true},
	}
}

// serve serves handler until the test ends.
func serve(t *testing.T, handler http.Handler) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // event streams do not end by themselves
		server.Close()
	})
	return server
}
