package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// row is a case of the mapping table: what of the item attributes and events
// become.
type row struct {
	name   string
	attrs  []attribute.KeyValue
	events []sdktrace.Event
	status sdktrace.Status

	wantType, wantStatus string // when not empty
	input, output        string
	reported             string // metadata.reported_usage
	left                 string // metadata.attributes
	leftEvents           string // metadata.events, without their times
	notes                string
}

func (r row) run(t *testing.T) {
	t.Run(r.name, func(t *testing.T) {
		s := stub(r.attrs...)
		s.Events, s.Status = r.events, r.status
		got := item(t, Config{}, end(s))
		if r.wantType != "" {
			assert.Equal(t, r.wantType, got["type"])
		}
		if r.wantStatus != "" {
			assert.Equal(t, r.wantStatus, got["status"])
		}
		requireJSON(t, r.input, got["input"])
		requireJSON(t, r.output, got["output"])
		requireJSON(t, r.reported, at(got, "metadata", "reported_usage"))
		assert.Nil(t, at(got, "metadata", "usage"))
		requireJSON(t, r.left, at(got, "metadata", "attributes"))
		events, _ := at(got, "metadata", "events").([]any)
		for _, e := range events {
			delete(e.(map[string]any), "time")
		}
		if r.leftEvents == "" {
			assert.Len(t, events, len(r.events))
		} else {
			requireJSON(t, r.leftEvents, any(events))
		}
		requireJSON(t, r.notes, at(got, "metadata", "otel_sgp_notes"))

		// The START says the same of what it knows already.
		started := item(t, Config{}, start(s))
		assert.NotContains(t, started, "status")
		assert.NotContains(t, started, "end_timestamp")
		assert.Equal(t, got["type"], started["type"])
		assert.Equal(t, got["input"], started["input"])
		_, counts := at(started, "output", "usage").(map[string]any)
		assert.False(t, counts)
	})
}

func TestType(t *testing.T) {
	str := attribute.String
	for _, r := range []row{
		{name: "none", wantType: "STANDALONE"},
		{name: "explicit", attrs: []attribute.KeyValue{str("sgp.span.type", "guardrail"), str("gen_ai.operation.name", "chat")}, wantType: "GUARDRAIL", left: `{"gen_ai.operation.name":"chat"}`},
		{name: "Python's name", attrs: []attribute.KeyValue{str("__span_type__", "TRACER")}, wantType: "TRACER"},
		{name: "explicit before Python's", attrs: []attribute.KeyValue{str("__span_type__", "TRACER"), str("sgp.span.type", "CUSTOM")}, wantType: "CUSTOM", left: `{"__span_type__":"TRACER"}`},
		{
			name: "explicit and unknown", attrs: []attribute.KeyValue{str("sgp.span.type", "MINE"), str("gen_ai.operation.name", "retrieval")}, wantType: "KB_RETRIEVAL",
			left: `{"sgp.span.type":"MINE","gen_ai.operation.name":"retrieval"}`, notes: `["sgp.span.type: not a type of SGP, ignored"]`,
		},
		{
			name: "explicit and no string", attrs: []attribute.KeyValue{attribute.Int("__span_type__", 3)}, wantType: "STANDALONE",
			left: `{"__span_type__":3}`, notes: `["__span_type__: not a type of SGP, ignored"]`,
		},
		{name: "operation before kind", attrs: []attribute.KeyValue{str("openinference.span.kind", "LLM"), str("gen_ai.operation.name", "invoke_agent")}, wantType: "AGENT_WORKFLOW", left: `{"openinference.span.kind":"LLM","gen_ai.operation.name":"invoke_agent"}`},
		{name: "unknown operation, known kind", attrs: []attribute.KeyValue{str("openinference.span.kind", "llm"), str("gen_ai.operation.name", "dream")}, wantType: "COMPLETION", left: `{"openinference.span.kind":"llm","gen_ai.operation.name":"dream"}`},
		{name: "unknown operation", attrs: []attribute.KeyValue{str("gen_ai.operation.name", "dream")}, wantType: "STANDALONE", left: `{"gen_ai.operation.name":"dream"}`},
	} {
		r.run(t)
	}
	for operation, want := range map[string]string{
		"chat": "COMPLETION", "text_completion": "COMPLETION", "generate_content": "COMPLETION",
		"invoke_agent": "AGENT_WORKFLOW", "invoke_workflow": "AGENT_WORKFLOW", "retrieval": "KB_RETRIEVAL",
		"execute_tool": "CUSTOM", "embeddings": "CUSTOM", "create_agent": "CUSTOM", "plan": "CUSTOM", "fetch_response": "CUSTOM",
		"search_memory": "CUSTOM", "create_memory": "CUSTOM", "update_memory": "CUSTOM", "upsert_memory": "CUSTOM",
		"delete_memory": "CUSTOM", "create_memory_store": "CUSTOM", "delete_memory_store": "CUSTOM",
	} {
		row{name: operation, attrs: []attribute.KeyValue{str("gen_ai.operation.name", operation)}, wantType: want, left: `{"gen_ai.operation.name":"` + operation + `"}`}.run(t)
	}
	for kind, want := range map[string]string{
		"LLM": "COMPLETION", "RETRIEVER": "KB_RETRIEVAL", "RERANKER": "RERANKING", "AGENT": "AGENT_WORKFLOW", "GUARDRAIL": "GUARDRAIL",
		"EVALUATOR": "EVALUATION", "PROMPT": "PROMPT_ENGINEERING", "CHAIN": "CUSTOM", "TOOL": "CUSTOM", "EMBEDDING": "CUSTOM", "DECISION": "CUSTOM",
	} {
		row{name: kind, attrs: []attribute.KeyValue{str("openinference.span.kind", kind)}, wantType: want, left: `{"openinference.span.kind":"` + kind + `"}`}.run(t)
	}
}

