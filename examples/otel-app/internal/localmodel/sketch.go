package localmodel

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"strings"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
)

// arguments are plausible arguments by the type of a parameter, and its name
// where that tells more. Those with a name come first.
var arguments = []struct{ typ, name, value string }{
	{"context.Context", "", "ctx"},
	{"string", "method", "http.MethodGet"},
	{"string", "url", `"https://go.dev/"`},
	{"string", "rawURL", `"https://go.dev/"`},
	{"string", "name", `"notes.txt"`},
	{"string", "filename", `"notes.txt"`},
	{"string", "key", `"HOME"`},
	{"string", "layout", "time.DateOnly"},
	{"string", "value", `"2026-01-02"`},
	{"string", "sep", `","`},
	{"string", "", `"one,two"`},
	{"io.Reader", "body", "nil"},
	{"io.Reader", "", `strings.NewReader("one\ntwo\n")`},
	{"[]byte", "", `[]byte("text")`},
	{"time.Duration", "", "time.Second"},
	{"int", "", "10"},
	{"bool", "", "true"},
}

// uses are what is done with a result, by its type: the name of the variable,
// and the statements. What is not listed is printed.
var uses = map[string]struct{ name, statements string }{
	"net/http.*Request": {"req", `resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)`},
	"os.*File": {"file", "defer file.Close()\n\tfmt.Println(file.Name())"},
}

// preambles make a context, by the function that was looked up.
var preambles = map[string]string{
	"context.WithCancel":   "ctx, cancel := context.WithCancel(context.Background())\n\tdefer cancel() // or at any time, from any goroutine\n\n\t",
	"context.WithTimeout":  "ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)\n\tdefer cancel()\n\n\t",
	"context.WithDeadline": "ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(5*time.Second))\n\tdefer cancel()\n\n\t",
}

// sketch writes a program that calls the function that the first entry is, from
// its signature. It imports what the entries are of, and forgets the rest, as
// drafts do. It is false for what it cannot call.
func sketch(entries []docs.Entry) (string, bool) {
	main := entries[0]
	if main.Kind != docs.KindFunc {
		return "", false
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+main.Signature, parser.SkipObjectResolution)
	if err != nil || len(file.Decls) != 1 {
		return "", false
	}
	decl, ok := file.Decls[0].(*ast.FuncDecl)
	if !ok || decl.Type.TypeParams != nil {
		return "", false
	}
	args, ok := argumentList(decl.Type.Params)
	if !ok {
		return "", false
	}
	imports := []string{main.Package}
	body := ""
	if strings.Contains(args, "ctx") {
		imports, body = append(imports, "context"), preambles[contextFunc(entries)]
	}
	body += callStatements(main.Package, fmt.Sprintf("%s(%s)", short(main.Symbol), args), decl.Type.Results)
	code := "package main\n\nimport (\n"
	for _, importPath := range imports {
		code += fmt.Sprintf("\t%q\n", importPath)
	}
	formatted, err := format.Source([]byte(code + ")\n\nfunc main() {\n\t" + body + "\n}\n"))
	return string(formatted), err == nil
}

// contextFunc returns the first entry that makes a context.
func contextFunc(entries []docs.Entry) string {
	for _, entry := range entries {
		if _, ok := preambles[entry.Symbol]; ok {
			return entry.Symbol
		}
	}
	return "context.WithCancel"
}

func argumentList(params *ast.FieldList) (string, bool) {
	var args []string
	for _, field := range params.List {
		names := field.Names
		if len(names) == 0 {
			names = []*ast.Ident{ast.NewIdent("")}
		}
		for _, name := range names {
			arg := argument(types.ExprString(field.Type), name.Name)
			if arg == "" {
				return "", false
			}
			args = append(args, arg)
		}
	}
	return strings.Join(args, ", "), true
}

func argument(typ, name string) string {
	for _, a := range arguments {
		if a.typ == typ && (a.name == "" || a.name == name) {
			return a.value
		}
	}
	return ""
}

const returnError = "if err != nil {\n\t\tfmt.Println(err)\n\t\treturn\n\t}\n\t"

// callStatements calls a function and uses its result.
func callStatements(importPath, call string, results *ast.FieldList) string {
	var list []string
	if results != nil {
		for _, field := range results.List {
			for range max(1, len(field.Names)) {
				list = append(list, types.ExprString(field.Type))
			}
		}
	}
	if len(list) == 0 {
		return call
	}
	use, ok := uses[importPath+"."+list[0]]
	if !ok {
		use.name, use.statements = "result", "fmt.Println(result)"
	}
	switch {
	case len(list) == 1 && list[0] == "error":
		return "err := " + call + "\n\t" + strings.TrimRight(returnError, "\n\t")
	case len(list) == 1:
		return use.name + " := " + call + "\n\t" + use.statements
	case len(list) == 2 && list[1] == "error":
		return use.name + ", err := " + call + "\n\t" + returnError + use.statements
	case len(list) == 2 && list[1] == "bool":
		return use.name + ", ok := " + call + "\n\tfmt.Println(" + use.name + ", ok)"
	}
	return "fmt.Println(" + call + ")"
}
