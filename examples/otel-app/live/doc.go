// Package live shows traces in a browser while they run.
//
// A [Page] keeps the SGP spans that it is given in memory, within bounds, and
// serves one page that lists the traces and draws each as a waterfall. The
// browser is told of changes by server-sent events, so nothing is reloaded.
//
//	page := live.New(processor, live.WithAsk("/ask"))
//	defer page.Close()
//	mux.Handle("POST /ask", ask)
//	mux.Handle("/", page.Handler())
//	...
//	page.Ingest(items...) // SGP span items as they are on the wire
//
// The way of one span through the package:
//
//	Ingest → item (decode) → span (what the page needs at once) → store (upsert, bounds)
//	       → stream (what changed since this browser's cursor) → browser
//
// A browser is sent names, times and token counts. Inputs, outputs and metadata
// stay on the server until someone opens the span.
//
// # Routes
//
//	GET /                              the page
//	GET /assets/...                    its scripts, styles and fonts
//	GET /events?trace=ID               server-sent events: all traces, the spans of one, the queue
//	GET /api/traces                    the summaries of all traces, newest first
//	GET /api/trace?id=ID               one trace: its summary and its spans without payloads
//	GET /api/span?trace=ID&id=ID       one span as an SGP item, with payloads
//	GET /api/export?id=ID              one trace with its payloads, as PUT /v5/spans/batch takes it
//	GET /api/search?q=QUERY&trace=ID   which traces match, and which spans of one
//	GET /api/stats                     the processor's counts
//
// # Security
//
// The page has no login. It is meant for loopback: over a loopback connection
// it answers only requests whose Host is a loopback name or address (or one of
// [WithAllowedHosts]), so that a website cannot read it by DNS rebinding. The
// Content-Security-Policy allows no inline script, no inline style and no
// other host, and what a span holds is only ever shown as text.
package live