// What dialects call what was done.
func TestTypeByTheWordsOfDialects(t *testing.T) {
	for _, tc := range []struct{ key, word, want string }{
		{"langsmith.span.kind", "llm", "COMPLETION"}, {"langsmith.span.kind", "chain", "CUSTOM"}, {"langsmith.span.kind", "retriever", "KB_RETRIEVAL"}, {"langsmith.span.kind", "prompt", "PROMPT_ENGINEERING"},
		{"gen_ai.operation.name", "completion", "COMPLETION"}, {"gen_ai.operation.name", "responses", "COMPLETION"}, {"gen_ai.operation.name", "embedding", "CUSTOM"},
		{"gen_ai.operation.name", "workflow", "AGENT_WORKFLOW"}, {"gen_ai.operation.name", "invoke_node", "CUSTOM"}, {"gen_ai.operation.name", "agent_workflow", "AGENT_WORKFLOW"},
		{"gen_ai.span.kind", "chatmodel", "COMPLETION"}, {"gen_ai.span.kind", "graph", "AGENT_WORKFLOW"}, {"gen_ai.span.kind", "toolsnode", "CUSTOM"}, {"gen_ai.span.kind", "lambda", "CUSTOM"}, {"gen_ai.span.kind", "workflow", "AGENT_WORKFLOW"},
		{"genkit:metadata:subtype", "model", "COMPLETION"}, {"genkit:metadata:subtype", "flow", "AGENT_WORKFLOW"}, {"genkit:metadata:subtype", "tool.v2", "CUSTOM"}, {"genkit:metadata:subtype", "retriever", "KB_RETRIEVAL"},
		{"genkit:metadata:subtype", "evaluator", "EVALUATION"}, {"genkit:metadata:subtype", "executable-prompt", "PROMPT_ENGINEERING"}, {"genkit:metadata:subtype", "indexer", "KB_ADD_CHUNK"}, {"genkit:type", "flowStep", "CUSTOM"},
		{"traceloop.span.kind", "task", "CUSTOM"}, {"traceloop.span.kind", "agent", "AGENT_WORKFLOW"}, {"llm.request.type", "chat", "COMPLETION"}, {"llm.request.type", "rerank", "RERANKING"}, {"llm.request.type", "embedding", "CUSTOM"},
		{"braintrust.span_attributes", `{"type":"llm"}`, "COMPLETION"}, {"braintrust.span_attributes", `{"type":"score"}`, "EVALUATION"}, {"braintrust.span_attributes", `{"type":"tool"}`, "CUSTOM"}, {"braintrust.span_attributes", `{"other":1}`, "STANDALONE"},
		{"braintrust.metrics", `{}`, "COMPLETION"}, {"mcp.method", "tools/call", "CUSTOM"}, {"mcp.method.name", "tools/list", "CUSTOM"}, {"mcp.tool.name", "x", "CUSTOM"},
		{"workflow.id", "w", "AGENT_WORKFLOW"}, {"executor.id", "e", "CUSTOM"}, {"edge_group.type", "g", "CUSTOM"}, {"temporalWorkflowID", "wf", "CUSTOM"},
		{"langsmith.span.kind", "a kind that is new", "CUSTOM"}, {"langsmith.span.kind", "", "STANDALONE"}, {"llm.model_name", "chat", "STANDALONE"},
	} {
		got := item(t, Config{}, end(stub(attribute.String(tc.key, tc.word))))
		assert.Equal(t, tc.want, got["type"], "%s=%s", tc.key, tc.word)
	}
	for what, want := range map[string]string{"graph": "AGENT_WORKFLOW", "function": "CUSTOM", "llm": "CUSTOM", "agent": "CUSTOM", "": "AGENT_WORKFLOW"} {
		got := item(t, Config{}, end(stub(attribute.String("gen_ai.operation.name", "workflow"), attribute.String("gen_ai.workflow.type", what))))
		assert.Equal(t, want, got["type"], what)
	}
	built := stub(attribute.String("workflow.id", "w"), attribute.String("workflow.definition", "{}"))
	assert.Equal(t, "CUSTOM", item(t, Config{}, end(built))["type"])
	workflow := stub(attribute.String("temporalWorkflowID", "wf"))
	workflow.Name = "RunWorkflow:AgentTurn"
	assert.Equal(t, "AGENT_WORKFLOW", item(t, Config{}, end(workflow))["type"])
}

