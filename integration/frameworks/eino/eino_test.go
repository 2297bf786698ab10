package eino

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/components/tool/utils"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/flow/agent"
	"github.com/cloudwego/eino/flow/agent/react"
	"github.com/cloudwego/eino/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/integration/frameworks/internal/sgp"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// fake is a model that asks for the weather first and answers then. It uses 120 tokens and
// 18, 64 of them cached, and then 150 and 11.
type fake struct{}

func (fake) Generate(_ context.Context, messages []*schema.Message, _ ...model.Option) (*schema.Message, error) {
	last := messages[len(messages)-1]
	switch {
	case last.Role == schema.Tool:
		m := schema.AssistantMessage("It is 7 degrees and raining.", nil)
		m.ResponseMeta = &schema.ResponseMeta{FinishReason: "stop", Usage: &schema.TokenUsage{PromptTokens: 150, CompletionTokens: 11, TotalTokens: 161}}
		return m, nil
	case last.Content == "fail":
		return nil, errors.New("the model is overloaded")
	}
	m := schema.AssistantMessage("", []schema.ToolCall{{ID: "call_1", Type: "function", Function: schema.FunctionCall{Name: "get_weather", Arguments: `{"city":"Oslo"}`}}})
	m.ResponseMeta = &schema.ResponseMeta{FinishReason: "tool_calls", Usage: &schema.TokenUsage{
		PromptTokens: 120, CompletionTokens: 18, TotalTokens: 138, PromptTokenDetails: schema.PromptTokenDetails{CachedTokens: 64}}}
	return m, nil
}

func (f fake) Stream(ctx context.Context, messages []*schema.Message, opts ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	m, err := f.Generate(ctx, messages, opts...)
	if err != nil {
		return nil, err
	}
	return schema.StreamReaderFromArray([]*schema.Message{m}), nil
}

func (f fake) WithTools([]*schema.ToolInfo) (model.ToolCallingChatModel, error) { return f, nil }

type city struct {
	City string `json:"city"`
}

func newAgent(t *testing.T) *react.Agent {
	t.Helper()
	weather, err := utils.InferTool("get_weather", "The weather in a city.", func(context.Context, city) (string, error) {
		return "7 degrees, rain", nil
	})
	require.NoError(t, err)
	a, err := react.NewAgent(t.Context(), &react.AgentConfig{
		ToolCallingModel: fake{},
		ToolsConfig:      compose.ToolsNodeConfig{Tools: []tool.BaseTool{weather}},
	})
	require.NoError(t, err)
	return a
}

func ask(question string) []*schema.Message { return []*schema.Message{schema.UserMessage(question)} }

func TestAgentArrives(t *testing.T) {
	p := sgp.New(t)
	a := newAgent(t)
	answer, err := a.Generate(t.Context(), ask("What is the weather in Oslo?"),
		agent.WithComposeOptions(compose.WithCallbacks(Handler(p.Tracer("eino")))))
	require.NoError(t, err)
	assert.Equal(t, "It is 7 degrees and raining.", answer.Content)
	p.Flush(t)
	assert.Equal(t, []string{
		"AGENT_WORKFLOW ReActAgent",
		"  COMPLETION ChatModel",
		"  CUSTOM Tools",
		"    CUSTOM get_weather",
		"  COMPLETION ChatModel",
	}, p.Tree())
	billed := p.Billed()
	assert.Equal(t, int64(270), billed.InputTokens)
	assert.Equal(t, int64(29), billed.OutputTokens)
	assert.Equal(t, int64(64), billed.CachedInputTokens)
}

func TestStreamedAgentArrives(t *testing.T) {
	p := sgp.New(t)
	a := newAgent(t)
	stream, err := a.Stream(t.Context(), ask("What is the weather in Oslo?"),
		agent.WithComposeOptions(compose.WithCallbacks(Handler(p.Tracer("eino")))))
	require.NoError(t, err)
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			break
		}
	}
	stream.Close()
	require.NoError(t, p.Server.WaitFor(t.Context(), func(spans []sgptest.Span) bool {
		ended := 0
		for _, s := range spans {
			if s.Completed() {
				ended++
			}
		}
		return ended == 5
	}))
	billed := p.Billed()
	assert.Equal(t, int64(270), billed.InputTokens)
	assert.Equal(t, int64(29), billed.OutputTokens)
}

func TestAgentThatFails(t *testing.T) {
	p := sgp.New(t)
	_, err := newAgent(t).Generate(t.Context(), ask("fail"),
		agent.WithComposeOptions(compose.WithCallbacks(Handler(p.Tracer("eino")))))
	require.ErrorContains(t, err, "overloaded")
	p.Flush(t)
	spans := p.Server.Spans()
	require.Len(t, spans, 2)
	for _, s := range spans {
		assert.Equal(t, "ERROR", s.Status, s.Name)
	}
}

// A vendor's handler has a TracerProvider of its own, which nobody else can reach.
func TestJoinOfAProviderThatAHandlerKeepsToItself(t *testing.T) {
	p := sgp.New(t)
	vendors := sdktrace.NewTracerProvider()
	join := Join(p.Processor)
	_, err := newAgent(t).Generate(t.Context(), ask("without it"), agent.WithComposeOptions(compose.WithCallbacks(join)))
	require.NoError(t, err)
	_, err = newAgent(t).Generate(t.Context(), ask("What is the weather in Oslo?"),
		agent.WithComposeOptions(compose.WithCallbacks(join, Handler(vendors.Tracer("vendor")))))
	require.NoError(t, err)
	p.Flush(t)
	var names []string
	for _, s := range p.Server.Spans() {
		assert.True(t, s.Completed(), s.Name)
		names = append(names, s.Name)
	}
	assert.ElementsMatch(t, []string{"ReActAgent", "ChatModel", "Tools", "get_weather", "ChatModel"}, names)
	assert.Equal(t, int64(270), p.Billed().InputTokens)
}
