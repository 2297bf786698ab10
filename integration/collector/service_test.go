package collector

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
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

// serve makes traces, with OpenTelemetry's SDK alone.
func serve(collector string) error {
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(collector+"/v1/traces"),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: time.Minute}))
	if err != nil {
		return err
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithBlocking(), sdktrace.WithBatchTimeout(200*time.Millisecond)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "agent"))))
	tracer := tp.Tracer("service")
	traces, err := strconv.Atoi(os.Getenv(tracesVariable))
	if err != nil {
		return err
	}
	pace, err := time.ParseDuration(os.Getenv(paceVariable))
	if err != nil {
		return err
	}
	for range traces {
		ctx, agent := tracer.Start(ctx, "invoke_agent planner", trace.WithAttributes(attribute.String("gen_ai.operation.name", "invoke_agent")))
		for _, tokens := range []int{100, 200} {
			_, call := tracer.Start(ctx, "chat", trace.WithAttributes(
				attribute.String("gen_ai.operation.name", "chat"), attribute.Int("gen_ai.usage.input_tokens", tokens)))
			call.End()
		}
		agent.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", tokensPerTrace))
		agent.End()
		time.Sleep(pace)
	}
	return tp.Shutdown(ctx)
}

// startService starts a process that makes traces and ends when all of them are taken.
func startService(t *testing.T, collector string, traces int, pace time.Duration) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), collectorVariable+"="+collector, tracesVariable+"="+strconv.Itoa(traces), paceVariable+"="+pace.String())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
