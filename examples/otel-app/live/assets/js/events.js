// The events of a span, in time.

import { h } from "./dom.js";
import { duration, dateTime } from "./format.js";
import { jsonView } from "./jsonview.js";

export function events(list, start) {
  if (!Array.isArray(list) || list.length === 0) return h("p", { class: "muted" }, "This span has no events.");
  return h("ol", { class: "events" }, list.map((event) => one(event, start)));
}

function one(event, start) {
  if (!event || typeof event !== "object") return h("li", null, jsonView(event));
  const at = Date.parse(event.timestamp ?? event.time ?? "") * 1000;
  const attributes = event.attributes ?? {};
  const bad = event.name === "exception";
  const offset = Number.isNaN(at) ? "" : `+${duration(Math.max(0, at - start))}`;
  return h("li", { class: bad ? "bad" : null },
    h("div", { class: "event-head" },
      h("time", { title: Number.isNaN(at) ? null : dateTime(at) }, offset),
      h("strong", null, String(event.name ?? "event"))),
    attributes !== null && typeof attributes === "object" && Object.keys(attributes).length > 0
      && h("dl", { class: "table" }, Object.entries(attributes).map(attribute)));
}

// A value of several lines, a stack trace for example, gets the whole width.
function attribute([key, value]) {
  if (value !== null && typeof value === "object") return [h("dt", null, key), h("dd", null, jsonView(value))];
  const text = String(value);
  if (!text.includes("\n")) return [h("dt", null, key), h("dd", null, text)];
  return [h("dt", { class: "wide" }, key), h("dd", { class: "wide" }, h("pre", { class: "code" }, text))];
}
