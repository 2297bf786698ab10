package sgpexporter

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// Option configures an [Exporter]. An option goes before the environment, and the
// environment before the default. Of two equal options the later one counts, but
// for [WithSpanHook], [WithHeaders] and [WithMetadataAttributes], which add up.
type Option func(*config)

// WithAPIKey sets the API key. Space around it is cut off. The default is
// SGP_API_KEY; without either, [New] returns [ErrMissingAPIKey].
//
// A key that SGP refuses is told to the error handler at once. It may come back, so spans
// wait in the queue and are tried again as after any other failure, until the processor
// is shut down: then there is one try, and what is left is lost as [ReasonUnauthorized].
func WithAPIKey(key string) Option {
	return func(c *config) { c.apiKey, c.apiKeySource = &key, nil }
}

// WithAPIKeySource sets a function that gives the API key, for keys that are
// rotated. It is asked before the first request, and again whenever SGP answers
// 401 or 403; calls never overlap. A request that was refused is sent again at
// once with a key that differs, and else waits like one with any other key: see
// [WithAPIKey]. An error of the function is treated likewise. Its context ends with
// [WithTimeout].
func WithAPIKeySource(source func(context.Context) (string, error)) Option {
	return func(c *config) { c.apiKeySource, c.apiKey = source, nil }
}

// WithAccountID sets the account that the spans belong to, sent as
// x-selected-account-id. The default is SGP_ACCOUNT_ID; "" sends none.
func WithAccountID(id string) Option {
	return func(c *config) { c.accountID = &id }
}

// WithBaseURL sets the address of SGP, to which "/v5/spans/batch" is added. It
// must be absolute, http or https, without credentials, query and fragment, or
// [New] returns [ErrInvalidBaseURL]. The default is SGP_CLIENT_BASE_URL, and
// without that [DefaultBaseURL]. Plain http to a host that is not loopback sends
// the key in the clear; it is reported once to the global OpenTelemetry error
// handler.
func WithBaseURL(url string) Option {
	return func(c *config) { c.baseURL = &url }
}

// WithHTTPClient sets the HTTP client: for TLS, a proxy, or instrumentation. It
// is copied and not changed; redirects follow the Exporter's rules, and then its
// CheckRedirect may refuse more. Its Timeout bounds a request as [WithTimeout]
// does. nil stands for the default: a client with a transport of its own, HTTP/2, and
// the proxy from the environment.
//
// The connections of a client that is given are the application's. Its Transport, if it
// is an [http.Transport], should have a MaxIdleConnsPerHost of at least the processor's
// concurrency (net/http's default keeps 2); for HTTP/2 an HTTP2.SendPingTimeout of some
// 10 s and PingTimeout of some 5 s, or a connection that has gone silent is written into
// for a quarter of an hour; and a MaxResponseHeaderBytes of 64 KiB. The default has all
// of that, and makes new connections when nothing is answered, or for 5 s nothing but
// failures: the address may lead elsewhere by now.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) { c.httpClient = client }
}

// WithHeaders adds headers to every request. Names that the exporter sets itself
// (Content-Type, x-api-key and the like) and values that cannot stand in a header
// make [New] return [ErrInvalidOption]. Of one name, in whatever case, the later counts. MarshalLog shows their names alone.
func WithHeaders(headers map[string]string) Option {
	return func(c *config) {
		if c.headers == nil {
			c.headers = make(map[string]string, len(headers))
		}
		for _, name := range slices.Sorted(maps.Keys(headers)) {
			c.headers[http.CanonicalHeaderKey(name)] = headers[name]
		}
	}
}

// WithTimeout bounds one request, its answer included. A request that runs out
// of it is sent again. An answer is known by its head: its body is waited for a
// second at most, and then the connection is given up. The whole call is bounded by its
// context: see asyncprocessor.WithExportTimeout. The default is [DefaultTimeout], 10 s,
// as OTLP exporters have it; 0 means no bound; it must not be negative.
func WithTimeout(timeout time.Duration) Option {
	return func(c *config) { c.timeout = timeout }
}

// WithRetry says how requests that failed for now are repeated. The default is
// [DefaultRetryConfig].
func WithRetry(retry RetryConfig) Option {
	return func(c *config) { own := retry; c.retry = &own }
}

// Compression is how requests are compressed.
type Compression uint8

const (
	// NoCompression sends requests as they are. It is the default.
	NoCompression Compression = iota
	// GzipCompression sends requests with Content-Encoding: gzip. It costs more
	// CPU than all the rest of the way, and saves bandwidth.
	GzipCompression
)

