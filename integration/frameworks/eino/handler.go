// Package eino has what an Eino application needs to send its spans to SGP: a callback
// handler that makes spans on a TracerProvider of the application's, and a way to join
// the TracerProvider that a vendor's handler keeps to itself.
package eino

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/components"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Handler makes a span of every component that runs, with the attributes of
// OpenTelemetry's semantic conventions for generative AI.
func Handler(tracer trace.Tracer) callbacks.Handler {
	return callbacks.NewHandlerBuilder().
		OnStartFn(func(ctx context.Context, info *callbacks.RunInfo, input callbacks.CallbackInput) context.Context {
			ctx, span := tracer.Start(ctx, name(info))
			span.SetAttributes(started(info, input)...)
			return ctx
		}).
		OnEndFn(func(ctx context.Context, info *callbacks.RunInfo, output callbacks.CallbackOutput) context.Context {
			span := trace.SpanFromContext(ctx)
			span.SetAttributes(ended(info, output)...)
			span.End()
			return ctx
		}).
		OnErrorFn(func(ctx context.Context, _ *callbacks.RunInfo, err error) context.Context {
			span := trace.SpanFromContext(ctx)
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			span.End()
			return ctx
		}).
		OnStartWithStreamInputFn(func(ctx context.Context, info *callbacks.RunInfo, input *schema.StreamReader[callbacks.CallbackInput]) context.Context {
			input.Close() // what streams in is the output of a component that has a span
			ctx, span := tracer.Start(ctx, name(info))
			span.SetAttributes(started(info, nil)...)
			return ctx
		}).
		OnEndWithStreamOutputFn(func(ctx context.Context, info *callbacks.RunInfo, output *schema.StreamReader[callbacks.CallbackOutput]) context.Context {
			go func() { // the component has returned; its output still streams
				span := trace.SpanFromContext(ctx)
				defer span.End()
				defer output.Close()
				span.SetAttributes(ended(info, collect(output, span))...)
			}()
			return ctx
		}).
		Build()
}

func name(info *callbacks.RunInfo) string {
	if info.Name != "" {
		return info.Name
	}
	return info.Type + string(info.Component)
}

// operations are what components do, in the words of the conventions.
var operations = map[components.Component]string{
	components.ComponentOfChatModel: "chat", components.ComponentOfTool: "execute_tool",
	components.ComponentOfRetriever: "retrieval", components.ComponentOfEmbedding: "embeddings",
	compose.ComponentOfGraph: "invoke_workflow", compose.ComponentOfChain: "invoke_workflow", compose.ComponentOfWorkflow: "invoke_workflow",
}

func started(info *callbacks.RunInfo, input callbacks.CallbackInput) []attribute.KeyValue {
	operation, ok := operations[info.Component]
	if !ok {
		return []attribute.KeyValue{attribute.String("sgp.span.type", "CUSTOM")} // a step
	}
	attributes := []attribute.KeyValue{attribute.String("gen_ai.operation.name", operation)}
	switch info.Component {
	case components.ComponentOfChatModel:
		if in := model.ConvCallbackInput(input); in != nil {
			attributes = append(attributes, attribute.String("gen_ai.input.messages", text(in.Messages)))
			if in.Config != nil {
				attributes = append(attributes, attribute.String("gen_ai.request.model", in.Config.Model))
			}
		}
	case components.ComponentOfTool:
		attributes = append(attributes, attribute.String("gen_ai.tool.name", info.Name))
		if in := tool.ConvCallbackInput(input); in != nil {
			attributes = append(attributes, attribute.String("gen_ai.tool.call.arguments", in.ArgumentsInJSON))
		}
	}
	return attributes
}

func ended(info *callbacks.RunInfo, output callbacks.CallbackOutput) []attribute.KeyValue {
	switch info.Component {
	case components.ComponentOfChatModel:
		out := model.ConvCallbackOutput(output)
		if out == nil || out.Message == nil {
			return nil
		}
		attributes := []attribute.KeyValue{attribute.String("gen_ai.output.messages", text([]*schema.Message{out.Message}))}
		return append(attributes, usage(out)...)
	case components.ComponentOfTool:
		if out := tool.ConvCallbackOutput(output); out != nil {
			return []attribute.KeyValue{attribute.String("gen_ai.tool.call.result", out.Response)}
		}
	}
	return nil
}

// usage is what the model's callback says, and else its message.
func usage(out *model.CallbackOutput) []attribute.KeyValue {
	switch meta := out.Message.ResponseMeta; {
	case out.TokenUsage != nil:
		return tokens(out.TokenUsage.PromptTokens, out.TokenUsage.CompletionTokens, out.TokenUsage.PromptTokenDetails.CachedTokens)
	case meta != nil && meta.Usage != nil:
		return tokens(meta.Usage.PromptTokens, meta.Usage.CompletionTokens, meta.Usage.PromptTokenDetails.CachedTokens)
	}
	return nil
}

func tokens(input, output, cached int) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int("gen_ai.usage.input_tokens", input),
		attribute.Int("gen_ai.usage.output_tokens", output),
		attribute.Int("gen_ai.usage.cache_read.input_tokens", cached),
	}
}

// collect reads a stream to its end, and returns a model's chunks as one message; of
// other components nothing. An error that ends the stream is the span's.
func collect(output *schema.StreamReader[callbacks.CallbackOutput], span trace.Span) callbacks.CallbackOutput {
	var chunks []*schema.Message
	for {
		chunk, err := output.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			return nil
		}
		if out := model.ConvCallbackOutput(chunk); out != nil && out.Message != nil {
			chunks = append(chunks, out.Message)
		}
	}
	message, err := schema.ConcatMessages(chunks)
	if err != nil {
		return nil
	}
	return &model.CallbackOutput{Message: message}
}

// text is v as JSON.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
