package localmodel

import (
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// maxChecks bounds how often an example is checked.
const maxChecks = 3

// verdict is what the reviewer reports to the lead, as JSON.
type verdict struct {
	OK      bool   `json:"ok"`
	Code    string `json:"code"`
	Changes string `json:"changes,omitempty"`
	Problem string `json:"problem,omitempty"`
}

type checkArguments struct {
	Code string `json:"code"`
}

// review is the turn of an agent that can check code: it checks, repairs what
// it can, checks again, and reports.
func review(c chat) reply {
	checks := c.results[toolCheckExample]
	if len(checks) == 0 {
		return reply{calls: checkCalls(extractCode(c.question))}
	}
	last := checks[len(checks)-1]
	args, _ := decode[checkArguments](last.arguments)
	if !last.failed() {
		return reply{text: genai.JSON(verdict{OK: true, Code: args.Code, Changes: changes(checks)})}
	}
	if repaired, _, ok := addImports(args.Code); ok && len(checks) < maxChecks {
		return reply{calls: checkCalls(repaired)}
	}
	return reply{text: genai.JSON(verdict{Code: args.Code, Problem: strings.TrimPrefix(last.content, errorPrefix)})}
}

// changes says what became of the first draft.
func changes(checks []result) string {
	first, _ := decode[checkArguments](checks[0].arguments)
	if _, added, ok := addImports(first.Code); ok && len(checks) > 1 {
		return "added the missing imports " + strings.Join(added, ", ")
	}
	return ""
}

func checkCalls(code string) []model.ToolCall {
	return []model.ToolCall{call(toolCheckExample, checkArguments{code})}
}

// extractCode returns the code between the fences of a message, or all of it.
func extractCode(text string) string {
	if _, rest, ok := strings.Cut(text, "```go\n"); ok {
		code, _, _ := strings.Cut(rest, "```")
		return code
	}
	return text
}
