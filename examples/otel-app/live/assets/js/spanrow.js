// One row of the waterfall. Rows are few and filled again and again, so what does not
// change is not touched.

import { append, h, icon, replace, setClass, setText, visible } from "./dom.js";
import { duration, tokens, cost, plural, clock } from "./format.js";
import { typeOf, statusOf, statusLabel, until } from "./types.js";

const widestLabel = 130; // pixels, but for the seldom "no news since …"
const maxIndent = 14; // levels that are drawn; deeper ones say their level in figures

export function createRow(slot) {
  const toggle = h("span", { class: "toggle-children" }, icon("chevron"));
  const parts = {
    toggle,
    level: h("span", { class: "level" }),
    type: h("span", { class: "type" }),
    status: h("span", { class: "status" }),
    service: h("span", { class: "service" }),
    name: h("span", { class: "name" }),
    found: h("span", { class: "found" }),
    more: h("span", { class: "more" }),
    usage: h("span", { class: "usage" }),
    cost: h("span", { class: "cost" }),
    bar: h("span", { class: "bar" }),
    label: h("span", { class: "bar-label" }),
    cell: h("div", { class: "span-name" }),
  };
  const element = h("div", { class: "span-row", role: "treeitem", id: `span-${slot}` },
    append(parts.cell, [toggle, parts.level, parts.status, parts.type, parts.service, parts.name, parts.found, parts.more,
      h("span", { class: "sums" }, parts.usage, parts.cost)]),
    h("div", { class: "span-time" }, parts.bar, parts.label));
  element.parts = parts;
  return element;
}

// view is the Waterfall that the row is in.
export function updateRow(element, node, view) {
  const { parts } = element;
  const status = statusOf(node, view.time);
  const { family, label } = typeOf(node);
  const open = !view.model.collapsed.has(node.id);
  const parent = node.children.length > 0;
  const { matches } = view;
  const match = matches?.has(node.id) ?? false;
  element.node = node;
  const found = match ? " match" : matches?.complete ? " dim" : "";
  setClass(element, `span-row s-${status}${node.id === view.active ? " active" : ""}${found}`);
  setClass(parts.type, `type t-${family}`);
  const colour = serviceClass(node, view.model);
  setClass(parts.bar, `bar ${view.byService && colour ? colour : `t-${family}`}`);
  setClass(parts.service, `service ${colour}`);
  setText(parts.service, view.model.services.length > 1 ? node.service : "");
  parts.service.title = node.service && `Service ${node.service}`;
  parts.cell.style.setProperty("--depth", Math.min(node.depth, maxIndent));
  setText(parts.level, node.depth > maxIndent ? `L${node.depth + 1}` : "");
  parts.level.title = `Level ${node.depth + 1}`;
  element.setAttribute("aria-level", node.depth + 1);
  element.setAttribute("aria-posinset", node.place);
  element.setAttribute("aria-setsize", node.of);
  element.setAttribute("aria-selected", node.id === view.selected);
  if (parent) element.setAttribute("aria-expanded", open);
  else element.removeAttribute("aria-expanded");
  parts.toggle.classList.toggle("leaf", !parent);
  setText(parts.type, label);
  drawName(parts, node, match ? matches.words : []);
  if (element.status !== status) {
    element.status = status;
    parts.status.replaceChildren(status === "ok" ? "" : icon(status));
    parts.status.title = statusLabel[status];
  }
  const hidden = parent && !open ? node.sum.spans - 1 : 0;
  const hiddenErrors = hidden ? node.sum.errors - (node.failed ? 1 : 0) : 0;
  setText(parts.more, hidden ? `+${hidden}${hiddenErrors ? ` · ${plural(hiddenErrors, "error")}` : ""}` : "");
  parts.more.classList.toggle("bad", hiddenErrors > 0);
  const used = usageOf(node);
  setText(parts.usage, used.tokens);
  setText(parts.cost, used.cost);
  element.setAttribute("aria-label", describe(node, label, status, used, view.model));
  updateBar(element, node, view);
}

// Moves the bar alone. It runs for each row in view, thirty times a second.
export function updateBar(element, node, view) {
  const { bar, label } = element.parts;
  const narrow = view.narrow.matches;
  const end = until(node, view.time);
  const status = statusOf(node, view.time);
  // What reaches beyond the axis, when it shows a part, is cut off there.
  const left = Math.max(-0.5, (100 * (node.start - view.base)) / view.range);
  const width = Math.min(100.5, (100 * (end - view.base)) / view.range) - left;
  const outside = left > 100 || width < -0.001;
  const rest = (100 * (end - view.base)) / view.range - 100.5;
  bar.classList.toggle("cut-left", (node.start - view.base) / view.range < -0.005);
  bar.classList.toggle("cut-right", rest > 0);
  bar.hidden = label.hidden = outside;
  if (outside) return;
  bar.style.left = `${left}%`;
  bar.style.width = `${width}%`;
  // On a narrow screen the row's icon has to say it: there is no room beside the bar.
  setText(label, duration(end - node.start) + (narrow ? "" : suffix(node, status)));
  const after = left + width;
  if (after < 76 || narrow) {
    setClass(label, "bar-label after");
    label.style.left = `${after}%`;
    label.style.right = "";
  } else if (left > 24 && (left / 100) * view.axis.width > widestLabel) {
    setClass(label, "bar-label before");
    label.style.left = "";
    label.style.right = `${100 - left}%`;
  } else {
    setClass(label, "bar-label inside");
    label.style.left = "";
    label.style.right = `${Math.max(0, 100 - after)}%`;
  }
}

function suffix(node, status) {
  switch (status) {
    case "running": return " · running";
    case "silent": return ` · no news since ${clock(node.news)}`;
    case "unfinished": return " · unfinished";
  }
  return "";
}

// The class that colours a service, "" for none.
function serviceClass({ service }, { services }) {
  return service ? `v-${services.indexOf(service) % 8}` : "";
}

// Draws the name, with the first of the words searched for that it has marked in it. A row
// says where they are if its name has none.
function drawName(parts, node, words) {
  const { name } = node;
  const lower = name.toLowerCase();
  const text = words.find((word) => lower.includes(word)) ?? "";
  const at = text ? lower.indexOf(text) : -1;
  parts.name.title = visible(name);
  // A few letters change their length with their case; then the places are not known.
  if (at < 0 || lower.length !== name.length) setText(parts.name, name);
  else replace(parts.name, name.slice(0, at), h("mark", null, name.slice(at, at + text.length)), name.slice(at + text.length));
  setText(parts.found, words.length && at < 0 ? placeOf(node, words) : "");
}

function placeOf(node, words) {
  for (const key of ["type", "status", "id"]) if (words.some((word) => node[key].toLowerCase().includes(word))) return `in ${key}`;
  return "inside"; // its payloads, and the ids that it shares with others
}

function describe(node, type, status, used, { services }) {
  const parts = [node.name, type, statusLabel[status]];
  if (services.length > 1) parts.push(node.service);
  if (node.ended) parts.push(duration(node.end - node.start));
  return [...parts, used.tokens, used.cost].filter(Boolean).join(", ");
}

// What a span and all below it consumed. Σ marks a sum.
function usageOf(node) {
  const { total, cost: usd } = node.sum;
  const sum = total !== (node.usage?.total ?? 0) ? "Σ " : "";
  return { tokens: total ? `${sum}${tokens(total)} tok` : "", cost: usd ? cost(usd) : "" };
}
