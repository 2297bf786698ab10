package bounds

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

var errDown = errors.New("connection refused")

// backend stands for SGP and the network before it.
type backend struct {
	took time.Duration // a request
	// down says that there is no answer; nil says that there always is.
	down func() bool

	mu    sync.Mutex // guards what follows
	ended map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (b *backend) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(b.took):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if b.down != nil && b.down() {
		return nil, errDown
	}
	b.store(body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader([]byte(`{"items":[]}`))), Request: req,
	}, nil
}

func (b *backend) store(body []byte) {
	var request struct {
		Items []struct {
			ID  string     `json:"id"`
			End *time.Time `json:"end_timestamp"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = make(map[string]bool)
	}
	for _, item := range request.Items {
		if item.End != nil {
			b.ended[item.ID] = true
		}
	}
}

// hasEnded reports whether the END of a span is stored.
func (b *backend) hasEnded(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended[id]
}

// newProcessor returns a processor with an exporter before b, both with their defaults.
func newProcessor(t *testing.T, b *backend) *asyncprocessor.Processor {
	t.Helper()
	exp, err := sgpexporter.New(sgpexporter.WithAPIKey("key"), sgpexporter.WithHTTPClient(&http.Client{Transport: b}))
	require.NoError(t, err)
	return asyncprocessor.New(exp)
}

func newProvider(p sdktrace.SpanProcessor) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithResource(resource.Empty()))
}
