package temporal

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/otelsgp/otelsgp/integration/frameworks/internal/sgp"
	"github.com/otelsgp/otelsgp/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// agentWorkflow asks a model twice: its first call fails once, and is tried again.
func agentWorkflow(ctx workflow.Context, question string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 2, InitialInterval: time.Second},
	})
	var answer string
	for range 2 {
		if err := workflow.ExecuteActivity(ctx, "AskModel", question).Get(ctx, &answer); err != nil {
			return "", err
		}
	}
	return answer, nil
}

// askModel makes the span of a call of a model, as an instrumented client does, that uses
// 120 tokens and 18. The first call of a process fails.
func askModel(tracer trace.Tracer) func(ctx context.Context, question string) (string, error) {
	failed := false
	return func(ctx context.Context, question string) (string, error) {
		_, span := tracer.Start(ctx, "chat", trace.WithAttributes(attribute.String("gen_ai.operation.name", "chat")))
		defer span.End()
		if !failed {
			failed = true
			return "", errors.New("the model is overloaded")
		}
		span.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", 120), attribute.Int("gen_ai.usage.output_tokens", 18))
		return "rain", nil
	}
}

func TestWorkflowArrives(t *testing.T) {
	p := sgp.New(t, sdktrace.WithIDGenerator(IDs{}))
	tracing, err := NewInterceptor(opentelemetry.TracerOptions{Tracer: p.Tracer("temporal")})
	require.NoError(t, err)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{tracing}})
	env.RegisterWorkflow(agentWorkflow)
	env.RegisterActivityWithOptions(askModel(p.Tracer("agent")), activity.RegisterOptions{Name: "AskModel"})
	env.ExecuteWorkflow(agentWorkflow, "What is the weather in Oslo?")
	require.NoError(t, env.GetWorkflowError())
	p.Flush(t)
	assert.Equal(t, []string{
		"AGENT_WORKFLOW RunWorkflow:agentWorkflow",
		"  CUSTOM StartActivity:AskModel",
		"    CUSTOM RunActivity:AskModel",
		"      COMPLETION chat",
		"    CUSTOM RunActivity:AskModel",
		"      COMPLETION chat",
		"  CUSTOM StartActivity:AskModel",
		"    CUSTOM RunActivity:AskModel",
		"      COMPLETION chat",
	}, p.Tree())
	billed := p.Billed()
	assert.Equal(t, int64(240), billed.InputTokens, "a call that failed used nothing")
	assert.Equal(t, int64(36), billed.OutputTokens)
}

// A worker that takes a workflow over replays its history: its span is the same one.
func TestReplayedWorkflowIsOneSpan(t *testing.T) {
	p := sgp.New(t, sdktrace.WithIDGenerator(IDs{}))
	for range 3 { // three workers, one after the other
		tracing, err := NewInterceptor(opentelemetry.TracerOptions{Tracer: p.Tracer("temporal")})
		require.NoError(t, err)
		replay(t, tracing)
		p.Flush(t)
	}
	spans := p.Server.Spans()
	require.Len(t, spans, 1)
	assert.Equal(t, "RunWorkflow:nothing", spans[0].Name)
	assert.Equal(t, began, spans[0].StartTimestamp.UTC())
	assert.True(t, spans[0].Completed())
	assert.Len(t, spans[0].Writes, 3)
}

// Without it, each replay is a span, and a trace, of its own.
func TestReplayedWorkflowWithoutTheseIDs(t *testing.T) {
	p := sgp.New(t)
	for range 3 {
		tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: p.Tracer("temporal")})
		require.NoError(t, err)
		replay(t, tracing)
	}
	p.Flush(t)
	assert.Len(t, p.Server.Spans(), 3)
}

func TestIDsOfOtherSpansAreRandom(t *testing.T) {
	traceID, spanID := IDs{}.NewIDs(t.Context())
	otherTrace, otherSpan := IDs{}.NewIDs(t.Context())
	assert.True(t, traceID.IsValid())
	assert.True(t, spanID.IsValid())
	assert.NotEqual(t, traceID, otherTrace)
	assert.NotEqual(t, spanID, otherSpan)
}

func nothing(workflow.Context) error { return nil }

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// replay lets a worker run the workflow "nothing" from its history.
func replay(t *testing.T, tracing interceptor.WorkerInterceptor) {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Interceptors: []interceptor.WorkerInterceptor{tracing}})
	require.NoError(t, err)
	replayer.RegisterWorkflow(nothing)
	event := func(id int64, kind enumspb.EventType) *historypb.HistoryEvent {
		return &historypb.HistoryEvent{EventId: id, EventTime: timestamppb.New(began), EventType: kind}
	}
	started := event(1, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
	started.Attributes = &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
			WorkflowType: &commonpb.WorkflowType{Name: "nothing"}, TaskQueue: &taskqueuepb.TaskQueue{Name: "agents"},
			OriginalExecutionRunId: "run-1", FirstExecutionRunId: "run-1",
		},
	}
	scheduled := event(2, enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
	scheduled.Attributes = &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{
		WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{},
	}
	task := event(3, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED)
	task.Attributes = &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{
		WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{ScheduledEventId: 2},
	}
	completed := event(4, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
	completed.Attributes = &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
		WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{ScheduledEventId: 2, StartedEventId: 3},
	}
	end := event(5, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED)
	end.Attributes = &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
		WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{WorkflowTaskCompletedEventId: 4},
	}
	require.NoError(t, replayer.ReplayWorkflowHistory(nil, &historypb.History{
		Events: []*historypb.HistoryEvent{started, scheduled, task, completed, end},
	}))
}
