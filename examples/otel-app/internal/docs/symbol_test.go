package docs

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLookup(t *testing.T) {
	index, _ := buildSmall(t)
	for symbol, want := range map[string]string{
		"net/http.Request.Context": "method net/http.Request.Context",
		"http.Request.Context":     "method net/http.Request.Context",
		"context.WithCancel\n":     "func context.WithCancel",
		"http":                     "package net/http",
		"context":                  "package context",
	} {
		entry, err := index.Lookup(t.Context(), symbol)
		require.NoError(t, err, symbol)
		assert.Equal(t, []string{want}, symbols([]Passage{entry.Passage}))
	}

	entry, err := index.Lookup(t.Context(), "context.WithCancel")
	require.NoError(t, err)
	assert.Equal(t, []string{"example context.WithCancel", "example context.WithCancel (twice)"}, symbols(entry.Examples))
}

func TestLookupFails(t *testing.T) {
	index, _ := buildSmall(t)
	_, err := index.Lookup(t.Context(), "http.CancelRequest")
	var noSymbol *SymbolError
	require.ErrorAs(t, err, &noSymbol)
	require.ErrorIs(t, err, ErrNoSymbol)
	assert.Equal(t, SymbolError{Package: "net/http", Name: "CancelRequest", Similar: []string{"Request", "Transport.CancelRequest (deprecated)"}}, *noSymbol)
	assert.EqualError(t, err, "package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (deprecated)")

	_, err = index.Lookup(t.Context(), "http.unexported")
	require.ErrorIs(t, err, ErrNoSymbol)

	for _, symbol := range []string{"", "nowhere.Symbol", "../../etc.Passwd", "internal/hidden.Hidden", ".", "cmd/tool.Tool"} {
		_, err = index.Lookup(t.Context(), symbol)
		assert.ErrorIs(t, err, ErrNoPackage, symbol)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = index.Lookup(ctx, "context")
	assert.ErrorIs(t, err, context.Canceled)
}

func TestResolveTakesTheShortestPath(t *testing.T) {
	index := &Index{known: map[string]bool{"crypto/rand": true, "math/rand": true, "math/rand/v2": true, "text/template": true, "html/template": true}}
	assert.Equal(t, "math/rand", index.resolve("rand"))
	assert.Equal(t, "html/template", index.resolve("template"))
	assert.Equal(t, "crypto/rand", index.resolve("crypto/rand"))
	assert.Empty(t, index.resolve("xrand"))
}
