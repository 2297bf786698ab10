// JSON as a tree that opens on demand, so that a large payload costs what is
// looked at.

import { h } from "./dom.js";

const chunk = 100; // children shown at first, and with each "more"
const longText = 2000; // characters of a string shown at first

export function jsonView(value, { open = 2 } = {}) {
  return h("div", { class: "json" }, node(null, value, open));
}

function node(key, value, open) {
  const label = key === null ? null : h("span", { class: "key" }, typeof key === "number" ? `${key}` : key, ": ");
  if (value === null || typeof value !== "object") return h("div", { class: "leaf" }, label, scalar(value));
  const list = Array.isArray(value);
  const entries = list ? value.map((child, i) => [i, child]) : Object.entries(value);
  const brackets = list ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return h("div", { class: "leaf" }, label, h("span", { class: "mark" }, brackets.join("")));
  const body = h("div", { class: "children" });
  const details = h("details", null,
    h("summary", null, label, h("span", { class: "mark" }, brackets[0], h("span", { class: "size" }, ` ${size(entries.length, list)} ${brackets[1]}`))),
    body, h("div", { class: "mark close" }, brackets[1]));
  let filled = false;
  const fillOnce = () => {
    if (filled || !details.open) return;
    filled = true;
    more(body, entries, 0, open - 1);
  };
  details.addEventListener("toggle", fillOnce);
  if (open > 0) {
    details.open = true;
    fillOnce();
  }
  return details;
}

function size(n, list) {
  if (list) return n === 1 ? "1 item" : `${n} items`;
  return n === 1 ? "1 key" : `${n} keys`;
}

function more(body, entries, from, open) {
  const to = Math.min(entries.length, from + chunk);
  for (const [key, value] of entries.slice(from, to)) body.append(node(key, value, open));
  if (to === entries.length) return;
  const button = h("button", { type: "button", class: "link" }, `${entries.length - to} more`);
  button.addEventListener("click", () => {
    button.remove();
    more(body, entries, to, 0);
  });
  body.append(button);
}

function scalar(value) {
  if (typeof value !== "string") return h("span", { class: `scalar ${value === null ? "null" : typeof value}` }, String(value));
  return longString(value, (text) => h("span", { class: "scalar string" }, `"${text}"`));
}

// Shows a string that may be very long: the beginning, and the rest on demand.
export function longString(value, wrap) {
  if (value.length <= longText * 1.2) return wrap(value);
  const holder = h("span", { class: "long" }, wrap(value.slice(0, longText) + "…"));
  const button = h("button", { type: "button", class: "link" }, `show all ${value.length.toLocaleString("en-US")} characters`);
  button.addEventListener("click", () => holder.replaceChildren(wrap(value)));
  holder.append(" ", button);
  return holder;
}
