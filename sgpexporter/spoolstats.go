package sgpexporter

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// SpoolStats is what the spool of [WithSpool] holds, and has done since [New]. In every value,
// Stored + Recovered = Delivered + the sum of Dropped + Items.
type SpoolStats struct {
	// Open says that the directory is open, and what was in it is among the counts.
	Open bool
	// Items is the number of writes of spans that are to be delivered, Bytes that of all
	// files, in which what is delivered may stand for some time. Oldest is when the oldest
	// of them was stored, zero if there is none: as exactly as a file of 4 MiB tells.
	Items, Bytes int64
	Oldest       time.Time
	// Running is the number of spans that were written and have not ended.
	Running int64
	// Stored is the number of writes that were taken over, Recovered that of those that
	// another process had left.
	Stored, Recovered uint64
	// Delivered is the number that SGP has stored.
	Delivered uint64
	// Dropped has those that were lost, by reason: "rejected" by SGP for good,
	// "spool_full", "spool_expired", "spool_damaged" (can no longer be read), "spool_lost"
	// (the directory was removed).
	Dropped map[string]uint64
	// Unfinished is the number of spans that another process had left running, and that
	// were written as unfinished.
	Unfinished uint64
	// Damaged is the number of places in files of which nothing could be read: a record that
	// was torn when a process was killed is one.
	Damaged uint64
	// Failures is how often the disk failed.
	Failures uint64
}

func (s *spooler) stats() SpoolStats {
	d := s.disk.Stats()
	return SpoolStats{
		Open: d.Open, Items: d.Items, Bytes: d.Bytes, Oldest: d.Oldest, Running: d.Running, Stored: d.Stored, Recovered: d.Recovered,
		Delivered: d.Delivered, Dropped: d.Dropped, Unfinished: s.closed.Load(), Damaged: d.Damaged, Failures: s.disk.Failures(),
	}
}

// observeSpool makes the instruments of the spool. The result removes them.
func (m *metrics) observeSpool(s *spooler) func() {
	var errs []error
	made := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	items, err := m.meter.Int64ObservableUpDownCounter("sgpexporter.spool.items", metric.WithUnit("{item}"),
		metric.WithDescription("The number of writes of spans in the spool that are to be delivered."))
	made(err)
	size, err := m.meter.Int64ObservableUpDownCounter("sgpexporter.spool.size", metric.WithUnit("By"),
		metric.WithDescription("The size of the spool's files."))
	made(err)
	age, err := m.meter.Float64ObservableGauge("sgpexporter.spool.age", metric.WithUnit("s"),
		metric.WithDescription("How long the oldest item in the spool has been there."))
	made(err)
	delivered, err := m.meter.Int64ObservableCounter("sgpexporter.spool.delivered", metric.WithUnit("{item}"),
		metric.WithDescription("The number of items that were delivered from the spool."))
	made(err)
	dropped, err := m.meter.Int64ObservableCounter("sgpexporter.spool.dropped", metric.WithUnit("{item}"),
		metric.WithDescription("The number of items in the spool that were lost, by error.type."))
	made(err)
	failures, err := m.meter.Int64ObservableCounter("sgpexporter.spool.failures", metric.WithUnit("{failure}"),
		metric.WithDescription("The number of times that the spool's disk failed."))
	made(err)
	base := metric.WithAttributeSet(m.set)
	registered, err := m.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		st := s.stats()
		o.ObserveInt64(items, st.Items, base)
		o.ObserveInt64(size, st.Bytes, base)
		old := 0.0
		if !st.Oldest.IsZero() {
			old = time.Since(st.Oldest).Seconds()
		}
		o.ObserveFloat64(age, old, base)
		o.ObserveInt64(delivered, int64(st.Delivered), base)
		for reason, n := range st.Dropped {
			o.ObserveInt64(dropped, int64(n), metric.WithAttributeSet(m.with(attribute.String("error.type", reason))))
		}
		o.ObserveInt64(failures, int64(st.Failures), base)
		return nil
	}, items, size, age, delivered, dropped, failures)
	made(err)
	for _, err := range errs {
		otel.Handle(fmt.Errorf("sgpexporter: metrics: %w", err))
	}
	return func() {
		if registered != nil {
			_ = registered.Unregister()
		}
	}
}
