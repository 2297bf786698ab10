package sgpexporter

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table of the mapping stands in the overview of this package for its users,
// and in that of the internal package for those who change it.
func TestMappingTableIsThatOfTheMapping(t *testing.T) {
	section := func(file string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, section, found := strings.Cut(string(text), "// # Mapping\n")
		require.True(t, found, file)
		section, _, found = strings.Cut(section, "\npackage ")
		require.True(t, found, file)
		return section
	}
	assert.Equal(t, section("internal/mapping/doc.go"), section("doc.go"))
}
