package sgpexporter_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

const key = "sk-0123456789abcdef"

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// span is the n-th span of one trace: its id is n in 16 hexadecimal digits, its
// name "span n".
func span(n int, change ...func(*tracetest.SpanStub)) sdktrace.ReadOnlySpan {
	stub := tracetest.SpanStub{
		Name:        fmt.Sprintf("span %d", n),
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 1}, SpanID: id(n), TraceFlags: 1}),
		StartTime:   began,
		EndTime:     began.Add(time.Second),
	}
	for _, f := range change {
		f(&stub)
	}
	return stub.Snapshot()
}

func id(n int) trace.SpanID { return trace.SpanID{6: byte(n >> 8), 7: byte(n)} }

func ends(n int) []asyncprocessor.Snapshot {
	all := make([]asyncprocessor.Snapshot, n)
	for i := range all {
		all[i] = asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseEnd, Span: span(i + 1)}
	}
	return all
}

// newExporter returns a server and an Exporter in front of it. At the end of the
// test the server says whether every request kept to the contract.
func newExporter(t *testing.T, server []sgptest.Option, opts ...sgpexporter.Option) (*sgptest.Server, *sgpexporter.Exporter) {
	t.Helper()
	return newExporterBut(t, nil, server, opts...)
}

// newRefused is newExporter for a test in which the server itself, with no fault
// injected, refuses requests.
func newRefused(t *testing.T, server []sgptest.Option, opts ...sgpexporter.Option) (*sgptest.Server, *sgpexporter.Exporter) {
	t.Helper()
	return newExporterBut(t, []sgptest.ViolationKind{sgptest.Rejected}, server, opts...)
}

func newExporterBut(t *testing.T, except []sgptest.ViolationKind, server []sgptest.Option, opts ...sgpexporter.Option) (*sgptest.Server, *sgpexporter.Exporter) {
	t.Helper()
	srv := sgptest.NewServer(server...)
	t.Cleanup(srv.Close)
	exp, err := sgpexporter.New(append([]sgpexporter.Option{
		sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, exp.Shutdown(context.Background()))
		assert.NoError(t, srv.Check(except...))
	})
	return srv, exp
}

func requests(srv *sgptest.Server) int { return len(srv.Requests()) }

// writtenNames are the names of all spans in the order in which they were written.
func writtenNames(srv *sgptest.Server) []string {
	names := []string{}
	for _, r := range srv.Requests() {
		if r.Stored {
			for _, item := range r.Items {
				names = append(names, item.Name)
			}
		}
	}
	return names
}

func exportErrors(err error) []*asyncprocessor.ExportError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*asyncprocessor.ExportError
		for _, err := range joined.Unwrap() {
			all = append(all, exportErrors(err)...)
		}
		return all
	}
	var one *asyncprocessor.ExportError
	if errors.As(err, &one) {
		return []*asyncprocessor.ExportError{one}
	}
	return nil
}

// persist exports until nothing is left to be tried again, as a processor does, with a
// rest of 0.5 s, doubling up to 20 s, between calls.
func persist(ctx context.Context, exp *sgpexporter.Exporter, snapshots []asyncprocessor.Snapshot) error {
	for rest := 500 * time.Millisecond; ; rest = min(2*rest, 20*time.Second) {
		err := exp.ExportSnapshots(ctx, snapshots)
		all := exportErrors(err)
		if len(all) != 1 || !all[0].Retryable || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return err
		}
	}
}

// lost returns the one ExportError that err is.
func lost(t *testing.T, err error) *asyncprocessor.ExportError {
	t.Helper()
	all := exportErrors(err)
	require.Len(t, all, 1, "%v", err)
	return all[0]
}

// reject makes the server refuse requests that hold one of the spans.
func reject(srv *sgptest.Server, code int, names ...string) {
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		for _, item := range r.Items {
			if slices.Contains(names, item.Name) {
				return sgptest.Status(code).Body("application/json", `{"detail":"no good","input":"a secret prompt"}`)
			}
		}
		return sgptest.Fault{}
	})
}

func withName(name string) func(*tracetest.SpanStub) {
	return func(s *tracetest.SpanStub) { s.Name = name }
}
