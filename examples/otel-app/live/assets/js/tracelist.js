// The list of traces, newest first.

import { h, icon, setText, visible } from "./dom.js";
import { duration, tokens, cost, plural, ago, count, clock } from "./format.js";
import { isSilent } from "./types.js";
import { VirtualList } from "./virtual.js";

export class TraceList {
  // on: open(id), shown() when the rows may be others
  constructor(scroller, { now, filters, on }) {
    this.filters = filters;
    this.traces = new Map();
    this.rows = [];
    this.now = now;
    this.on = on;
    this.current = null; // id of the trace that is shown
    this.active = null; // id of the trace under the cursor
    this.matches = null; // {trace id: number of spans}, null when nothing is searched
    this.dirty = false;
    this.scroller = scroller;
    this.list = new VirtualList(scroller, {
      rowHeight: 80,
      create: (slot) => this.createRow(slot),
      update: (element, index) => this.updateRow(element, index),
    });
    scroller.addEventListener("click", (event) => {
      const element = event.target.closest(".trace-row");
      if (element?.trace) this.on.open(element.trace.id);
    });
    scroller.addEventListener("focus", () => {
      if (this.indexOf(this.active) < 0) this.setActive(Math.max(0, this.indexOf(this.current)));
    });
    setInterval(() => this.changed(), 1000); // "12 s ago", what runs, and filters by time
  }

  // Applies one event. Returns the ids of traces that are new.
  apply({ reset, removed, traces }) {
    const fresh = [];
    if (reset) this.traces.clear();
    for (const id of removed ?? []) this.traces.delete(id);
    for (const trace of traces ?? []) {
      if (!this.traces.has(trace.id)) fresh.push(trace.id);
      this.traces.set(trace.id, trace);
    }
    this.changed();
    return fresh;
  }

  setMatches(matches) {
    this.matches = matches;
    this.changed();
  }

  setCurrent(id) {
    this.current = this.active = id;
    this.list.invalidate();
  }

