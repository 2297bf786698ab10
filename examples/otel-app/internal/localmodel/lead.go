package localmodel

import (
	"fmt"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// lead is the turn of an agent that has a researcher and a reviewer: it asks
// the one what the documentation says, has the other check the example, and
// answers.
func lead(c chat) reply {
	type researchArguments struct {
		Question string `json:"question"`
	}
	type reviewArguments struct {
		Question string `json:"question"`
		Example  string `json:"example"`
	}
	researched := c.results[toolAskResearcher]
	if len(researched) == 0 {
		return reply{
			text:  "I will look that up in the standard library's documentation.",
			calls: []model.ToolCall{call(toolAskResearcher, researchArguments{c.question})},
		}
	}
	found, _ := decode[findings](researched[len(researched)-1].content)
	reviewed := c.results[toolAskReviewer]
	if len(reviewed) == 0 && found.Example != nil {
		return reply{calls: []model.ToolCall{call(toolAskReviewer, reviewArguments{c.question, found.Example.Code})}}
	}
	var v verdict
	if len(reviewed) > 0 {
		v, _ = decode[verdict](reviewed[len(reviewed)-1].content)
	}
	return reply{text: compose(found, v)}
}

// compose writes the answer.
func compose(found findings, v verdict) string {
	if len(found.Findings) == 0 {
		return "The documentation of the standard library has nothing on that, or nothing that a search for these words finds."
	}
	var out strings.Builder
	out.WriteString(opening(found, v.Code))
	for i, f := range found.Findings {
		fmt.Fprintf(&out, "\n- `%s`: %s [%d]", short(f.Symbol), f.Text, i+1)
	}
	out.WriteString("\n")
	if v.OK {
		fmt.Fprintf(&out, "\nAn example, made from %s; it passes gofmt and go vet:\n\n```go\n%s```\n", found.Example.Origin, v.Code)
	} else if v.Problem != "" {
		fmt.Fprintf(&out, "\nI leave out the example I drafted, as it could not be checked: %s\n", v.Problem)
	}
	for _, missing := range found.NotFound {
		fmt.Fprintf(&out, "\nNote: %s.\n", missing)
	}
	out.WriteString("\nSources:\n")
	for i, f := range found.Findings {
		fmt.Fprintf(&out, "[%d] %s, %s\n", i+1, f.Source, webAddress(f.Symbol))
	}
	return out.String()
}

// opening names the first symbol, and those of the others that the example
// uses.
func opening(found findings, code string) string {
	first := short(found.Findings[0].Symbol)
	var with []string
	for _, f := range found.Findings[1:] {
		if strings.Contains(code, short(f.Symbol)+"(") {
			with = append(with, "`"+short(f.Symbol)+"`")
		}
	}
	if len(with) == 0 {
		return fmt.Sprintf("Use `%s`.\n", first)
	}
	return fmt.Sprintf("Use `%s` with %s.\n", first, strings.Join(with, " and "))
}
