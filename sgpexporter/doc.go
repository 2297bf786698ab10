// Package sgpexporter delivers OpenTelemetry spans to SGP, Scale's Generative AI
// Platform: while they run, and complete when they end.
//
//	exp, err := sgpexporter.New() // SGP_API_KEY, SGP_ACCOUNT_ID, SGP_CLIENT_BASE_URL
//	if err != nil {
//		log.Fatal(err)
//	}
//	proc := asyncprocessor.New(exp, sgpexporter.ProcessorOptionsFromEnv()...)
//	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
//	defer tp.Shutdown(ctx) // drains the queue
//
// To try it without an account, and to test with it, use package sgptest.
//
// # The way of a span
//
//	OpenTelemetry SDK ─ OnStart, OnEnd
//	   │
//	asyncprocessor      ordered, bounded queue; batches; one call at a time for a trace
//	   │ ExportSnapshots([START, END, …])
//	map and encode      what a span is in SGP: the table below
//	   │                hooks (WithSpanHook) change or drop it
//	   │                what cannot be sent as it is, is repaired and noted
//	   │
//	cut into requests   WithMaxRequestItems, WithMaxRequestBytes; one after another
//	   │
//	PUT /v5/spans/batch
//	   ├─ 200 with JSON             stored
//	   ├─ 400, 409, 413, 422        about the spans: what is at fault is found, and sent without
//	   │                            its parent (409) or payload (413, 422); all others are
//	   │                            stored, in their order
//	   └─ all else, or no answer    "not now": the same bytes again, with backoff and
//	                                Retry-After; a key that is refused is told at once
//
// # Configuration
//
// An option goes before the environment, and the environment before the default.
// A variable that is empty counts as unset. [New] and [ProcessorOptionsFromEnv]
// are the only readers; OTEL_BSP_* is read by neither, since it configures the
// stock BatchSpanProcessor.
//
//	variable                          option                          default
//	SGP_API_KEY                       WithAPIKey, WithAPIKeySource    none: New fails
//	SGP_ACCOUNT_ID                    WithAccountID                   none is sent
//	SGP_CLIENT_BASE_URL               WithBaseURL                     https://api.egp.scale.com
//	DISABLE_SCALE_TRACING             -                               unset; set, "false" and "0"
//	                                                                  too: nothing is exported
//	AGENT_NAME, AGENT_ID, ACP_TYPE,   -                               absent from metadata
//	AGENT_VERSION, AGENT_COMMIT_SHA
//	AGENTEX_SPAN_QUEUE_MAX_RETRIES    WithRetry                       attempts have no bound: see Time;
//	                                                                  n: 4·n attempts, 4 if n is 0
//	AGENTEX_SPAN_QUEUE_BATCH_SIZE     see ProcessorOptionsFromEnv, for these and
//	                 …_LINGER_MS      how they differ from the Python agent's
//	                 …_MAX_SIZE
//	                 …_CONCURRENCY
//	AGENTEX_TRACING_SKIP_SPAN_START
//	HTTPS_PROXY, HTTP_PROXY, NO_PROXY WithHTTPClient                  as net/http has it
//
// # Time
//
// Three bounds hold, one within the other: [WithTimeout] (10 s) for one request;
// asyncprocessor.WithExportTimeout (5 minutes) for one call with all its retries; and
// Shutdown's context for what is left when the process ends. A call that fails for now
// ends after some 5 s, its spans go back to the queue, and are tried again for as long as
// the process lives, unless [WithRetry] bounds the attempts.
//
// # Failure
//
// [New] returns what is wrong with the configuration, all of it at once.
// [Exporter.ExportSnapshots] says which snapshots were not delivered, and why; a
// Processor counts them under these reasons in Stats:
//
//	rejected             SGP refused the span alone, for good. Each is named once
//	export_failed        WithRetry allows no more attempts; alone it failed for too long, or
//	                     at Shutdown, while others were stored; at Shutdown, the base URL
//	                     never was SGP's: what answers there is not SGP, or the
//	                     host name does not exist
//	unauthorized         SGP refuses the key, at Shutdown
//	filtered, hook_panic a hook's doing
//	unencodable          reading the span panicked: it is not the SDK's own
//	unknown_phase        a newer processor's
//
// A disabled Exporter (DISABLE_SCALE_TRACING, or nil) makes a Processor that counts
// nothing; whoever calls ExportSnapshots itself is told the reason disabled.
//
// A Processor reports to the global OpenTelemetry error handler (otel.SetErrorHandler)
// what a call returns, and what it is warned of on the way: a key that is refused, at
// once, and requests that keep failing, within seconds, each once a minute, with the URL,
// what was answered, and what to check. The Exporter itself reports there what it makes
// of the configuration alone: plain http to another machine, say.
// Payloads and the key show in none of it. When the time is over, in a processor's
// Shutdown too, the error has the last failure: "connection refused", say.
//
// # Metrics
//
// From the MeterProvider of [WithMeterProvider], or the global one, under the scope
// "github.com/otelsgp/otelsgp/sgpexporter". The first three are OpenTelemetry's
// semantic conventions for SDKs
// (https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/): they speak of
// spans, so ENDs alone count.
//
//	otel.sdk.exporter.span.inflight       ENDs in calls under way
//	otel.sdk.exporter.span.exported       ENDs delivered, or not: error.type is the status
//	                                      code, "timeout", "connection_error", "rejected", …;
//	                                      one to be tried again counts when it is
//	otel.sdk.exporter.operation.duration  seconds of a call, retries included, with
//	                                      http.response.status_code and error.type
//	sgpexporter.request.splits            requests refused whole, whose items are sent again in
//	                                      parts
//	sgpexporter.request.retries           requests sent again after a failure for now
//	sgpexporter.item.refused              STARTs and ENDs refused alone, by
//	                                      http.response.status_code
//	sgpexporter.span.cut                  spans whose attributes a limit of the SDK has cut
//
// With [WithSpool] also those of the spool, which count writes of spans ([SpoolStats] has more):
//
//	sgpexporter.spool.items               writes on disk that are to be delivered
//	sgpexporter.spool.size                bytes of its files
//	sgpexporter.spool.age                 seconds since the oldest of these writes was stored
//	sgpexporter.spool.delivered           writes that were delivered from it
//	sgpexporter.spool.dropped             writes that were lost in it, by error.type: see
//	                                      SpoolStats.Dropped
//	sgpexporter.spool.failures            how often its disk failed
//
// All carry otel.component.name, otel.component.type, server.address and
// server.port. The series of a counter, one for each error.type or status code, appears
// with its first event, as with other OpenTelemetry components: Prometheus's rate() and
// increase() miss that first increment.
//
// # Mapping
//
// Instrumentations say the same in different keys. The Exporter knows those of
// OpenTelemetry's GenAI semantic conventions, old and new, of OpenInference, OpenLLMetry,
// LangSmith, Braintrust, Genkit, ADK, Eino, tRPC-Agent-Go, Agent Framework, MCP and
// Temporal: docs/dialects.md lists every key, and docs/frameworks.md what SGP gets of
// each framework. A key counts wherever it is found. Where a row names several sources,
// the first that a span has counts. Attributes are the span's own, and those of its events
// and log records (see [Exporter.LogProcessor]) whose name begins with "gen_ai." where the
// span itself does not have them.
//
//	SGP                       from OpenTelemetry
//	------------------------  --------------------------------------------------
//	trace_id                  trace id: 32 hexadecimal digits. As a UUID: its 16 bytes
//	id                        span id: 16 hexadecimal digits. As a UUID: version 8, the
//	                          first 16 bytes of SHA-256(trace id, span id)
//	parent_id                 parent's span id, made like id, also of a remote parent;
//	                          none when that is the span itself or in another trace
//	obs_trace_id, obs_span_id trace id and span id in hexadecimal, always
//	name                      name
//	start_timestamp           start time, in UTC, to the nanosecond, in every write
//	end_timestamp             end time, of an END; of a span that is written as unfinished
//	                          and has none, the time of the write
//	group_id                  the conversation or session: gen_ai.conversation.id,
//	                          session.id and the like (BaggageConversation takes them
//	                          from baggage); else that of another span of the trace, of
//	                          several the nearest above; else temporalWorkflowID
//	application_variant_id    sgp.application_variant_id
//	application_interaction_id sgp.application_interaction_id
//	expected                  sgp.expected, like sgp.input
//
//	type                      sgp.span.type; __span_type__; what was done, by the operation,
//	                          else by the kind, that a dialect gives; what its keys tell;
//	                          of a START without attributes, the operation that its name
//	                          begins with; else STANDALONE
//	  COMPLETION              a call of a model: chat, text_completion, LLM, …
//	  AGENT_WORKFLOW          a turn or a flow: invoke_agent, workflow, agent, …
//	  KB_RETRIEVAL            retrieval, retriever
//	  RERANKING, GUARDRAIL, EVALUATION, PROMPT_ENGINEERING, KB_ADD_CHUNK
//	                          by their names
//	  CUSTOM                  tools, embeddings, memory and every other step
//
//	status                    none of a START or an update
//	  SUCCESS                 status Ok; status Unset and no sign of an error
//	  ERROR                   status Error. Status Unset with error.type; with
//	                          http.response.status_code from 500 on a server, from 400 on a
//	                          client; with rpc.grpc.status_code, on a client other than 0,
//	                          on a server 2, 4, 12, 13, 14 or 15. A panic that the SDK has
//	                          recorded
//	  CANCELED                such an error whose status description ends with "context
//	                          canceled" or has "code = Canceled"; without a description,
//	                          one whose exception.message does or whose gRPC status is 1.
//	                          A span that is written as unfinished, without a status or
//	                          an end of its own
//	metadata.error            true when status is ERROR
//	metadata.error_type       of an error: error.type; exception.type of the last exception;
//	                          the status code
//	metadata.error_message    of an error: the status description; exception.message of the
//	                          last exception; error.message
//
//	input                     sgp.input, when that is a JSON object or a map, and nothing
//	                          else; under "value", when it is anything else
//	input, else               all of: .messages, .system_instructions, .tool_definitions,
//	                          .arguments (of a tool), .query, .documents, .prompt, …;
//	                          an object without a field of its own is spread, anything
//	                          else stands under "value"
//	output                    likewise: sgp.output; else .messages, .completion, .result (of a
//	                          tool), .documents, …
//
//	output.usage              what an END used, if more than 0, unless a span below it is
//	                          billed: see Billing
//	metadata.reported_usage   what it used else
//	metadata.usage, .cost_usd what it used, with sgp.usage = turn
//	  input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, total_tokens,
//	  cost_usd                counts in attributes, and in JSON that a dialect has for them;
//	                          each that is missing, or zero, from an object "usage" with
//	                          counts of tokens in the output, or in a payload that was left
//	                          out beside it. Text in an attribute that spells a number
//	                          counts, and is noted
//	output.reported_usage     what such an object says beside the counts
//
//	metadata.__source__       "otel-go", or as configured
//	metadata.__agent_name__   AGENT_NAME; likewise __agent_id__, __acp_type__,
//	                          __agent_version__ (AGENT_VERSION), __commit_sha__
//	                          (AGENT_COMMIT_SHA)
//	metadata.heartbeat        of an update: the time of the write
//	metadata.evaluations      gen_ai.evaluation.result: [{name, score, label, explanation,
//	                          response_id, error_type}], those that are known
//	metadata.KEY              sgp.metadata.KEY; what WithMetadataAttributes names
//	metadata.service_name     service.name of the resource; likewise service_version,
//	                          deployment_environment, and k8s_pod_name, else host_name
//	metadata.attributes       the attributes that are not, whole, in a row above as type,
//	                          group, input, output or usage
//	metadata.events           [{name, time, attributes, dropped_attributes}], the
//	                          attributes likewise; log records of the span too
//	metadata.links            [{trace_id, span_id, trace_state, attributes,
//	                          dropped_attributes}]
//	metadata.kind             internal, server, client, producer or consumer
//	metadata.scope            {name, version, schema_url, attributes}
//	metadata.resource         {attributes, schema_url}
//	metadata.trace_state      trace state, as in its header
//	metadata.parent_is_remote true when it is
//	metadata.child_span_count when there are children
//	metadata.dropped          {attributes, events, links}: what the SDK's limits have cost
//	metadata.otel_sgp_notes   [what was repaired or left out, in words]
//
// A string that holds a JSON object or array becomes that where the table says
// input or output; anywhere else it stays a string. A payload that says the same as
// another, as a request inside an output or input.value beside messages, is left out and
// noted. Maps, slices and bytes become objects, arrays and base64; an empty value becomes
// null. Of a key that is set twice the last counts. Input and output are absent when
// nothing is known of them.
//
// What cannot be sent as it is, is repaired and noted: see [sgpspan.Encoder].
//
// # Billing
//
// SGP adds up output.usage over a trace, unless a span of it has metadata.usage, which
// stands for a whole turn and erases the rest. So a span's usage goes to output.usage,
// unless a span below it has usage there already: calls count once, wrappers and roll-ups
// around them do not, and a roll-up whose calls made no spans does. What is below is
// known by the parents that this process has seen, of the last 32,768 spans at least from
// the first usage on. A roll-up that ends after its calls are forgotten, whose calls ran in
// another process, or that ended before they did, is billed as well as they are. What a
// hook drops, or SGP refuses, counts as billed here all the same. Two instrumentations of
// one call whose spans stand beside each other are both billed: turn one off. The
// attribute sgp.usage of a span decides instead: "call" bills it in any case, "none" never,
// and "turn" makes it the aggregate of its trace.
//
// Usage is the END's alone. A sampler that keeps one trace in ten makes SGP bill one in
// ten: bill by a ratio sampler only if somebody multiplies.
package sgpexporter
