package sgptest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// write stands for the client under test, which is usually an exporter with
// srv.URL as its base URL.
func write(srv *sgptest.Server, items ...string) {
	body := strings.NewReader(`{"items":[` + strings.Join(items, ",") + `]}`)
	req, err := http.NewRequest(http.MethodPut, srv.URL+"/v5/spans/batch", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "any")
	resp, err := srv.Client().Do(req)
	if err != nil {
		fmt.Println("no answer")
		return
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		fmt.Println(resp.StatusCode, string(answer))
	}
}

const (
	running = `{"trace_id":"t1","id":"s1","name":"ask","start_timestamp":"2026-01-02T03:04:05Z"}`
	ended   = `{"trace_id":"t1","id":"s1","name":"ask","start_timestamp":"2026-01-02T03:04:05Z",` +
		`"end_timestamp":"2026-01-02T03:04:06Z","status":"SUCCESS","output":{"answer":"42"}}`
	faulty = `{"trace_id":"t1","id":"s2","name":"ask","start_timestamp":"yesterday"}`
)

// From a span to what SGP has of it. In a test, take t.Context(), your assertions, and
//
//	t.Cleanup(server.Close)
//	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) }) // t.Context() has ended by then
func Example() {
	ctx := context.Background()
	server := sgptest.NewServer()
	defer server.Close()

	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		log.Fatal(err)
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	defer tp.Shutdown(context.Background())

	_, span := tp.Tracer("test").Start(ctx, "ask")
	span.End()

	if err := tp.ForceFlush(ctx); err != nil { // instead of sleeping
		log.Fatal(err)
	}
	for _, stored := range server.Spans() {
		fmt.Println(stored.Name, stored.Status, stored.Completed())
	}
	fmt.Println(server.Check())
	// Output:
	// ask SUCCESS true
	// <nil>
}

// A client of your own.
func Example_client() {
	srv := sgptest.NewServer()
	defer srv.Close()

	write(srv, running)
	fmt.Println(srv.Spans()[0].Completed())
	write(srv, ended)
	span, _ := srv.Span("t1", "s1")
	fmt.Println(span.Name, span.Duration(), span.Status, span.Output["answer"])
	fmt.Println(srv.Check())
	// Output:
	// false
	// ask 1s SUCCESS 42
	// <nil>
}

func ExampleServer() {
	srv := sgptest.NewServer(sgptest.WithAPIKey("secret"))
	defer srv.Close()

	write(srv, running)
	srv.SetAPIKey("any")
	write(srv, running)
	fmt.Println(len(srv.Spans()), len(srv.Requests()))
	// Output:
	// 403 {"detail":"x-api-key: is not valid","field":"x-api-key"}
	// 1 2
}

// A server that is mounted on a mux of your own.
func ExampleNewUnstartedServer() {
	srv := sgptest.NewUnstartedServer(sgptest.WithMaxSpans(10_000), sgptest.WithMaxRequests(0), sgptest.WithMaxBytes(64<<20))
	defer srv.Close()
	mux := http.NewServeMux()
	mux.Handle("/v5/", srv)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, len(srv.Spans()), "spans")
	})
}

func ExampleServer_WaitFor() {
	srv := sgptest.NewServer()
	defer srv.Close()
	go write(srv, ended)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := srv.WaitFor(ctx, func(spans []sgptest.Span) bool {
		return len(spans) == 1 && spans[0].Completed()
	})
	fmt.Println(err)
	// Output: <nil>
}

// What a page with server-sent events does: it writes what is there and what
// follows, as fast as its reader takes it.
func ExampleServer_Changes() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, running)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for spans := range srv.Changes(ctx) {
		for _, span := range spans {
			fmt.Println(span.Name, span.Completed())
			if span.Completed() {
				cancel()
			}
		}
		write(srv, ended)
	}
	// Output:
	// ask false
	// ask true
}

func ExampleServer_OnStored() {
	srv := sgptest.NewServer()
	stored := make(chan string, 1)
	stop := srv.OnStored(func(spans []sgptest.Span) { stored <- spans[0].Name })
	defer srv.Close()
	defer stop()

	write(srv, ended)
	fmt.Println(<-stored)
	// Output: ask
}

func ExampleServer_Inject() {
	srv := sgptest.NewServer()
	defer srv.Close()
	srv.Inject(
		sgptest.Status(503).Header("Retry-After", "1").Times(2),
		sgptest.ResetConnection().Stored(), // only the answer is lost
		sgptest.Fault{},                    // answered as SGP does
	)
	for range 4 {
		write(srv, running)
	}
	for _, r := range srv.Requests() {
		fmt.Println(r.Status, r.Stored, r.Fault)
	}
	// Output:
	// 503 {"detail":"injected"}
	// 503 {"detail":"injected"}
	// no answer
	// 503 false status 503
	// 503 false status 503
	// 0 true reset, stored
	// 200 true
}

// A server that is overloaded by requests of more than one span.
func ExampleServer_SetFault() {
	srv := sgptest.NewServer()
	defer srv.Close()
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		if len(r.Items) > 1 {
			return sgptest.Status(429)
		}
		return sgptest.Fault{}
	})
	write(srv, running, ended)
	write(srv, ended)
	// Output:
	// 429 {"detail":"injected"}
}

func ExampleFault() {
	fmt.Println(sgptest.Status(503).Header("Retry-After", "1").After(20 * time.Millisecond))
	fmt.Println(sgptest.Hang().Stored())
	fmt.Println(sgptest.Truncate(100))
	// Output:
	// status 503, after 20ms
	// hang, stored
	// truncate to 100 bytes
}

