package localmodel

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// addImports adds the imports that code needs and lacks.
func addImports(code string) (repaired string, added []string, ok bool) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", code, parser.ParseComments)
	if err != nil {
		return "", nil, false
	}
	added = missingImports(file)
	if len(added) == 0 || len(file.Decls) == 0 {
		return "", nil, false
	}
	decl, isGen := file.Decls[0].(*ast.GenDecl)
	if !isGen || decl.Tok != token.IMPORT {
		return "", nil, false
	}
	at := fset.Position(decl.Specs[0].Pos()).Offset
	lines := ""
	for _, importPath := range added {
		lines += strconv.Quote(importPath) + "\n\t"
	}
	source, err := format.Source([]byte(code[:at] + lines + code[at:]))
	return string(source), added, err == nil
}

// missingImports returns the import paths of packages that code refers to and
// does not import, as far as the model knows them.
func missingImports(file *ast.File) []string {
	have := map[string]bool{}
	for _, spec := range file.Imports {
		have[path.Base(strings.Trim(spec.Path.Value, `"`))] = true
	}
	declared := declaredNames(file)
	var missing []string
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && !have[x.Name] && !declared[x.Name] {
			for _, importPath := range importPaths {
				if path.Base(importPath) == x.Name {
					missing, have[x.Name] = append(missing, importPath), true
					break
				}
			}
		}
		return true
	})
	return missing
}

// declaredNames returns the names that a file gives to variables, of which a
// selector is not a package's.
func declaredNames(file *ast.File) map[string]bool {
	names := map[string]bool{}
	add := func(idents ...*ast.Ident) {
		for _, ident := range idents {
			names[ident.Name] = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			add(n.Names...)
		case *ast.ValueSpec:
			add(n.Names...)
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if ident, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(ident)
				}
			}
		case *ast.RangeStmt:
			for _, left := range []ast.Expr{n.Key, n.Value} {
				if ident, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					add(ident)
				}
			}
		}
		return true
	})
	return names
}
