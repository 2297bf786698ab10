package agent

import (
	"context"
	"sync"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// meter adds up the tokens of an invocation, those of the agents that it
// invokes included.
type meter struct {
	parent *meter

	mu  sync.Mutex
	sum model.Usage
}

type meterKey struct{}

// withMeter returns a context with a new meter, below the one of ctx.
func withMeter(ctx context.Context) (context.Context, *meter) {
	parent, _ := ctx.Value(meterKey{}).(*meter)
	m := &meter{parent: parent}
	return context.WithValue(ctx, meterKey{}, m), m
}

func (m *meter) add(usage model.Usage) {
	for ; m != nil; m = m.parent {
		m.mu.Lock()
		m.sum = m.sum.Add(usage)
		m.mu.Unlock()
	}
}

func (m *meter) total() model.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}
