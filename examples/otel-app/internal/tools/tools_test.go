package tools

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kit is a set of tools and the spans that they make.
type kit struct {
	tools    []Tool
	provider *sdktrace.TracerProvider
	recorder *tracetest.SpanRecorder
}

func newKit(t *testing.T) kit {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	index, err := docs.Build(t.Context(), "../docs/testdata/goroot", provider)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	recorder.Reset()
	return kit{[]Tool{SearchDocs(index), LookupSymbol(index), CheckExample(provider)}, provider, recorder}
}

func (k kit) call(ctx context.Context, name, arguments string) (string, error) {
	return Execute(ctx, k.provider, k.tools, model.ToolCall{
		ID: "call_1", Type: "function", Function: model.FunctionCall{Name: name, Arguments: arguments},
	})
}

// last is the span that ended last: that of the tool.
func (k kit) last() sdktrace.ReadOnlySpan {
	spans := k.recorder.Ended()
	return spans[len(spans)-1]
}

func attributes(span sdktrace.ReadOnlySpan) map[string]any {
	out := map[string]any{}
	for _, kv := range span.Attributes() {
		out[string(kv.Key)] = kv.Value.AsInterface()
	}
	return out
}

func TestDefinitions(t *testing.T) {
	for _, tool := range newKit(t).tools {
		definition := tool.Definition()
		assert.Equal(t, "function", definition.Type)
		assert.NotEmpty(t, definition.Function.Description)
		var schema struct {
			Type     string
			Required []string
		}
		require.NoError(t, json.Unmarshal(definition.Function.Parameters, &schema), tool.Name)
		assert.Equal(t, "object", schema.Type)
		assert.Len(t, schema.Required, 1)
	}
}

func TestSearchDocs(t *testing.T) {
	k := newKit(t)
	result, err := k.call(t.Context(), "search_docs", `{"query":"context.WithCancel","limit":1}`)
	require.NoError(t, err)
	assert.Regexp(t, `^\{"results":\[\{"symbol":"context.WithCancel","package":"context","kind":"func",`, result)

	span := k.last()
	assert.Equal(t, "execute_tool search_docs", span.Name())
	assert.Equal(t, codes.Unset, span.Status().Code)
	assert.Equal(t, map[string]any{
		"gen_ai.operation.name":      "execute_tool",
		"gen_ai.tool.name":           "search_docs",
		"gen_ai.tool.type":           "function",
		"gen_ai.tool.call.id":        "call_1",
		"gen_ai.tool.call.arguments": `{"query":"context.WithCancel","limit":1}`,
		"gen_ai.tool.call.result":    result,
		"gen_ai.tool.description":    "Full-text search in the documentation of the Go standard library. Returns the passages that fit best: symbol, signature and the beginning of its doc comment.",
	}, attributes(span))
	retrieval := k.recorder.Ended()[1]
	assert.Equal(t, "retrieval go-stdlib-docs", retrieval.Name())
	assert.Equal(t, span.SpanContext().SpanID(), retrieval.Parent().SpanID())
}

func TestLookupSymbol(t *testing.T) {
	k := newKit(t)
	result, err := k.call(t.Context(), "lookup_symbol", `{"symbol":"context.WithCancel"}`)
	require.NoError(t, err)
	var entry docs.Entry
	require.NoError(t, json.Unmarshal([]byte(result), &entry))
	assert.Equal(t, "func WithCancel(parent Context) (ctx Context, cancel CancelFunc)", entry.Signature)
	assert.Len(t, entry.Examples, 2)
}

