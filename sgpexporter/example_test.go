package sgpexporter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A whole program: a span, by way of the processor, to a server that stands in
// for SGP. Against SGP itself New needs no options; it reads SGP_API_KEY,
// SGP_ACCOUNT_ID and SGP_CLIENT_BASE_URL.
func Example() {
	server := sgptest.NewServer()
	defer server.Close()

	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKey("any key"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))

	_, span := tp.Tracer("example").Start(context.Background(), "chat")
	span.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.Int("gen_ai.usage.input_tokens", 12),
	)
	span.End()

	if err := tp.Shutdown(context.Background()); err != nil { // drains the queue
		fmt.Println(err)
	}
	for _, s := range server.Spans() {
		fmt.Println(s.Name, s.Type, s.Status, s.Output["usage"])
	}
	// Output:
	// chat COMPLETION SUCCESS map[input_tokens:12]
}

// All that is wrong is reported at once, and each can be matched.
func ExampleNew_errors() {
	_, err := sgpexporter.New(
		sgpexporter.WithAPIKey(""),
		sgpexporter.WithBaseURL("api.egp.scale.com"),
		sgpexporter.WithMaxRequestItems(5000),
	)
	fmt.Println(errors.Is(err, sgpexporter.ErrMissingAPIKey))
	fmt.Println(err)
	// Output:
	// true
	// sgpexporter: no API key: set SGP_API_KEY, or use WithAPIKey or WithAPIKeySource
	// sgpexporter: invalid base URL: WithBaseURL does not begin with "https://" or "http://"
	// sgpexporter: invalid option: WithMaxRequestItems(5000): must be from 1 to 1000
}

// What an Exporter prints shows where the key comes from, and not the key.
func ExampleExporter() {
	exp, err := sgpexporter.New(sgpexporter.WithAPIKey("sk-secret"), sgpexporter.WithAccountID("acct-1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(fmt.Sprintf("%+v %#v", exp, exp), "secret"))
	fmt.Println(strings.Contains(exp.String(), "APIKey:from WithAPIKey AccountID:acct-1"))
	// Output:
	// false
	// true
}

// With DISABLE_SCALE_TRACING set the same program runs and exports nothing.
func ExampleExporter_Disabled() {
	os.Setenv("DISABLE_SCALE_TRACING", "1")
	defer os.Unsetenv("DISABLE_SCALE_TRACING")

	exp, err := sgpexporter.New() // no key needed
	if err != nil {
		fmt.Println(err)
		return
	}
	proc := asyncprocessor.New(exp)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	_, span := tp.Tracer("example").Start(context.Background(), "not exported")
	span.End()
	fmt.Println(exp.Disabled(), tp.Shutdown(context.Background()), proc.Stats().Offered)
	// Output:
	// true <nil> 0
}

// A span that SGP refuses costs itself only: it is named, and counted.
func ExampleRejectedError() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exp.Shutdown(context.Background())

	server.SetFault(func(r *sgptest.Request) sgptest.Fault {
		for _, item := range r.Items {
			if item.Name == "bad" {
				return sgptest.Status(http.StatusUnprocessableEntity)
			}
		}
		return sgptest.Fault{}
	})
	var batch []asyncprocessor.Snapshot
	for i, name := range []string{"good", "bad", "also good"} {
		batch = append(batch, asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseEnd, Span: named(i+1, name)})
	}
	err = exp.ExportSnapshots(context.Background(), batch)

	// With a Processor it is what the global OpenTelemetry error handler is given.
	var rejected *sgpexporter.RejectedError
	if errors.As(err, &rejected) {
		fmt.Println(rejected.Name, rejected.Phase, rejected.StatusCode)
	}
	var failed *asyncprocessor.ExportError
	fmt.Println(errors.As(err, &failed), failed.Reason, failed.Undelivered)
	fmt.Println(len(server.Spans()), "stored")
	// Output:
	// bad END 422
	// true rejected [1]
	// 2 stored
}

// A team that also runs the Python agent configures both alike.
func ExampleProcessorOptionsFromEnv() {
	os.Setenv("AGENTEX_SPAN_QUEUE_LINGER_MS", "100")
	defer os.Unsetenv("AGENTEX_SPAN_QUEUE_LINGER_MS")
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}

	opts := append(sgpexporter.ProcessorOptionsFromEnv(), asyncprocessor.WithBlocking())
	proc := asyncprocessor.New(exp, opts...)
	fmt.Println(len(opts), proc.Shutdown(context.Background()))
	// Output:
	// 2 <nil>
}

