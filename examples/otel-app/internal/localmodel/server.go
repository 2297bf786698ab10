// Package localmodel is a language model's endpoint without a language model:
// it speaks the OpenAI chat completions API, with streaming, tool calls and
// usage, and makes its answers from the chat alone, that is from what tools
// retrieved. It lets the service run without an account.
//
// What it "knows" is what any model of Go knows: which words go together
// (vocabulary.go), how an API is called (sketch.go), and which import path a
// package's name stands for. It is not told what the documentation says.
package localmodel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// Name is the name of the model.
const Name = "local-docs-1"

// maxRequestBytes bounds a chat.
const maxRequestBytes = 8 << 20

// Server is a running endpoint on loopback.
type Server struct {
	// BaseURL is the API's root, with /v1.
	BaseURL string

	server *http.Server
	done   chan struct{}
}

// Start starts the endpoint on a free port of 127.0.0.1. pace is the time from
// one token to the next, 0 for no wait. The caller closes the server.
func Start(pace time.Duration) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the local model: %w", err)
	}
	s := &Server{
		BaseURL: "http://" + listener.Addr().String() + "/v1",
		server:  &http.Server{Handler: Handler(pace), ReadHeaderTimeout: 10 * time.Second},
		done:    make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener) // ErrServerClosed, after Close
	}()
	return s, nil
}

// Close ends the endpoint and what it is answering.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}

// Handler returns the endpoint's handler, which serves POST
// /v1/chat/completions.
func Handler(pace time.Duration) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		complete(w, r, pace)
	})
	return mux
}

func complete(w http.ResponseWriter, r *http.Request, pace time.Duration) {
	var chat model.ChatRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes)).Decode(&chat); err != nil {
		fail(w, http.StatusBadRequest, "the body is not a chat: "+err.Error())
		return
	}
	switch {
	case chat.Model != Name:
		fail(w, http.StatusNotFound, fmt.Sprintf("the model %q does not exist, only %q", chat.Model, Name))
		return
	case len(chat.Messages) == 0:
		fail(w, http.StatusBadRequest, "messages is empty")
		return
	}
	answer := newCompletion(chat, next(chat))
	if !chat.Stream {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer.whole())
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	// An error means that the client went away: there is nobody to tell.
	_ = stream(r.Context(), w, answer, pace)
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"error": model.WireError{Message: message, Type: "invalid_request_error"},
	})
}

// thinking is how many paces go by before the first token.
const thinking = 8

// stream sends an answer token by token.
func stream(ctx context.Context, w io.Writer, answer *completion, pace time.Duration) error {
	out, ok := w.(http.Flusher)
	if !ok {
		return errors.New("the connection cannot stream")
	}
	wait := thinking * pace
	for chunk := range answer.chunks() {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = pace
		data, err := json.Marshal(chunk)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", data); err != nil {
			return err
		}
		out.Flush()
	}
	_, err := io.WriteString(w, "data: [DONE]\n\n")
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
