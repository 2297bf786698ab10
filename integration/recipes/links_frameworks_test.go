package recipes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLinksOfFrameworks: what the documents about frameworks point at is there, their own
// headings and those of others too.
func TestLinksOfFrameworks(t *testing.T) {
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		require.NoError(t, err)
		return string(content)
	}
	for _, document := range []string{"recipes-frameworks.md", "frameworks.md", "dialects.md"} {
		for _, found := range link.FindAllStringSubmatch(read(document), -1) {
			name, target := found[1], found[2]
			file, anchor, _ := strings.Cut(target, "#")
			if file == "" {
				file = document
			}
			linked := read(file)
			if anchor != "" {
				assert.Contains(t, anchors(linked), anchor, document)
			}
			if strings.HasPrefix(name, "Example") {
				assert.Contains(t, linked, "func "+name+"()", document)
			}
		}
	}
}
