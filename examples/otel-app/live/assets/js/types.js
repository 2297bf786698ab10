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

export function typeOf(type) {
  return byType.get(type) ?? { family: "plain", label: type ? type.toLowerCase().replaceAll("_", " ") : "span" };
}

export function statusOf(span) {
  if (!span.end && !span.failed) return "running";
  if (span.failed) return "error";
  if (span.status === "CANCELED") return "canceled";
  return "ok";
}

export const statusLabel = { running: "Running", error: "Error", canceled: "Canceled", ok: "Success" };
