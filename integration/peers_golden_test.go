package integration

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

var update = flag.Bool("update", false, "rewrite the golden files; read every line of the difference before it is kept")

// goldens has, for each file in testdata, which of the spans of TestOtelhttp,
// TestOtelgrpc and TestOtelsql it holds, as it arrived at SGP.
var goldens = map[string]string{
	"otelhttp_client":           "good client",
	"otelhttp_client_500":       "broken client",
	"otelhttp_client_cancelled": "cancelled client",
	"otelhttp_server":           "good client server",
	"otelhttp_server_500":       "broken client server",
	"otelgrpc_client":           "good client",
	"otelgrpc_client_not_found": "unknown client",
	"otelgrpc_client_cancelled": "cancelled client",
	"otelgrpc_server":           "good client server",
	"otelsql_query":             "good client",
	"otelsql_query_failed":      "no table client",
}

// checkGoldens compares the spans with the files of the instrumentation.
func checkGoldens(t *testing.T, instrumentation string, spans map[string]sgptest.Span) {
	t.Helper()
	for name, path := range goldens {
		if !strings.HasPrefix(name, instrumentation+"_") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			span, ok := spans[path]
			require.True(t, ok, "there is no span %q", path)
			got := normalised(t, span)
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

// whatDiffers is what differs from run to run, or from one version of an
// instrumentation to the next. A port remains a number.
var whatDiffers = []struct {
	pattern *regexp.Regexp
	word    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), `<time>`},
	{regexp.MustCompile(`(127\.0\.0\.1:|\.port": )\d+`), `${1}65535`},
	{regexp.MustCompile(`("(?:telemetry\.sdk\.)?version": ")[^"]*`), `$1<version>`},
	{regexp.MustCompile(`(/schemas/)[^"]*`), `$1<version>`},
	{regexp.MustCompile(`(unknown_service:)[^"]*`), `$1<program>`},
}

// normalised is the item of the request that completed the span, indented, with fixed
// words for what differs.
func normalised(t *testing.T, span sgptest.Span) string {
	t.Helper()
	var indented bytes.Buffer
	require.NoError(t, json.Indent(&indented, span.Raw, "", "  "))
	text := strings.NewReplacer(span.TraceID, "<trace id>", span.ID, "<span id>", span.ParentID, "<parent id>").Replace(indented.String())
	for _, d := range whatDiffers {
		text = d.pattern.ReplaceAllString(text, d.word)
	}
	return text + "\n"
}

func TestEveryGoldenFileHasItsSpan(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	var want []string
	for name := range goldens {
		want = append(want, filepath.Join("testdata", name+".json"))
	}
	slices.Sort(want)
	require.Equal(t, want, files)
}
