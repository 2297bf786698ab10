// Package bounds holds what the processor and the exporter promise in numbers: of memory, of
// outages, of one trace among many. Everything has its defaults. The tests run on synthetic
// time, and say what they have measured:
//
//	cd integration && go test -v ./bounds
package bounds
