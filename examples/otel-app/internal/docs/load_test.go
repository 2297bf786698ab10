package docs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoadPackage(t *testing.T) {
	pkg, err := loadPackage(smallGOROOT+"/src", "net/http")
	require.NoError(t, err)

	assert.Equal(t, []string{"context", "io"}, pkg.imports)
	assert.Equal(t, []Passage{
		{Symbol: "net/http", Package: "net/http", Kind: KindPackage, Doc: "Package http is a small part of an HTTP client.", Source: "net/http/request.go:2"},
		{Symbol: "net/http.MethodGet", Package: "net/http", Kind: KindConst, Signature: "const MethodGet", Doc: "the default", Source: "net/http/request.go:11"},
		{Symbol: "net/http.MethodPost", Package: "net/http", Kind: KindConst, Signature: "const MethodPost", Doc: "Common HTTP methods.", Source: "net/http/request.go:12"},
		{Symbol: "net/http.ErrServerClosed", Package: "net/http", Kind: KindVar, Signature: "var ErrServerClosed", Doc: "ErrServerClosed is returned after a shutdown.", Source: "net/http/request.go:16"},
		{Symbol: "net/http.Request", Package: "net/http", Kind: KindType, Signature: "type Request struct", Doc: "A Request is an HTTP request to be sent by a client.", Source: "net/http/request.go:19"},
		{Symbol: "net/http.NewRequestWithContext", Package: "net/http", Kind: KindFunc,
			Signature: "func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error)",
			Doc:       "NewRequestWithContext returns a new [Request] given a method, URL, and\noptional body. For an outgoing client request, the context controls the\nentire lifetime of a request and its response. Cancel the context to end it.",
			Source:    "net/http/request.go:24"},
		{Symbol: "net/http.Request.Context", Package: "net/http", Kind: KindMethod, Signature: "func (r *Request) Context() context.Context", Doc: "Context returns the request's context.", Source: "net/http/request.go:29"},
		{Symbol: "net/http.Transport", Package: "net/http", Kind: KindType, Signature: "type Transport struct", Doc: "A Transport sends requests.", Source: "net/http/request.go:32"},
		{Symbol: "net/http.Transport.CancelRequest", Package: "net/http", Kind: KindMethod, Signature: "func (t *Transport) CancelRequest(req *Request)",
			Doc: "CancelRequest cancels a request.\n\nDeprecated: Use a request with a context instead.", Source: "net/http/request.go:37", Deprecated: true},
	}, pkg.passages)
}

func TestLoadPackageExamples(t *testing.T) {
	pkg, err := loadPackage(smallGOROOT+"/src", "context")
	require.NoError(t, err)

	var examples []Passage
	for _, p := range pkg.passages {
		if p.Kind == KindExample {
			examples = append(examples, p)
		}
	}
	require.Equal(t, []string{"example context.WithCancel", "example context.WithCancel (twice)", "example context (package)"}, symbols(examples))
	assert.Equal(t, "This example stops at once.", examples[0].Doc)
	assert.Equal(t, `package main

import (
	"context"
	"fmt"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fmt.Println(ctx)
}
`, examples[0].Code)
}

func TestLoadPackageIsNone(t *testing.T) {
	for _, path := range []string{"nowhere", "empty", "cmd/tool"} {
		_, err := loadPackage(smallGOROOT+"/src", path)
		assert.ErrorIs(t, err, ErrNoPackage, path)
	}
}

func TestListPackages(t *testing.T) {
	paths, err := listPackages(smallGOROOT + "/src")
	require.NoError(t, err)
	assert.Equal(t, []string{"context", "empty", "net", "net/http"}, paths)
}

func TestFindGOROOT(t *testing.T) {
	found, err := FindGOROOT(t.Context(), smallGOROOT)
	require.NoError(t, err)
	assert.Equal(t, smallGOROOT, found)

	_, err = FindGOROOT(t.Context(), "testdata")
	require.ErrorIs(t, err, ErrNoSources)
	assert.ErrorContains(t, err, `"testdata": install Go, or name a GOROOT with -goroot`)
}