// A write that is abandoned and takes effect when nobody expects it any more.
// The older store is left with a span that runs for ever.
func ExampleEffectLater() {
	srv := sgptest.NewServer(sgptest.WithOlderStore())
	defer srv.Close()
	release := make(chan struct{})
	srv.Inject(sgptest.EffectLater(release))

	ctx, giveUp := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPut, srv.URL+"/v5/spans/batch", strings.NewReader(`{"items":[`+running+`]}`))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "any")
	go func() {
		_ = srv.WaitForRequests(ctx, func(requests []sgptest.Request) bool { return len(requests) == 1 })
		giveUp()
	}()
	if _, err := srv.Client().Do(req); err != nil { //nolint:bodyclose // there is no answer
		write(srv, ended)
	}
	close(release)
	_ = srv.WaitFor(context.Background(), func(spans []sgptest.Span) bool { return !spans[0].Completed() })
	fmt.Println(srv.Violations()[0].Kind, srv.Violations()[0].Write.Late)
	// Output: start_after_end true
}

func ExampleRequest() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, running, ended)

	r := srv.Requests()[0]
	fmt.Println(r.Method, r.Path, r.Header.Get("x-api-key"), len(r.Items), r.Status)
	// Output: PUT /v5/spans/batch any 2 200
}

func ExampleSpan() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, running)
	write(srv, ended)

	span := srv.Spans()[0]
	fmt.Println(span.TraceID, span.ID, span.Duration(), span.Output["answer"])
	for _, w := range span.Writes {
		fmt.Println(w)
	}
	// Output:
	// t1 s1 1s 42
	// write 1 (request 1, item 0): START of span "s1" in trace "t1"
	// write 2 (request 2, item 0): END of span "s1" in trace "t1"
}

// A turn of an agent whose two calls of a model are billed, and the same turn when its
// root has the aggregate.
func ExampleUsage() {
	server := sgptest.NewServer()
	defer server.Close()
	call := func(id, usage string) string {
		return `{"trace_id":"t1","id":"` + id + `","name":"chat","start_timestamp":"2026-01-02T03:04:05Z","output":{"usage":` + usage + `}}`
	}
	write(server, call("s1", `{"input_tokens":120,"output_tokens":18}`), call("s2", `{"prompt_tokens":150,"completion_tokens":11}`))
	billed := server.BilledUsage("t1")
	fmt.Println(billed.InputTokens, billed.OutputTokens, billed.Calls)

	write(server, `{"trace_id":"t1","id":"s0","name":"turn","start_timestamp":"2026-01-02T03:04:05Z",`+
		`"metadata":{"usage":{"input_tokens":90,"output_tokens":29},"cost_usd":0.25}}`)
	billed = server.BilledUsage("t1")
	fmt.Println(billed.InputTokens, billed.OutputTokens, billed.CostUSD, billed.Aggregates)
	// Output:
	// 270 29 2
	// 90 29 0.25 1
}

func ExampleWrite() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, ended)
	write(srv, running) // too late: a completed span wins

	for _, w := range srv.Writes() {
		fmt.Println(w.Seq, w.ID, w.Completed, w.Applied)
	}
	// Output:
	// 1 s1 true true
	// 2 s1 false false
}

func ExampleViolation() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, ended)
	write(srv, running)

	fmt.Println(srv.CheckOrder())
	var violation sgptest.Violation
	fmt.Println(errors.As(srv.CheckOrder(), &violation), violation.Kind == sgptest.StartAfterEnd)
	// Output:
	// sgptest: start_after_end: write 2 (request 2, item 0): START of span "s1" in trace "t1", after write 1 (request 1, item 0): END of span "s1" in trace "t1"
	// true true
}

// A client that sends no STARTs writes children before their parents.
func ExampleViolationKind() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, `{"trace_id":"t1","id":"s2","parent_id":"s1","name":"search","start_timestamp":"2026-01-02T03:04:05Z",`+
		`"end_timestamp":"2026-01-02T03:04:06Z"}`)
	write(srv, ended)

	fmt.Println(srv.CheckOrder() == nil, srv.CheckOrder(sgptest.ChildBeforeParentEnd) == nil)
	// Output: false true
}

func ExampleRejection() {
	srv := sgptest.NewServer()
	defer srv.Close()
	write(srv, ended, faulty) // one bad item rejects the whole request

	r := srv.Requests()[0].Rejection
	fmt.Println(r.Status, r.Item, r.Field, len(srv.Spans()))
	// Output:
	// 422 {"detail":"items[1].start_timestamp: is not an RFC 3339 timestamp","item":1,"field":"start_timestamp"}
	// 422 1 start_timestamp 0
}

func ExampleStats() {
	srv := sgptest.NewServer(sgptest.WithoutRecording())
	defer srv.Close()
	write(srv, running, ended)
	write(srv, ended)

	stats := srv.Stats()
	fmt.Println(stats.Requests, stats.Stored, stats.Items, stats.Spans)
	// Output: 2 2 3 0
}

func ExampleOption() {
	srv := sgptest.NewServer(
		sgptest.WithAccountID("account"),
		sgptest.WithMaxBodyBytes(1<<20),
		sgptest.WithLatency(time.Millisecond),
	)
	defer srv.Close()
	write(srv, running)
	// Output:
	// 403 {"detail":"x-selected-account-id: is missing or not an account of this key","field":"x-selected-account-id"}
}

// A server with TLS, and so HTTP/2, whose connections go silent.
func ExampleSilencer() {
	sgp := sgptest.NewUnstartedServer()
	server := httptest.NewUnstartedServer(sgp)
	silencer := sgptest.NewSilencer(server.Listener)
	server.Listener = silencer
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer sgp.Close() // first

	resp, err := server.Client().Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Proto, silencer.Silence())
	// Output: HTTP/2.0 1
}
