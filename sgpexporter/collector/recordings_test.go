package collector

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A service without this project's processor, whose spans come over OTLP, and the same
// service with it: SGP is sent the same items, in the same order in each trace.
func TestTheCollectorWritesWhatTheProcessorWrites(t *testing.T) {
	for _, framework := range frameworks.All {
		t.Run(framework.Name, func(t *testing.T) {
			p := newPipeline(t, nil, []sgptest.ViolationKind{sgptest.ChildBeforeParentEnd})
			collector := otlpReceiver(t, p)
			direct := sgptest.NewServer()
			defer direct.Close()
			exp, err := sgpexporter.New(sgpexporter.WithBaseURL(direct.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(direct.Client()))
			require.NoError(t, err)
			proc := asyncprocessor.New(exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
			otlp, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(collector), otlptracehttp.WithHTTPClient(direct.Client()))
			require.NoError(t, err)

			require.NoError(t, p.logs.ConsumeLogs(t.Context(), recordsOf(t, framework)))
			r, err := framework.Recording()
			require.NoError(t, err)
			require.NoError(t, r.Replay(t.Context(),
				recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(proc), sdktrace.WithSyncer(otlp)),
				recording.WithLoggerProviderOptions(sdklog.WithProcessor(exp.LogProcessor()))))
			require.NoError(t, proc.Shutdown(t.Context()))
			require.NoError(t, otlp.Shutdown(t.Context()))
			p.stop()

			want, got := items(t, direct), items(t, p.sgp)
			require.NotEmpty(t, want)
			require.Len(t, got, len(want))
			for trace := range want {
				assert.Equal(t, want[trace], got[trace])
			}
			assert.Equal(t, framework.Used, frameworks.Billed(p.sgp))
		})
	}
}

// items are the items of all requests, by trace, but for what only the process knows that
// the span ran in.
func items(t *testing.T, srv *sgptest.Server) map[string][]map[string]any {
	t.Helper()
	byTrace := map[string][]map[string]any{}
	for _, r := range srv.Requests() {
		for _, item := range r.Items {
			var fields map[string]any
			require.NoError(t, json.Unmarshal(item.Raw, &fields))
			metadata := fields["metadata"].(map[string]any)
			delete(metadata, "__source__")       // otel-go, otel-collector
			delete(metadata, "child_span_count") // OTLP does not carry it
			byTrace[item.TraceID] = append(byTrace[item.TraceID], fields)
		}
	}
	return byTrace
}

// otlpReceiver returns the address of a receiver of OTLP over HTTP in front of p.
func otlpReceiver(t *testing.T, p *pipeline) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		request := ptraceotlp.NewExportRequest()
		assert.NoError(t, request.UnmarshalProto(body))
		assert.NoError(t, p.traces.ConsumeTraces(r.Context(), request.Traces()))
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// recordsOf are the log records of a recording, none for one without.
func recordsOf(t *testing.T, framework frameworks.Framework) plog.Logs {
	t.Helper()
	dir, err := framework.Files()
	require.NoError(t, err)
	content, err := fs.ReadFile(dir, "logs.json")
	if errors.Is(err, fs.ErrNotExist) {
		return plog.NewLogs()
	}
	require.NoError(t, err)
	logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(content)
	require.NoError(t, err)
	return logs
}
