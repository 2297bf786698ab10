// Package transport takes encoded SGP spans to the server.
//
// The way of a batch, file by file:
//
//	batch.go       items laid end to end in one buffer, and the body of a request around a range of them
//	isolate.go     sends a batch in order; halves a request that is rejected whole until the culprit stands alone
//	sizelimit.go   what the server's 413 taught about the size of a request
//	retry.go       repeats a request that failed for now, with backoff and Retry-After, within the context
//	retryafter.go  reads Retry-After
//	client.go      one request and the http.Client under it
//	redirect.go    which redirects are followed
//	key.go         the API key: where it comes from, when it is asked for again, how it is kept out of errors
//	response.go    what an answer means; the server's reason; draining the echo
//	repeated.go    keeps out of that reason what it repeats of the request
//	errors.go      the errors, and their names as error.type
//
// It knows nothing of spans: an item is bytes.
package transport
