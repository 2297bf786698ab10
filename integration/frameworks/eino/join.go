package eino

import (
	"context"
	"sync"

	"github.com/cloudwego/eino/callbacks"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Join registers processor with the TracerProvider that another handler keeps to itself,
// as that of APMPlus does: any span leads to the provider that made it. Name it before
// that handler: Eino starts with the last. The first span was started without the
// processor, which is told of it afterwards. The other handler's shutdown shuts processor down too.
func Join(processor sdktrace.SpanProcessor) callbacks.Handler {
	var once sync.Once
	return callbacks.NewHandlerBuilder().
		OnStartFn(func(ctx context.Context, _ *callbacks.RunInfo, _ callbacks.CallbackInput) context.Context {
			span := trace.SpanFromContext(ctx)
			tp, ok := span.TracerProvider().(*sdktrace.TracerProvider)
			if !ok {
				return ctx // no span of the SDK's
			}
			once.Do(func() {
				tp.RegisterSpanProcessor(processor)
				if first, ok := span.(sdktrace.ReadWriteSpan); ok {
					processor.OnStart(ctx, first)
				}
			})
			return ctx
		}).
		Build()
}