// String returns "none", "gzip", or "Compression(n)" for a value that is
// neither.
func (c Compression) String() string {
	switch c {
	case NoCompression:
		return "none"
	case GzipCompression:
		return "gzip"
	}
	return fmt.Sprintf("Compression(%d)", uint8(c))
}

// WithCompression says how requests are compressed. The default is
// [NoCompression].
func WithCompression(compression Compression) Option {
	return func(c *config) { c.compression = compression }
}

// WithMaxRequestItems bounds the items of one request. The default is
// [DefaultMaxRequestItems], which is also the most: SGP rejects more.
func WithMaxRequestItems(items int) Option {
	return func(c *config) { c.maxRequestItems = items }
}

// WithMaxRequestBytes bounds the body of one request, in bytes before
// compression. An item that is larger goes alone. A server that answers 413
// lowers the bound, by half of what it refused; after 1,000 requests that were
// accepted it doubles again, up to this value. A request of several items that gets no answer within
// [WithTimeout], a 408 or a 504, or whose connection is closed, lowers it likewise, for 32 requests. The default is
// [DefaultMaxRequestBytes]; it must be positive.
func WithMaxRequestBytes(bytes int) Option {
	return func(c *config) { c.maxRequestBytes = bytes }
}

// WithMeterProvider sets where the exporter's metrics go. The default is the
// global MeterProvider. nil stands for the default.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) { c.meterProvider = provider }
}

// WithUUIDs sends trace and span ids in the shape of UUIDs. The UUID of a span
// is made from its trace id and its span id: it is unique over all traces, and
// the same for every write of the span, for references to it as a parent, and in
// every process. Use it for the older store, which takes span ids as global. The
// default is the W3C hex ids, as they stand in logs.
func WithUUIDs() Option {
	return func(c *config) { c.mapping.IDs = mapping.UUIDs }
}

// WithSpanHook adds a function that sees every mapped span before it is encoded.
// It may change it, to redact prompts above all; false drops it, counted as
// [ReasonFiltered]. A hook that panics costs that write of the span, counted as
// [ReasonHookPanic]. Hooks run in the order of the options, concurrently for
// different traces.
//
// A hook runs once for each write of a span: for its START, its updates and its END; and
// again when a write that failed for now comes back from the queue. Within a call,
// requests are repeated, split and altered without hooks. So what a hook does should
// depend on the span alone, and one that counts counts too much.
//
// Package sgpspan has redactors that are ready to use. nil adds none.
func WithSpanHook(hook func(*sgpspan.Span) (keep bool)) Option {
	return func(c *config) {
		if hook != nil {
			c.mapping.Hooks = append(c.mapping.Hooks, hook)
		}
	}
}

// WithMaxStringBytes bounds a single string of a span, in bytes. A longer one is
// cut on a rune boundary, and its length noted in the span's metadata. The default
// is 1 MiB, for which 0 stands too; else it must be at least 64, or the strings that
// the exporter writes itself, such as the ids of links and the times of events, would
// be cut with the others.
func WithMaxStringBytes(bytes int) Option {
	return func(c *config) { c.mapping.MaxStringBytes = bytes }
}

// WithMaxAttributeDepth bounds how deep attributes and JSON payloads nest. What
// lies deeper is replaced by a note. The default is 16, for which 0 stands too; it
// must not be negative.
func WithMaxAttributeDepth(levels int) Option {
	return func(c *config) { c.mapping.MaxDepth = levels }
}

// WithSource sets metadata.__source__, which names what produced the spans. The
// default is "otel-go".
func WithSource(name string) Option {
	return func(c *config) { c.mapping.Source = name }
}

// WithMetadataAttributes puts attributes of spans at the top of the metadata, where SGP's
// search finds them: it compares keys there alone, and dotted ones not in every store. So
// dots become underscores: "user.id" is metadata.user_id. What stands there does not stand
// among metadata.attributes any more; what becomes the group, input, output or usage of its
// span stands in neither. Options add up. A key that would take the place of
// something that the exporter writes itself, such as "usage", makes [New] return
// [ErrInvalidOption].
//
// An application can also set an attribute sgp.metadata.KEY, which is metadata.KEY. Of two
// attributes for one place the first is there.
func WithMetadataAttributes(keys ...string) Option {
	return func(c *config) { c.mapping.MetadataAttributes = append(c.mapping.MetadataAttributes, keys...) }
}

// WithoutContent redacts what models were asked and have answered, in all dialects and
// wherever it ends up, after the hooks of [WithSpanHook]: see [sgpspan.RedactContent].
// By default it is exported.
func WithoutContent() Option {
	return func(c *config) { c.mapping.WithoutContent = true }
}
