package tools

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

const (
	defaultResults = 6
	// maxDocBytes bounds a passage's text in a search's result: it is read to
	// choose, lookup_symbol gives all of it.
	maxDocBytes = 400
)

// SearchDocs returns the tool search_docs, a search in the index.
func SearchDocs(index *docs.Index) Tool {
	return Tool{
		Name:        "search_docs",
		Description: "Full-text search in the documentation of the Go standard library. Returns the passages that fit best: symbol, signature and the beginning of its doc comment.",
		Parameters: `{"type":"object","properties":{
			"query":{"type":"string","description":"words to look for; not all need occur"},
			"limit":{"type":"integer","description":"the most results to return, 6 by default, 20 at most"}
		},"required":["query"]}`,
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
			args, err := Arguments[struct {
				Query string `json:"query"`
				Limit int    `json:"limit"`
			}](arguments)
			if err != nil {
				return "", err
			}
			if args.Query == "" {
				return "", fmt.Errorf("%w: query is empty", ErrBadArguments)
			}
			if args.Limit == 0 {
				args.Limit = defaultResults
			}
			found, err := index.Search(ctx, args.Query, args.Limit)
			if err != nil {
				return "", err
			}
			for i := range found {
				found[i].Doc, found[i].Code = shorten(found[i].Doc, maxDocBytes), ""
			}
			return genai.JSON(map[string][]docs.Passage{"results": found}), nil
		},
	}
}

// LookupSymbol returns the tool lookup_symbol, which reads one symbol's
// documentation from the sources.
func LookupSymbol(index *docs.Index) Tool {
	return Tool{
		Name:        "lookup_symbol",
		Description: "The whole documentation of one symbol of the Go standard library, with its package examples.",
		Parameters: `{"type":"object","properties":{
			"symbol":{"type":"string","description":"import path and name, as in net/http.Client.Do"}
		},"required":["symbol"]}`,
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
			args, err := Arguments[struct {
				Symbol string `json:"symbol"`
			}](arguments)
			if err != nil {
				return "", err
			}
			entry, err := index.Lookup(ctx, args.Symbol)
			if err != nil {
				return "", err
			}
			return genai.JSON(entry), nil
		},
	}
}

// shorten cuts a text at a word's end, and marks that it did.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit
	for end > 0 && text[end] != ' ' && text[end] != '\n' {
		end--
	}
	return text[:end] + " …"
}
