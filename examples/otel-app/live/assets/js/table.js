// Keys and values, as a table.

import { h } from "./dom.js";
import { jsonView } from "./jsonview.js";

// entries is a list of [key, value]. A value of several lines, a stack trace for
// example, gets the whole width.
export function table(entries) {
  return h("dl", { class: "table" }, entries.map(([key, value]) => {
    if (value !== null && typeof value === "object") {
      const short = Array.isArray(value) && value.every((v) => v === null || typeof v !== "object") && value.length <= 8;
      return [h("dt", null, breakable(key)), h("dd", null, short ? value.join(", ") : jsonView(value, { open: 1 }))];
    }
    const text = String(value);
    if (!text.includes("\n")) return [h("dt", null, breakable(key)), h("dd", null, text)];
    return [h("dt", { class: "wide" }, breakable(key)), h("dd", { class: "wide" }, h("pre", { class: "code" }, text))];
  }));
}

// Lets a dotted name break after its dots, and not in the middle of a word.
function breakable(key) {
  return key.split(/(?<=[._])/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}
