// Package transport takes encoded SGP spans to the server.
//
// The way of a batch, file by file:
//
//	item.go        what names an item, and an item without its parent or its payload
//	batch.go       items laid end to end in one buffer
//	send.go        sends a batch in as many requests as it takes, and keeps account of its items
//	isolate.go     finds what is at fault in a request that is refused
//	alter.go       items without what may be refused
//	aside.go       altered items, apart from the others
//	alone.go       items that fail alone, at the end of the process
//	culprits.go    what a refusal says of the items at fault
//	spanset.go     spans that are remembered: refused parents, what failed alone
//	sizelimit.go   what a 413, or a request that took too long, taught about the size of requests
//	retry.go       repeats a request that failed for now, within the context
//	refusal.go     a key that is refused: another one, one report, and how long to wait
//	retryafter.go  reads Retry-After
//	health.go      what requests say about SGP for each other: silence, and the first success
//	closing.go     the end of the process
//	failures.go    why requests fail at present, for who cancels them
//	client.go      one request and the http.Client under it
//	connections.go our own connections, and new ones for those that have gone silent
//	body.go        the body of a request
//	redirect.go    which redirects are followed
//	key.go         the API key: where it comes from, when it is asked for again, how it is kept out of errors
//	response.go    what an answer means; the server's reason; draining the echo
//	repeated.go    keeps out of that reason what it repeats of the request
//	errors.go      the errors, and their names as error.type
//
// It knows nothing of OpenTelemetry: an item is bytes with names.
package transport
