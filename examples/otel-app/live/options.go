package live

import "strings"

// Defaults of the options. A live page is a window, not an archive: the bounds
// are what a laptop does not notice.
const (
	DefaultMaxSpans  = 50_000
	DefaultMaxTraces = 1_000
	DefaultMaxBytes  = 128 << 20
)

// Option configures a [Page].
type Option func(*config)

type config struct {
	maxSpans     int
	maxTraces    int
	maxBytes     int64
	askPath      string
	notice       func() string
	allowedHosts map[string]bool
}

func newConfig(opts []Option) config {
	cfg := config{
		maxSpans:     DefaultMaxSpans,
		maxTraces:    DefaultMaxTraces,
		maxBytes:     DefaultMaxBytes,
		allowedHosts: map[string]bool{},
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	return cfg
}

// WithMaxSpans bounds the spans kept over all traces. Beyond it the traces that
// have not changed for longest are forgotten, whole; a trace that fills the
// bound alone keeps its first n spans. Values below 1 mean [DefaultMaxSpans].
func WithMaxSpans(n int) Option {
	return func(c *config) {
		if n < 1 {
			n = DefaultMaxSpans
		}
		c.maxSpans = n
	}
}

// WithMaxTraces bounds the traces kept. Values below 1 mean [DefaultMaxTraces].
func WithMaxTraces(n int) Option {
	return func(c *config) {
		if n < 1 {
			n = DefaultMaxTraces
		}
		c.maxTraces = n
	}
}

// WithMaxBytes bounds the memory of the spans kept, in bytes: the length of
// their payloads and names plus a fixed estimate for each span. Beyond it the
// traces that have not changed for longest are forgotten; if that is not
// enough, a span is kept without its payloads. Values below 1 mean
// [DefaultMaxBytes].
func WithMaxBytes(n int64) Option {
	return func(c *config) {
		if n < 1 {
			n = DefaultMaxBytes
		}
		c.maxBytes = n
	}
}

// WithAsk tells the page that POST path, with the body {"question": "..."},
// asks the service a question. The page then shows a box to ask one. The
// default is no box.
func WithAsk(path string) Option {
	return func(c *config) { c.askPath = path }
}

// WithNotice shows what notice returns above everything else, while it is not empty:
// why the page shows less than it should. It is called about twice a second for each
// open page, from several goroutines. The default is nothing.
func WithNotice(notice func() string) Option {
	return func(c *config) { c.notice = notice }
}

// WithAllowedHosts adds names under which the page may be reached over a
// loopback connection, without port: that of a reverse proxy on the same
// machine, for example. Loopback names and addresses are always allowed, and
// connections that are not loopback are not checked.
func WithAllowedHosts(hosts ...string) Option {
	return func(c *config) {
		for _, h := range hosts {
			c.allowedHosts[strings.ToLower(h)] = true
		}
	}
}
