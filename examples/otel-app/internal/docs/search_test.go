package docs

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

func TestTerms(t *testing.T) {
	assert.Equal(t, []string{"cancel", "http", "request"}, Terms("How do I cancel an HTTP request? A request!"))
	assert.Empty(t, Terms("how do you do it?"))
}

func TestMatch(t *testing.T) {
	assert.Equal(t, `"cancel" OR "request"`, match("cancel a request."))
	assert.Equal(t, `"http NewRequest" OR "client"`, match(`"http.NewRequest" client`))
	assert.Equal(t, `"net http Client Do"`, match("(net/http.Client.Do)"))
	assert.Empty(t, match(`" AND ( .`))
}

func TestSearch(t *testing.T) {
	index, _ := buildSmall(t)
	found, err := index.Search(t.Context(), "How do I cancel?", 20)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"func context.WithCancel", "type context.CancelFunc", "package context", "type context.Context",
		"example context.WithCancel (twice)", "func net/http.NewRequestWithContext", "example context.WithCancel",
		"method net/http.Transport.CancelRequest",
	}, symbols(found), "cancellation is found too, examples come later, what is deprecated is last")
	assert.Greater(t, found[0].Score, found[1].Score)
	assert.Equal(t, "context/context.go:18", found[0].Source)

	found, err = index.Search(t.Context(), "Transport.CancelRequest", 1)
	require.NoError(t, err)
	assert.Equal(t, []string{"method net/http.Transport.CancelRequest"}, symbols(found), "unless they are asked for")
	assert.True(t, found[0].Deprecated)
}

func TestSearchFindsNothing(t *testing.T) {
	index, _ := buildSmall(t)
	for _, query := range []string{"", "how do you do", `"`, "zebra", "NEAR( * ^ : -"} {
		found, err := index.Search(t.Context(), query, 5)
		require.NoError(t, err, query)
		if query != "NEAR( * ^ : -" { // "near" is a word
			assert.Empty(t, found, query)
		}
	}
}

func TestSearchLimit(t *testing.T) {
	index, _ := buildSmall(t)
	found, err := index.Search(t.Context(), "context request http", -1)
	require.NoError(t, err)
	assert.Len(t, found, 1)
	found, err = index.Search(t.Context(), "context request http cancel returns", 1000)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(found), 20)
	assert.Greater(t, len(found), 10)
}

func TestSearchIsTraced(t *testing.T) {
	index, recorder := buildSmall(t)
	before := len(recorder.Ended())
	_, err := index.Search(t.Context(), "server shutdown", 2)
	require.NoError(t, err)

	spans := recorder.Ended()[before:]
	require.Len(t, spans, 2)
	query, retrieval := spans[0], spans[1]
	assert.Equal(t, "SELECT passages", query.Name())
	assert.Equal(t, "retrieval go-stdlib-docs", retrieval.Name())
	assert.Equal(t, retrieval.SpanContext().SpanID(), query.Parent().SpanID())
	assert.Equal(t, trace.SpanKindClient, retrieval.SpanKind())
	attributes := attribute.NewSet(retrieval.Attributes()...)
	for key, want := range map[attribute.Key]string{
		"gen_ai.operation.name":       "retrieval",
		"gen_ai.data_source.id":       "go-stdlib-docs",
		"gen_ai.retrieval.query.text": "server shutdown",
	} {
		value, _ := attributes.Value(key)
		assert.Equal(t, want, value.AsString(), key)
	}
	topK, _ := attributes.Value("gen_ai.retrieval.top_k")
	assert.Equal(t, int64(2), topK.AsInt64())
	documents, _ := attributes.Value("gen_ai.retrieval.documents")
	assert.Regexp(t, `^\[\{"id":"var net/http.ErrServerClosed","score":\d+\.\d+\}\]$`, documents.AsString())
}

func TestSearchFails(t *testing.T) {
	index, recorder := buildSmall(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := index.Search(ctx, "request", 1)
	require.ErrorIs(t, err, context.Canceled)
	spans := recorder.Ended()
	last := spans[len(spans)-1]
	assert.Equal(t, codes.Error, last.Status().Code)
	assert.Contains(t, last.Attributes(), attribute.String("error.type", "canceled"))
}

// TestSearchStandardLibrary holds what makes answers believable: the symbols
// that a Go programmer would name are among the first.
func TestSearchStandardLibrary(t *testing.T) {
	index := buildReal(t)
	require.Greater(t, index.Len(), 5000)
	for query, want := range map[string][]string{
		"how do I cancel an HTTP request?":                   {"method net/http.Request.Context", "package context"},
		"http.NewRequestWithContext context.WithCancel":      {"func net/http.NewRequestWithContext", "func context.WithCancel"},
		"how to wait for goroutines to finish":               {"type sync.WaitGroup"},
		"limit the size of a request body":                   {"func net/http.MaxBytesReader"},
		"how do I read an environment variable?":             {"func os.Getenv", "func os.LookupEnv"},
		"graceful shutdown of an http server":                {"method net/http.Server.Shutdown"},
		"sort a slice of structs":                            {"func slices.Sort"},
		"json.Unmarshal":                                     {"func encoding/json.Unmarshal"},
		"what is a mutex":                                    {"type sync.Mutex"},
		"run a command and get its output":                   {"method os/exec.Cmd.Output"},
		"does the context of a request end with the client?": {"method net/http.Request.Context"},
	} {
		found, err := index.Search(t.Context(), query, 8)
		require.NoError(t, err)
		for _, symbol := range want {
			assert.Contains(t, symbols(found), symbol, query)
		}
	}
}
