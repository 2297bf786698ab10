// Recognising conversations in inputs and outputs: the messages of the
// OpenTelemetry GenAI conventions, of OpenAI's and of Anthropic's APIs, and the
// plain question and answer.

import { parse } from "./exact.js";

const messageKeys = [
  "messages", "gen_ai.input.messages", "gen_ai.output.messages", "input_messages", "output_messages", "choices", "candidates",
];
const systemKeys = ["system_instructions", "gen_ai.system_instructions", "system", "instructions"];
const textKeys = new Set(["question", "query", "prompt", "input", "answer", "response", "completion", "content", "output", "text", "message", "result", "value"]);
const sideKeys = new Set(["usage", "reported_usage", "mime_type"]); // beside a text, they do not make it something else

// Returns a list of {role, name, parts: [{kind, title, text | value}]}, or null
// when the object holds no conversation. role is that of a plain text.
export function conversation(object, role) {
  if (!object || typeof object !== "object") return null;
  const messages = [];
  for (const key of systemKeys) {
    const parts = partsOf(parsed(object[key]));
    if (parts.length) messages.push({ role: "system", parts });
  }
  for (const key of messageKeys) {
    const list = parsed(object[key]);
    if (!Array.isArray(list)) continue;
    for (const entry of list) {
      const message = messageOf(entry?.message ?? entry, role);
      if (message) messages.push(message);
    }
  }
  const single = parsed(object.message); // Genkit's answer
  if (single && typeof single === "object") {
    const message = messageOf({ finish_reason: object.finishReason, ...single }, role);
    if (message) messages.push(message);
  }
  if (!messages.some((message) => message.role !== "system")) {
    const keys = Object.keys(object).filter((key) => !sideKeys.has(key) && !systemKeys.includes(key));
    const text = keys.length === 1 && textKeys.has(keys[0]) ? object[keys[0]] : null;
    if (typeof text !== "string" || !text.trim()) return messages.length ? messages : null;
    messages.push({ role, parts: [{ kind: "text", text }] });
  }
  return messages.length ? messages : null;
}

// Instrumentation often records structure as a JSON string.
function parsed(value) {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return parse(value);
  } catch {
    return value;
  }
}

function messageOf(entry, role) {
  if (typeof entry === "string") return { role, parts: [{ kind: "text", text: entry }] };
  if (!entry || typeof entry !== "object" || Array.isArray(entry)) return null;
  const parts = [...partsOf(parsed(entry.parts)), ...partsOf(parsed(entry.content))];
  for (const call of array(entry.tool_calls)) {
    parts.push(toolCall(call.function?.name ?? call.name, call.function?.arguments ?? call.arguments ?? call.args));
  }
  if (!parts.length && typeof entry.text === "string") parts.push({ kind: "text", text: entry.text });
  if (!parts.length) return null;
  if (entry.role === "tool" && parts.every((part) => part.kind === "text")) {
    for (const part of parts) Object.assign(part, { kind: "result", value: parsed(part.text) });
  }
  return { role: String(entry.role ?? role), name: entry.name, finish: entry.finish_reason, parts };
}

function partsOf(content) {
  if (typeof content === "string") return content ? [{ kind: "text", text: content }] : [];
  return array(content).map(partOf).filter(Boolean);
}

function partOf(part) {
  if (typeof part === "string") return { kind: "text", text: part };
  if (!part || typeof part !== "object") return null;
  switch (part.type) {
    case "text":
    case "input_text":
    case "output_text":
      return { kind: "text", text: String(part.content ?? part.text ?? "") };
    case "reasoning":
    case "thinking":
      return { kind: "reasoning", text: String(part.content ?? part.thinking ?? part.text ?? "") };
    case "tool_call":
    case "tool_use":
      return toolCall(part.name, part.arguments ?? part.input);
    case "tool_call_response":
    case "tool_result": {
      const value = parsed(part.response ?? part.result ?? part.content);
      return { kind: "result", title: part.name ?? part.id ?? part.tool_use_id, value };
    }
  }
  if (typeof part.text === "string") return { kind: "text", text: part.text };
  // Gemini's parts, and Genkit's.
  const call = part.functionCall ?? part.toolRequest;
  if (call) return toolCall(call.name, call.args ?? call.input);
  const result = part.functionResponse ?? part.toolResponse;
  if (result) return { kind: "result", title: result.name, value: parsed(result.response ?? result.output) };
  return { kind: "other", title: part.type, value: part };
}

function toolCall(name, args) {
  return { kind: "call", title: String(name ?? "tool"), value: parsed(args) };
}

const array = (value) => (Array.isArray(value) ? value : value && typeof value === "object" ? [value] : []);
