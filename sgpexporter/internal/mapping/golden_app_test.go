package mapping

import (
	"maps"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func init() { maps.Copy(goldens, appGoldens) }

// appGoldens are spans of examples/otel-app, asked "how do I cancel an HTTP
// request?", as a second processor on its provider saw them; long texts are cut.
var appGoldens = map[string]func() *Input{
	"app_ask": func() *Input {
		s := appSpan("POST /ask", trace.SpanKindServer, otelhttpScope,
			attribute.String("server.address", "127.0.0.1"),
			attribute.String("http.request.method", "POST"),
			attribute.String("url.scheme", "http"),
			attribute.Int("server.port", 41103),
			attribute.String("network.peer.address", "127.0.0.1"),
			attribute.Int("network.peer.port", 59550),
			attribute.String("user_agent.original", "Go-http-client/1.1"),
			attribute.String("client.address", "127.0.0.1"),
			attribute.String("url.path", "/ask"),
			attribute.String("network.protocol.version", "1.1"),
			attribute.String("http.route", "/ask"),
			appConversation,
			attribute.String("sgp.input", `{"question":"how do I cancel an HTTP request?"}`),
			attribute.String("sgp.output", `{"answer":"Use `+"`http.NewRequestWithContext`"+` with `+"`context.WithCancel`"+`."}`),
			attribute.Int("http.request.body.size", 47),
			attribute.Int("http.response.body.size", 15564),
			attribute.Int("http.response.status_code", 200))
		s.Parent = trace.SpanContext{}
		s.ChildSpanCount = 1
		return end(s)
	},
	"app_chat_start": func() *Input {
		return start(appSpan("chat local-docs-1", trace.SpanKindClient, appScope("model"), appChatRequest...))
	},
	"app_chat": func() *Input {
		s := appSpan("chat local-docs-1", trace.SpanKindClient, appScope("model"), appChatRequest...)
		s.Attributes = append(s.Attributes,
			attribute.Float64("gen_ai.response.time_to_first_chunk", 0.058951626),
			attribute.String("gen_ai.response.id", "chatcmpl-FU7LIXH2WP6OKI4IDN72RFGRTT"),
			attribute.String("gen_ai.response.model", "local-docs-1"),
			attribute.StringSlice("gen_ai.response.finish_reasons", []string{"tool_calls"}),
			attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[`+
				`{"type":"text","content":"I will look that up in the standard library's documentation."},`+
				`{"type":"tool_call","id":"call_OXK7QCVXZCY57ZU6","name":"ask_researcher","arguments":{"question":"how do I cancel an HTTP request?"}}],`+
				`"finish_reason":"tool_call"}]`),
			attribute.Int("gen_ai.usage.input_tokens", 206),
			attribute.Int("gen_ai.usage.output_tokens", 30))
		s.ChildSpanCount = 1
		return end(s)
	},
	"app_retrieval": func() *Input {
		s := appSpan("retrieval go-stdlib-docs", trace.SpanKindClient, appScope("docs"),
			attribute.String("gen_ai.operation.name", "retrieval"),
			attribute.String("gen_ai.data_source.id", "go-stdlib-docs"),
			attribute.String("gen_ai.retrieval.query.text", "http.NewRequestWithContext context.WithCancel"),
			attribute.Int("gen_ai.retrieval.top_k", 8),
			appConversation,
			attribute.String("gen_ai.retrieval.documents", `[{"id":"func context.WithCancel","score":18.272290501504983},`+
				`{"id":"func net/http.NewRequestWithContext","score":16.224747204093852}]`))
		s.ChildSpanCount = 1
		return end(s)
	},
	"app_select": func() *Input {
		return end(appSpan("SELECT passages", trace.SpanKindClient, instrumentation.Scope{Name: "github.com/XSAM/otelsql", Version: "0.44.0"},
			appConversation,
			attribute.String("db.system.name", "sqlite"),
			attribute.String("db.namespace", "docs"),
			attribute.String("db.query.text", "SELECT symbol, package, kind, signature, body, example, source, deprecated,\n"+
				"\t-bm25(passages, 6.0, 3.0, 1.0, 1.0) * prior AS score\n"+
				"\tFROM passages WHERE passages MATCH ? ORDER BY score DESC, symbol LIMIT ?")))
	},
	"app_lookup_failed": func() *Input {
		const reason = "package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (deprecated)"
		return end(appFailed(reason, "*docs.SymbolError", appSpan("execute_tool lookup_symbol", trace.SpanKindInternal, appScope("tools"),
			attribute.String("gen_ai.operation.name", "execute_tool"),
			attribute.String("gen_ai.tool.name", "lookup_symbol"),
			attribute.String("gen_ai.tool.type", "function"),
			attribute.String("gen_ai.tool.call.id", "call_Q4QHCVQSU5WL7WP6"),
			attribute.String("gen_ai.tool.call.arguments", `{"symbol":"net/http.CancelRequest"}`),
			appConversation,
			attribute.String("gen_ai.tool.description", "The whole documentation of one symbol of the Go standard library, with its package examples."),
			attribute.String("error.type", "no_such_symbol"))))
	},
	"app_go_vet_failed": func() *Input {
		return end(appFailed("go vet: example.go:14:3: undefined: fmt", "*tools.ExampleError", appSpan("go vet", trace.SpanKindClient, appScope("tools"),
			attribute.String("process.executable.name", "go"),
			attribute.StringSlice("process.command_args", []string{"go", "vet", "."}),
			appConversation,
			attribute.Int("process.pid", 15687),
			attribute.Int("process.exit.code", 1),
			attribute.String("error.type", "example_rejected"))))
	},
}

var (
	otelhttpScope   = instrumentation.Scope{Name: "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", Version: "0.72.0"}
	appConversation = attribute.String("gen_ai.conversation.id", "conv_ANSRG3BDGMX2LGNYNLH5VISTCK")
	appChatRequest  = []attribute.KeyValue{
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "local-docs-1"),
		attribute.Bool("gen_ai.request.stream", true),
		attribute.String("gen_ai.input.messages", `[{"role":"system","parts":[{"type":"text","content":"You answer questions about Go for programmers who know it.\nSay only what was found."}]},`+
			`{"role":"user","parts":[{"type":"text","content":"how do I cancel an HTTP request?"}]}]`),
		attribute.String("server.address", "127.0.0.1"),
		attribute.Int("server.port", 44843),
		attribute.String("gen_ai.tool.definitions", `[{"name":"ask_researcher","type":"function"},{"name":"ask_reviewer","type":"function"}]`),
		appConversation,
	}
)

func appScope(name string) instrumentation.Scope {
	return instrumentation.Scope{Name: "github.com/otelsgp/otelsgp/examples/otel-app/internal/" + name}
}

func appSpan(name string, kind trace.SpanKind, scope instrumentation.Scope, attrs ...attribute.KeyValue) tracetest.SpanStub {
	s := goldenSpan(name, kind, scope, append([]attribute.KeyValue(nil), attrs...)...)
	s.Resource = resource.NewSchemaless(attribute.String("service.name", "otel-app"))
	return s
}

// appFailed is s after span.RecordError and span.SetStatus.
func appFailed(reason, errType string, s tracetest.SpanStub) tracetest.SpanStub {
	s.Status = sdktrace.Status{Code: codes.Error, Description: reason}
	s.Events = []sdktrace.Event{{Name: "exception", Time: testStart.Add(time.Second), Attributes: []attribute.KeyValue{
		attribute.String("exception.type", errType), attribute.String("exception.message", reason)}}}
	return s
}
