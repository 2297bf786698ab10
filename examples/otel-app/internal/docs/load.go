package docs

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

// ErrNoPackage says that the standard library has no such package.
var ErrNoPackage = genai.NewError("no_such_package", "no such package in the standard library")

// loaded is one parsed package.
type loaded struct {
	passages []Passage
	imports  []string // import paths, once for each file that has them
}

// loadPackage reads the documentation of the package importPath below src.
func loadPackage(src, importPath string) (loaded, error) {
	dir := filepath.Join(src, filepath.FromSlash(importPath))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return loaded{}, fmt.Errorf("%w: %s", ErrNoPackage, importPath)
	}
	p := &packageReader{fset: token.NewFileSet(), src: src, path: importPath}
	var files []*ast.File
	for _, entry := range entries {
		name := entry.Name()
		if !wanted(dir, name) {
			continue
		}
		mode := parser.ParseComments
		if !strings.HasSuffix(name, "_test.go") {
			mode |= parser.SkipObjectResolution // what go/doc needs for examples only
		}
		file, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, mode)
		if err != nil {
			return loaded{}, fmt.Errorf("parse %s/%s: %w", importPath, name, err)
		}
		if strings.HasSuffix(name, "_test.go") {
			p.examples = append(p.examples, file)
			continue
		}
		files = append(files, file)
		for _, spec := range file.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil {
				p.out.imports = append(p.out.imports, path)
			}
		}
	}
	if len(files) == 0 || files[0].Name.Name == "main" {
		return loaded{}, fmt.Errorf("%w: %s", ErrNoPackage, importPath)
	}
	if err := p.read(files); err != nil {
		return loaded{}, fmt.Errorf("read the documentation of %s: %w", importPath, err)
	}
	return p.out, nil
}

// wanted says whether a file belongs to the package on this system, or holds
// examples. By convention those of the standard library are in files named
// example*_test.go, so that its other tests need not be parsed.
func wanted(dir, name string) bool {
	if !strings.HasSuffix(name, ".go") {
		return false
	}
	if strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "example") {
		return false
	}
	match, err := build.Default.MatchFile(dir, name)
	return err == nil && match
}

// packageReader turns one package's syntax into passages.
type packageReader struct {
	fset     *token.FileSet
	src      string
	path     string
	examples []*ast.File
	out      loaded
}

func (p *packageReader) read(files []*ast.File) error {
	// go/doc takes the syntax tree over, so that examples are read apart, each
	// file on its own.
	pkg, err := doc.NewFromFiles(p.fset, files, p.path)
	if err != nil {
		return err
	}
	p.add(Passage{Symbol: p.path, Kind: KindPackage, Doc: pkg.Doc}, files[0].Package)
	p.addValues(pkg.Consts, KindConst)
	p.addValues(pkg.Vars, KindVar)
	for _, f := range pkg.Funcs {
		p.addFunc(f, "")
	}
	for _, t := range pkg.Types {
		p.add(Passage{Symbol: p.path + "." + t.Name, Kind: KindType, Signature: "type " + t.Name + typeKind(t), Doc: t.Doc}, t.Decl.Pos())
		p.addValues(t.Consts, KindConst)
		p.addValues(t.Vars, KindVar)
		for _, f := range t.Funcs {
			p.addFunc(f, "")
		}
		for _, m := range t.Methods {
			p.addFunc(m, t.Name+".")
		}
	}
	for _, file := range p.examples {
		for _, example := range doc.Examples(file) {
			p.addExample(example)
		}
	}
	return nil
}

func (p *packageReader) add(passage Passage, pos token.Pos) {
	position := p.fset.Position(pos)
	file, err := filepath.Rel(p.src, position.Filename)
	if err != nil {
		file = filepath.Base(position.Filename)
	}
	passage.Package = p.path
	passage.Doc = strings.TrimSpace(passage.Doc)
	passage.Source = fmt.Sprintf("%s:%d", filepath.ToSlash(file), position.Line)
	passage.Deprecated = strings.HasPrefix(passage.Doc, "Deprecated: ") || strings.Contains(passage.Doc, "\n\nDeprecated: ")
	p.out.passages = append(p.out.passages, passage)
}

func (p *packageReader) addFunc(f *doc.Func, receiver string) {
	kind := KindFunc
	if receiver != "" {
		kind = KindMethod
	}
	decl := *f.Decl
	decl.Body, decl.Doc = nil, nil
	p.add(Passage{Symbol: p.path + "." + receiver + f.Name, Kind: kind, Signature: p.print(&decl), Doc: f.Doc}, f.Decl.Pos())
}

// addValues adds one passage for each name of a documented group that has a
// comment of its own, or one for the whole group.
func (p *packageReader) addValues(values []*doc.Value, kind Kind) {
	for _, value := range values {
		single := len(value.Names) == 1
		if single && ast.IsExported(value.Names[0]) && value.Doc != "" {
			p.add(Passage{Symbol: p.path + "." + value.Names[0], Kind: kind, Signature: string(kind) + " " + value.Names[0], Doc: value.Doc}, value.Decl.Pos())
			continue
		}
		for _, spec := range value.Decl.Specs {
			vs, ok := spec.(*ast.ValueSpec)
			if !ok || !ast.IsExported(vs.Names[0].Name) {
				continue
			}
			text := vs.Doc.Text() + vs.Comment.Text()
			if text == "" {
				text = value.Doc
			}
			if text != "" {
				p.add(Passage{Symbol: p.path + "." + vs.Names[0].Name, Kind: kind, Signature: string(kind) + " " + vs.Names[0].Name, Doc: text}, vs.Pos())
			}
		}
	}
}

func (p *packageReader) addExample(example *doc.Example) {
	symbol := p.exampleSymbol(example)
	node := example.Code
	if example.Play != nil {
		node = example.Play
	}
	var code bytes.Buffer
	if err := format.Node(&code, p.fset, node); err != nil {
		return
	}
	p.add(Passage{Symbol: symbol, Kind: KindExample, Doc: example.Doc, Code: code.String()}, example.Code.Pos())
}

// exampleSymbol returns what an example is an example of. Its name is
// Symbol_Method_suffix, where the suffix begins with a lower-case letter.
func (p *packageReader) exampleSymbol(example *doc.Example) string {
	symbol := p.path
	parts := strings.Split(strings.TrimPrefix(example.Name, "_"), "_")
	for i, part := range parts {
		if !ast.IsExported(part) {
			if suffix := strings.Join(parts[i:], "_"); suffix != "" {
				symbol += " (" + suffix + ")"
			}
			break
		}
		symbol += "." + part
	}
	return symbol
}

// print returns a declaration on one line.
func (p *packageReader) print(node any) string {
	var out bytes.Buffer
	if err := printer.Fprint(&out, p.fset, node); err != nil {
		return ""
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func typeKind(t *doc.Type) string {
	for _, spec := range t.Decl.Specs {
		if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.Name == t.Name {
			switch ts.Type.(type) {
			case *ast.StructType:
				return " struct"
			case *ast.InterfaceType:
				return " interface"
			}
		}
	}
	return ""
}
