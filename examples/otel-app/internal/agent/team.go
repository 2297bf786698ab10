package agent

import (
	"context"
	"encoding/json"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/tools"
)

// NewTeam returns the lead of three agents that together answer questions about
// Go: it asks a researcher, who reads the documentation, and a reviewer, who
// checks examples.
func NewTeam(client *model.Client, index *docs.Index, provider trace.TracerProvider) *Agent {
	researcher := &Agent{
		Name:        "go-docs-researcher",
		Description: "Finds out what the documentation of the Go standard library says about a question.",
		Instructions: `You find out what the documentation of the Go standard library says about a question. Search it, in several wordings; look up the symbols that matter before you report them, and never report one that you could not look up.
Answer with one JSON object and nothing else:
{"findings":[{"symbol":"net/http.Client.Do","text":"what the documentation says about the question, one or two sentences of it","source":"file:line"}],"not_found":["what does not exist"],"example":{"origin":"what it was made from","code":"a short program, package main"}}`,
		Tools:    []tools.Tool{tools.SearchDocs(index), tools.LookupSymbol(index)},
		client:   client,
		provider: provider,
	}
	reviewer := &Agent{
		Name:        "go-example-reviewer",
		Description: "Checks a Go example, and repairs it.",
		Instructions: `You review a Go example. Check it; if that fails, repair the example and check again, three times at most.
Answer with one JSON object and nothing else: {"ok":true,"code":"the example as it passed","changes":"what you changed","problem":"what is wrong, if it did not pass"}`,
		Tools:    []tools.Tool{tools.CheckExample(provider)},
		client:   client,
		provider: provider,
	}
	return &Agent{
		Name:        "go-docs-lead",
		Description: "Answers questions about Go from the documentation of the standard library.",
		Instructions: `You answer questions about Go for programmers who know it. Ask the researcher what the documentation says, and have the reviewer check the example before you show it.
Answer in Markdown: what to use in one sentence, then what the documentation says with the sources numbered, a short example that passed the review, and the list of sources. Say only what was found.`,
		Tools: []tools.Tool{
			researcher.asTool("ask_researcher", `{"type":"object","properties":{
				"question":{"type":"string"}
			},"required":["question"]}`, func(args request) string { return args.Question }),
			reviewer.asTool("ask_reviewer", `{"type":"object","properties":{
				"question":{"type":"string","description":"what the example is to show"},
				"example":{"type":"string","description":"a whole program, package main"}
			},"required":["question","example"]}`, func(args request) string {
				return "The example is to show: " + args.Question + "\n\n```go\n" + args.Example + "```\n"
			}),
		},
		client:   client,
		provider: provider,
	}
}

// request is what the lead asks another agent.
type request struct {
	Question string `json:"question"`
	Example  string `json:"example"`
}

// asTool makes the agent a tool of another. prompt makes its input.
func (a *Agent) asTool(name, parameters string, prompt func(request) string) tools.Tool {
	return tools.Tool{
		Name:        name,
		Description: a.Description,
		Parameters:  parameters,
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
			args, err := tools.Arguments[request](arguments)
			if err != nil {
				return "", err
			}
			return a.Invoke(ctx, prompt(args), nil)
		},
	}
}
