package sgpexporter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// From the Python agent's span queue: the same variables, read by
// ProcessorOptionsFromEnv and New. Here they are Python's defaults, written out.
func Example_fromPython() {
	for name, value := range map[string]string{
		"SGP_API_KEY":                     "key",
		"AGENTEX_SPAN_QUEUE_BATCH_SIZE":   "200",
		"AGENTEX_SPAN_QUEUE_LINGER_MS":    "250",
		"AGENTEX_SPAN_QUEUE_MAX_SIZE":     "0", // unbounded there
		"AGENTEX_SPAN_QUEUE_CONCURRENCY":  "3",
		"AGENTEX_SPAN_QUEUE_MAX_RETRIES":  "1",
		"AGENTEX_TRACING_SKIP_SPAN_START": "1",
	} {
		os.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	exp, err := sgpexporter.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	proc := asyncprocessor.New(exp, sgpexporter.ProcessorOptionsFromEnv()...)
	defer proc.Shutdown(context.Background())

	var queue struct {
		MaxExportBatchSize, MaxQueueSize, Concurrency int
		BatchTimeout                                  time.Duration
		StartPolicy                                   string
	}
	text, err := json.Marshal(proc.MarshalLog())
	if err == nil {
		err = json.Unmarshal(text, &queue)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", queue)
	// Output:
	// {MaxExportBatchSize:200 MaxQueueSize:65536 Concurrency:3 BatchTimeout:250ms StartPolicy:StartNever}
}
