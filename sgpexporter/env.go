package sgpexporter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// environment looks a variable up. As in OpenTelemetry's specification, one that
// is empty counts as unset.
type environment func(name string) string

func osEnvironment() environment { return os.Getenv }

func (env environment) get(name string) string { return strings.TrimSpace(env(name)) }

// number reads a whole number of at least lowest. A value that is none is
// reported, and ok is false as if it were unset.
func (env environment) number(name string, lowest int) (value int, ok bool) {
	text := env.get(name)
	if text == "" {
		return 0, false
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < lowest || value > 1<<31-1 {
		otel.Handle(fmt.Errorf("%w: %s=%q: must be a whole number from %d; using the default",
			ErrInvalidEnvironment, name, shorten(text, 40), lowest))
		return 0, false
	}
	return value, true
}

// ProcessorOptionsFromEnv returns the options of the processor that the
// variables of the Python agent's span queue stand for, so that a team that runs
// both configures both alike. Options that follow it go before it:
//
//	opts := append(sgpexporter.ProcessorOptionsFromEnv(), asyncprocessor.WithBlocking())
//	proc := asyncprocessor.New(exp, opts...)
//
// A variable that is unset or empty gives no option; the processor's default
// holds, not Python's. A value that cannot be used is reported to the global
// OpenTelemetry error handler, matching [ErrInvalidEnvironment], and gives none
// either.
//
//	variable                          option                   differs from Python
//	AGENTEX_SPAN_QUEUE_BATCH_SIZE     WithMaxExportBatchSize   default 512
//	AGENTEX_SPAN_QUEUE_LINGER_MS      WithBatchTimeout         default 500 ms; 0, "do not linger", is 1 ms
//	AGENTEX_SPAN_QUEUE_MAX_SIZE       WithMaxQueueSize         0, unbounded there, is the default bound here:
//	                                                           65,536 snapshots and 64 MiB
//	AGENTEX_SPAN_QUEUE_CONCURRENCY    WithConcurrency          default 8; 0 is 1, as there
//	AGENTEX_TRACING_SKIP_SPAN_START   WithStartPolicy          "0", "false", "no" and "off" ask for STARTs, all else
//	                                                           for none (StartNever); unset, STARTs are
//	                                                           coalesced here and skipped there
//
// AGENTEX_SPAN_QUEUE_MAX_RETRIES is read by [New]: see [RetryConfig].
func ProcessorOptionsFromEnv() []asyncprocessor.Option {
	return processorOptions(osEnvironment())
}

func processorOptions(env environment) []asyncprocessor.Option {
	var opts []asyncprocessor.Option
	if n, ok := env.number("AGENTEX_SPAN_QUEUE_BATCH_SIZE", 1); ok {
		opts = append(opts, asyncprocessor.WithMaxExportBatchSize(n))
	}
	if ms, ok := env.number("AGENTEX_SPAN_QUEUE_LINGER_MS", 0); ok {
		opts = append(opts, asyncprocessor.WithBatchTimeout(time.Duration(max(ms, 1))*time.Millisecond))
	}
	if n, ok := env.number("AGENTEX_SPAN_QUEUE_MAX_SIZE", 0); ok && n > 0 {
		opts = append(opts, asyncprocessor.WithMaxQueueSize(n))
	}
	if n, ok := env.number("AGENTEX_SPAN_QUEUE_CONCURRENCY", 0); ok {
		opts = append(opts, asyncprocessor.WithConcurrency(max(n, 1)))
	}
	if skip := env.get("AGENTEX_TRACING_SKIP_SPAN_START"); skip != "" && !saysNo(skip) {
		opts = append(opts, asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
	}
	return opts
}

// saysNo says whether a value reads like false.
func saysNo(value string) bool {
	switch strings.ToLower(value) {
	case "0", "false", "no", "off":
		return true
	}
	return false
}
