package docs

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

// DataSourceID names the index in spans, as gen_ai.data_source.id.
const DataSourceID = "go-stdlib-docs"

// MaxResults is the most that one search returns.
const MaxResults = 20

// The weights of title, synopsis, body and example in the bm25 rank, which is
// negative, more so for a better match.
const searchQuery = `SELECT symbol, package, kind, signature, body, example, source, deprecated,
	-bm25(passages, 6.0, 3.0, 1.0, 1.0) * prior AS score
	FROM passages WHERE passages MATCH ? ORDER BY score DESC, symbol LIMIT ?`

// stopWords say nothing about what a question is about.
var stopWords = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`a an and any are as at be by can could do does for from go golang has have how i if
		in into is it its me my of on one or our should so some that the their then there this to use using want was what
		when where which while who why will with without would you your`) {
		words[word] = true
	}
	return words
}()

// Terms returns the words of a question that a search looks for, in lower case
// and each once, in their order.
func Terms(question string) []string {
	var terms []string
	seen := map[string]bool{}
	for _, word := range strings.FieldsFunc(strings.ToLower(question), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		if !stopWords[word] && !seen[word] {
			seen[word] = true
			terms = append(terms, word)
		}
	}
	return terms
}

// match returns the full-text query: any of the words of a question, where a
// name with dots in it, as http.NewRequest, is a phrase, which is how a title
// has it. It is "" if there is no word.
func match(query string) string {
	var plain []string
	var quoted []string
	for word := range strings.FieldsSeq(query) {
		name := strings.Trim(word, ".,:;?!()[]`'\"")
		if !strings.Contains(name, ".") {
			plain = append(plain, word)
			continue
		}
		parts := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		quoted = append(quoted, `"`+strings.Join(parts, " ")+`"`)
	}
	for _, term := range Terms(strings.Join(plain, " ")) {
		quoted = append(quoted, `"`+term+`"`)
	}
	return strings.Join(quoted, " OR ")
}

// Search returns the passages that fit query best, the best first: at most
// limit, which is bound to 1 ≤ limit ≤ [MaxResults]. The words of the query
// need not all occur, and a name such as http.NewRequest counts more. A query without a word in it finds nothing.
func (ix *Index) Search(ctx context.Context, query string, limit int) (found []Passage, err error) {
	limit = min(max(limit, 1), MaxResults)
	ctx, span := ix.tracer.Start(ctx, "retrieval "+DataSourceID,
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			genai.OperationName.String(genai.OperationRetrieval),
			genai.DataSourceID.String(DataSourceID),
			genai.RetrievalQueryText.String(query),
			genai.RetrievalTopK.Int(limit),
		))
	defer func() {
		if err != nil {
			genai.Fail(span, err)
		}
		span.End()
	}()

	expression := match(query)
	if expression == "" {
		return nil, nil
	}
	rows, err := ix.db.QueryContext(ctx, searchQuery, expression, limit)
	if err != nil {
		return nil, fmt.Errorf("search the documentation: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p Passage
		if err := rows.Scan(&p.Symbol, &p.Package, &p.Kind, &p.Signature, &p.Doc, &p.Code, &p.Source, &p.Deprecated, &p.Score); err != nil {
			return nil, fmt.Errorf("read a search's result: %w", err)
		}
		found = append(found, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("search the documentation: %w", err)
	}
	span.SetAttributes(genai.RetrievalDocuments.String(documents(found)))
	return found, nil
}

// documents returns the attribute gen_ai.retrieval.documents.
func documents(found []Passage) string {
	type document struct {
		ID    string  `json:"id"`
		Score float64 `json:"score"`
	}
	list := make([]document, len(found))
	for i, p := range found {
		list[i] = document{ID: string(p.Kind) + " " + p.Symbol, Score: p.Score}
	}
	return genai.JSON(list)
}
