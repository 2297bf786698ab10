// Package delivery sees what the exporter delivered, whichever server it
// delivers to: it looks on at the exporter's HTTP client.
package delivery

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Tap is a RoundTripper that hands on the SGP span items of each request that SGP
// answered with 200, in their order, before the answer reaches the exporter:
// so what one trace has delivered is seen in the order of its delivery.
type Tap struct {
	// Base makes the requests.
	Base http.RoundTripper
	// Delivered is given the items. It must not keep them, must be safe for
	// concurrent use, and not wait: the exporter waits for it.
	Delivered func(items ...json.RawMessage)
	// Health, if not nil, is told how each request was answered.
	Health *Health
}

// RoundTrip implements http.RoundTripper. A body that is no batch of spans, or
// that cannot be read a second time, is passed over: the exporter's work comes
// first.
func (t *Tap) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.Base.RoundTrip(request)
	if t.Health != nil {
		t.Health.note(answer, err)
	}
	if err != nil || answer.StatusCode != http.StatusOK || !isJSON(answer) {
		return answer, err
	}
	if items, err := items(request); err == nil {
		t.Delivered(items...)
	}
	return answer, nil
}

// items reads a request's items. It has to happen before RoundTrip returns:
// after that the exporter may use its buffers for something else.
func items(request *http.Request) (_ []json.RawMessage, err error) {
	if request.GetBody == nil {
		return nil, http.ErrBodyNotAllowed
	}
	body, err := request.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read the batch again: %w", err)
	}
	defer func() { _ = body.Close() }()
	var reader io.Reader = body
	if request.Header.Get("Content-Encoding") == "gzip" {
		if reader, err = gzip.NewReader(body); err != nil {
			return nil, fmt.Errorf("decompress the batch: %w", err)
		}
	}
	var batch struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.NewDecoder(reader).Decode(&batch); err != nil {
		return nil, fmt.Errorf("decode the batch: %w", err)
	}
	return batch.Items, nil
}
