package sgptest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The package's overview begins with the code of the package's Example.
func TestOverviewIsTheExample(t *testing.T) {
	read := func(file, before, after string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, found := strings.Cut(string(text), before)
		require.True(t, found, file)
		part, _, found := strings.Cut(rest, after)
		require.True(t, found, file)
		return part
	}
	overview := read("doc.go", "httptest:\n//", "\n//\n// Any client")
	assert.Equal(t, read("example_test.go", "func Example() {", "\n\t// Output:"), strings.ReplaceAll(overview, "\n//", "\n"))
}
