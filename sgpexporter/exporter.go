package sgpexporter

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/version"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

const userAgent = "otelsgp-go/" + version.Version

// Exporter delivers snapshots of spans to SGP. Make one with [New] and hand it to
// asyncprocessor.New. All methods are safe for concurrent use, and on a nil
// *Exporter, which is disabled: see [Exporter.Disabled].
//
// However it is printed, the API key and the values of [WithHeaders] do not show;
// the key shows in no error either.
type Exporter struct {
	mapper   *mapping.Mapper
	client   *transport.Client // nil if disabled
	maxItems int
	maxBytes int // of a request
	records  *logrecords.Store
	cut      cutSpans
	lastSize atomic.Int64 // bytes of items of the last call, which the next is likely to have
	spool    *spooler     // nil without one
	metrics  *metrics
	at       destination
	about    configLog
	// What a call tells its processor on the way: asyncprocessor.Progress and Warn.
	progress func(ctx context.Context, delivered []int, err *asyncprocessor.ExportError)
	warn     func(ctx context.Context, err error)
	shutdown atomic.Bool
}

var _ asyncprocessor.Keeper = (*Exporter)(nil)

// New returns an Exporter. Options go before the environment, which is read here
// and only here, and the environment before the defaults; the package overview
// has the table. The error tells all that is wrong at once, and matches
// [ErrMissingAPIKey], [ErrInvalidAPIKey], [ErrInvalidBaseURL] or
// [ErrInvalidOption] with [errors.Is]. New makes no request: whether the key is
// accepted shows with the first spans.
//
// With DISABLE_SCALE_TRACING set to any value but the empty string the Exporter is
// disabled: it needs no key, and exports nothing; "false" and "0" disable it too, as in
// the Python SDK. A value that reads like false is reported to the global
// OpenTelemetry error handler, as it was hardly meant so.
func New(opts ...Option) (*Exporter, error) {
	cfg, err := newConfig(opts, osEnvironment())
	if err != nil {
		return nil, err
	}
	e := &Exporter{about: cfg.log(), at: cfg.at, progress: asyncprocessor.Progress, warn: asyncprocessor.Warn}
	if cfg.disabled {
		if cfg.readsLikeFalse != "" {
			otel.Handle(fmt.Errorf("sgpexporter: nothing is exported: %s=%q disables, as any value does, also in the Python SDK; unset it to export",
				disableVariable, cfg.readsLikeFalse))
		}
		return e, nil
	}
	if cfg.url.Scheme == "http" && !isLoopback(cfg.url.Hostname()) {
		otel.Handle(fmt.Errorf("%w: %s: use https", ErrPlainHTTP, cfg.url))
	}
	e.mapper = mapping.New(cfg.mapping)
	e.maxItems, e.maxBytes = cfg.maxRequestItems, cfg.maxRequestBytes
	e.records = logrecords.NewStore(logrecords.DefaultLimits)
	e.metrics = newMetrics(cfg.meterProvider, cfg.url)
	e.client = transport.NewClient(transport.Config{
		URL:          cfg.url,
		Header:       cfg.header,
		APIKey:       cfg.key,
		KeyCanChange: cfg.apiKeySource != nil,
		HTTPClient:   cfg.httpClient,
		Timeout:      cfg.timeout,
		Retry:        cfg.retry.transport(),
		Gzip:         cfg.compression == GzipCompression,
		MaxBytes:     int64(cfg.maxRequestBytes),
		LosesAlone:   true,
		Observer:     &observer{Exporter: e},
	})
	if cfg.spool.dir != "" {
		e.spool = newSpooler(e, cfg.spool)
	}
	return e, nil
}

func isLoopback(host string) bool {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// Disabled says whether the Exporter exports nothing: it is nil, or
// DISABLE_SCALE_TRACING was set when it was made. asyncprocessor.New makes a
// Processor of it that does nothing, counts nothing and costs nothing. Whoever
// calls ExportSnapshots all the same is told that nothing was delivered, for
// [ReasonDisabled].
func (e *Exporter) Disabled() bool { return e == nil || e.client == nil }

// Shutdown ends the Exporter: later calls of ExportSnapshots return an error that
// matches [ErrShutdown]. It closes idle connections, but those of a client that
// came through [WithHTTPClient], and does not wait. It returns nil, unless there are
// snapshots that failed for now and were not delivered since, as of a processor that has
// no time left: then the last failure. A second call does nothing.
//
// With [WithSpool] it delivers what is in the spool, for 2 s at most and only while SGP takes
// it, and leaves the rest to the next process: what failed for now is no error then. A request that is
// under way then is waited for for 2 s more; each of these waits takes a quarter of the time that is left, at most. One that is abandoned without an
// answer is repeated by the next process, though it may have taken effect.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if e.Disabled() || !e.shutdown.CompareAndSwap(false, true) {
		return nil
	}
	defer e.client.CloseIdleConnections()
	if e.spool != nil { // what failed for now is in it
		return e.spool.shutdown(ctx)
	}
	if err := e.client.Failure(); err != nil {
		return fmt.Errorf("sgpexporter: requests were failing: %w", err)
	}
	return nil
}

// configLog is the configuration as it may be logged.
type configLog struct {
	Type            string
	Disabled        bool
	URL             *url.URL
	APIKey          string // where it comes from
	AccountID       string
	Headers         []string // names alone
	Timeout         time.Duration
	Retry           RetryConfig
	Compression     string
	MaxRequestItems int
	MaxRequestBytes int
	Spool           string // the directory
	SpoolMode       string
	CustomClient    bool
	Hooks           int
}

func (c *config) log() configLog {
	from := "none"
	if c.at.keyFrom != "" {
		from = "from " + c.at.keyFrom
	}
	return configLog{
		Type:            "sgpexporter",
		Disabled:        c.disabled,
		URL:             c.url,
		APIKey:          from,
		AccountID:       c.header.Get("X-Selected-Account-Id"),
		Headers:         slices.Sorted(maps.Keys(c.headers)),
		Timeout:         c.timeout,
		Retry:           *c.retry,
		Compression:     c.compression.String(),
		MaxRequestItems: c.maxRequestItems,
		MaxRequestBytes: c.maxRequestBytes,
		Spool:           c.spool.dir,
		SpoolMode:       c.spool.mode.String(),
		CustomClient:    c.httpClient != nil,
		Hooks:           len(c.mapping.Hooks),
	}
}

// MarshalLog returns the configuration, in the manner of logr: without the API
// key and the values of headers.
func (e *Exporter) MarshalLog() any {
	if e == nil {
		return configLog{Type: "sgpexporter", Disabled: true, APIKey: "none"}
	}
	return e.about
}

// String returns the configuration in one line, as [Exporter.MarshalLog] has it.
func (e *Exporter) String() string { return fmt.Sprintf("%+v", e.MarshalLog()) }

// GoString is [Exporter.String].
func (e *Exporter) GoString() string { return e.String() }