// Of a START without attributes the name tells the type, and of nothing else.
func TestTypeByTheNameOfAStart(t *testing.T) {
	for name, want := range map[string]string{
		"chat gpt": "COMPLETION", "generate_content gemini": "COMPLETION", "invoke_agent lead": "AGENT_WORKFLOW", "execute_tool search": "CUSTOM",
		"chat": "STANDALONE", "chatty handler": "STANDALONE",
	} {
		s := stub()
		s.Name = name
		assert.Equal(t, want, item(t, Config{}, start(s))["type"], name)
		assert.Equal(t, want, item(t, Config{}, inputAt(PhaseUpdate, s))["type"], name)
		assert.Equal(t, "STANDALONE", item(t, Config{}, end(s))["type"], name)
		s.Attributes = []attribute.KeyValue{attribute.String("room", "r")}
		assert.Equal(t, "STANDALONE", item(t, Config{}, start(s))["type"], name)
	}
}

func TestStatusAndErrors(t *testing.T) {
	exception := func(name, typ, message string) sdktrace.Event {
		return sdktrace.Event{Name: name, Time: testStart, Attributes: []attribute.KeyValue{
			attribute.String("exception.type", typ), attribute.String("exception.message", message),
		}}
	}
	failed := func(description string) sdktrace.Status {
		return sdktrace.Status{Code: codes.Error, Description: description}
	}
	for _, tc := range []struct {
		name   string
		status sdktrace.Status
		attrs  []attribute.KeyValue
		events []sdktrace.Event
		want   string
		// metadata.error, error_type and error_message
		isError, errorType, message any
	}{
		{name: "unset", want: "SUCCESS"},
		{name: "ok", status: sdktrace.Status{Code: codes.Ok}, want: "SUCCESS"},
		{name: "ok with error.type", status: sdktrace.Status{Code: codes.Ok}, attrs: []attribute.KeyValue{attribute.String("error.type", "x")}, want: "SUCCESS"},
		{name: "unset with exception", events: []sdktrace.Event{exception("exception", "E", "m")}, want: "SUCCESS"},
		{name: "unset with an error.type that names none", attrs: []attribute.KeyValue{attribute.String("error.type", "")}, want: "SUCCESS"},
		{name: "unset with error.type", attrs: []attribute.KeyValue{attribute.String("error.type", "timeout")}, want: "ERROR", isError: true, errorType: "timeout"},
		{name: "error", status: failed("boom"), want: "ERROR", isError: true, message: "boom"},
		{name: "error without words", status: failed(""), want: "ERROR", isError: true},
		{
			name: "error with all", status: failed("boom"), attrs: []attribute.KeyValue{attribute.String("error.type", "500"), attribute.String("error.message", "z")},
			events: []sdktrace.Event{exception("exception", "E", "m")}, want: "ERROR", isError: true, errorType: "500", message: "boom",
		},
		{
			name: "error with exceptions", status: failed(""), events: []sdktrace.Event{exception("exception", "E1", "m1"), exception("exception", "E2", "m2")},
			want: "ERROR", isError: true, errorType: "E2", message: "m2",
		},
		{
			name: "error with GenAI exception", status: failed(""), events: []sdktrace.Event{exception("gen_ai.client.operation.exception", "E", "m")},
			want: "ERROR", isError: true, errorType: "E", message: "m",
		},
		{
			name: "exception attributes of another GenAI event", status: failed(""), events: []sdktrace.Event{exception("gen_ai.evaluation.result", "E", "m")},
			want: "ERROR", isError: true,
		},
		{
			name: "exception attributes of another event", status: failed(""), events: []sdktrace.Event{exception("retry", "E", "m")},
			want: "ERROR", isError: true,
		},
		{
			name: "error with error.message", status: failed(""), attrs: []attribute.KeyValue{attribute.String("error.message", "z")},
			want: "ERROR", isError: true, message: "z",
		},
		{name: "canceled", status: failed("context canceled"), want: "CANCELED", message: "context canceled"},
		{name: "canceled, wrapped", status: failed("call model: context canceled"), want: "CANCELED", message: "call model: context canceled"},
		{name: "canceled in the middle", status: failed("context canceled by peer"), want: "ERROR", isError: true, message: "context canceled by peer"},
		{
			name: "canceled by exception", status: failed("stopped"), events: []sdktrace.Event{exception("exception", "*errors.errorString", "do: context canceled")},
			want: "ERROR", isError: true, errorType: "*errors.errorString", message: "stopped",
		},
		{
			name: "canceled by exception alone", status: failed(""), events: []sdktrace.Event{exception("exception", "*errors.errorString", "do: context canceled")},
			want: "CANCELED", errorType: "*errors.errorString", message: "do: context canceled",
		},
		{name: "ok and canceled", status: sdktrace.Status{Code: codes.Ok}, events: []sdktrace.Event{exception("exception", "E", "context canceled")}, want: "SUCCESS"},
		{name: "gRPC canceled", status: failed(""), attrs: []attribute.KeyValue{attribute.Int("rpc.grpc.status_code", 1)}, want: "CANCELED"},
		{name: "gRPC canceled, and something else said", status: failed("x"), attrs: []attribute.KeyValue{attribute.Int("rpc.grpc.status_code", 1)}, want: "ERROR", isError: true, message: "x"},
		{name: "gRPC canceled, in its words", status: failed("rpc error: code = Canceled desc = gone"), want: "CANCELED", message: "rpc error: code = Canceled desc = gone"},
		{name: "gRPC deadline", status: failed("x"), attrs: []attribute.KeyValue{attribute.Int("rpc.grpc.status_code", 4)}, want: "ERROR", isError: true, message: "x"},
		{name: "gRPC canceled without error", attrs: []attribute.KeyValue{attribute.Int("rpc.grpc.status_code", 1)}, want: "SUCCESS"},
		{
			name: "gRPC canceled, by name", status: failed(""), attrs: []attribute.KeyValue{attribute.String("rpc.response.status_code", "CANCELLED")},
			want: "CANCELED",
		},
		{
			name: "gRPC canceled, by name and system", status: failed(""),
			attrs: []attribute.KeyValue{attribute.String("rpc.response.status_code", "CANCELLED"), attribute.String("rpc.system.name", "grpc")}, want: "CANCELED",
		},
		{
			name: "a status of JSON-RPC", status: failed(""),
			attrs: []attribute.KeyValue{attribute.String("rpc.response.status_code", "1"), attribute.String("mcp.method", "tools/call")}, want: "ERROR", isError: true,
		},
		{
			name: "a status of another system", status: failed(""),
			attrs: []attribute.KeyValue{attribute.Int("rpc.response.status_code", 1), attribute.String("rpc.system", "jsonrpc")}, want: "ERROR", isError: true,
		},
		{
			name: "RPC status, another", status: failed("x"), attrs: []attribute.KeyValue{attribute.String("rpc.response.status_code", "NOT_FOUND")},
			want: "ERROR", isError: true, message: "x",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := stub(tc.attrs...)
			s.Status, s.Events = tc.status, tc.events
			got := item(t, Config{}, end(s))
			assert.Equal(t, tc.want, got["status"])
			assert.Equal(t, tc.isError, at(got, "metadata", "error"))
			assert.Equal(t, tc.errorType, at(got, "metadata", "error_type"))
			assert.Equal(t, tc.message, at(got, "metadata", "error_message"))
			assert.NotContains(t, item(t, Config{}, start(s)), "status")
		})
	}
}

