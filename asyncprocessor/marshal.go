package asyncprocessor

import "fmt"

// MarshalLog returns the processor's configuration, for OpenTelemetry's own log
// (see otel.SetLogger).
func (p *Processor) MarshalLog() any {
	var exporter Exporter
	if p.dispatcher != nil {
		exporter = p.dispatcher.exporter
	}
	return struct {
		Type                string
		Exporter            string
		MaxQueueSize        int
		MaxQueueBytes       int64
		MaxExportBatchSize  int
		MaxExportBatchBytes int64
		BatchTimeout        string
		ExportTimeout       string
		ShutdownTimeout     string
		Concurrency         int
		Blocking            bool
		StartPolicy         string
		MaxTrackedSpans     int
		UpdateInterval      string
		UpdateBudget        int64
		UnfinishedSpans     bool
		LeakAge             string
		SpanFilters         int
	}{
		Type:                componentType,
		Exporter:            fmt.Sprintf("%T", exporter),
		MaxQueueSize:        p.cfg.maxQueueSize,
		MaxQueueBytes:       p.cfg.maxQueueBytes,
		MaxExportBatchSize:  p.cfg.maxBatchSize,
		MaxExportBatchBytes: p.cfg.maxBatchBytes,
		BatchTimeout:        p.cfg.batchTimeout.String(),
		ExportTimeout:       p.cfg.exportTimeout.String(),
		ShutdownTimeout:     p.cfg.shutdownTimeout.String(),
		Concurrency:         p.cfg.concurrency,
		Blocking:            p.cfg.blocking,
		StartPolicy:         p.cfg.startPolicy.String(),
		MaxTrackedSpans:     p.cfg.maxTracked,
		UpdateInterval:      p.cfg.updateInterval.String(),
		UpdateBudget:        p.cfg.updateBudget,
		UnfinishedSpans:     p.cfg.unfinished,
		LeakAge:             p.cfg.leakAge.String(),
		SpanFilters:         len(p.cfg.filters),
	}
}
