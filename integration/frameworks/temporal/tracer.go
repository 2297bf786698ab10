// Package temporal has what a Temporal worker needs so that a workflow shows in SGP once,
// however often it is replayed.
package temporal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// NewInterceptor is opentelemetry.NewTracingInterceptor, but for the spans of a workflow: a
// worker that takes over a workflow starts its RunWorkflow span again, and that has the same
// id each time, so that SGP replaces what it has of it. The TracerProvider of
// options.Tracer must have been made with sdktrace.WithIDGenerator([IDs]{}).
func NewInterceptor(options opentelemetry.TracerOptions) (interceptor.Interceptor, error) {
	inner, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, err
	}
	return interceptor.NewTracingInterceptor(tracer{inner, options}), nil
}

// tracer hands the key that Temporal has for a span to who makes the span's id.
type tracer struct {
	interceptor.Tracer
	options opentelemetry.TracerOptions
}

func (t tracer) StartSpan(start *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	if start.IdempotencyKey == "" {
		return t.Tracer.StartSpan(start)
	}
	options := t.options
	options.SpanStarter = func(ctx context.Context, tracer trace.Tracer, name string, opts ...trace.SpanStartOption) trace.Span {
		_, span := tracer.Start(context.WithValue(ctx, idempotencyKey{}, start.IdempotencyKey), name, opts...)
		return span
	}
	inner, err := opentelemetry.NewTracer(options)
	if err != nil {
		return nil, err
	}
	return inner.StartSpan(start)
}

type idempotencyKey struct{}

// IDs makes the ids of spans: for a span that Temporal replays always the same, and
// random ones for all others.
type IDs struct{}

var _ sdktrace.IDGenerator = IDs{}

// NewIDs makes the ids of a root.
func (IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var traceID trace.TraceID
	copy(traceID[:], bytesFor(ctx, "trace"))
	return traceID, IDs{}.NewSpanID(ctx, traceID)
}

// NewSpanID makes the id of a span in a trace.
func (IDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	var spanID trace.SpanID
	copy(spanID[:], bytesFor(ctx, "span"))
	return spanID
}

func bytesFor(ctx context.Context, what string) []byte {
	key, ok := ctx.Value(idempotencyKey{}).(string)
	if !ok {
		random := make([]byte, 16)
		_, _ = rand.Read(random) // it never fails
		return random
	}
	sum := sha256.Sum256([]byte(what + ":" + key))
	return sum[:]
}
