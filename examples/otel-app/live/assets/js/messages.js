// Drawing a recognised conversation. All of it goes into the page as text.

import { h } from "./dom.js";
import { isMarkdown, markdown } from "./markdown.js";
import { jsonView, longString } from "./jsonview.js";

const roleNames = { user: "User", assistant: "Assistant", model: "Assistant", system: "System", developer: "Developer", tool: "Tool" };

// raw shows texts as they are written, and not as Markdown.
export function messages(list, { raw = false } = {}) {
  return h("ol", { class: "talk" }, list.map((message) => {
    const known = roleNames[message.role] ? message.role : "other";
    return h("li", { class: `message r-${known}` },
      h("div", { class: "who" }, roleNames[message.role] ?? message.role,
        message.name && h("span", { class: "muted" }, ` ${message.name}`),
        message.finish && h("span", { class: "finish" }, message.finish)),
      message.parts.map((one) => part(one, raw)));
  }));
}

function part({ kind, title, text, value }, raw) {
  switch (kind) {
    case "text":
      return written(text, raw);
    case "reasoning":
      return h("details", { class: "reasoning" }, h("summary", null, "Reasoning"), written(text, raw));
    case "call":
      return h("div", { class: "call" }, h("div", { class: "call-head" }, "calls ", h("code", null, title)), body(value));
    case "result":
      return h("div", { class: "call" }, h("div", { class: "call-head" }, "result", title && [" of ", h("code", null, String(title))]), body(value));
    default:
      return h("div", { class: "call" }, h("div", { class: "call-head" }, title ?? "part"), jsonView(value, { open: 2 }));
  }
}

const written = (text, raw) => (!raw && isMarkdown(text) ? markdown(text) : prose(text));

function body(value) {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" ? prose(value) : jsonView(value, { open: 2 });
}

// Text with its line breaks, and fenced code as code. For an answer, which is read and not examined, so is code between
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
