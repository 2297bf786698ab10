// Drawing a recognised conversation. All of it is text.

import { h } from "./dom.js";
import { jsonView, longString } from "./jsonview.js";

const roleNames = { user: "User", assistant: "Assistant", model: "Assistant", system: "System", developer: "Developer", tool: "Tool" };

export function messages(list) {
  return h("ol", { class: "talk" }, list.map((message) => {
    const known = roleNames[message.role] ? message.role : "other";
    return h("li", { class: `message r-${known}` },
      h("div", { class: "who" }, roleNames[message.role] ?? message.role,
        message.name && h("span", { class: "muted" }, ` ${message.name}`),
        message.finish && h("span", { class: "finish" }, message.finish)),
      message.parts.map(part));
  }));
}

function part({ kind, title, text, value }) {
  switch (kind) {
    case "text":
      return prose(text);
    case "reasoning":
      return h("details", { class: "reasoning" }, h("summary", null, "Reasoning"), prose(text));
    case "call":
      return h("div", { class: "call" }, h("div", { class: "call-head" }, "calls ", h("code", null, title)), body(value));
    case "result":
      return h("div", { class: "call" }, h("div", { class: "call-head" }, "result", title && [" of ", h("code", null, String(title))]), body(value));
    default:
      return h("div", { class: "call" }, h("div", { class: "call-head" }, title ?? "part"), jsonView(value, { open: 2 }));
  }
}

function body(value) {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" ? prose(value) : jsonView(value, { open: 2 });
}

// Text with its line breaks, and fenced code as code. Nothing else of Markdown
// is interpreted. For an answer, which is read and not examined, so is code between
// backticks, and all of it shows.
export function prose(text, { answer = false } = {}) {
  const shorten = answer ? (piece, wrap) => wrap(piece) : longString;
  const out = [];
  text.split(/^```[^\n]*\n?/m).forEach((piece, i) => {
    const trimmed = piece.replace(/^\n+|\s+$/g, "");
    if (!trimmed) return;
    out.push(shorten(trimmed, (shown) => (i % 2
      ? h("pre", { class: "code" }, h("code", null, shown))
      : h("p", { class: "prose" }, answer ? inlineCode(shown) : shown))));
  });
  return out;
}

function inlineCode(text) {
  return text.split(/`([^`\n]+)`/).map((piece, i) => (i % 2 ? h("code", null, piece) : piece));
}
