package transport

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "sk-0123456789abcdef"

// server is an http.RoundTripper that answers without a network, so that time
// can be false. It does not judge requests: see TestRequestsKeepToTheContract.
type server struct {
	// answer says what to answer to the n-th request, from 1; nil is a
	// connection that fails.
	answer func(n int, body string) *http.Response

	mu     sync.Mutex
	bodies []string
	codes  []int // 0: no answer
	keys   []string
	heads  []http.Header
	times  []time.Time
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	s.mu.Lock()
	s.bodies = append(s.bodies, string(body))
	s.codes = append(s.codes, 0)
	s.keys = append(s.keys, req.Header.Get("X-Api-Key"))
	s.heads = append(s.heads, req.Header.Clone())
	s.times = append(s.times, time.Now())
	n := len(s.bodies)
	s.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp := s.answer(n, string(body))
	if resp == nil {
		return nil, syscall.ECONNREFUSED
	}
	resp.Request = req
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[n-1] = resp.StatusCode
	return resp, nil
}

func reply(code int, header ...string) *http.Response {
	return replyWith(code, `{"items":[]}`, append([]string{"Content-Type", "application/json"}, header...)...)
}

func replyWith(code int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: code, ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// refuseThose answers 422 to every request that holds one of the items.
func refuseThose(code int, bad ...string) func(int, string) *http.Response {
	return func(_ int, body string) *http.Response {
		for _, item := range bad {
			if slices.Contains(itemsOf(body), item) {
				return replyWith(code, `{"detail":"bad item"}`, "Content-Type", "application/json")
			}
		}
		return reply(200)
	}
}

// stored returns the items of the requests that were answered with 200, in order.
func stored(s *server) []string {
	all := []string{}
	for i, body := range s.bodies {
		if s.codes[i] == 200 {
			all = append(all, itemsOf(body)...)
		}
	}
	return all
}

func itemsOf(body string) []string {
	var v struct{ Items []string }
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		panic("a request that is not JSON: " + body)
	}
	return v.Items
}

// batchOf makes items of one trace, which are plain strings: there is nothing in them
// that could be left out.
func batchOf(items ...string) *Batch {
	b := new(Batch)
	for _, item := range items {
		quoted, _ := json.Marshal(item)
		b.Commit(append(b.Buffer(), quoted...), Item{TraceID: "t", ID: item, Name: item})
	}
	return b
}

// undelivered are the items that a Send left.
func undelivered(r Result) []int {
	all := []int{}
	for _, failed := range r.Failed {
		all = append(all, failed.Items...)
	}
	slices.Sort(all)
	return all
}

// persist sends a batch until it is settled for good, as a processor does: what failed for
// now is sent again after a rest of 0.5 s, doubling up to 20 s, or when SGP takes another
// request, as long as ctx goes on.
func persist(ctx context.Context, c *Client, batch *Batch, sink Sink) Result {
	for rest := 500 * time.Millisecond; ; rest = min(2*rest, 20*time.Second) {
		result := c.Send(ctx, batch, batch.Len(), sink)
		if err := errOf(result); !Retryable(err) || FailedAlone(err) || ctx.Err() != nil {
			return result
		}
		if len(undelivered(result)) != batch.Len() {
			panic("a part failed for now")
		}
		begun := closing(ctx)
		if isClosed(begun) {
			begun = nil
			rest = min(rest, time.Second)
		}
		taken, news := c.health.state()
		for end := time.After(rest); end != nil; {
			select {
			case <-news:
				var now uint64
				if now, news = c.health.state(); now > taken {
					end = nil
				}
			case <-end:
				end = nil
			case <-begun:
				end = nil
			case <-ctx.Done():
				return result
			}
		}
	}
}

// errOf is why a Send left items, nil when it left none.
func errOf(r Result) error {
	for _, failed := range r.Failed {
		return failed.Err
	}
	return nil
}

// recorder is an Observer and a Sink.
type recorder struct {
	mu       sync.Mutex
	retries  int
	splits   int
	refusals []error
	failing  []error
	rejected map[int]*StatusError
	parts    [][]int
}

func (r *recorder) Retried(context.Context) { r.mu.Lock(); defer r.mu.Unlock(); r.retries++ }
func (r *recorder) Split(context.Context)   { r.mu.Lock(); defer r.mu.Unlock(); r.splits++ }
func (r *recorder) KeyRefused(_ context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refusals = append(r.refusals, err)
}

func (r *recorder) Failing(_ context.Context, err error, _ int, _ time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = append(r.failing, err)
}

func (r *recorder) Stored(items []int) { r.parts = append(r.parts, slices.Clone(items)) }

func (r *recorder) Rejected(i int, err *StatusError) {
	if r.rejected == nil {
		r.rejected = map[int]*StatusError{}
	}
	r.rejected[i] = err
}

func noRetry(cfg *Config) { cfg.Retry.Enabled = false }

// newTestClient returns a Client in front of rt with the default intervals.
func newTestClient(t *testing.T, rt http.RoundTripper, change ...func(*Config)) (*Client, *recorder) {
	t.Helper()
	rec := new(recorder)
	u, err := url.Parse("https://sgp.test/v5/spans/batch")
	require.NoError(t, err)
	cfg := Config{
		URL:        u,
		APIKey:     StaticKey(testKey),
		HTTPClient: &http.Client{Transport: rt},
		Timeout:    10 * time.Second,
		Retry:      RetryConfig{Enabled: true, InitialInterval: 400 * time.Millisecond, MaxInterval: 20 * time.Second},
		MaxBytes:   4 << 20,
		Observer:   rec,
	}
	for _, f := range change {
		f(&cfg)
	}
	return NewClient(cfg), rec
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "item-" + string(rune('a'+i/26%26)) + string(rune('a'+i%26)) + strings.Repeat("x", i/676)
	}
	return all
}
