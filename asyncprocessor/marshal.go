package asyncprocessor

import "fmt"

// MarshalLog returns the processor's configuration, for OpenTelemetry's own log
// (see otel.SetLogger).
func (p *Processor) MarshalLog() any {
	var exporter Exporter
	if p.dispatcher != nil {
		exporter = p.dispatcher.exporter
	}
	type Options = config // logr's formatters show what has an exported name
	return struct {
		Type     string
		Exporter string
		Options
		SpanFilters int
	}{componentType, fmt.Sprintf("%T", exporter), p.cfg, len(p.cfg.filters)}
}
