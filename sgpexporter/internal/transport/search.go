package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// MaxSearchSpans bounds the spans of one Search, so that its answer is one page.
const MaxSearchSpans = 250

const (
	searchLimit = 1000
	// maxSearchBytes bounds the answer: it repeats the spans whole.
	maxSearchBytes = 256 << 20
)

// Found is a span that SGP has.
type Found struct {
	TraceID string `json:"trace_id"`
	ID      string `json:"id"`
	// End is its end_timestamp, "" while it is in progress.
	End string `json:"end_timestamp"`
}

// Search asks SGP for spans, by their traces and ids (POST /v5/spans/search). It makes one
// request. A span that is not in the answer is not stored.
func (c *Client) Search(ctx context.Context, traces, ids []string) (found []Found, err error) {
	var key string
	defer func() {
		if value := recover(); value != nil {
			err = c.panicked(value, key)
		}
	}()
	if c.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.cfg.Timeout, errTimeout{c.cfg.Timeout})
		defer cancel()
	}
	key, err = c.keyFor(ctx)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string][]string{"trace_ids": traces, "span_ids": ids})
	if err != nil {
		return nil, err
	}
	address := *c.cfg.URL
	address.Path = strings.TrimSuffix(address.Path, "batch") + "search"
	if address.RawPath != "" { // it has escapes of its own
		address.RawPath = strings.TrimSuffix(address.RawPath, "batch") + "search"
	}
	address.RawQuery = url.Values{"limit": {fmt.Sprint(searchLimit)}}.Encode()
	req := c.template.WithContext(ctx)
	req.Method, req.URL, req.Header = http.MethodPost, &address, c.template.Header.Clone()
	req.Header.Del("Accept-Encoding") // this answer is read
	req.Header.Del("Content-Encoding")
	req.Header["X-Api-Key"] = []string{key}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil } // for a redirect
	req.Body, _ = req.GetBody()
	resp, err := c.http.Do(req)
	if err != nil {
		_, err = c.unanswered(ctx, err, key)
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if code := resp.StatusCode; code != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if c.cfg.KeyCanChange && (code == http.StatusUnauthorized || code == http.StatusForbidden) {
			_, _ = c.replaceKey(ctx, key) // for the next search
		}
		return nil, fmt.Errorf("SGP answered a search with %d %s", code, http.StatusText(code))
	}
	var answer struct {
		Items []Found `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxSearchBytes)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the answer of a search: %w", err)
	}
	if answer.Items == nil || slices.ContainsFunc(answer.Items, func(f Found) bool { return f.TraceID == "" || f.ID == "" }) {
		return nil, errors.New("the answer of a search is not SGP's: it has no items, or some without ids")
	}
	if len(answer.Items) >= searchLimit {
		return nil, fmt.Errorf("the answer of a search has %d items: it may not be whole", len(answer.Items))
	}
	return answer.Items, nil
}
