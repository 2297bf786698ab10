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

var (
	link    = regexp.MustCompile("\\[`?([^]`]+)`?\\]\\(([^)]+)\\)")
	heading = regexp.MustCompile(`(?m)^## (.+)$`)
)

// TestLinks: what docs/recipes.md points at is there, and each recipe points at
// code.
func TestLinks(t *testing.T) {
	docs := filepath.Join("..", "..", "docs")
	content, err := os.ReadFile(filepath.Join(docs, "recipes.md"))
	require.NoError(t, err)
	text := string(content)
	for _, found := range link.FindAllStringSubmatch(text, -1) {
		name, target := found[1], found[2]
		if anchor, ok := strings.CutPrefix(target, "#"); ok {
			assert.Contains(t, anchors(text), anchor)
			continue
		}
		linked, err := os.ReadFile(filepath.Join(docs, target))
		if info, statErr := os.Stat(filepath.Join(docs, target)); statErr == nil && info.IsDir() {
			continue
		}
		if assert.NoError(t, err) && strings.HasPrefix(name, "Example") {
			assert.Contains(t, string(linked), "func "+name+"()")
		}
	}
	recipes := heading.Split(text, -1)[1:]
	assert.Len(t, recipes, 12)
	for i, recipe := range recipes {
		assert.Regexp(t, `\]\((\.\./)?[\w/-]+(\.go|\.yaml)\)`, recipe, anchors(text)[i])
	}
}

// anchors are those that GitHub makes of the headings.
func anchors(text string) []string {
	var out []string
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.ToLower(strings.ReplaceAll(h[1], " ", "-"))
		out = append(out, regexp.MustCompile(`[^a-z0-9-]`).ReplaceAllString(name, ""))
	}
	return out
}