// Many instrumentations set no status: then what the protocol answered decides.
func TestStatusOfProtocols(t *testing.T) {
	for _, tc := range []struct {
		name      string
		kind      trace.SpanKind
		attr      attribute.KeyValue
		code      codes.Code
		want      string
		errorType any
	}{
		{"HTTP server 500", trace.SpanKindServer, attribute.Int("http.response.status_code", 500), codes.Unset, "ERROR", "500"},
		{"HTTP server 404", trace.SpanKindServer, attribute.Int("http.response.status_code", 404), codes.Unset, "SUCCESS", nil},
		{"HTTP client 404", trace.SpanKindClient, attribute.Int("http.response.status_code", 404), codes.Unset, "ERROR", "404"},
		{"HTTP client 302", trace.SpanKindClient, attribute.Int("http.response.status_code", 302), codes.Unset, "SUCCESS", nil},
		{"HTTP client 404, old key, text", trace.SpanKindClient, attribute.String("http.status_code", "404"), codes.Unset, "ERROR", "404"},
		{"HTTP client 404, dealt with", trace.SpanKindClient, attribute.Int("http.response.status_code", 404), codes.Ok, "SUCCESS", nil},
		{"HTTP 404, internal", trace.SpanKindInternal, attribute.Int("http.response.status_code", 404), codes.Unset, "SUCCESS", nil},
		{"gRPC server NOT_FOUND", trace.SpanKindServer, attribute.Int("rpc.grpc.status_code", 5), codes.Unset, "SUCCESS", nil},
		{"gRPC server INTERNAL", trace.SpanKindServer, attribute.Int("rpc.grpc.status_code", 13), codes.Unset, "ERROR", "13"},
		{"gRPC client NOT_FOUND", trace.SpanKindClient, attribute.Int("rpc.grpc.status_code", 5), codes.Unset, "ERROR", "5"},
		{"gRPC client OK", trace.SpanKindClient, attribute.Int("rpc.grpc.status_code", 0), codes.Unset, "SUCCESS", nil},
		{"gRPC client CANCELLED", trace.SpanKindClient, attribute.Int("rpc.grpc.status_code", 1), codes.Unset, "CANCELED", "1"},
		{"JSON-RPC", trace.SpanKindClient, attribute.Int("rpc.response.status_code", -32601), codes.Unset, "SUCCESS", nil},
	} {
		s := stub(tc.attr)
		s.SpanKind, s.Status.Code = tc.kind, tc.code
		got := item(t, Config{}, end(s))
		assert.Equal(t, tc.want, got["status"], tc.name)
		assert.Equal(t, tc.errorType, at(got, "metadata", "error_type"), tc.name)
	}
}

