package asyncprocessor

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Defaults of the options.
const (
	// DefaultMaxQueueSize is the default of [WithMaxQueueSize], in snapshots.
	DefaultMaxQueueSize = 65_536
	// DefaultMaxQueueBytes is the default of [WithMaxQueueBytes], in bytes.
	DefaultMaxQueueBytes = 64 << 20
	// DefaultMaxExportBatchSize is the default of [WithMaxExportBatchSize], in
	// snapshots.
	DefaultMaxExportBatchSize = 512
	// DefaultMaxExportBatchBytes is the default of [WithMaxExportBatchBytes],
	// in bytes.
	DefaultMaxExportBatchBytes = 1 << 20
	// DefaultBatchTimeout is the default of [WithBatchTimeout].
	DefaultBatchTimeout = 500 * time.Millisecond
	// DefaultExportTimeout is the default of [WithExportTimeout].
	DefaultExportTimeout = 5 * time.Minute
	// DefaultShutdownTimeout is the default of [WithShutdownTimeout].
	DefaultShutdownTimeout = 30 * time.Second
	// DefaultConcurrency is the default of [WithConcurrency], in calls.
	DefaultConcurrency = 8
	// DefaultMaxTrackedSpans is the default of [WithMaxTrackedSpans], in spans.
	DefaultMaxTrackedSpans = 10_000
	// DefaultUpdateInterval is the default of [WithUpdateInterval].
	DefaultUpdateInterval = 10 * time.Second
	// DefaultUpdateBudget is the default of [WithUpdateBudget], in bytes a second.
	DefaultUpdateBudget = 1 << 20
	// DefaultLeakAge is the default of [WithLeakAge].
	DefaultLeakAge = time.Hour
)

// StartPolicy says which STARTs are delivered.
type StartPolicy uint8

const (
	// StartCoalesced, the default, delivers the START of a span that is still
	// running when its batch is made. A START whose END is in the same batch is
	// left out, and the END takes its place: one write for a short span, two
	// for a long one.
	StartCoalesced StartPolicy = iota
	// StartAlways delivers every START.
	StartAlways
	// StartNever delivers no START: running spans are not seen, and OnStart
	// costs nothing.
	StartNever
)

// String returns the policy's name in this package.
func (p StartPolicy) String() string {
	if p <= StartNever {
		return [...]string{"StartCoalesced", "StartAlways", "StartNever"}[p]
	}
	return fmt.Sprintf("StartPolicy(%d)", uint8(p))
}

