package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/agent"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

const (
	maxQuestionRunes = 2_000
	maxAskBytes      = 64 << 10
	// askTimeout bounds one question.
	askTimeout = 5 * time.Minute
)

// What SGP shows as a span's input and output; on spans of the GenAI conventions
// it is made from their attributes.
const (
	sgpInput  = attribute.Key("sgp.input")
	sgpOutput = attribute.Key("sgp.output")
)

// question is the body of POST /ask.
type question struct {
	Question string `json:"question"`
	// ConversationID groups the traces of a conversation. A new one is made if
	// it is empty.
	ConversationID string `json:"conversation_id,omitempty"`
}

// answer is what POST /ask answers with, whether it went well or not.
type answer struct {
	Answer  string `json:"answer,omitempty"`
	Error   string `json:"error,omitempty"`
	TraceID string `json:"trace_id"`
	// TraceURL is where the page shows the trace.
	TraceURL       string `json:"trace_url,omitempty"`
	ConversationID string `json:"conversation_id"`
	DurationMS     int64  `json:"duration_ms"`
}

func checkQuestion(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("the question is empty")
	case utf8.RuneCountInString(text) > maxQuestionRunes:
		return fmt.Errorf("the question has more than %d characters", maxQuestionRunes)
	}
	return nil
}

// traceURL is the address of the page for a trace, at the host that the client has
// named.
func traceURL(r *http.Request, traceID string) string {
	if r.Host == "" {
		return "" // HTTP/1.0 may do without
	}
	return "http://" + r.Host + "/#trace=" + traceID
}

// askHandler answers POST /ask with an answer as indented JSON. A client that accepts
// text/event-stream is sent server-sent events instead: "delta" with pieces of
// the answer's text as a JSON string, then "answer", or "error" with an answer
// that has an error.
type askHandler struct{ lead *agent.Agent }

func (h askHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	span := trace.SpanFromContext(r.Context())
	q, err := readQuestion(http.MaxBytesReader(w, r.Body, maxAskBytes))
	traceID := span.SpanContext().TraceID().String()
	out := answer{TraceID: traceID, TraceURL: traceURL(r, traceID), ConversationID: q.ConversationID}
	if err != nil {
		out.Error = err.Error()
		writeJSON(w, http.StatusBadRequest, out)
		return
	}
	span.SetAttributes(genai.ConversationID.String(q.ConversationID), sgpInput.String(genai.JSON(map[string]string{"question": q.Question})))
	ctx, cancel := context.WithTimeout(genai.ContextWithConversation(r.Context(), q.ConversationID), askTimeout)
	defer cancel()

	var onContent func(string)
	events := &eventWriter{w: w}
	stream := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	if stream {
		events.begin()
		onContent = func(text string) { events.send("delta", text) }
	}
	started := time.Now()
	out.Answer, err = h.lead.Invoke(ctx, q.Question, onContent)
	out.DurationMS = time.Since(started).Milliseconds()
	status, event := http.StatusOK, "answer"
	if err != nil {
		out.Error = err.Error()
		status, event = statusOf(ctx), "error"
		genai.Fail(span, err)
	} else {
		span.SetAttributes(sgpOutput.String(genai.JSON(map[string]string{"answer": out.Answer})))
	}
	if stream {
		events.send(event, out)
		return
	}
	writeJSON(w, status, out)
}

// statusOf tells a request that was ended from a model that failed.
func statusOf(ctx context.Context) int {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case ctx.Err() != nil:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadGateway
}

func readQuestion(body io.Reader) (question, error) {
	var q question
	if err := json.NewDecoder(body).Decode(&q); err != nil {
		return q, fmt.Errorf(`the body is not {"question": "..."}: %w`, err)
	}
	if q.ConversationID == "" {
		q.ConversationID = "conv_" + rand.Text()
	}
	return q, checkQuestion(q.Question)
}

// writeJSON writes for a person at a terminal too.
func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // an error means that the client went away
}

// eventWriter writes server-sent events. Tools run at the same time, and each of
// their agents may have something to say.
type eventWriter struct {
	mu sync.Mutex
	w  http.ResponseWriter
}

func (e *eventWriter) begin() {
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("Cache-Control", "no-cache")
	e.w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(e.w).Flush()
}

// send sends an event. An error means that the client went away, which ends the
// request's context too.
func (e *eventWriter) send(event string, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = fmt.Fprintf(e.w, "event: %s\ndata: %s\n\n", event, data)
	_ = http.NewResponseController(e.w).Flush()
}
