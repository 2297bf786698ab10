// The line above the waterfall: which trace it is, and what it adds up to.

import { h, icon, replace, setText, visible } from "./dom.js";
import { duration, tokens, cost, count, plural, dateTime } from "./format.js";
import { groupLink } from "./detail.js";
import { traceStatus, traceLabel, traceDuration } from "./tracelist.js";

export class TraceHead {
  // on: back(), expand(), collapse(), error(), follow(), colour(byService)
  constructor(element, { now, on }) {
    this.now = now;
    this.trace = null;
    this.title = h("h2");
    this.pill = h("span", { class: "pill" });
    this.sub = h("p", { class: "sub" });
    this.runningCount = h("span");
    this.running = h("button", { type: "button", class: "chip live", "aria-pressed": false, title: "Keep the newest running span in view", onclick: on.follow }, icon("running"), this.runningCount);
    this.colour = h("button", { type: "button", class: "button", "aria-pressed": false, title: "Colour the bars by service", onclick: () => {
      this.byService = !this.byService;
      this.colour.setAttribute("aria-pressed", this.byService);
      on.colour(this.byService);
    } }, "By service");
    this.save = h("a", { class: "button", download: "", title: "Save the trace as JSON, with its payloads" }, "Export");
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
        this.title, this.pill, this.running, this.errors, this.refused),
      this.sub,
      h("div", { class: "head-line facts-line" },
        h("dl", { class: "stat-line" }, fact("duration", "Duration"), fact("spans", "Spans"), fact("tokens", "Tokens"), fact("cost", "Cost"), fact("start", "Started")),
        h("div", { class: "buttons" },
          this.colour,
          h("button", { type: "button", class: "button", onclick: on.expand, title: "Expand all (x)" }, "Expand"),
          h("button", { type: "button", class: "button", onclick: on.collapse, title: "Collapse all (c)" }, "Collapse"),
          this.save)));
  }

  clear() {
    this.trace = null;
  }

  // following: the newest running span is kept in view.
  draw(trace, model, following) {
    this.trace = trace;
    const status = traceStatus(trace, this.now());
    setText(this.title, trace.preview || trace.name);
    this.title.title = visible(trace.name);
    this.pill.className = `pill s-${status}`;
    if (this.status !== status) {
      this.status = status;
      replace(this.pill, icon(status), traceLabel[status]);
    }
    this.drawSub(trace);
    this.running.hidden = status !== "running";
    this.running.setAttribute("aria-pressed", following);
    if (trace.running) setText(this.runningCount, `${count(trace.running)} running`);
    this.colour.hidden = model.services.length < 2;
    const href = `/api/export?${new URLSearchParams({ id: trace.id })}`;
    if (this.save.getAttribute("href") !== href) {
      this.save.setAttribute("href", href);
      this.save.setAttribute("download", `trace-${trace.id}.json`);
    }
    this.errors.hidden = !trace.errors;
    if (trace.errors) setText(this.errorCount, `${plural(trace.errors, "error")} ↓`);
    this.refused.hidden = !trace.refused;
    if (trace.refused) setText(this.refused, `${plural(trace.refused, "span")} not kept`);
    setText(this.facts.spans, count(trace.spans));
    const { usage } = trace;
    setText(this.facts.tokens, usage?.total ? `${tokens(usage.input ?? 0)} in, ${tokens(usage.output ?? 0)} out` : "");
    this.facts.tokens.parentElement.hidden = !usage?.total;
    setText(this.facts.cost, usage?.cost ? cost(usage.cost) : "");
    this.facts.cost.parentElement.hidden = !usage?.cost;
    setText(this.facts.start, dateTime(trace.start));
    this.tick();
  }

  // Where the trace comes from: service, name of the root, conversation.
  drawSub(trace) {
    const key = [trace.id, trace.service, trace.name, trace.preview, trace.group, ...(trace.services ?? [])].join("\n");
    if (this.drawn === key) return;
    this.drawn = key;
    const others = (trace.services?.length ?? 0) - 1;
    replace(this.sub,
      trace.service && h("span", { class: "service", title: (trace.services ?? []).join(", ") }, trace.service, others > 0 && ` +${others}`),
      trace.preview && h("span", { class: "root" }, trace.name),
      trace.group && h("span", { class: "muted" }, "conversation ", groupLink(trace.group)));
  }

  tick() {
    if (this.trace) setText(this.facts.duration, duration(traceDuration(this.trace, this.now())));
  }
}