// MarshalText returns the policy's name, for configurations that are shown as JSON.
func (p StartPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ErrInvalidOption is what the errors about an option's value wrap. New reports
// them to the global OpenTelemetry error handler and uses the default instead.
var ErrInvalidOption = errors.New("asyncprocessor: invalid option")

// Option configures a [Processor].
type Option func(*config)

// WithMaxQueueSize bounds the snapshots in memory, those that wait and those in
// flight together. Above it a snapshot is dropped as [ReasonQueueFull]; from
// three quarters of it STARTs are refused as [ReasonStartRefused].
// The default is [DefaultMaxQueueSize]; it must be positive. More than 67,108,863 stands for that.
func WithMaxQueueSize(snapshots int) Option {
	return func(c *config) { c.MaxQueueSize = snapshots }
}

// WithMaxQueueBytes bounds the memory held by the snapshots that wait and those
// in flight together, by an estimate: a fixed size for each snapshot, and the length
// of its name, trace state, keys, values and status description, those of events and
// links included. What a START and its END share is counted twice. What is dropped and refused is as with
// [WithMaxQueueSize]; a snapshot that is larger than the bound is dropped as
// [ReasonTooLarge]. The default is [DefaultMaxQueueBytes]; it must be positive. More than 32 GiB stands for that.
func WithMaxQueueBytes(bytes int64) Option {
	return func(c *config) { c.MaxQueueBytes = bytes }
}

// WithMaxExportBatchSize bounds the snapshots in one call of the exporter. The
// default is [DefaultMaxExportBatchSize]; it must be positive. A value above the
// queue's size stands for the queue's size. A batch is sent when it has as many;
// STARTs that are left out do not count.
func WithMaxExportBatchSize(snapshots int) Option {
	return func(c *config) { c.MaxExportBatchSize = snapshots }
}

// WithMaxExportBatchBytes bounds the bytes, by the estimate of
// [WithMaxQueueBytes], in one call of the exporter. A snapshot that is larger
// goes alone. The default is [DefaultMaxExportBatchBytes]; it must be positive.
func WithMaxExportBatchBytes(bytes int64) Option {
	return func(c *config) { c.MaxExportBatchBytes = bytes }
}

// WithBatchTimeout sets how long a snapshot waits for its batch to fill. It is
// also how late, at most, an idle backend sees a running span. The default is
// [DefaultBatchTimeout]; it must be positive. An exporter can ask for less: see [New].
func WithBatchTimeout(timeout time.Duration) Option {
	return func(c *config) { c.BatchTimeout = timeout }
}

// WithExportTimeout bounds one call of [Exporter.ExportSnapshots]: its context ends then. What failed for
// now ([ExportError]) is handed to the exporter again after that; only what fails alone for longer, while
// others succeed, is given up. The default is [DefaultExportTimeout]; 0 means no bound. It must not be
// negative.
func WithExportTimeout(timeout time.Duration) Option {
	return func(c *config) { c.ExportTimeout = timeout }
}

// WithShutdownTimeout bounds a Shutdown whose context has no deadline. The
// default is [DefaultShutdownTimeout]; it must be positive.
func WithShutdownTimeout(timeout time.Duration) Option {
	return func(c *config) { c.ShutdownTimeout = timeout }
}

// WithConcurrency bounds the calls of the exporter under way at once. What it
// buys is throughput to a backend that is far away; it never costs order. The
// default is [DefaultConcurrency]; it must be positive.
func WithConcurrency(calls int) Option {
	return func(c *config) { c.Concurrency = calls }
}

// WithBlocking makes OnStart and OnEnd wait for room when the queue is full,
// instead of dropping. No START is refused then. The wait ends with room or with
// Shutdown. It can hold up the application for as long as the backend does
// not answer.
func WithBlocking() Option {
	return func(c *config) { c.Blocking = true }
}

// WithStartPolicy says which STARTs are delivered. The default is
// [StartCoalesced].
func WithStartPolicy(policy StartPolicy) Option {
	return func(c *config) { c.StartPolicy = policy }
}

// WithMaxTrackedSpans bounds the running spans that the processor holds to write updates of
// them. Spans that start beyond it are not tracked, and counted in [Stats].Untracked. The default is
// [DefaultMaxTrackedSpans]; 0 tracks none. It must not be negative.
//
// What they hold in memory is estimated once a second, and bounded by
// [WithMaxQueueBytes] together with what is queued: beyond it the largest are let go. Of more than 10,000
// that many are looked at in a second, in turn.
func WithMaxTrackedSpans(spans int) Option {
	return func(c *config) { c.MaxTrackedSpans = spans }
}

// WithUpdateInterval sets how often a span that runs is written again, when it has changed: its
// name, attributes, events or status. One that has not is written after six intervals, so that a viewer
// can tell a span that runs from one whose process is gone. The default is [DefaultUpdateInterval]; 0
// means never. It must not be negative.
//
// A tracked span is read with the SDK's getters: its attributes once a second, to estimate what it holds, all of it
// once an interval. The SDK copies the attributes at the next SetAttributes. Spans that end before their first
// batch leaves are never read. Updates are made only while less than half of the queue is used.
func WithUpdateInterval(interval time.Duration) Option {
	return func(c *config) { c.UpdateInterval = interval }
}

// WithUpdateBudget bounds the estimated bytes of all updates in a second, on average. Those longest
// unwritten come first. The default is [DefaultUpdateBudget]; it must be positive.
func WithUpdateBudget(bytesPerSecond int64) Option {
	return func(c *config) { c.UpdateBudget = bytesPerSecond }
}

// WithUnfinishedSpans says whether a span is written as unfinished whose END does not come: at Shutdown,
// after everything else and within its time, those that still run, and at any time those whose END was
// lost after their START was delivered. Otherwise they show as running for ever. The default is true.
func WithUnfinishedSpans(write bool) Option {
	return func(c *config) { c.UnfinishedSpans = write }
}

// WithLeakAge sets after what time a span that runs is reported, once, to the global OpenTelemetry
// error handler, as an error that wraps [ErrLeakedSpan]: its End is probably missing. The default is
// [DefaultLeakAge]; 0 means never. It must not be negative.
func WithLeakAge(age time.Duration) Option {
	return func(c *config) { c.LeakAge = age }
}

// WithMeterProvider sets where the processor's metrics go. The default is the
// global MeterProvider. A nil provider stands for the default.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) { c.meterProvider = provider }
}

