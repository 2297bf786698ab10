package localmodel

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// The tools that the model knows how to use, by name, and what it expects of
// their arguments and results, are those of the packages tools and agent.
const (
	toolAskResearcher = "ask_researcher"
	toolAskReviewer   = "ask_reviewer"
	toolSearchDocs    = "search_docs"
	toolLookupSymbol  = "lookup_symbol"
	toolCheckExample  = "check_example"
)

// errorPrefix is how the result of a tool that failed begins.
const errorPrefix = "error: "

// next returns the model's turn in a chat. What it is asked to be shows in the
// tools that it is given.
func next(chat model.ChatRequest) reply {
	c := readChat(chat.Messages)
	has := func(name string) bool {
		return slices.ContainsFunc(chat.Tools, func(t model.Tool) bool { return t.Function.Name == name })
	}
	switch {
	case has(toolAskResearcher):
		return lead(c)
	case has(toolSearchDocs):
		return research(c)
	case has(toolCheckExample):
		return review(c)
	}
	return reply{text: "I answer questions about Go from its documentation, and need tools to read it."}
}

// chat is a chat as the model reads it.
type chat struct {
	question string
	results  map[string][]result // of tools, by name, in order
}

// result is a tool's result.
type result struct {
	arguments string
	content   string
}

func (r result) failed() bool { return strings.HasPrefix(r.content, errorPrefix) }

// decode reads a result that is JSON.
func decode[T any](content string) (T, bool) {
	var value T
	err := json.Unmarshal([]byte(content), &value)
	return value, err == nil
}

func readChat(messages []model.Message) chat {
	c := chat{results: map[string][]result{}}
	calls := map[string]model.FunctionCall{}
	for _, m := range messages {
		switch m.Role {
		case model.RoleUser:
			c.question = m.Content
		case model.RoleAssistant:
			for _, tc := range m.ToolCalls {
				calls[tc.ID] = tc.Function
			}
		case model.RoleTool:
			f := calls[m.ToolCallID]
			c.results[f.Name] = append(c.results[f.Name], result{arguments: f.Arguments, content: m.Content})
		}
	}
	return c
}
