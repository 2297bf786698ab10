package collector

import (
	"context"

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

// Shutdown implements component.Component.
func (a *arrival) Shutdown(ctx context.Context) error {
	a.exp.beginShutdown()
	return a.Traces.Shutdown(ctx)
}
