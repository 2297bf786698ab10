package recipes

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var constructor = regexp.MustCompile(`(?m)^(?://)?\s*\w+, \w+ :?= (?:sgpexporter|\w*prometheus)\.New\(`)

// TestRecipesCheckErrors: what readers copy looks at the error of a constructor in
// the statement after it.
func TestRecipesCheckErrors(t *testing.T) {
	root := filepath.Join("..", "..")
	examples, err := filepath.Glob(filepath.Join(root, "sgpexporter", "example*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, path := range append(examples, filepath.Join(root, "README.md"),
		filepath.Join(root, "docs", "recipes.md"), filepath.Join(root, "sgpexporter", "doc.go")) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		text := string(content)
		for _, at := range constructor.FindAllStringIndex(text, -1) {
			call, next := statement(text[at[0]:])
			assert.Regexp(t, `\berr\b`, next, "%s, after %s", path, call)
		}
	}
}

// statement returns the call that text begins with, up to its last parenthesis, and
// the line that follows it.
func statement(text string) (call, next string) {
	depth := 0
	for i, c := range text {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				_, next, _ = strings.Cut(text[i:], "\n")
				next, _, _ = strings.Cut(next, "\n")
				return text[:i+1], next
			}
		}
	}
	return text, ""
}
