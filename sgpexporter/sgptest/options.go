package sgptest

import "time"

// DefaultMaxBodyBytes is the default of [WithMaxBodyBytes].
const DefaultMaxBodyBytes = 64 << 20

// Option configures a [Server].
type Option func(*config)

type config struct {
	apiKey            string
	accountID         string
	maxBodyBytes      int64
	lenient           bool
	olderStore        bool
	redactCredentials bool
	inMemory          bool
	noRecording       bool
	latency           time.Duration
	maxSpans          int
	maxRequests       int
	maxBytes          int64
}

func newConfig(opts []Option) config {
	cfg := config{maxBodyBytes: DefaultMaxBodyBytes, maxSpans: -1, maxRequests: -1, maxBytes: -1}
	for _, opt := range opts {
		opt(&cfg)
	}
	return cfg
}

// WithAPIKey sets the only x-api-key that is accepted: without one a request is
// answered 401, with another 403. The default, "", accepts any key that is not
// empty. See [Server.SetAPIKey].
func WithAPIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// WithAccountID requires that x-selected-account-id is id: a request without it
// or with another is answered 403. The default, "", requires nothing.
func WithAccountID(id string) Option { return func(c *config) { c.accountID = id } }

// WithMaxBodyBytes bounds a request's body in bytes, as it is sent and as it is
// after decompression. A larger one is answered 413. The default is
// [DefaultMaxBodyBytes]; without bound if it is 0 or less.
func WithMaxBodyBytes(bytes int64) Option { return func(c *config) { c.maxBodyBytes = bytes } }

// WithLenient accepts what a tolerant deployment may: unknown fields and
// repeated ones, of which the last counts; null in an optional field, as if it
// were absent; and a write with another start_timestamp than the span had, which
// is a [Violation] still. By default each is refused with 422. A start on another UTC
// day makes a second row of the span, as in SGP's newer store, and both rows are kept,
// found and billed.
func WithLenient() Option { return func(c *config) { c.lenient = true } }

// WithOlderStore makes the server the older of SGP's two stores: ids are global
// over all traces, so that a span replaces the one that has its id in another
// trace; the last write wins, so that a START that arrives after its END leaves
// the span in progress; an id may have more than 256 bytes, if it has no more
// than 256 characters; and obs_trace_id and obs_span_id are ignored. By default
// a span is known by its trace_id and id, and a completed span wins over one in
// progress.
func WithOlderStore() Option { return func(c *config) { c.olderStore = true } }

// WithCredentialRedaction makes the server store, and echo, [REDACTED:credential] for
// what looks like a credential in name, input, output, metadata and expected, as SGP
// does: bearer tokens, JWTs, API keys, passwords in URLs, and every value under a key that is
// named like one ("password", "api_key", "authorization"). By default values are
// stored as they come. [Span].Redacted says where it did.
func WithCredentialRedaction() Option { return func(c *config) { c.redactCredentials = true } }

// WithInMemoryNetwork makes the server listen on a network within the process,
// which only [Server.Client] reaches. No socket is opened, so it works inside a
// testing/synctest bubble, where the server and the client see the bubble's time.
func WithInMemoryNetwork() Option { return func(c *config) { c.inMemory = true } }

// WithLatency delays every answer. See [Server.SetLatency].
func WithLatency(d time.Duration) Option { return func(c *config) { c.latency = d } }

// WithMaxSpans bounds the spans that are kept. Above it the traces that were
// not written for longest are forgotten, each whole; if one trace is all there
// is, its oldest spans. The default, and any n below 0, is no bound.
func WithMaxSpans(n int) Option { return func(c *config) { c.maxSpans = n } }

// WithMaxRequests bounds the requests that [Server.Requests] keeps: the oldest
// are forgotten. 0 keeps none. The default, and any n below 0, is no bound.
func WithMaxRequests(n int) Option { return func(c *config) { c.maxRequests = n } }

// WithMaxBytes bounds the bytes of JSON that are kept, those of the stored spans
// and those of the recorded requests each; a span's writes are counted with it.
// Above it the oldest are forgotten, as WithMaxSpans and WithMaxRequests do. The
// decoded payloads take several times as much memory as their JSON. The default,
// and any n below 0, is no bound.
func WithMaxBytes(n int64) Option { return func(c *config) { c.maxBytes = n } }

// WithoutRecording keeps nothing, for load tests: each request is judged on its
// own and answered as if it were stored, [Server.Stats] counts, and faults and
// latency work, but Spans, Requests, Writes and the violations of order are
// always empty, and a conflict with an earlier request is not seen.
func WithoutRecording() Option { return func(c *config) { c.noRecording = true } }
