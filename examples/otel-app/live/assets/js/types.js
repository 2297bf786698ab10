// SGP's span types, in families that share a colour. The label is always there
// as text, so the colour only helps.

const families = {
  agent: { AGENT_WORKFLOW: "agent", AGENT_TRACER: "agent", TRACER: "tracer" },
  model: {
    COMPLETION: "model", COMPLETION_INPUT: "model in", TEXT_INPUT: "text in", TEXT_OUTPUT: "text out",
    PROMPT_ENGINEERING: "prompt",
  },
  retrieval: {
    KB_RETRIEVAL: "retrieval", KB_INPUT: "kb in", KB_ADD_CHUNK: "kb add", KB_MANAGEMENT: "kb", RERANKING: "rerank",
    DOCUMENT_INPUT: "doc in", DOCUMENT_SEARCH: "doc search", DOCUMENT_PROMPT: "doc prompt", FILE_RETRIEVAL: "file",
  },
  tool: { CODE_EXECUTION: "code", EXTERNAL_ENDPOINT: "external", DATA_MANIPULATION: "data", MAP_REDUCE: "map" },
  check: { EVALUATION: "eval", GUARDRAIL: "guard" },
  plain: { CUSTOM: "custom", STANDALONE: "span" },
};

const byType = new Map();
for (const [family, types] of Object.entries(families)) {
  for (const [type, label] of Object.entries(types)) byType.set(type, { family, label });
}

// The GenAI operations that have no SGP type of their own, by the span names
// that their conventions prescribe.
const operations = { execute_tool: { family: "tool", label: "tool" }, embeddings: { family: "model", label: "embed" } };

// Returns the family and the label of a span's type. CUSTOM and STANDALONE say
// little, so the operation or the kind of the OpenTelemetry span stands in.
export function typeOf({ type, name, kind }) {
  if (type === "CUSTOM") return operations[name.split(" ", 1)[0]] ?? byType.get(type);
  if ((type === "STANDALONE" || !type) && kind && kind !== "internal") return { family: "plain", label: kind };
  return byType.get(type) ?? { family: "plain", label: type ? type.toLowerCase().replaceAll("_", " ") : "span" };
}

// A running span is written again at least once a minute, the processor's heartbeat. After
// twice that without news (in microseconds) nothing is known of it any more.
export const silence = 120e6;

export const isSilent = ({ ended, news }, now) => !ended && now - news > silence;

// Where a span's time ends as far as is known: a silent one does not grow.
export function until(span, now) {
  if (span.ended) return span.end;
  return Math.max(span.start, isSilent(span, now) ? span.news : now);
}

export function statusOf(span, now) {
  if (span.failed) return "error";
  if (!span.ended) return isSilent(span, now) ? "silent" : "running";
  if (span.unfinished) return "unfinished";
  if (span.status === "CANCELED") return "canceled";
  return "ok";
}

export const statusLabel = {
  running: "Running", silent: "No news", error: "Error", unfinished: "Unfinished", canceled: "Canceled", ok: "Success",
};
