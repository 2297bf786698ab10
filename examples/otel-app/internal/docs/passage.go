package docs

// Kind says what a [Passage] documents.
type Kind string

// The kinds of passages.
const (
	KindPackage Kind = "package"
	KindFunc    Kind = "func"
	KindMethod  Kind = "method"
	KindType    Kind = "type"
	KindConst   Kind = "const"
	KindVar     Kind = "var"
	KindExample Kind = "example"
)

// Passage is one piece of documentation: of a package, of an exported symbol,
// or a package example.
type Passage struct {
	// Symbol names what is documented, as in "net/http", "context.WithCancel"
	// with the whole import path before the dot, or "net/http.Client.Do". An
	// example has the symbol that it is an example of, and a suffix in
	// parentheses if it has one.
	Symbol string `json:"symbol"`
	// Package is the import path.
	Package string `json:"package"`
	Kind    Kind   `json:"kind"`
	// Signature is the declaration on one line, empty for a package or an
	// example.
	Signature string `json:"signature,omitempty"`
	// Doc is the doc comment as text.
	Doc string `json:"doc,omitempty"`
	// Code is an example's source: a whole program where go/doc can make one.
	Code string `json:"code,omitempty"`
	// Source is the file below GOROOT/src and the line, "net/http/request.go:878".
	Source string `json:"source"`
	// Deprecated says that the doc comment has a paragraph "Deprecated:".
	Deprecated bool `json:"deprecated,omitempty"`
	// Score is how well the passage fits the query: larger is better. It is
	// zero outside of a search's results.
	Score float64 `json:"score,omitempty"`
}
