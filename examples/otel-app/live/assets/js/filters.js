// Which traces the list shows, and in what order. The search is apart from this: it looks
// into the spans, this only at what the list knows of a trace.

import { h, icon, replace, setText, append } from "./dom.js";
import { count, plural, tokens, cost, duration } from "./format.js";
import { traceStatus, traceDuration } from "./tracelist.js";

const minutes = 60e6;
// What can be chosen: the label, the test of a trace for a value, and the values if they
// are always the same. The others are those that the traces have.
const fields = {
  status: { label: "Status", values: [["error", "with errors"], ["running", "running"], ["ok", "finished"], ["canceled", "canceled"]],
    test: (trace, value, now) => (value === "error" ? trace.errors > 0 : traceStatus(trace, now) === value) },
  service: { label: "Service", of: "services", test: (trace, value) => trace.services?.includes(value) },
  type: { label: "Type", of: "types", test: (trace, value) => trace.types?.includes(value) },
  model: { label: "Model", of: "models", test: (trace, value) => trace.models?.includes(value) },
  longer: { label: "Duration", values: [["100000", "over 100 ms"], ["1000000", "over 1 s"], ["10000000", "over 10 s"], ["60000000", "over 1 min"]],
    test: (trace, value, now) => traceDuration(trace, now) > Number(value) },
  since: { label: "Time", values: [["5", "last 5 min"], ["60", "last hour"], ["1440", "last day"]],
    test: (trace, value, now) => Math.max(trace.news, trace.start) > now - Number(value) * minutes },
};
const orders = {
  newest: ["newest first", (a, b) => b.arrived - a.arrived],
  slowest: ["slowest first", (a, b, now) => traceDuration(b, now) - traceDuration(a, now)],
  errors: ["most errors first", (a, b) => (b.errors ?? 0) - (a.errors ?? 0)],
  tokens: ["most tokens first", (a, b) => (b.usage?.total ?? 0) - (a.usage?.total ?? 0)],
};

export class Filters {
  // button opens the form; group is where a conversation's totals show. onChange() is called when a choice was made.
  constructor(button, form, group, { onChange, onLeaveGroup }) {
    this.button = button;
    this.form = form;
    this.box = group;
    this.chosen = {};
    this.order = "newest";
    this.group = null; // the id of a conversation
    this.selects = {};
    this.known = {};
    const select = (name, label) => {
      const element = h("select", { id: `filter-${name}` });
      element.addEventListener("change", () => {
        if (name === "order") this.order = element.value;
        else this.chosen[name] = element.value;
        this.drawButton();
        onChange();
      });
      this.selects[name] = element;
      return h("label", null, h("span", null, label), element);
    };
    replace(form, Object.entries(fields).map(([name, { label }]) => select(name, label)), select("order", "Sort"),
      h("button", { type: "button", class: "button", onclick: () => {
        this.clear();
        onChange();
      } }, "Clear"));
    for (const [name, { values }] of Object.entries(fields)) this.fill(name, values ?? []);
    append(this.selects.order, Object.entries(orders).map(([value, [label]]) => h("option", { value }, label)));
    button.addEventListener("click", () => {
      form.hidden = !form.hidden;
      button.setAttribute("aria-expanded", !form.hidden);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    this.onLeaveGroup = onLeaveGroup;
    this.drawButton();
  }

  fill(name, values) {
    replace(this.selects[name], h("option", { value: "" }, "any"), values.map(([value, label]) => h("option", { value }, label)));
    this.selects[name].value = this.chosen[name] ?? "";
  }

  // Offers the values that traces have.
  offer(traces) {
    for (const [name, { of }] of Object.entries(fields)) {
      if (!of) continue;
      const values = new Set();
      for (const trace of traces) for (const value of trace[of] ?? []) values.add(value);
      if (this.chosen[name]) values.add(this.chosen[name]);
      const list = [...values].sort();
      const key = list.join("\n");
      if (this.known[name] === key) continue;
      this.known[name] = key;
      this.fill(name, list.map((value) => [value, value]));
    }
  }

  get active() {
    return Object.values(this.chosen).filter(Boolean).length;
  }

  clear() {
    this.chosen = {};
    for (const name of Object.keys(fields)) this.selects[name].value = "";
    this.drawButton();
  }

  drawButton() {
    setText(this.button, this.active ? `Filter · ${this.active}` : "Filter");
    this.button.setAttribute("aria-pressed", this.active > 0);
  }

  accepts(trace, now) {
    if (this.group !== null && trace.group !== this.group) return false;
    return Object.entries(this.chosen).every(([name, value]) => !value || fields[name].test(trace, value, now));
  }

  compare(a, b, now) {
    return orders[this.order][1](a, b, now) || b.arrived - a.arrived;
  }

  setGroup(group) {
    this.group = group;
    this.drawn = null;
  }

  // Says what the traces of the conversation come to together.
  drawGroup(traces) {
    this.box.hidden = this.group === null;
    if (this.group === null) return;
    const mine = traces.filter((trace) => trace.group === this.group);
    const sum = (value) => mine.reduce((total, trace) => total + (value(trace) ?? 0), 0);
    const errors = sum((trace) => trace.errors);
    const usd = sum((trace) => trace.usage?.cost);
    const facts = [
      plural(mine.length, "trace"), `${count(sum((trace) => trace.spans))} spans`,
      sum((trace) => trace.usage?.total) && `${tokens(sum((trace) => trace.usage?.total))} tok`, usd && cost(usd),
      errors && plural(errors, "error"), `${duration(sum((trace) => Math.max(0, trace.end - trace.start)))} in all`,
    ].filter(Boolean).join(" · ");
    const key = `${this.group} ${facts}`;
    if (this.drawn === key) return;
    this.drawn = key;
    replace(this.box,
      h("div", { class: "line" }, h("span", { class: "muted" }, "Conversation"), h("strong", { title: this.group }, this.group),
        h("button", { type: "button", class: "icon-button small", "aria-label": "Show all traces", title: "Show all traces", onclick: this.onLeaveGroup }, icon("close"))),
      h("p", { class: "totals" }, facts));
  }
}
