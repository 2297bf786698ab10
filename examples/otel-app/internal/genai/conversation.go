package genai

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type conversationKey struct{}

// ContextWithConversation returns a context in which spans belong to the
// conversation id, if the provider has a [ConversationProcessor].
func ContextWithConversation(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, conversationKey{}, id)
}

// ConversationProcessor is a span processor that sets gen_ai.conversation.id on
// every span that starts in a context of [ContextWithConversation], those of
// HTTP clients and databases too. Register it before the processor that
// exports, so that a START has the attribute.
type ConversationProcessor struct{}

// OnStart sets the attribute.
func (ConversationProcessor) OnStart(ctx context.Context, span sdktrace.ReadWriteSpan) {
	if id, ok := ctx.Value(conversationKey{}).(string); ok {
		span.SetAttributes(ConversationID.String(id))
	}
}

// OnEnd does nothing.
func (ConversationProcessor) OnEnd(sdktrace.ReadOnlySpan) {}

// Shutdown does nothing.
func (ConversationProcessor) Shutdown(context.Context) error { return nil }

// ForceFlush does nothing.
func (ConversationProcessor) ForceFlush(context.Context) error { return nil }
