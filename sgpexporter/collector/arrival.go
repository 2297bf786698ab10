package collector

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// arrival is what stands before the queue. What a span says of others, usage that those
// above it need not be billed for and the conversation of its trace, is noted here, in the
// order in which spans arrive: the queue's consumers run concurrently, and a parent may
// pass its children there. It is kept on disk where the queue is.
type arrival struct {
	exporter.Traces
	exp *sgpExporter
}

// ConsumeTraces implements consumer.Traces.
func (a *arrival) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if a.exp.cfg.Queue.HasValue() {
		b := a.exp.read(td)
		w := a.exp.mapper.Writer()
		w.Observe(b.inputs)
		w.Close()
		var err error
		if a.exp.memory != nil {
			err = a.exp.memory.note(ctx, b.inputs)
		}
		b.release()
		if err != nil {
			return err
		}
	}
	return a.Traces.ConsumeTraces(ctx, td)
}

// Start implements component.Component.
func (a *arrival) Start(ctx context.Context, host component.Host) error {
	if err := a.Traces.Start(ctx, host); err != nil || a.exp.aside == nil {
		return err
	}
	return a.exp.aside.Start(ctx, host)
}

// Shutdown implements component.Component. The queue of what fails alone ends first: what
// is to go there stays in the other one then.
func (a *arrival) Shutdown(ctx context.Context) error {
	a.exp.beginShutdown()
	var err error
	if a.exp.aside != nil {
		err = a.exp.aside.Shutdown(ctx)
	}
	return errors.Join(err, a.Traces.Shutdown(ctx))
}
