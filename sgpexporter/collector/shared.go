package collector

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.uber.org/zap"

	"github.com/otelsgp/otelsgp/internal/version"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// exporters finds the exporter of a configuration: the Collector makes one for traces and
// one for logs, of the same configuration, and the two are one.
type exporters struct {
	mu sync.Mutex // guards byConfig
	// byConfig holds an exporter from its creation until the last pipeline of it ends.
	byConfig map[*Config]*sgpExporter
}

func (x *exporters) of(set exporter.Settings, cfg *Config) (*sgpExporter, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.byConfig[cfg]; e != nil {
		e.pipelines++
		return e, nil
	}
	e := &sgpExporter{
		cfg:       cfg,
		set:       set,
		mapper:    mapping.New(cfg.mapping()),
		records:   logrecords.NewStore(logrecords.DefaultLimits),
		resources: newResources(),
		closing:   make(chan struct{}),
		forget:    func() { x.forget(cfg) },
		pipelines: 1,
	}
	var err error
	if e.telemetry, err = newTelemetry(set.TelemetrySettings, e.records); err != nil {
		return nil, err
	}
	if x.byConfig == nil {
		x.byConfig = map[*Config]*sgpExporter{}
	}
	x.byConfig[cfg] = e
	return e, nil
}

func (x *exporters) forget(cfg *Config) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.byConfig, cfg)
}

// sgpExporter is what the pipelines of one configuration share.
type sgpExporter struct {
	cfg       *Config
	set       exporter.Settings
	mapper    *mapping.Mapper
	records   *logrecords.Store
	resources *resources
	telemetry *telemetry
	client    *transport.Client // once started
	own       *http.Client      // of client
	memory    *memory           // nil without a persistent queue
	aside     exporter.Traces   // the queue of what fails alone; nil without a queue
	forget    func()

	closing   chan struct{} // closed when the traces pipeline is about to end
	closeOnce sync.Once

	mu        sync.Mutex // guards what follows
	pipelines int        // made and not shut down
}

// start makes the client: what it needs of the host, an authentication extension for
// one, is not there before.
func (e *sgpExporter) start(ctx context.Context, host component.Host) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return nil
	}
	u, err := e.cfg.batchURL()
	if err != nil {
		return err
	}
	client := e.cfg.ClientConfig
	client.Timeout = 0 // the transport bounds each request itself
	e.own, err = client.ToClient(ctx, host.GetExtensions(), e.set.TelemetrySettings)
	if err != nil {
		return err
	}
	if queue := e.cfg.Queue.Get(); queue != nil && queue.StorageID != nil {
		var relations []mapping.Relation
		e.memory, relations, err = openMemory(ctx, host, *queue.StorageID, e.set.ID, e.cfg.MaxRememberedSpans)
		if err != nil {
			return err
		}
		e.mapper.Recall(relations)
	}
	header := http.Header{"User-Agent": {"otelsgp-collector/" + version.Version}}
	if e.cfg.AccountID != "" {
		header.Set("X-Selected-Account-Id", e.cfg.AccountID)
	}
	e.client = transport.NewClient(transport.Config{
		URL:        u,
		Header:     header,
		APIKey:     transport.StaticKey(strings.TrimSpace(string(e.cfg.APIKey))),
		HTTPClient: e.own,
		Timeout:    e.cfg.Timeout,
		Retry:      e.cfg.retry(),
		MaxBytes:   int64(e.cfg.MaxRequestBytes),
		Observer:   &observer{e},
	})
	return nil
}

// beginShutdown ends the waits of requests that fail for now. It comes before the queue's
// shutdown, which waits for them.
func (e *sgpExporter) beginShutdown() { e.closeOnce.Do(func() { close(e.closing) }) }

func (e *sgpExporter) isClosing() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

func (e *sgpExporter) shutdown(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pipelines--; e.pipelines > 0 {
		return nil
	}
	e.beginShutdown()
	e.forget()
	err := e.telemetry.shutdown()
	if e.memory != nil {
		err = errors.Join(err, e.memory.close(ctx))
	}
	if e.own != nil {
		e.own.CloseIdleConnections()
	}
	return err
}

// errShutdown is why a request ends that fails for now when the Collector is shut down.
var errShutdown = errors.New("the exporter is shut down")

// closingContext returns a context that ends a moment after the shutdown begins.
func (e *sgpExporter) closingContext(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-over:
			return
		case <-e.closing:
		}
		last := time.NewTimer(lastTry)
		defer last.Stop()
		select {
		case <-over:
		case <-last.C:
			cancel(errShutdown)
		}
	})
	return transport.WithClosing(ctx, e.closing), func() { close(over); watching.Wait(); cancel(nil) }
}

// lastTry is how long requests may go on after the shutdown has begun. What is not
// delivered by then stays in a persistent queue, and is lost without one.
const lastTry = 5 * time.Second

// observer logs and counts what happens on the way.
type observer struct{ *sgpExporter }

var _ transport.Observer = (*observer)(nil)

func (o *observer) Retried(ctx context.Context) { o.telemetry.retries.Add(ctx, 1) }
func (o *observer) Split(ctx context.Context)   { o.telemetry.splits.Add(ctx, 1) }

func (o *observer) KeyRefused(_ context.Context, err error) {
	o.set.Logger.Error("SGP refuses the API key; spans wait until it is accepted: check api_key and account_id", zap.Error(err))
}

func (o *observer) Failing(_ context.Context, err error, attempts int, since time.Time) {
	o.set.Logger.Warn("A request fails again and again; its spans wait",
		zap.Error(err), zap.Int("attempts", attempts), zap.Duration("for", time.Since(since)))
}
