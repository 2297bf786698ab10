//go:build purego

package sdkspan

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type processor struct{ t *testing.T }

func (p processor) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) { assert.Nil(p.t, PeekLive(s)) }
func (p processor) OnEnd(s sdktrace.ReadOnlySpan)                       { assert.Nil(p.t, PeekEnded(s)) }
func (processor) ForceFlush(context.Context) error                      { return nil }
func (processor) Shutdown(context.Context) error                        { return nil }

func TestNothingIsPeekedAt(t *testing.T) {
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor{t}))
	_, span := tp.Tracer("t").Start(t.Context(), "span")
	span.End()
	assert.Nil(t, PeekAttributes([]attribute.KeyValue{attribute.Int("a", 1)}))
	_, _, ok := new(Live).Read(nil)
	assert.False(t, ok)
}
