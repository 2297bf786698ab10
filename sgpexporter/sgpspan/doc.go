// Package sgpspan is the span as the SGP span API has it: what the exporter's
// mapping makes of an OpenTelemetry span, what a hook sees and may change, and
// how it is encoded.
//
// A [Span] holds its input, output and metadata as [Object] values: ordered
// fields over OpenTelemetry attribute values and JSON text, neither converted
// before it is looked at. [Span.AppendJSON] encodes it in one pass, and repairs
// what the API would refuse.
//
// The functions that begin with Redact return hooks that take secrets and
// personal data out of a span before it is encoded.
package sgpspan
