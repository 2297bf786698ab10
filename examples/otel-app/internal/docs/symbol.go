package docs

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Entry is what [Index.Lookup] finds: a symbol's documentation and examples.
type Entry struct {
	Passage
	Examples []Passage `json:"examples,omitempty"`
}

// maxSimilar bounds the names that a [SymbolError] suggests.
const maxSimilar = 4

// ErrNoSymbol is what a [*SymbolError] wraps.
var ErrNoSymbol = errors.New("no such symbol")

// SymbolError says that a package has no such exported symbol.
type SymbolError struct {
	Package string
	Name    string
	// Similar holds names of the package, at most four, that have the name in
	// them or are in it.
	Similar []string
}

// Error names the symbol, and similar ones.
func (e *SymbolError) Error() string {
	text := fmt.Sprintf("package %s has no symbol %s", e.Package, e.Name)
	if len(e.Similar) > 0 {
		text += "; similar: " + strings.Join(e.Similar, ", ")
	}
	return text
}

// ErrorType is error.type.
func (e *SymbolError) ErrorType() string { return "no_such_symbol" }

// Unwrap returns [ErrNoSymbol].
func (e *SymbolError) Unwrap() error { return ErrNoSymbol }

// Lookup reads the documentation of one symbol from its package's sources.
// symbol is an import path or the last part of one, and after a dot the name,
// as in "net/http.Client.Do", "http.Client.Do" or "context". Without a name it
// is the package itself. An unknown package is [ErrNoPackage], an unknown name
// a [*SymbolError].
func (ix *Index) Lookup(ctx context.Context, symbol string) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	folder, last := path.Split(strings.TrimSpace(symbol))
	base, name, _ := strings.Cut(last, ".")
	importPath := ix.resolve(folder + base)
	if importPath == "" {
		return Entry{}, fmt.Errorf("%w: %q", ErrNoPackage, folder+base)
	}
	pkg, err := loadPackage(ix.src, importPath)
	if err != nil {
		return Entry{}, err
	}
	want := importPath
	if name != "" {
		want += "." + name
	}
	var entry Entry
	for _, p := range pkg.passages {
		switch plain, _, _ := strings.Cut(p.Symbol, " "); {
		case plain != want:
		case p.Kind == KindExample:
			entry.Examples = append(entry.Examples, p)
		default:
			entry.Passage = p
		}
	}
	if entry.Symbol == "" {
		return Entry{}, &SymbolError{Package: importPath, Name: name, Similar: similar(pkg.passages, name)}
	}
	return entry, nil
}

// resolve returns the import path for an import path or the last part of one,
// "" if there is none. Of several the shortest is meant: "rand" is math/rand.
func (ix *Index) resolve(name string) string {
	if ix.known[name] {
		return name
	}
	var candidates []string
	for importPath := range ix.known {
		if path.Base(importPath) == name {
			candidates = append(candidates, importPath)
		}
	}
	if len(candidates) == 0 {
		return ""
	}
	return slices.MinFunc(candidates, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

// similar returns names that contain, or are contained in, the last part of
// name, whatever the case.
func similar(passages []Passage, name string) []string {
	want := strings.ToLower(name[strings.LastIndex(name, ".")+1:])
	var names []string
	for _, p := range passages {
		full := strings.TrimPrefix(p.Symbol, p.Package+".")
		last := strings.ToLower(full[strings.LastIndex(full, ".")+1:])
		if p.Kind == KindExample || p.Kind == KindPackage || len(names) == maxSimilar {
			continue
		}
		if strings.Contains(last, want) || (len(last) > 3 && strings.Contains(want, last)) {
			if p.Deprecated {
				full += " (deprecated)"
			}
			names = append(names, full)
		}
	}
	return names
}