// A hook sees every span before it is encoded. Here it removes what looks like a
// secret, and drops health checks.
func ExampleWithSpanHook() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithSpanHook(sgpspan.RedactKeys("user.email")),
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool { return s.Name != "GET /healthz" }),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	for _, name := range []string{"GET /healthz", "POST /ask"} {
		_, span := tp.Tracer("example").Start(context.Background(), name)
		span.SetAttributes(attribute.String("user.email", "someone@example.com"))
		span.End()
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // what was filtered is counted
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}

	for _, s := range server.Spans() {
		fmt.Println(s.Name, s.Metadata["attributes"])
	}
	// Output:
	// POST /ask map[user.email:[REDACTED]]
}

// Keys that are rotated come from a function. It is asked first, and again
// whenever SGP refuses the key.
func ExampleWithAPIKeySource() {
	server := sgptest.NewServer(sgptest.WithAPIKey("second"))
	defer server.Close()
	keys := []string{"first", "second"}
	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKeySource(func(context.Context) (string, error) {
			key := keys[0]
			keys = keys[1:]
			return key, nil
		}),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exp.Shutdown(context.Background())

	err = exp.ExportSnapshots(context.Background(), []asyncprocessor.Snapshot{
		{Phase: asyncprocessor.PhaseEnd, Span: named(1, "kept")},
	})
	fmt.Println(err, len(server.Spans()))
	// Output:
	// <nil> 1
}

// Retries end with the context in any case; this bounds them further.
func ExampleRetryConfig() {
	server := sgptest.NewServer()
	defer server.Close()
	server.Inject(sgptest.Status(503).Times(2))

	retry := sgpexporter.DefaultRetryConfig()
	retry.InitialInterval = time.Millisecond
	retry.MaxElapsedTime = time.Minute
	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithRetry(retry),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exp.Shutdown(context.Background())

	err = exp.ExportSnapshots(context.Background(), []asyncprocessor.Snapshot{
		{Phase: asyncprocessor.PhaseEnd, Span: named(1, "late")},
	})
	fmt.Println(err, len(server.Requests()), "requests")
	// Output:
	// <nil> 3 requests
}

// A client of your own brings TLS, a proxy or instrumentation; headers and
// compression are options of their own.
func ExampleWithHTTPClient() {
	server := sgptest.NewServer()
	defer server.Close()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = asyncprocessor.DefaultConcurrency
	defer transport.CloseIdleConnections()

	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithHTTPClient(&http.Client{Transport: transport}),
		sgpexporter.WithHeaders(map[string]string{"X-Gateway-Team": "search"}),
		sgpexporter.WithCompression(sgpexporter.GzipCompression),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exp.Shutdown(context.Background())
	err = exp.ExportSnapshots(context.Background(), []asyncprocessor.Snapshot{
		{Phase: asyncprocessor.PhaseEnd, Span: named(1, "compressed")},
	})
	fmt.Println(err, server.Requests()[0].Header.Get("X-Gateway-Team"), server.Requests()[0].Header.Get("Content-Encoding"))
	// Output:
	// <nil> search gzip
}

// Options are applied in their order: what a team shares comes first, and what one
// service wants otherwise after it.
func ExampleOption() {
	server := sgptest.NewServer()
	defer server.Close()
	shared := []sgpexporter.Option{
		sgpexporter.WithBaseURL(server.URL),
		sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithAccountID("team"),
		sgpexporter.WithHeaders(map[string]string{"X-Gateway-Team": "search"}),
	}
	exp, err := sgpexporter.New(append(shared, sgpexporter.WithAccountID("service"))...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer exp.Shutdown(context.Background())
	err = exp.ExportSnapshots(context.Background(), []asyncprocessor.Snapshot{
		{Phase: asyncprocessor.PhaseEnd, Span: named(1, "ask")},
	})
	header := server.Requests()[0].Header
	fmt.Println(err, header.Get("X-Selected-Account-Id"), header.Get("X-Gateway-Team"))
	// Output:
	// <nil> service search
}

// The same span, with and without compression.
func ExampleCompression() {
	server := sgptest.NewServer()
	defer server.Close()
	for i, compression := range []sgpexporter.Compression{sgpexporter.NoCompression, sgpexporter.GzipCompression} {
		exp, err := sgpexporter.New(
			sgpexporter.WithBaseURL(server.URL),
			sgpexporter.WithAPIKey("any key"),
			sgpexporter.WithCompression(compression),
		)
		if err != nil {
			fmt.Println(err)
			return
		}
		err = exp.ExportSnapshots(context.Background(), []asyncprocessor.Snapshot{
			{Phase: asyncprocessor.PhaseEnd, Span: named(1, strings.Repeat("a long name ", 100))},
		})
		r := server.Requests()[i]
		fmt.Println(compression, err, r.WireBytes < int64(len(r.Body)), exp.Shutdown(context.Background()))
	}
	// Output:
	// none <nil> false <nil>
	// gzip <nil> true <nil>
}

// named is a span as an exporter gets it.
func named(n int, name string) sdktrace.ReadOnlySpan { return span(n, withName(name)) }
