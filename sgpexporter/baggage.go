package sgpexporter

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// conversationMembers are the members of baggage that name a conversation, the first
// that there is counts.
var conversationMembers = [...]string{"gen_ai.conversation.id", "session.id"}

// BaggageConversation returns a span processor that names the conversation of spans
// by the baggage that came with a request: a span that starts with gen_ai.conversation.id
// or session.id in its baggage, and without an attribute of either name, gets that as an
// attribute, and the Exporter makes it the span's group. It is a processor and no option of
// [New], since baggage is in the context of a request, which an exporter never sees. So
// all spans of the TracerProvider have the attribute, whatever exports them. Register it
// before the others, or STARTs are without it:
//
//	tp := sdktrace.NewTracerProvider(
//		sdktrace.WithSpanProcessor(sgpexporter.BaggageConversation()),
//		sdktrace.WithSpanProcessor(asyncprocessor.New(exp)),
//	)
//
// Without it a span takes the conversation of its trace, as far as a span of this process
// has named it. Baggage comes from whoever calls, and is as trustworthy: use it where
// callers may choose the group. It has nothing to flush and to shut down.
func BaggageConversation() sdktrace.SpanProcessor { return baggageConversation{} }

type baggageConversation struct{}

func (baggageConversation) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	b := baggage.FromContext(ctx)
	if b.Len() == 0 {
		return
	}
	for _, name := range conversationMembers {
		id := b.Member(name).Value()
		if id == "" {
			continue
		}
		for _, kv := range s.Attributes() {
			for _, known := range conversationMembers {
				if string(kv.Key) == known {
					return
				}
			}
		}
		s.SetAttributes(attribute.String(name, id))
		return
	}
}

func (baggageConversation) OnEnd(sdktrace.ReadOnlySpan)      {}
func (baggageConversation) Shutdown(context.Context) error   { return nil }
func (baggageConversation) ForceFlush(context.Context) error { return nil }
