// Package collector is an OpenTelemetry Collector exporter of type sgp: it writes spans
// to SGP as package sgpexporter does, with the same mapping and the same transport, for
// services that speak OTLP. README.md describes its configuration.
//
// [NewFactory] is what the Collector builder needs:
//
//	exporters:
//	  - gomod: github.com/otelsgp/otelsgp/sgpexporter/collector VERSION
//
// A span takes this way:
//
//	arrival.go    what spans say of others is noted in the order of their arrival
//	memory.go     and kept on disk where the queue is
//	(exporterhelper: its queue, in memory or on disk, batches, retries)
//	traces.go     a batch becomes items, and requests
//	span.go       pdata to the input of the mapping
//	value.go      values of attributes
//
// logs.go keeps the log records that belong to spans, shared.go is what the two pipelines
// of one exporter have in common.
package collector
