package sgpspan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// decode decodes JSON with its numbers as they are written.
func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%.300s", text)
	require.False(t, d.More(), "more than one value: %.300s", text)
	return v
}

func assertSameJSON(t testing.TB, want, got string) {
	t.Helper()
	require.Equal(t, decode(t, want), decode(t, got))
}

var testStart = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)

// testSpan is a span that the API takes, without payload.
func testSpan() *Span {
	return &Span{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Name: "test",
		Start: testStart, End: testStart.Add(1500 * time.Millisecond),
	}
}

// encoded returns s in JSON, decoded.
func encoded(t testing.TB, e Encoder, s *Span) map[string]any {
	t.Helper()
	out := e.AppendJSON([]byte("before"), s)
	text, ok := bytes.CutPrefix(out, []byte("before"))
	require.True(t, ok, "what was in the buffer is gone")
	m, ok := decode(t, string(text)).(map[string]any)
	require.True(t, ok)
	return m
}

// notes returns the notes in an encoded span.
func notes(t testing.TB, span map[string]any) []any {
	t.Helper()
	metadata, _ := span["metadata"].(map[string]any)
	list, _ := metadata["otel_sgp_notes"].([]any)
	return list
}
