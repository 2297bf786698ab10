package localmodel

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
)

// findings is what the researcher reports to the lead, as JSON.
type findings struct {
	Findings []finding `json:"findings"`
	NotFound []string  `json:"not_found,omitempty"`
	Example  *example  `json:"example,omitempty"`
}

type finding struct {
	Symbol string `json:"symbol"`
	Text   string `json:"text"`
	Source string `json:"source"`
}

type example struct {
	Origin string `json:"origin"`
	Code   string `json:"code"`
}

// fuse merges the results of several searches, the best first, by the ranks
// that a symbol has in them (reciprocal rank fusion). The names that the model had
// in mind come first. Package examples are left
// out: they come with their symbol. A function says how something is done, so
// that it comes before a type, and both before what is deprecated.
func fuse(searches [][]docs.Passage, names []string) []docs.Passage {
	weights := map[docs.Kind]float64{
		docs.KindFunc: 1.3, docs.KindMethod: 1.1, docs.KindType: 1, docs.KindPackage: 0.6, docs.KindVar: 0.5, docs.KindConst: 0.5,
	}
	var merged []docs.Passage
	scores := map[string]float64{}
	for _, results := range searches {
		for rank, p := range results {
			_, known := scores[p.Symbol]
			if p.Kind == docs.KindExample || p.Deprecated || p.Doc == "" {
				continue
			}
			if !known {
				merged = append(merged, p)
			}
			if i := slices.Index(names, short(p.Symbol)); i >= 0 && !known {
				scores[p.Symbol] = float64(len(names) - i)
			}
			scores[p.Symbol] += weights[p.Kind] / float64(3+rank)
		}
	}
	slices.SortStableFunc(merged, func(a, b docs.Passage) int {
		return cmp.Compare(scores[b.Symbol], scores[a.Symbol])
	})
	return merged
}

// short is a symbol as code has it: "http.Client.Do" for "net/http.Client.Do".
func short(symbol string) string { return path.Base(symbol) }

// webAddress is where a symbol's documentation is on the web.
func webAddress(symbol string) string {
	folder, last := path.Split(symbol)
	base, name, ok := strings.Cut(last, ".")
	if ok {
		name = "#" + name
	}
	return "https://pkg.go.dev/" + folder + base + name
}

// maxExcerpt bounds an excerpt, in bytes.
const maxExcerpt = 330

// excerpt returns the one or two sentences of a doc comment that have most of
// the words in them, in their order.
func excerpt(doc string, words []string) string {
	sentences := sentences(doc)
	if len(sentences) == 0 {
		return ""
	}
	type scored struct{ index, score int }
	ranks := make([]scored, len(sentences))
	for i, s := range sentences {
		ranks[i] = scored{i, overlap(s, words) * 2}
		if i == 0 {
			ranks[i].score += 3 // what it is, before what else there is to say
		}
	}
	slices.SortStableFunc(ranks, func(a, b scored) int { return b.score - a.score })
	best := ranks[:min(2, len(ranks))]
	slices.SortFunc(best, func(a, b scored) int { return a.index - b.index })
	out := sentences[best[0].index]
	for _, r := range best[1:] {
		if s := sentences[r.index]; r.score > 0 && len(out)+len(s) < maxExcerpt {
			out += " " + s
		}
	}
	return out
}

// subject returns the words to look for in the documentation of a package: not
// its own name, which is everywhere in it.
func subject(words []string, importPath string) []string {
	var out []string
	for _, word := range words {
		for _, part := range docs.Terms(docs.SplitWords(word)) {
			if !slices.Contains(strings.Split(importPath, "/"), part) {
				out = append(out, part)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// overlap counts the words that occur in a sentence.
func overlap(sentence string, words []string) int {
	have, n := docs.Terms(sentence), 0
	for _, word := range words {
		if slices.ContainsFunc(have, func(h string) bool { return alike(h, word) }) {
			n++
		}
	}
	return n
}

// docLink is a link in a doc comment: [Client.Do].
var docLink = regexp.MustCompile(`\[(\*?[\w./]+)\]`)

// sentences splits the prose of a doc comment; its code, lists and headings are
// left out.
func sentences(doc string) []string {
	var out []string
	for paragraph := range strings.SplitSeq(doc, "\n\n") {
		if strings.ContainsAny(paragraph[:min(1, len(paragraph))], "\t #-*") || strings.HasSuffix(paragraph, ":") {
			continue
		}
		text := strings.Join(strings.Fields(docLink.ReplaceAllString(paragraph, "$1")), " ")
		for text != "" {
			end := sentenceEnd(text)
			out = append(out, text[:end])
			text = strings.TrimSpace(text[end:])
		}
	}
	return out
}

// sentenceEnd returns the length of the first sentence of text, which ends with
// a full stop before a capital letter.
func sentenceEnd(text string) int {
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '.' && text[i+1] == ' ' && text[i+2] >= 'A' && text[i+2] <= 'Z' {
			return i + 1
		}
	}
	return len(text)
}
