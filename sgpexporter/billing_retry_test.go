package sgpexporter_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// lossy stores what is sent, and while it is down may have stored it: nobody is told.
type lossy struct {
	down   bool
	billed map[string]int // output.usage.input_tokens of each span's last write
}

func (l *lossy) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent struct {
		Items []struct {
			ID     string `json:"id"`
			Output struct {
				Usage struct {
					Input int `json:"input_tokens"`
				} `json:"usage"`
			} `json:"output"`
		} `json:"items"`
	}
	if err := json.NewDecoder(req.Body).Decode(&sent); err != nil {
		return nil, err
	}
	for _, item := range sent.Items {
		l.billed[item.ID] = item.Output.Usage.Input
	}
	if l.down {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(http.NoBody), Request: req,
	}, nil
}

// An END that failed for now bills the same when it comes again, also when a call below it
// was billed meanwhile: it may be stored already.
func TestAnENDThatComesAgainBillsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &lossy{down: true, billed: map[string]int{}}
		exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(&http.Client{Transport: target}))
		require.NoError(t, err)
		used := func(n int, parent int) sdktrace.ReadOnlySpan {
			return span(n, func(s *tracetest.SpanStub) {
				s.Attributes = []attribute.KeyValue{attribute.Int("gen_ai.usage.input_tokens", 10)}
				if parent > 0 {
					s.Parent = s.SpanContext.WithSpanID(id(parent))
				}
			})
		}
		agent := []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: used(1, 0)}}
		call := []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: used(2, 1)}}

		var failed *asyncprocessor.ExportError
		require.ErrorAs(t, exp.ExportSnapshots(t.Context(), agent), &failed)
		require.True(t, failed.Retryable)
		target.down = false
		require.NoError(t, exp.ExportSnapshots(t.Context(), call))
		require.NoError(t, exp.ExportSnapshots(t.Context(), agent))
		assert.Equal(t, map[string]int{id(1).String(): 10, id(2).String(): 10}, target.billed)
		require.NoError(t, exp.Shutdown(t.Context()))
	})
}
