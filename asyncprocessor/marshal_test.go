package asyncprocessor_test

import (
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// OpenTelemetry's own log shows what is configured, durations and policies in words.
func TestOpenTelemetrysLogShowsTheConfiguration(t *testing.T) {
	p := newProcessor(t, new(recorder), asyncprocessor.WithMaxQueueSize(7), asyncprocessor.WithBatchTimeout(time.Second))
	var line string
	funcr.New(func(_, args string) { line = args }, funcr.Options{}).Info("made", "processor", p)
	require.Equal(t, `"level"=0 "msg"="made" "processor"={"Type"="github.com/otelsgp/otelsgp/asyncprocessor.Processor" `+
		`"Exporter"="*asyncprocessor_test.recorder" "MaxQueueSize"=7 "MaxQueueBytes"=67108864 "MaxExportBatchSize"=7 `+
		`"MaxExportBatchBytes"=1048576 "BatchTimeout"="1s" "ExportTimeout"="5m0s" "ShutdownTimeout"="30s" "Concurrency"=8 `+
		`"Blocking"=false "StartPolicy"="StartCoalesced" "MaxTrackedSpans"=10000 "UpdateInterval"="0s" "UpdateBudget"=1048576 `+
		`"UnfinishedSpans"=false "LeakAge"="1h0m0s" "SpanFilters"=0}`, line)
}
