package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/otelsgp/otelsgp/examples/otel-app/internal/model"

// maxErrorBytes bounds what is read of an answer that is an error.
const maxErrorBytes = 64 << 10

// ErrBadConfig says that a [Config] cannot be used.
var ErrBadConfig = errors.New("bad model settings")

// Config says where the model is.
type Config struct {
	// BaseURL is the API's root, with /v1: OPENAI_BASE_URL. Required.
	BaseURL string
	// APIKey is sent as a bearer token, if not empty: OPENAI_API_KEY.
	APIKey string
	// Model is the name of the model: OPENAI_MODEL. Required.
	Model string
	// Transport is what requests go over, instrumented. nil stands for
	// http.DefaultTransport.
	Transport http.RoundTripper
}

// Client calls a chat completions API. It is safe for concurrent use.
type Client struct {
	endpoint string
	address  string
	port     int
	apiKey   string
	model    string
	http     *http.Client
	tracer   trace.Tracer
}

// APIError is an error that the API answered with.
type APIError struct {
	// StatusCode is the HTTP status, 0 for an error within a stream.
	StatusCode int
	Type       string
	Message    string
}

// Error gives the status and the API's own words.
func (e *APIError) Error() string {
	if e.StatusCode == 0 {
		return fmt.Sprintf("the model failed: %s: %s", e.Type, e.Message)
	}
	return fmt.Sprintf("the model API answered %d: %s", e.StatusCode, e.Message)
}

// ErrorType is error.type: the API's own.
func (e *APIError) ErrorType() string { return e.Type }

// NewClient returns a client. Its errors wrap [ErrBadConfig].
func NewClient(cfg Config, provider trace.TracerProvider) (*Client, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("%w: OPENAI_BASE_URL: %w", ErrBadConfig, err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Hostname() == "" {
		return nil, fmt.Errorf("%w: OPENAI_BASE_URL %q is not an http or https URL", ErrBadConfig, cfg.BaseURL)
	}
	if cfg.Model == "" {
		return nil, fmt.Errorf("%w: OPENAI_MODEL is empty", ErrBadConfig)
	}
	endpoint := base.JoinPath("chat", "completions")
	return &Client{
		endpoint: endpoint.String(),
		address:  base.Hostname(),
		port:     port(base),
		apiKey:   cfg.APIKey,
		model:    cfg.Model,
		tracer:   provider.Tracer(scope),
		http: &http.Client{Transport: otelhttp.NewTransport(cfg.Transport,
			otelhttp.WithTracerProvider(provider),
			// The model is another party: it is not told of our traces.
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string {
				return r.Method + " " + r.URL.Path
			}),
		)},
	}, nil
}

// Model returns the name of the model that is asked for.
func (c *Client) Model() string { return c.model }

func port(u *url.URL) int {
	if n, err := net.LookupPort("tcp", u.Port()); err == nil && n != 0 {
		return n
	}
	if u.Scheme == "https" {
		return 443
	}
	return 80
}

// Chat sends a chat, and returns the whole answer once it has all arrived.
// onContent, if not nil, is given each piece of its content before that. An
// error that the API answers is an [*APIError].
func (c *Client) Chat(ctx context.Context, messages []Message, tools []Tool, onContent func(string)) (Response, error) {
	ctx, span := c.startSpan(ctx, messages, tools)
	response, err := c.send(ctx, ChatRequest{
		Model:         c.model,
		Messages:      messages,
		Tools:         tools,
		Stream:        true,
		StreamOptions: &StreamOptions{IncludeUsage: true},
	}, span.onChunk, onContent)
	span.end(response, err)
	return response, err
}

func (c *Client) send(ctx context.Context, chat ChatRequest, onChunk func(), onContent func(string)) (Response, error) {
	body, err := json.Marshal(chat)
	if err != nil {
		return Response{}, fmt.Errorf("encode the chat: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return Response{}, fmt.Errorf("make the model request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	if c.apiKey != "" {
		request.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return Response{}, fmt.Errorf("call the model: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return Response{}, readError(answer)
	}
	return readStream(answer.Body, onChunk, onContent)
}

func readError(answer *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxErrorBytes))
	if err != nil {
		return fmt.Errorf("read the model API's error %d: %w", answer.StatusCode, err)
	}
	out := &APIError{StatusCode: answer.StatusCode, Type: strconv.Itoa(answer.StatusCode), Message: strings.TrimSpace(string(text))}
	var wire struct {
		Error WireError `json:"error"`
	}
	if json.Unmarshal(text, &wire) == nil && wire.Error.Message != "" {
		out.Message = wire.Error.Message
		if wire.Error.Type != "" {
			out.Type = wire.Error.Type
		}
	}
	return out
}
