package localmodel

import (
	"path"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

const (
	searchLimit = 8 // passages of one search
	maxLookups  = 3 // symbols that are read
)

// research is the turn of an agent that can read the documentation: it
// searches, reads the symbols that look best, and reports.
func research(c chat) reply {
	own, associated := expand(c.question)
	searches, ok := c.results[toolSearchDocs]
	if !ok {
		if len(own) == 0 {
			return report(findings{})
		}
		return reply{calls: searchCalls(own, associated)}
	}
	merged := fuse(searchResults(searches), associated)
	if len(associated) == 0 && len(merged) > 0 && !relevant(merged[0], own) {
		return report(findings{})
	}
	lookups, ok := c.results[toolLookupSymbol]
	if !ok && len(merged) > 0 {
		return reply{calls: lookupCalls(own, merged)}
	}
	return report(gather(lookups, append(own, associated...)))
}

// relevant says whether a passage has more than half of the words in it.
func relevant(p docs.Passage, words []string) bool {
	return 2*overlap(p.Symbol+" "+p.Doc, words) > len(words)
}

func report(f findings) reply { return reply{text: genai.JSON(f)} }

func searchCalls(own, associated []string) []model.ToolCall {
	type arguments struct {
		Query string `json:"query"`
		Limit int    `json:"limit"`
	}
	calls := []model.ToolCall{call(toolSearchDocs, arguments{strings.Join(own, " "), searchLimit})}
	if len(associated) > 0 {
		calls = append(calls, call(toolSearchDocs, arguments{strings.Join(associated, " "), searchLimit}))
	}
	return calls
}

func searchResults(results []result) [][]docs.Passage {
	type found struct {
		Results []docs.Passage `json:"results"`
	}
	var out [][]docs.Passage
	for _, r := range results {
		if f, ok := decode[found](r.content); ok {
			out = append(out, f.Results)
		}
	}
	return out
}

// lookupCalls asks for the best symbols. And, as models do, for the one whose
// name would be the obvious one, which may not exist.
func lookupCalls(own []string, merged []docs.Passage) []model.ToolCall {
	type arguments struct {
		Symbol string `json:"symbol"`
	}
	var calls []model.ToolCall
	for _, p := range merged[:min(maxLookups, len(merged))] {
		calls = append(calls, call(toolLookupSymbol, arguments{p.Symbol}))
	}
	if guess := obviousName(own, merged[0].Package); guess != "" {
		calls = append(calls, call(toolLookupSymbol, arguments{guess}))
	}
	return calls
}

// obviousName makes a symbol out of the question's first two words that are not
// the package's name: "net/http.CancelRequest".
func obviousName(own []string, importPath string) string {
	name, words := "", 0
	for _, word := range own {
		if word != path.Base(importPath) && words < 2 {
			name += strings.ToUpper(word[:1]) + word[1:]
			words++
		}
	}
	if words < 2 {
		return ""
	}
	return importPath + "." + name
}

// gather makes a report of what was looked up.
func gather(lookups []result, words []string) findings {
	var (
		out     findings
		entries []docs.Entry
	)
	for _, r := range lookups {
		if entry, ok := decode[docs.Entry](r.content); ok {
			entries = append(entries, entry)
			out.Findings = append(out.Findings, finding{
				Symbol: entry.Symbol,
				Text:   excerpt(entry.Doc, subject(words, entry.Package)),
				Source: entry.Source,
			})
		} else if r.failed() {
			out.NotFound = append(out.NotFound, strings.TrimPrefix(r.content, errorPrefix))
		}
	}
	out.Example = pickExample(entries)
	return out
}

// pickExample returns a program that shows the first of the entries: a package
// example of it, else one written from its signature, else a package example of
// another entry, else nil.
func pickExample(entries []docs.Entry) *example {
	for i, entry := range entries {
		for _, p := range entry.Examples {
			if strings.Contains(p.Code, "func main()") {
				return &example{Origin: "the package example of " + short(entry.Symbol), Code: p.Code}
			}
		}
		if i == 0 {
			if code, ok := sketch(entries); ok {
				return &example{Origin: "the signature of " + short(entry.Symbol), Code: code}
			}
		}
	}
	return nil
}
