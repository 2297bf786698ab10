// The line above the waterfall: which trace it is, and what it adds up to.

import { h, icon, replace, setText, visible } from "./dom.js";
import { duration, tokens, cost, count, plural, dateTime } from "./format.js";
import { traceStatus, traceLabel, traceDuration } from "./tracelist.js";

export class TraceHead {
  // on: back(), expand(), collapse(), error()
  constructor(element, { now, on }) {
    this.now = now;
    this.trace = null;
    this.title = h("h2");
    this.pill = h("span", { class: "pill" });
    this.sub = h("p", { class: "sub" });
    this.facts = {};
    const fact = (key, label) => {
      this.facts[key] = h("dd");
      return h("div", { class: `fact-${key}` }, h("dt", null, label), this.facts[key]);
    };
    this.errorCount = h("span");
    this.errors = h("button", { type: "button", class: "chip bad", title: "Next error (e)", onclick: on.error }, icon("error"), this.errorCount);
    this.refused = h("span", { class: "chip" });
    replace(element,
      h("div", { class: "head-line" },
        h("button", { type: "button", class: "icon-button back", "aria-label": "Back to the traces", onclick: on.back }, icon("back")),
        this.title, this.pill, this.errors, this.refused),
      h("div", { class: "head-line facts-line" },
        h("dl", { class: "stat-line" }, fact("duration", "Duration"), fact("spans", "Spans"), fact("tokens", "Tokens"), fact("cost", "Cost"), fact("start", "Started")),
        h("div", { class: "buttons" },
          h("button", { type: "button", class: "button", onclick: on.expand, title: "Expand all (x)" }, "Expand"),
          h("button", { type: "button", class: "button", onclick: on.collapse, title: "Collapse all (c)" }, "Collapse"))));
  }

  clear() {
    this.trace = null;
  }

  draw(trace) {
    this.trace = trace;
    const status = traceStatus(trace);
    setText(this.title, trace.preview || trace.name);
    this.title.title = visible(trace.name);
    this.pill.className = `pill s-${status}`;
    if (this.status !== status) {
      this.status = status;
      replace(this.pill, icon(status), traceLabel[status]);
    }
    this.errors.hidden = !trace.errors;
    if (trace.errors) setText(this.errorCount, `${plural(trace.errors, "error")} ↓`);
    this.refused.hidden = !trace.refused;
    if (trace.refused) setText(this.refused, `${plural(trace.refused, "span")} not kept`);
    setText(this.facts.spans, trace.running ? `${count(trace.spans)}, ${count(trace.running)} running` : count(trace.spans));
    const { usage } = trace;
    setText(this.facts.tokens, usage?.total ? `${tokens(usage.input ?? 0)} in, ${tokens(usage.output ?? 0)} out` : "");
    this.facts.tokens.parentElement.hidden = !usage?.total;
    setText(this.facts.cost, usage?.cost ? cost(usage.cost) : "");
    this.facts.cost.parentElement.hidden = !usage?.cost;
    setText(this.facts.start, dateTime(trace.start));
    this.tick();
  }

  tick() {
    if (this.trace) setText(this.facts.duration, duration(traceDuration(this.trace, this.now())));
  }
}