  changed() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => {
      this.dirty = false;
      const traces = [...this.traces.values()];
      this.filters.offer(traces);
      this.filters.drawGroup(traces);
      this.rows = this.accepted();
      this.list.setCount(this.rows.length);
      this.on.shown();
    });
  }

  // The traces that the search and the filters let through, in the order of the list.
  accepted() {
    const now = this.now();
    return [...this.traces.values()]
      .filter((trace) => (this.matches === null || this.matches[trace.id]) && this.filters.accepts(trace, now))
      .sort((a, b) => this.filters.compare(a, b, now));
  }

  newest() {
    return this.accepted().reduce((newest, trace) => (newest && newest.arrived > trace.arrived ? newest : trace), null)?.id ?? null;
  }

  createRow(slot) {
    const parts = {
      status: h("span", { class: "status" }),
      title: h("span", { class: "title" }),
      time: h("span", { class: "time" }),
      service: h("span", { class: "service" }),
      root: h("span", { class: "root" }),
      facts: h("span", { class: "facts" }, Array.from({ length: 5 }, () => h("span"))),
      errors: h("span", { class: "errors" }),
    };
    parts.origin = h("div", { class: "line origin" }, parts.service, parts.root);
    const element = h("div", { class: "trace-row", role: "option", id: `trace-${slot}` },
      parts.status,
      h("div", { class: "trace-text" },
        h("div", { class: "line" }, parts.title, parts.time),
        parts.origin,
        h("div", { class: "line" }, parts.facts, parts.errors)));
    element.parts = parts;
    return element;
  }

  updateRow(element, index) {
    const trace = this.rows[index];
    const { parts } = element;
    const now = this.now();
    const status = traceStatus(trace, now);
    element.trace = trace;
    element.className = `trace-row s-${status}`;
    element.classList.toggle("current", trace.id === this.current);
    element.classList.toggle("active", trace.id === this.active);
    element.setAttribute("aria-selected", trace.id === this.current);
    element.setAttribute("aria-posinset", index + 1);
    element.setAttribute("aria-setsize", this.rows.length);
    if (element.status !== status) {
      element.status = status;
      parts.status.replaceChildren(icon(status));
      parts.status.title = traceLabel[status];
    }
    setText(parts.title, trace.preview || trace.name);
    parts.title.title = visible(trace.preview ? `${trace.name}: ${trace.preview}` : trace.name);
    setText(parts.service, trace.service ?? "");
    setText(parts.root, trace.preview ? trace.name : "");
    parts.origin.hidden = !trace.service && !trace.preview;
    setText(parts.time, duration(traceDuration(trace, now)));
    const facts = [ago(trace.start, now), plural(trace.spans, "span")];
    if (status === "running") facts[0] = "running";
    if (status === "silent") facts[0] = `no news since ${clock(trace.news)}`;
    if (trace.usage?.total) facts.push(`${tokens(trace.usage.total)} tok`);
    if (trace.usage?.cost) facts.push(cost(trace.usage.cost));
    // A row may be drawn once more before the rows follow a search that leaves it out.
    if (this.matches?.[trace.id]) facts.unshift(plural(this.matches[trace.id], "match", "matches"));
    [...parts.facts.children].forEach((part, i) => setText(part, facts[i] ?? ""));
    setText(parts.errors, trace.errors ? plural(trace.errors, "error") : "");
    element.setAttribute("aria-label",
      [trace.preview || trace.name, trace.preview && trace.name, trace.service, traceLabel[status], duration(traceDuration(trace, now)), ...facts,
        trace.errors ? plural(trace.errors, "error") : ""].filter(Boolean).join(", "));
  }

  // Moves the clocks of what runs.
  tick() {
    const now = this.now();
    this.list.each((element, index) => {
      const trace = this.rows[index];
      if (trace?.running) setText(element.parts.time, duration(traceDuration(trace, now)));
    });
  }

  indexOf(id) {
    return id === null ? -1 : this.rows.findIndex((trace) => trace.id === id);
  }

  setActive(index) {
    if (!this.rows.length) return;
    index = Math.max(0, Math.min(this.rows.length - 1, index));
    this.active = this.rows[index].id;
    this.list.invalidate();
    this.list.reveal(index);
    const element = this.list.elementAt(index);
    if (element) this.scroller.setAttribute("aria-activedescendant", element.id);
  }

  // Opens the trace step places further down the list.
  openBy(step) {
    const index = this.indexOf(this.current) + step;
    if (index < 0 || index >= this.rows.length) return;
    this.list.reveal(index);
    this.on.open(this.rows[index].id);
  }

  key(event) {
    const index = this.indexOf(this.active);
    switch (event.key) {
      case "ArrowDown": this.setActive(index + 1); return true;
      case "ArrowUp": this.setActive(index - 1); return true;
      case "Home": this.setActive(0); return true;
      case "End": this.setActive(this.rows.length - 1); return true;
      case "Enter":
      case " ":
        if (index >= 0) this.on.open(this.active);
        return true;
    }
    return false;
  }
}

export function traceStatus(trace, now) {
  if (trace.running) return isSilent(trace, now) ? "silent" : "running";
  if (trace.failed) return "error"; // what failed below a root may have been recovered from
  return trace.canceled ? "canceled" : "ok";
}

export const traceLabel = { running: "Running", silent: "No news", error: "Failed", canceled: "Canceled", ok: "Finished" };

export function traceDuration(trace, now) {
  const end = !trace.running ? trace.end : traceStatus(trace, now) === "silent" ? trace.news : Math.max(now, trace.end);
  return Math.max(0, end - trace.start);
}

// n of so many traces are in the list.
export const traceCount = (n, all) => (all === 0 ? "" : n === all ? count(n) : `${count(n)} of ${count(all)}`);