func TestToolFails(t *testing.T) {
	k := newKit(t)
	for _, c := range []struct {
		tool, arguments string
		is              error
		says, errorType string
	}{
		{"lookup_symbol", `{"symbol":"net/http.CancelRequest"}`, docs.ErrNoSymbol, "package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (deprecated)", "no_such_symbol"},
		{"lookup_symbol", `{"symbol":"nowhere.X"}`, docs.ErrNoPackage, `no such package in the standard library: "nowhere"`, "no_such_package"},
		{"lookup_symbol", `{"symbol":`, ErrBadArguments, "bad arguments: unexpected end of JSON input", "bad_arguments"},
		{"search_docs", `{}`, ErrBadArguments, "bad arguments: query is empty", "bad_arguments"},
		{"search_docs", `[]`, ErrBadArguments, "bad arguments: json: cannot unmarshal array into Go value of type struct { Query string \"json:\\\"query\\\"\"; Limit int \"json:\\\"limit\\\"\" }", "bad_arguments"},
		{"check_example", `7`, ErrBadArguments, "bad arguments: json: cannot unmarshal number into Go value of type struct { Code string \"json:\\\"code\\\"\" }", "bad_arguments"},
		{"rm", `{}`, ErrUnknownTool, `unknown tool: "rm"`, "unknown_tool"},
	} {
		_, err := k.call(t.Context(), c.tool, c.arguments)
		require.ErrorIs(t, err, c.is)
		require.EqualError(t, err, c.says)
		span := k.last()
		assert.Equal(t, "execute_tool "+c.tool, span.Name())
		assert.Equal(t, sdktrace.Status{Code: codes.Error, Description: c.says}, span.Status())
		require.Len(t, span.Events(), 1)
		assert.Equal(t, "exception", span.Events()[0].Name)
		assert.Equal(t, c.errorType, attributes(span)["error.type"])
	}
}

func TestCheckExample(t *testing.T) {
	k := newKit(t)
	code := genai.JSON(map[string]string{"code": "package main\nimport \"fmt\"\nfunc main() { fmt.Println(1) }\n"})
	result, err := k.call(t.Context(), "check_example", code)
	require.NoError(t, err)
	assert.JSONEq(t, `{"ok":true,"changed_by_gofmt":true}`, result)

	spans := k.recorder.Ended()
	require.Len(t, spans, 3)
	assert.Equal(t, "gofmt", spans[0].Name())
	vet := spans[1]
	assert.Equal(t, "go vet", vet.Name())
	got := attributes(vet)
	assert.Positive(t, got["process.pid"])
	delete(got, "process.pid")
	assert.Equal(t, map[string]any{
		"process.executable.name": "go",
		"process.command_args":    []string{"go", "vet", "."},
		"process.exit.code":       int64(0),
	}, got)
}

func TestCheckExampleRejects(t *testing.T) {
	k := newKit(t)
	for code, want := range map[string]ExampleError{
		"package main\n\nfunc main() {\n":                                                      {"gofmt", "3:15: expected '}', found 'EOF'"},
		"package main\n\nfunc main() { fmt.Println(1) }\n":                                     {"go vet", "example.go:3:15: undefined: fmt"},
		"package main\n\nfunc main() { x := 1 }\n":                                             {"go vet", "example.go:3:15: declared and not used: x"},
		"package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Printf(\"%d\", \"x\") }\n":        {"go vet", `example.go:5:27: fmt.Printf format %d has arg "x" of wrong type string`},
		"package main\n\n// #cgo LDFLAGS: -fplugin=x\nimport \"C\"\n\nfunc main() { C.f() }\n": {"gofmt", "the example may not use cgo"},
		"package main\n\nimport \"rsc.io/quote\"\n\nfunc main() { println(quote.Hello()) }\n":  {"go vet", "example.go:3:8: cannot find module providing package rsc.io/quote: import lookup disabled by -mod=readonly"},
	} {
		_, err := k.call(t.Context(), "check_example", genai.JSON(map[string]string{"code": code}))
		var rejected *ExampleError
		require.ErrorAs(t, err, &rejected, code)
		assert.Equal(t, want, *rejected)
		assert.Equal(t, "example_rejected", attributes(k.last())["error.type"])
	}
}

func TestCheckExampleCancelled(t *testing.T) {
	k := newKit(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := k.call(ctx, "check_example", `{"code":"package main\nfunc main() {}\n"}`)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "canceled", attributes(k.last())["error.type"])
}

func TestCheckExampleWithoutGo(t *testing.T) {
	k := newKit(t)
	t.Setenv("PATH", t.TempDir())
	_, err := k.call(t.Context(), "check_example", `{"code":"package main\nfunc main() {}\n"}`)
	require.ErrorContains(t, err, "run go vet: ")
	var rejected *ExampleError
	assert.False(t, errors.As(err, &rejected), "nothing was found wrong")
}

func TestShorten(t *testing.T) {
	assert.Equal(t, "one two", shorten("one two", 7))
	assert.Equal(t, "one …", shorten("one two", 5))
	assert.Equal(t, " …", shorten("onetwo", 3))
}
