package collector

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
)

// A service is this test's program, run with these.
const (
	collectorVariable = "SERVICE_COLLECTOR"
	tracesVariable    = "SERVICE_TRACES"
	paceVariable      = "SERVICE_PACE"
	stepVariable      = "SERVICE_STEP"
)

func TestMain(m *testing.M) {
	if collector := os.Getenv(collectorVariable); collector != "" {
		if err := serve(collector); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// spansPerTrace and tokensPerTrace are what a service makes of each trace: an agent whose
// span repeats what its two calls of a model used.
const (
	spansPerTrace  = 3
	tokensPerTrace = 300
)

// workload is what a service does.
type workload struct {
	traces int
	pace   time.Duration // from the start of a trace to that of the next
	// step is how long each call takes, and what comes after it. With one that is
	// longer than exportInterval a trace's spans leave in requests of their own.
	step time.Duration
}

const exportInterval = 200 * time.Millisecond

// serve makes traces, with OpenTelemetry's SDK alone.
func serve(collector string) error {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(collector+"/v1/traces"),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: time.Minute}))
	if err != nil {
		return err
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking(), sdktrace.WithBatchTimeout(exportInterval)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "agent"))))
	tracer := tp.Tracer("service")
	load, err := workloadFromEnv()
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	for range load.traces {
		if load.step == 0 {
			runAgent(tracer, 0)
		} else {
			running.Go(func() { runAgent(tracer, load.step) })
		}
		time.Sleep(load.pace)
	}
	running.Wait()
	return tp.Shutdown(ctx)
}

// runAgent makes a trace.
func runAgent(tracer trace.Tracer, step time.Duration) {
	ctx, agent := tracer.Start(context.Background(), "invoke_agent planner", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.String("gen_ai.agent.name", "planner"),
		attribute.String("gen_ai.conversation.id", "conversation-1")))
	for _, tokens := range []int{100, 200} {
		_, call := tracer.Start(ctx, "chat", trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.request.model", "gpt-4o"), attribute.String("gen_ai.conversation.id", "conversation-1"),
			attribute.Int("gen_ai.usage.input_tokens", tokens), attribute.Int("gen_ai.usage.output_tokens", 10)))
		time.Sleep(step)
		call.End()
	}
	time.Sleep(step)
	agent.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", tokensPerTrace))
	agent.End()
}

func workloadFromEnv() (load workload, err error) {
	if load.traces, err = strconv.Atoi(os.Getenv(tracesVariable)); err != nil {
		return load, err
	}
	if load.pace, err = time.ParseDuration(os.Getenv(paceVariable)); err != nil {
		return load, err
	}
	load.step, err = time.ParseDuration(os.Getenv(stepVariable))
	return load, err
}

// startService starts a process that makes traces and ends when all of them are taken.
func startService(t *testing.T, collector string, load workload) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), collectorVariable+"="+collector, tracesVariable+"="+strconv.Itoa(load.traces),
		paceVariable+"="+load.pace.String(), stepVariable+"="+load.step.String())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
