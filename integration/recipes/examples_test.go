package recipes

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryTypeHasAnExample: whoever looks a type up sees it used.
func TestEveryTypeHasAnExample(t *testing.T) {
	for _, path := range []string{
		"asyncprocessor", "asyncprocessor/spanadapter", "sgpexporter", "sgpexporter/sgpspan", "sgpexporter/sgptest",
	} {
		paths, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(path), "*.go"))
		require.NoError(t, err)
		files := token.NewFileSet()
		var parsed []*ast.File
		for _, path := range paths {
			file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
			require.NoError(t, err)
			parsed = append(parsed, file)
		}
		pkg, err := doc.NewFromFiles(files, parsed, "github.com/otelsgp/otelsgp/"+path)
		require.NoError(t, err)
		for _, typ := range pkg.Types {
			examples := len(typ.Examples)
			for _, method := range typ.Methods {
				examples += len(method.Examples)
			}
			assert.Positive(t, examples, "%s.%s has no Example", path, typ.Name)
		}
	}
}