// config has the names of the options, since MarshalLog shows it.
type config struct {
	MaxQueueSize        int
	MaxQueueBytes       int64
	MaxExportBatchSize  int
	MaxExportBatchBytes int64
	BatchTimeout        time.Duration
	ExportTimeout       time.Duration
	ShutdownTimeout     time.Duration
	Concurrency         int
	Blocking            bool
	StartPolicy         StartPolicy
	MaxTrackedSpans     int
	UpdateInterval      time.Duration
	UpdateBudget        int64
	UnfinishedSpans     bool
	LeakAge             time.Duration

	filters       []func(sdktrace.ReadOnlySpan) bool
	meterProvider metric.MeterProvider
}

// longest stands for a longer wait: several of it and the time since the start can be added.
const longest = 1 << 58 * time.Nanosecond

// newConfig applies opts over the defaults. A value that cannot be used is
// named in the error and replaced by its default; the config is always usable.
func newConfig(opts []Option) (config, error) {
	def := config{
		MaxQueueSize:        DefaultMaxQueueSize,
		MaxQueueBytes:       DefaultMaxQueueBytes,
		MaxExportBatchSize:  DefaultMaxExportBatchSize,
		MaxExportBatchBytes: DefaultMaxExportBatchBytes,
		BatchTimeout:        DefaultBatchTimeout,
		ExportTimeout:       DefaultExportTimeout,
		ShutdownTimeout:     DefaultShutdownTimeout,
		Concurrency:         DefaultConcurrency,
		StartPolicy:         StartCoalesced,
		MaxTrackedSpans:     DefaultMaxTrackedSpans,
		UpdateInterval:      DefaultUpdateInterval,
		UpdateBudget:        DefaultUpdateBudget,
		UnfinishedSpans:     true,
		LeakAge:             DefaultLeakAge,
	}
	c := def
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	err := errors.Join(
		check("WithMaxQueueSize", &c.MaxQueueSize, c.MaxQueueSize > 0, def.MaxQueueSize),
		check("WithMaxQueueBytes", &c.MaxQueueBytes, c.MaxQueueBytes > 0, def.MaxQueueBytes),
		check("WithMaxExportBatchSize", &c.MaxExportBatchSize, c.MaxExportBatchSize > 0, def.MaxExportBatchSize),
		check("WithMaxExportBatchBytes", &c.MaxExportBatchBytes, c.MaxExportBatchBytes > 0, def.MaxExportBatchBytes),
		check("WithBatchTimeout", &c.BatchTimeout, c.BatchTimeout > 0, def.BatchTimeout),
		check("WithExportTimeout", &c.ExportTimeout, c.ExportTimeout >= 0, def.ExportTimeout),
		check("WithShutdownTimeout", &c.ShutdownTimeout, c.ShutdownTimeout > 0, def.ShutdownTimeout),
		check("WithConcurrency", &c.Concurrency, c.Concurrency > 0, def.Concurrency),
		check("WithStartPolicy", &c.StartPolicy, c.StartPolicy <= StartNever, def.StartPolicy),
		check("WithMaxTrackedSpans", &c.MaxTrackedSpans, c.MaxTrackedSpans >= 0, def.MaxTrackedSpans),
		check("WithUpdateInterval", &c.UpdateInterval, c.UpdateInterval >= 0, def.UpdateInterval),
		check("WithUpdateBudget", &c.UpdateBudget, c.UpdateBudget > 0, def.UpdateBudget),
		check("WithLeakAge", &c.LeakAge, c.LeakAge >= 0, def.LeakAge),
	)
	c.MaxExportBatchSize = min(c.MaxExportBatchSize, c.MaxQueueSize)
	c.BatchTimeout, c.UpdateInterval = min(c.BatchTimeout, longest), min(c.UpdateInterval, longest)
	return c, err
}

// check replaces a value that is not valid by the default, and says so.
func check[T any](option string, value *T, valid bool, def T) error {
	if valid {
		return nil
	}
	err := fmt.Errorf("%w: %s(%v), using the default %v", ErrInvalidOption, option, *value, def)
	*value = def
	return err
}

// limitBatchTimeout lowers the batch timeout to what the exporter asks for, if it has a method BatchTimeout.
func (c *config) limitBatchTimeout(exporter Exporter) {
	if e, ok := exporter.(interface{ BatchTimeout() time.Duration }); ok {
		if most := answer(e.BatchTimeout); most > 0 {
			c.BatchTimeout = min(c.BatchTimeout, most)
		}
	}
}
