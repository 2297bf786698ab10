package docs

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
)

func TestBuildIsTraced(t *testing.T) {
	index, recorder := buildSmall(t)
	assert.Equal(t, 17, index.Len())

	spans := recorder.Ended()
	var names []string
	for _, span := range spans {
		names = append(names, span.Name())
	}
	require.Equal(t, []string{"parse_packages", "CREATE passages", "INSERT passages", "build_index go-stdlib-docs"}, names)
	root := spans[3]
	for _, span := range spans[:3] {
		assert.Equal(t, root.SpanContext().SpanID(), span.Parent().SpanID(), span.Name())
	}
	assert.Contains(t, root.Attributes(), attribute.Int("docs.packages", 2))
	assert.Contains(t, root.Attributes(), attribute.Int("docs.passages", 17))
	assert.Contains(t, spans[2].Attributes(), attribute.String("db.system.name", "sqlite"))
}

func TestBuildFails(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	_, err := Build(t.Context(), "testdata/nowhere", sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	require.ErrorContains(t, err, "list the packages of the standard library")
	spans := recorder.Ended()
	assert.Equal(t, codes.Error, spans[len(spans)-1].Status().Code)
}

func TestBuildCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Build(ctx, smallGOROOT, noop.NewTracerProvider())
	assert.ErrorIs(t, err, context.Canceled)
}

func TestCloseRemovesTheDatabase(t *testing.T) {
	index, err := Build(t.Context(), smallGOROOT, noop.NewTracerProvider())
	require.NoError(t, err)
	require.FileExists(t, index.dir+"/docs.db")
	require.NoError(t, index.Close())
	_, err = os.Stat(index.dir)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestSplitWords(t *testing.T) {
	assert.Equal(t, "New Request With Context", SplitWords("NewRequestWithContext"))
	assert.Equal(t, ".Client.Do", SplitWords(".Client.Do"))
	assert.Equal(t, "Parse JSON", SplitWords("ParseJSON"))
}
