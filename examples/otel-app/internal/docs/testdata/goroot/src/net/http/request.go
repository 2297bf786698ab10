// Package http is a small part of an HTTP client.
package http

import (
	"context"
	"io"
)

// Common HTTP methods.
const (
	MethodGet  = "GET" // the default
	MethodPost = "POST"
)

// ErrServerClosed is returned after a shutdown.
var ErrServerClosed = error(nil)

// A Request is an HTTP request to be sent by a client.
type Request struct{ ctx context.Context }

// NewRequestWithContext returns a new [Request] given a method, URL, and
// optional body. For an outgoing client request, the context controls the
// entire lifetime of a request and its response. Cancel the context to end it.
func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error) {
	return &Request{ctx}, nil
}

// Context returns the request's context.
func (r *Request) Context() context.Context { return r.ctx }

// A Transport sends requests.
type Transport struct{}

// CancelRequest cancels a request.
//
// Deprecated: Use a request with a context instead.
func (t *Transport) CancelRequest(req *Request) {}
