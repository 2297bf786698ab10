package localmodel

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

const cancelQuestion = "how do I cancel an HTTP request?"

func calls(r reply) []string {
	var out []string
	for _, c := range r.calls {
		out = append(out, c.Function.Name+c.Function.Arguments)
	}
	return out
}

// answered returns the chat after the calls of r were answered with results.
func answered(chat []model.Message, r reply, results ...string) []model.Message {
	chat = append(chat, model.Message{Role: model.RoleAssistant, Content: r.text, ToolCalls: r.calls})
	for i, c := range r.calls {
		chat = append(chat, model.Message{Role: model.RoleTool, ToolCallID: c.ID, Content: results[i]})
	}
	return chat
}

func turn(chat []model.Message, tools ...string) reply {
	request := model.ChatRequest{Messages: chat}
	for _, name := range tools {
		request.Tools = append(request.Tools, model.Tool{Type: "function", Function: model.Function{Name: name}})
	}
	return next(request)
}

func searchResult(passages ...docs.Passage) string {
	return genai.JSON(map[string]any{"results": passages})
}

var (
	newRequest = docs.Passage{Symbol: "net/http.NewRequestWithContext", Package: "net/http", Kind: docs.KindFunc,
		Signature: "func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error)",
		Doc:       "NewRequestWithContext returns a new [Request]. The context controls the entire lifetime of a request. It has a body.", Source: "net/http/request.go:1"}
	withCancel = docs.Passage{Symbol: "context.WithCancel", Package: "context", Kind: docs.KindFunc,
		Signature: "func WithCancel(parent Context) (ctx Context, cancel CancelFunc)", Doc: "WithCancel returns a derived context.", Source: "context/context.go:2"}
	requestContext = docs.Passage{Symbol: "net/http.Request.Context", Package: "net/http", Kind: docs.KindMethod,
		Signature: "func (r *Request) Context() context.Context", Doc: "Context returns the request's context.", Source: "net/http/request.go:3"}
	cancelRequest = docs.Passage{Symbol: "net/http.Transport.CancelRequest", Package: "net/http", Kind: docs.KindMethod, Doc: "CancelRequest cancels a request.", Deprecated: true}
)

func TestResearch(t *testing.T) {
	tools := []string{"search_docs", "lookup_symbol"}
	chat := []model.Message{{Role: model.RoleUser, Content: cancelQuestion}}

	search := turn(chat, tools...)
	assert.Equal(t, []string{
		`search_docs{"query":"cancel http request","limit":8}`,
		`search_docs{"query":"http.NewRequestWithContext context.WithCancel","limit":8}`,
	}, calls(search))

	chat = answered(chat, search, searchResult(cancelRequest, requestContext), searchResult(withCancel, newRequest))
	lookup := turn(chat, tools...)
	assert.Equal(t, []string{
		`lookup_symbol{"symbol":"net/http.NewRequestWithContext"}`,
		`lookup_symbol{"symbol":"context.WithCancel"}`,
		`lookup_symbol{"symbol":"net/http.Request.Context"}`,
		`lookup_symbol{"symbol":"net/http.CancelRequest"}`,
	}, calls(lookup), "the names it had in mind, then what it found, then the obvious name")

	chat = answered(chat, lookup, genai.JSON(docs.Entry{Passage: newRequest}), genai.JSON(docs.Entry{Passage: withCancel}),
		genai.JSON(docs.Entry{Passage: requestContext}), "error: package net/http has no symbol CancelRequest")
	report := turn(chat, tools...)
	assert.Empty(t, report.calls)
	found, ok := decode[findings](report.text)
	require.True(t, ok)
	assert.Equal(t, []finding{
		{Symbol: "net/http.NewRequestWithContext", Text: "NewRequestWithContext returns a new Request. The context controls the entire lifetime of a request.", Source: "net/http/request.go:1"},
		{Symbol: "context.WithCancel", Text: "WithCancel returns a derived context.", Source: "context/context.go:2"},
		{Symbol: "net/http.Request.Context", Text: "Context returns the request's context.", Source: "net/http/request.go:3"},
	}, found.Findings)
	assert.Equal(t, []string{"package net/http has no symbol CancelRequest"}, found.NotFound)
	assert.Equal(t, "the signature of http.NewRequestWithContext", found.Example.Origin)
}

func TestResearchFindsNothing(t *testing.T) {
	for _, question := range []string{"how do I make a cake?", "how do you do?"} {
		chat := []model.Message{{Role: model.RoleUser, Content: question}}
		r := turn(chat, "search_docs")
		if len(r.calls) > 0 {
			makeMap := docs.Passage{Symbol: "reflect.MakeMap", Package: "reflect", Kind: docs.KindFunc, Doc: "MakeMap creates a new map."}
			r = turn(answered(chat, r, searchResult(makeMap)), "search_docs")
		}
		assert.Equal(t, reply{text: `{"findings":null}`}, r, question)
	}
}

