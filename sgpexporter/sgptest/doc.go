// Package sgptest has an SGP-compatible server, for tests and for running
// without an account, in the manner of net/http/httptest:
//
//	ctx := context.Background()
//	server := sgptest.NewServer()
//	defer server.Close()
//
//	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
//	if err != nil {
//		log.Fatal(err)
//	}
//	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
//	defer tp.Shutdown(context.Background())
//
//	_, span := tp.Tracer("test").Start(ctx, "ask")
//	span.End()
//
//	if err := tp.ForceFlush(ctx); err != nil { // instead of sleeping
//		log.Fatal(err)
//	}
//	for _, stored := range server.Spans() {
//		fmt.Println(stored.Name, stored.Status, stored.Completed())
//	}
//	fmt.Println(server.Check())
//
// Any client that is pointed at Server.URL will do in the exporter's place. What it
// did is in [Server.Spans], [Server.Requests] and [Server.Violations]; whether it did
// anything wrong, in [Server.Check].
//
// The server enforces the contract of the SGP span API (PUT /v5/spans/batch of
// the public SGP SDK reference) and is stricter than a deployment has to be, so
// that what it accepts is accepted elsewhere. It shares no code with the
// exporter: it is the judge of it.
//
// # Answers
//
// A request is stored whole or not at all. Success is 200 and
// {"items": [stored spans]}; any other answer has the body of a [Rejection],
// which names the item and the field. In the order in which it is checked:
//
//	404  another path than /v5/spans/batch and /v5/spans/search
//	405  another method than PUT, or POST for a search
//	401  x-api-key missing
//	403  x-api-key not the one of WithAPIKey, x-selected-account-id not the one of WithAccountID
//	415  Content-Type not application/json, Content-Encoding not gzip, identity or absent
//	413  body larger than WithMaxBodyBytes
//	400  body not JSON, or not gzip where it should be
//	422  body without the array "items", more than 1,000 items
//	400  in trace_id, id, parent_id, group_id: NUL, invalid UTF-8 or half a surrogate pair
//	     (in any other field it becomes U+FFFD), or more than 256 bytes in 256 characters or fewer
//	422  a required field missing (trace_id, name, start_timestamp), a value of the wrong kind,
//	     null, an empty id or one of more than 256 characters (also parent_id, group_id), a timestamp
//	     that is not RFC 3339, an end before the start, an unknown type or status, obs_trace_id
//	     not 32 or obs_span_id not 16 lowercase hexadecimal digits, obs_span_id without
//	     obs_trace_id, an unknown field, a field given twice
//	422  another start_timestamp than the span has in an earlier write
//	409  a cycle of parents in the request, a parent that belongs to another trace
//
// [WithLenient] says what of it a tolerant deployment accepts.
//
// # What is stored
//
// A write is an upsert by (trace_id, id): a completed span wins over one in
// progress, otherwise the later write wins; of ids repeated in a request the
// last counts. [WithOlderStore] has the other store's rules. A span without an
// id is given one. [WithCredentialRedaction] has SGP's redaction.
//
// # Reading
//
// [Server.BilledUsage] is what the backend would bill for a trace. POST /v5/spans/search
// answers as SGP's search does, with {"items": [stored spans]}, by the filters trace_ids,
// span_ids, parent_ids, parents_only, names, types, statuses, group_id and extra_metadata
// in the JSON body, and limit (100, at most 1,000), starting_after, from_ts, to_ts, sort_by
// (start_timestamp, duration_ms, input_tokens, output_tokens) and sort_order (asc) in the
// query. Any other filter is refused with 422, as are more than 10,000 ids. A search is
// not among the [Server.Requests], and faults do not touch it.
//
// # Order
//
// Every item that takes effect is a [Write] with a number, also if it changes
// nothing. [Server.CheckOrder] tells whether each START came before its END and
// each parent before its children.
//
// # Faults
//
// [Server.Inject] takes a script of faults, one a request: latency, statuses
// with headers, connection resets, truncated answers, hangs, and requests that
// take effect after their client has given up. [Server.SetFault] chooses a fault
// by request, and [RefuseItems] and [RefuseNamed] by what is in it.
// [Server.SilenceConnections] is a fault of the network.
package sgptest
