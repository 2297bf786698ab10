package sgpexporter_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// An item that was sent without its parent, or without its payload, and is answered 400 then, is rejected.
func TestAlteredItemIsRejectedByA400(t *testing.T) {
	remote := func(s *tracetest.SpanStub) {
		s.Parent = trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: s.SpanContext.TraceID(), SpanID: trace.SpanID{0: 9}, Remote: true,
		})
		s.Attributes = []attribute.KeyValue{attribute.String("input.value", "a prompt")}
	}
	for name, first := range map[string]int{"without its parent": 409, "without its payload": 422} {
		for says, detail := range map[string]string{
			"named":   `{"detail":[{"loc":["body","items",1,"id"],"msg":"no good"}]}`,
			"unnamed": `{"detail":"no good"}`,
		} {
			t.Run(name+", "+says, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
					srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
						for i, item := range r.Items {
							if item.Name != "bad" {
								continue
							}
							said := strings.Replace(detail, "1", string(rune('0'+i)), 1)
							code := 400
							if first == 409 && item.ParentID != "" || first == 422 && item.Input != nil {
								code = first
							}
							return sgptest.Status(code).Body("application/json", said)
						}
						return sgptest.Fault{}
					})
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					srv.SetLatency(10 * time.Millisecond)
					err := exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{
						snapshot(end, 1, inTrace(1)), snapshot(end, 2, inTrace(2), withName("bad"), remote), snapshot(end, 3, inTrace(3)),
					})
					one := lost(t, err)
					assert.Equal(t, []int{1}, one.Undelivered)
					assert.Equal(t, asyncprocessor.ReasonRejected, one.Reason)
					assert.Less(t, requests(srv), 12)
					assert.Len(t, srv.Spans(), 2)
				})
			})
		}
	}
}

// rawServer serves each connection by a function, which may break the rules of HTTP, and closes it then.
func rawServer(t *testing.T, serve func(c net.Conn, in *bufio.Reader)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				serve(c, bufio.NewReader(c))
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// readRequest reads a request whole.
func readRequest(in *bufio.Reader) error {
	req, err := http.ReadRequest(in)
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return err
}

// A server that switches protocols, which nobody asked for, holds up no call for longer than WithTimeout.
func TestSwitchedProtocolIsNotWaitedFor(t *testing.T) {
	url := rawServer(t, func(c net.Conn, in *bufio.Reader) {
		if readRequest(in) == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_, _ = io.Copy(io.Discard, c) // until the other side closes it
		}
	})
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey(key),
		sgpexporter.WithTimeout(100*time.Millisecond), sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	require.NoError(t, err)
	result := make(chan error, 1)
	go func() { result <- exp.ExportSnapshots(context.Background(), ends(1)) }()
	select {
	case err := <-result:
		assert.ErrorContains(t, err, "101 Switching Protocols")
	case <-time.After(patience):
		t.Error("the call hangs")
	}
	require.NoError(t, exp.Shutdown(t.Context()))
}

// A server that closes a connection in place of an answer, since it took it for idle, costs nothing, not even a retry.
func TestConnectionThatIsClosedWhenItIsUsedAgain(t *testing.T) {
	url := rawServer(t, func(c net.Conn, in *bufio.Reader) {
		if readRequest(in) == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"items\":[]}")
			_ = readRequest(in) // this one is not answered
		}
	})
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey(key),
		sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	}
	require.NoError(t, exp.Shutdown(t.Context()))
}

// slowLine is an SGP behind a line that takes so many bytes a second of all requests together.
type slowLine struct {
	bytes int
	next  http.RoundTripper
	turn  chan struct{}
}

func (l *slowLine) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	defer func() { _ = body.Close() }()
	var whole []byte
	part := make([]byte, 16<<10)
	for {
		n, err := body.Read(part)
		whole = append(whole, part[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		select {
		case l.turn <- struct{}{}:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
		time.Sleep(time.Duration(n) * time.Second / time.Duration(l.bytes))
		<-l.turn
		if err := req.Context().Err(); err != nil {
			return nil, err
		}
	}
	copied := req.Clone(req.Context())
	copied.Body = io.NopCloser(strings.NewReader(string(whole)))
	return l.next.RoundTrip(copied)
}

// What answers large requests in another way than by a 413 holds nothing up for long, though no small ones are there.
func TestLargeRequestsThatFail(t *testing.T) {
	for name, fails := range map[string]func() (*http.Response, error){
		"reset":           func() (*http.Response, error) { return nil, syscall.ECONNRESET },
		"closed":          func() (*http.Response, error) { return nil, io.EOF },
		"gateway timeout": func() (*http.Response, error) { return answer(504), nil },
		"request timeout": func() (*http.Response, error) { return answer(408), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
				defer srv.Close()
				exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key),
					sgpexporter.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
						if req.ContentLength > 256<<10 {
							_ = req.Body.Close()
							return fails()
						}
						return srv.Client().Transport.RoundTrip(req)
					})}))
				require.NoError(t, err)
				proc := asyncprocessor.New(exp, asyncprocessor.WithUnfinishedSpans(false))
				for n := range 100 { // one batch of 1 MB
					proc.OnEnd(withPrompt(n))
				}
				time.Sleep(time.Minute)
				assert.Len(t, srv.Spans(), 100)
				require.NoError(t, proc.Shutdown(t.Context()))
				assert.Equal(t, uint64(100), proc.Stats().Exported)
			})
		})
	}
}

func answer(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
}

// withPrompt is a span of 10 kB, of a trace of its own.
func withPrompt(n int) sdktrace.ReadOnlySpan {
	return span(1, inTrace(byte(n+1)), func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{attribute.String("input.value", strings.Repeat("word ", 2000))}
	})
}

// A line that is slow costs no span, though a whole batch does not get through it within the time of a request: what
// is sent becomes smaller.
func TestSlowLine(t *testing.T) {
	for name, opts := range map[string][]sgpexporter.Option{
		"WithTimeout":      {},
		"client's Timeout": {sgpexporter.WithTimeout(0)},
		"spool on failure": {sgpexporter.WithSpool(t.TempDir())},
		"spool always":     {sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
				defer srv.Close()
				client := &http.Client{Transport: &slowLine{50_000, srv.Client().Transport, make(chan struct{}, 1)}}
				if name == "client's Timeout" {
					client.Timeout = 10 * time.Second
				}
				exp, err := sgpexporter.New(append(opts, sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key),
					sgpexporter.WithHTTPClient(client))...)
				require.NoError(t, err)
				proc := asyncprocessor.New(exp, asyncprocessor.WithUnfinishedSpans(false))
				for n := range 150 { // 1.5 MB, 30 s of the line
					proc.OnEnd(withPrompt(n))
				}
				time.Sleep(5 * time.Minute)
				assert.Len(t, srv.Spans(), 150)
				require.NoError(t, proc.Shutdown(t.Context()))
				assert.Equal(t, uint64(150), proc.Stats().Exported)
			})
		})
	}
}