func TestReviewRepairs(t *testing.T) {
	draft := "package main\n\nimport (\n\t\"net/http\"\n)\n\nfunc main() {\n\tfmt.Println(http.MethodGet)\n}\n"
	repaired := "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n)\n\nfunc main() {\n\tfmt.Println(http.MethodGet)\n}\n"
	chat := []model.Message{{Role: model.RoleUser, Content: "Check this:\n\n```go\n" + draft + "```\n"}}

	first := turn(chat, "check_example")
	assert.Equal(t, []string{"check_example" + genai.JSON(map[string]string{"code": draft})}, calls(first))

	chat = answered(chat, first, "error: go vet: example.go:8:2: undefined: fmt")
	second := turn(chat, "check_example")
	assert.Equal(t, []string{"check_example" + genai.JSON(map[string]string{"code": repaired})}, calls(second))

	done := turn(answered(chat, second, `{"ok":true}`), "check_example")
	v, ok := decode[verdict](done.text)
	require.True(t, ok)
	assert.Equal(t, verdict{OK: true, Code: repaired, Changes: "added the missing imports fmt"}, v)
}

func TestReviewGivesUp(t *testing.T) {
	draft := "package main\n\nfunc main() { x }\n"
	chat := []model.Message{{Role: model.RoleUser, Content: draft}}
	chat = answered(chat, turn(chat, "check_example"), "error: go vet: undefined: x")
	v, ok := decode[verdict](turn(chat, "check_example").text)
	require.True(t, ok)
	assert.Equal(t, verdict{Code: draft, Problem: "go vet: undefined: x"}, v)
}

func TestLead(t *testing.T) {
	tools := []string{"ask_researcher", "ask_reviewer"}
	chat := []model.Message{{Role: model.RoleSystem, Content: "You answer."}, {Role: model.RoleUser, Content: cancelQuestion}}
	first := turn(chat, tools...)
	assert.Equal(t, []string{`ask_researcher{"question":"how do I cancel an HTTP request?"}`}, calls(first))

	chat = answered(chat, first, genai.JSON(findings{
		Findings: []finding{
			{Symbol: "net/http.NewRequestWithContext", Text: "It makes a request.", Source: "net/http/request.go:1"},
			{Symbol: "context.WithCancel", Text: "It makes a context.", Source: "context/context.go:2"},
			{Symbol: "net/http.Request", Text: "It is one.", Source: "net/http/request.go:3"},
		},
		NotFound: []string{"package net/http has no symbol CancelRequest"},
		Example:  &example{Origin: "a signature", Code: "draft\n"},
	}))
	second := turn(chat, tools...)
	assert.Equal(t, []string{`ask_reviewer{"question":"how do I cancel an HTTP request?","example":"draft\n"}`}, calls(second))

	good := turn(answered(chat, second, genai.JSON(verdict{OK: true, Code: "context.WithCancel()\n"})), tools...)
	assert.Equal(t, "Use `http.NewRequestWithContext` with `context.WithCancel`.\n"+`
- `+"`http.NewRequestWithContext`"+`: It makes a request. [1]
- `+"`context.WithCancel`"+`: It makes a context. [2]
- `+"`http.Request`"+`: It is one. [3]

An example, made from a signature; it passes gofmt and go vet:

`+"```go\ncontext.WithCancel()\n```"+`

Note: package net/http has no symbol CancelRequest.

Sources:
[1] net/http/request.go:1, https://pkg.go.dev/net/http#NewRequestWithContext
[2] context/context.go:2, https://pkg.go.dev/context#WithCancel
[3] net/http/request.go:3, https://pkg.go.dev/net/http#Request
`, good.text)

	bad := turn(answered(chat, second, genai.JSON(verdict{Code: "x", Problem: "go vet: undefined: x"})), tools...)
	assert.Contains(t, bad.text, "I leave out the example I drafted, as it could not be checked: go vet: undefined: x\n")
	assert.NotContains(t, bad.text, "```")

	failed := turn(answered(chat, second, "error: go-example-reviewer: the model API answered 500: no"), tools...)
	assert.Contains(t, failed.text, "Use `http.NewRequestWithContext`.")
	assert.NotContains(t, failed.text, "```")
}

func TestLeadWithoutFindings(t *testing.T) {
	chat := []model.Message{{Role: model.RoleUser, Content: "how do I make a cake?"}}
	for _, result := range []string{`{"findings":null}`, "error: it failed", "not JSON"} {
		r := turn(answered(chat, turn(chat, "ask_researcher"), result), "ask_researcher")
		assert.Equal(t, reply{text: "The documentation of the standard library has nothing on that, or nothing that a search for these words finds."}, r)
	}
}
