// The events of a span, in time.

import { h } from "./dom.js";
import { duration, dateTime } from "./format.js";
import { jsonView } from "./jsonview.js";
import { table } from "./table.js";

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
      && table(Object.entries(attributes)));
}