// The SDK records a panic that ends a span after it has taken the span's end.
func TestPanicIsAnError(t *testing.T) {
	panicAt := func(d time.Duration, attrs ...attribute.KeyValue) stubType {
		s := stub()
		s.Events = []sdktrace.Event{{Name: "exception", Time: s.EndTime.Add(d), Attributes: append(attrs,
			attribute.String("exception.type", "runtime.Error"), attribute.String("exception.message", "index out of range"))}}
		return s
	}
	stack := attribute.String("exception.stacktrace", "goroutine 1")
	got := item(t, Config{}, end(panicAt(0, stack)))
	assert.Equal(t, "ERROR", got["status"])
	assert.Equal(t, "runtime.Error", at(got, "metadata", "error_type"))
	assert.Equal(t, "index out of range", at(got, "metadata", "error_message"))
	assert.Equal(t, "SUCCESS", item(t, Config{}, end(panicAt(0)))["status"], "without a stack")
	assert.Equal(t, "SUCCESS", item(t, Config{}, end(panicAt(-1, stack)))["status"], "dealt with before the end")
}

// The same of a panic that goes through the SDK's End.
func TestPanicOfTheSDKIsAnError(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	assert.PanicsWithValue(t, "lost", func() {
		_, span := tp.Tracer("test").Start(t.Context(), "turn")
		defer span.End(trace.WithStackTrace(true))
		panic("lost")
	})
	m, in := New(Config{}), new(Input)
	require.NoError(t, m.FromSpan(in, PhaseEnd, recorder.Ended()[0]))
	got := item(t, Config{}, in)
	assert.Equal(t, "ERROR", got["status"])
	assert.Equal(t, "lost", at(got, "metadata", "error_message"))
}

// An end at the beginning of Unix time is an end.
func TestEndIn1970(t *testing.T) {
	s := stub()
	s.StartTime, s.EndTime = time.Unix(0, 0), time.Unix(0, 0)
	got := item(t, Config{}, end(s))
	assert.Equal(t, "1970-01-01T00:00:00Z", got["end_timestamp"])
	assert.Nil(t, at(got, "metadata", "otel_sgp_notes"))
}

func TestEndlessFlatKeysAreBounded(t *testing.T) {
	got := item(t, Config{}, end(stub(
		attribute.String("llm.input_messages.0"+strings.Repeat(".0", 5000), "deep"),
		attribute.String("llm.input_messages.99999999999999999999999.message.role", "user"),
	)))
	messages := at(got, "input", "messages").([]any)
	require.Len(t, messages, 2)
	assert.Equal(t, map[string]any{"role": "user"}, messages[1])
}
