// Package genkit runs Genkit.
package genkit

import (
	"context"
	"errors"
	"testing"

	"github.com/firebase/genkit/go/ai"
	"github.com/firebase/genkit/go/core/tracing"
	"github.com/firebase/genkit/go/genkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/integration/frameworks/internal/sgp"
	"github.com/otelsgp/otelsgp/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

type city struct {
	City string `json:"city"`
}

// answer is a model that asks for the weather first and answers then. It uses 120 tokens
// and 18, 64 of them cached, and then 150 and 11.
func answer(_ context.Context, r *ai.ModelRequest, _ ai.ModelStreamCallback) (*ai.ModelResponse, error) {
	last := r.Messages[len(r.Messages)-1]
	if last.Role == ai.RoleTool {
		return &ai.ModelResponse{
			Request: r, Message: ai.NewModelTextMessage("It is 7 degrees and raining."), FinishReason: ai.FinishReasonStop,
			Usage: &ai.GenerationUsage{InputTokens: 150, OutputTokens: 11, TotalTokens: 161},
		}, nil
	}
	if last.Text() == "fail" {
		return nil, errors.New("the model is overloaded")
	}
	return &ai.ModelResponse{
		Request: r, FinishReason: ai.FinishReasonStop,
		Message: ai.NewModelMessage(ai.NewToolRequestPart(&ai.ToolRequest{Name: "get_weather", Ref: "call_1", Input: map[string]any{"city": "Oslo"}})),
		Usage:   &ai.GenerationUsage{InputTokens: 120, OutputTokens: 18, CachedContentTokens: 64, TotalTokens: 138},
	}, nil
}

// run runs a flow. Genkit takes the global TracerProvider, if that is the SDK's.
func run(t *testing.T, question string) (*sgp.Pipeline, string, error) {
	t.Helper()
	p := sgp.New(t)
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(p.TracerProvider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	require.Same(t, p.TracerProvider, tracing.TracerProvider())
	text, err := ask(t.Context(), question)
	p.Flush(t)
	return p, text, err
}

// ask runs a flow that asks the model, which may use a tool.
func ask(ctx context.Context, question string) (string, error) {
	g := genkit.Init(ctx)
	genkit.DefineModel(g, "fake/model", &ai.ModelOptions{Supports: &ai.ModelSupports{Multiturn: true, Tools: true, SystemRole: true}}, answer)
	weather := genkit.DefineTool(g, "get_weather", "The weather in a city.", func(_ *ai.ToolContext, in city) (string, error) {
		return "7 degrees, rain", nil
	})
	flow := genkit.DefineFlow(g, "ask", func(ctx context.Context, question string) (string, error) {
		return genkit.GenerateText(ctx, g, ai.WithModelName("fake/model"), ai.WithPrompt(question), ai.WithTools(weather))
	})
	return flow.Run(ctx, question)
}

func TestFlowArrives(t *testing.T) {
	p, text, err := run(t, "What is the weather in Oslo?")
	require.NoError(t, err)
	assert.Equal(t, "It is 7 degrees and raining.", text)
	assert.Equal(t, []string{
		"AGENT_WORKFLOW ask",
		"  CUSTOM generate",
		"    COMPLETION fake/model",
		"    CUSTOM get_weather",
		"    CUSTOM generate",
		"      COMPLETION fake/model",
	}, p.Tree())
	billed := p.Billed()
	assert.Equal(t, int64(270), billed.InputTokens)
	assert.Equal(t, int64(29), billed.OutputTokens)
	assert.Equal(t, int64(64), billed.CachedInputTokens)
}

func TestFlowThatFails(t *testing.T) {
	p, _, err := run(t, "fail")
	require.ErrorContains(t, err, "overloaded")
	spans := p.Server.Spans()
	require.Len(t, spans, 3)
	for _, s := range spans {
		assert.Equal(t, "ERROR", s.Status, s.Name)
	}
}

// Without one Genkit makes a TracerProvider itself, which a processor can join.
func TestProcessorJoinsTheProviderThatGenkitMade(t *testing.T) {
	p := sgp.New(t)
	made := tracing.TracerProvider()
	require.NotSame(t, p.TracerProvider, made)
	made.RegisterSpanProcessor(p.Processor)
	t.Cleanup(func() { made.UnregisterSpanProcessor(p.Processor) })
	_, err := ask(t.Context(), "What is the weather in Oslo?")
	require.NoError(t, err)
	p.Flush(t)
	assert.Len(t, p.Server.Spans(), 6)
}
