// Command faults tries what networks and servers do to a service, measures what it costs
// this project's exporter, and BatchSpanProcessor with otlptracehttp under the same, and
// prints RELIABILITY.md. "make faults" runs it, "make soak" the soak; the tests run both
// in a short form.
//
//	scenarios.go   the faults, one after another
//	service.go     the service under test, a process of its own: load, pipeline, counts
//	bed.go         what is around it: a proxy, a server with faults, and the backends behind
//	collector.go   the backend of the peer
//	run.go         one scenario with one service, and its outcome
//	table.go       RELIABILITY.md
//	soak.go        random faults for minutes
package main
