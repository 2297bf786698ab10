package delivery

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answer is a RoundTripper that reads the request and answers with a status.
type answer struct {
	status int
	kind   string // the Content-Type
	err    error
}

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{"Content-Type": {a.kind}}, Body: http.NoBody, Request: r}, nil
}

// send sends a body through a tap, and returns what was delivered.
func send(t *testing.T, base http.RoundTripper, change func(*http.Request), body []byte) (delivered []string, err error) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, "http://sgp.invalid/v5/spans/batch", bytes.NewReader(body))
	require.NoError(t, err)
	if change != nil {
		change(request)
	}
	tap := &Tap{Base: base, Delivered: func(items ...json.RawMessage) {
		for _, item := range items {
			delivered = append(delivered, string(item))
		}
	}}
	response, err := tap.RoundTrip(request)
	if response != nil {
		require.NoError(t, response.Body.Close())
	}
	return delivered, err
}

const batch = `{"items":[{"id":"a", "trace_id":"t"},{"id":"b"}]}`

func TestTap(t *testing.T) {
	delivered, err := send(t, answer{status: 200}, nil, []byte(batch))
	require.NoError(t, err)
	assert.Equal(t, []string{`{"id":"a", "trace_id":"t"}`, `{"id":"b"}`}, delivered)
}

func TestTapGzip(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte(batch))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	gzipped := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	delivered, err := send(t, answer{status: 200}, gzipped, zipped.Bytes())
	require.NoError(t, err)
	assert.Len(t, delivered, 2)

	delivered, err = send(t, answer{status: 200}, gzipped, []byte(batch))
	require.NoError(t, err, "a body that it cannot read is not the exporter's problem")
	assert.Empty(t, delivered)
}

func TestTapHandsOnOnlyWhatWasAccepted(t *testing.T) {
	for _, status := range []int{202, 400, 422, 503} {
		delivered, err := send(t, answer{status: status}, nil, []byte(batch))
		require.NoError(t, err)
		assert.Empty(t, delivered, status)
	}
	page, err := send(t, answer{status: 200, kind: "text/html; charset=utf-8"}, nil, []byte(batch))
	require.NoError(t, err)
	assert.Empty(t, page, "a proxy's login page")
	reset := errors.New("connection reset")
	delivered, err := send(t, answer{err: reset}, nil, []byte(batch))
	require.ErrorIs(t, err, reset)
	assert.Empty(t, delivered)
}

// TestHealth: what is known of SGP is what the last request was answered with.
func TestHealth(t *testing.T) {
	var health Health
	assert.Zero(t, health.Last())
	for _, c := range []struct {
		answer answer
		last   int
	}{
		{answer{status: 200, kind: "application/json"}, 200},
		{answer{status: 403, kind: "application/json"}, 403},
		{answer{err: context.Canceled}, 403},
		{answer{err: errors.New("connection refused")}, NoAnswer},
		{answer{status: 503, kind: "text/html"}, 503},
		{answer{status: 200, kind: "text/html"}, NotSGP},
		{answer{err: context.DeadlineExceeded}, NoAnswer},
		{answer{status: 200}, 200},
	} {
		request, err := http.NewRequest(http.MethodPut, "http://sgp.invalid/v5/spans/batch", http.NoBody)
		require.NoError(t, err)
		tap := &Tap{Base: c.answer, Health: &health, Delivered: func(...json.RawMessage) {}}
		response, err := tap.RoundTrip(request)
		if response != nil {
			require.NoError(t, response.Body.Close())
		}
		require.ErrorIs(t, err, c.answer.err)
		assert.Equal(t, c.last, health.Last(), c.answer)
	}
}

func TestTapPassesOverWhatItCannotRead(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"no second reading": func(r *http.Request) { r.GetBody = nil },
		"it fails":          func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF } },
		"it is not JSON": func(r *http.Request) {
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
		},
	} {
		delivered, err := send(t, answer{status: 200}, change, []byte(batch))
		require.NoError(t, err, name)
		assert.Empty(t, delivered, name)
	}
}

func TestRecorder(t *testing.T) {
	var recorder Recorder
	item := json.RawMessage(`{"id":"a","trace_id":"t"}`)
	recorder.Record(item, json.RawMessage(`{"id":"b","trace_id":"u"}`), json.RawMessage(`{"id":"c"}`), json.RawMessage(`nonsense`))
	recorder.Record(json.RawMessage(`{"id":"d","trace_id":"t"}`))
	copy(item, "xxxxxxxxxx")
	assert.Equal(t, []json.RawMessage{json.RawMessage(`{"id":"a","trace_id":"t"}`), json.RawMessage(`{"id":"d","trace_id":"t"}`)}, recorder.Trace("t"))
	assert.Len(t, recorder.Trace("u"), 1)
	assert.Empty(t, recorder.Trace(""))
}
