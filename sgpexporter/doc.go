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
//	DISABLE_SCALE_TRACING             -                               unset; set, to whatever:
//	                                                                  nothing is exported
//	AGENT_NAME, AGENT_ID, ACP_TYPE    -                               absent from metadata
//	AGENTEX_SPAN_QUEUE_MAX_RETRIES    WithRetry                       no bound but the context's;
//	                                                                  n: 4·n attempts
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
//	export_failed        WithRetry allows no more attempts; at Shutdown, the base URL never
//	                     was SGP's; alone it failed for too long while others were stored
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
//
// All carry otel.component.name, otel.component.type, server.address and
// server.port. The series of a counter, one for each error.type or status code, appears
// with its first event, as with other OpenTelemetry components: Prometheus's rate() and
// increase() miss that first increment.
//
// # Mapping
//
// Where a row names several sources, the first that a span has counts. Attributes
// are the span's own, and those of its events whose name begins with "gen_ai."
// (gen_ai.client.inference.operation.details, gen_ai.content.prompt,
// gen_ai.content.completion) where the span itself does not have them.
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
//	end_timestamp             end time, of an END
//	group_id                  gen_ai.conversation.id; session.id
//
//	type                      sgp.span.type; __span_type__; gen_ai.operation.name;
//	                          openinference.span.kind; else STANDALONE. A value that is
//	                          not in this table is passed over.
//	  COMPLETION              chat, text_completion, generate_content; LLM
//	  AGENT_WORKFLOW          invoke_agent, invoke_workflow; AGENT
//	  KB_RETRIEVAL            retrieval; RETRIEVER
//	  RERANKING               RERANKER
//	  GUARDRAIL               GUARDRAIL
//	  EVALUATION              EVALUATOR
//	  PROMPT_ENGINEERING      PROMPT
//	  CUSTOM                  execute_tool, embeddings, create_agent, plan,
//	                          fetch_response, search_memory, create_memory,
//	                          update_memory, upsert_memory, delete_memory,
//	                          create_memory_store, delete_memory_store; CHAIN, TOOL,
//	                          EMBEDDING and every other kind
//
//	status                    none of a START
//	  SUCCESS                 status Ok; status Unset without error.type
//	  CANCELED                an error whose description or exception.message is or ends
//	                          with "context canceled", or whose rpc.grpc.status_code or
//	                          rpc.response.status_code is 1 or CANCELLED
//	  ERROR                   status Error; status Unset with error.type
//	metadata.error            true when status is ERROR
//	metadata.error_type       of an error: error.type; exception.type of the last exception
//	metadata.error_message    of an error: the status description; exception.message of the
//	                          last exception; error.message
//
//	input                     sgp.input, when that is a JSON object or a map
//	  .value                  sgp.input, when it is anything else
//	input, else               the GenAI conventions:
//	  .system_instructions    gen_ai.system_instructions
//	  .messages               gen_ai.input.messages; gen_ai.prompt, when it is a JSON array;
//	                          gen_ai.prompt.N.*; events gen_ai.ROLE.message
//	  .prompt                 gen_ai.prompt, when it is anything else
//	  .tool_definitions       gen_ai.tool.definitions
//	  .arguments              gen_ai.tool.call.arguments
//	  .query                  gen_ai.retrieval.query.text; gen_ai.memory.query.text
//	  .records                gen_ai.memory.records, unless search_memory
//	input, else               input.value, when that is a JSON object and the only one of:
//	  .messages               llm.input_messages.N.message.*
//	  .prompts, .tools        llm.prompts.N.prompt.*; llm.tools.N.tool.*
//	  .documents              reranker.input_documents.N.document.*; input.documents.N.*
//	  .embeddings             embedding.embeddings.N.embedding.*, vectors apart
//	  .images                 input.images.N.*
//	  .query                  reranker.query
//	  .value                  input.value: JSON or text by input.mime_type, without it JSON
//	                          if it is a JSON object or array
//	  .mime_type              input.mime_type, when it is neither JSON nor plain text
//
//	output                    sgp.output, like sgp.input
//	output, else              the GenAI conventions:
//	  .messages               gen_ai.output.messages; gen_ai.completion, when it is a JSON
//	                          array; gen_ai.completion.N.*; events gen_ai.choice
//	  .completion             gen_ai.completion, when it is anything else
//	  .result                 gen_ai.tool.call.result
//	  .documents              gen_ai.retrieval.documents
//	  .records                gen_ai.memory.records of search_memory
//	output, else              output.value, like input.value, with:
//	  .messages, .choices     llm.output_messages.N.message.*; llm.choices.N.completion.*
//	  .documents              retrieval.documents.N.document.*;
//	                          reranker.output_documents.N.document.*; output.documents.N.*
//	  .embeddings             embedding.embeddings.N.embedding.vector
//	  .images                 output.images.N.*
//	  .function_call          llm.function_call
//
//	output.usage              of a single model call: by the operation (chat,
//	                          text_completion, generate_content, embeddings), else by
//	                          the kind (LLM, EMBEDDING), else by the type COMPLETION
//	metadata.usage            of all else: an agent's roll-up, or a span that gives
//	                          neither operation nor kind nor that type
//	  .input_tokens           gen_ai.usage.input_tokens; gen_ai.usage.prompt_tokens;
//	                          llm.token_count.prompt
//	  .output_tokens          gen_ai.usage.output_tokens; gen_ai.usage.completion_tokens;
//	                          llm.token_count.completion
//	  .cached_input_tokens    gen_ai.usage.cache_read.input_tokens;
//	                          gen_ai.usage.cache_read_input_tokens;
//	                          llm.token_count.prompt_details.cache_read
//	  .reasoning_tokens       gen_ai.usage.reasoning.output_tokens;
//	                          llm.token_count.completion_details.reasoning
//	  .total_tokens           gen_ai.usage.total_tokens; llm.token_count.total
//	  .cost_usd               gen_ai.usage.cost; llm.cost.total
//	  all of it, else         an object "usage" in sgp.output or output.value
//	output.reported_usage     that object, where an attribute gives usage
//
//	metadata.__source__       "otel-go", or as configured
//	metadata.__agent_name__   AGENT_NAME; likewise __agent_id__ and __acp_type__
//	metadata.attributes       the attributes that are not, whole, in a row above as type,
//	                          group, input, output or usage
//	metadata.events           [{name, time, attributes, dropped_attributes}], the
//	                          attributes likewise
//	metadata.links            [{trace_id, span_id, trace_state, attributes,
//	                          dropped_attributes}]
//	metadata.kind             internal, server, client, producer or consumer
//	metadata.scope            {name, version, schema_url, attributes}
//	metadata.resource         {attributes, schema_url}
//	metadata.trace_state      trace state, as in its header
//	metadata.parent_is_remote true when it is
//	metadata.child_span_count when there are children
//	metadata.dropped          {attributes, events, links}: what the SDK's limits have cost
//	metadata.otel_sgp_notes   [what was repaired, in words]
//
// A string that holds a JSON object or array becomes that where the table says
// input or output; anywhere else it stays a string. Maps, slices and bytes become
// objects, arrays and base64; an empty value becomes null. Of a key that is set twice
// the last counts. Input and output are absent when nothing is known of them.
//
// What cannot be sent as it is, is repaired and noted: see [sgpspan.Encoder].
package sgpexporter
