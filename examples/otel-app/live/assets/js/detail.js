// The panel of one span: what it was asked, what it answered, and the rest.

import { h, icon, replace, copyButton } from "./dom.js";
import { duration, tokens, cost, count, dateTime, clock } from "./format.js";
import { conversation } from "./conversation.js";
import { messages } from "./messages.js";
import { jsonView } from "./jsonview.js";
import { table } from "./table.js";
import { events } from "./events.js";
import { highlight } from "./highlight.js";
import { isMarkdown } from "./markdown.js";
import { parse, stringify } from "./exact.js";
import { typeOf, statusOf, statusLabel, until, isSilent } from "./types.js";

const tabs = [["io", "Input & output"], ["metadata", "Metadata"], ["events", "Events"], ["json", "JSON"]];

export class Detail {
  // on: close(), open(spanID)
  constructor(element, { now, on }) {
    this.element = element;
    this.now = now;
    this.on = on;
    this.tab = "io";
    this.views = { Input: "read", Output: "read", Expected: "read" }; // or "raw", "json"
    this.node = null;
    this.loaded = null; // {seq, bare, span} as the server sent it
    this.words = []; // marked in what shows
    this.build();
  }

  build() {
    this.head = h("header", { class: "detail-head" });
    this.facts = h("dl", { class: "facts-grid" });
    this.error = h("div", { class: "error-box", role: "note", hidden: true });
    this.body = h("div", { class: "tab-body", role: "tabpanel", id: "tab-body", tabindex: "0" });
    this.body.addEventListener("toggle", () => highlight(this.body, this.words), { capture: true }); // it does not bubble
    this.buttons = tabs.map(([id, label]) => {
      const button = h("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": "tab-body" }, label);
      button.addEventListener("click", () => this.show(id));
      return button;
    });
    const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the span" }, this.buttons);
    list.addEventListener("keydown", (event) => this.tabKey(event));
    this.scroll = h("div", { class: "detail-scroll" }, this.error, this.facts, list, this.body);
    this.element.append(this.head, this.scroll);
  }

  // Shows a span. The payloads are fetched; until they are there the rest shows.
  open(trace, node) {
    const same = this.node?.id === node.id && this.trace === trace;
    this.trace = trace;
    this.node = node;
    this.element.hidden = false;
    if (!same) {
      this.loaded = null;
      this.scroll.scrollTop = 0;
      this.body.replaceChildren(h("p", { class: "muted" }, "Loading…"));
    }
    this.drawHead();
    this.load();
  }

  setSearch(words) {
    this.words = words;
    highlight(this.body, words);
  }

  close() {
    this.node = this.loaded = null;
    this.abort?.abort();
    this.element.hidden = true;
  }

  // The span has changed, or time has gone by.
  refresh(node) {
    if (!this.node) return;
    if (node && node.seq !== this.loaded?.seq) {
      this.node = node;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), 120);
    }
    this.drawHead();
  }

  tick() {
    if (!this.node || this.node.ended || !this.time) return;
    this.time.textContent = this.elapsed();
    this.drawHead(); // it may have fallen silent
  }

  elapsed() {
    const { node } = this;
    return duration(until(node, this.now()) - node.start) + (node.ended ? "" : " so far");
  }

  async load() {
    const { trace, node } = this;
    if (!node || this.loaded?.seq === node.seq) return;
    this.abort?.abort();
    this.abort = new AbortController();
    try {
      const url = `/api/span?trace=${encodeURIComponent(trace)}&id=${encodeURIComponent(node.id)}`;
      const response = await fetch(url, { signal: this.abort.signal });
      if (!response.ok) throw new Error(response.status === 404 ? "The server has forgotten this span." : `The server answered ${response.status}.`);
      this.loaded = parse(await response.text());
    } catch (error) {
      if (error.name === "AbortError") return;
      replace(this.body, h("p", { class: "muted" }, error.message || "The server cannot be reached."));
      return;
    }
    this.drawFacts();
    this.show(this.tab);
  }

  drawHead() {
    const { node } = this;
    const { family, label } = typeOf(node);
    const status = statusOf(node, this.now());
    const key = `${node.id} ${node.seq} ${status}`;
    if (this.drawn === key) return;
    this.drawn = key;
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close the span", title: "Close (Esc)", onclick: () => this.on.close() }, icon("close"));
    replace(this.head,
      h("div", { class: "head-line" },
        h("span", { class: `type t-${family}`, title: node.type || "no type" }, label),
        h("span", { class: `pill s-${status}` }, icon(status), statusLabel[status]),
        h("span", { class: "grow" }), close),
      h("h2", null, node.name));
    this.drawFacts();
  }

  drawFacts() {
    const { node } = this;
    const span = this.loaded?.span;
    this.time = h("span", null, this.elapsed());
    const rows = [["Duration", this.time], ["Started", dateTime(node.start)]];
    if (!node.ended) rows.push(["Last news", clock(node.news)]);
    if (node.service) rows.push(["Service", [node.service, node.pod && h("span", { class: "muted" }, ` on ${node.pod}`)]]);
    if (node.model) rows.push(["Model", node.model]);
    if (node.firstToken) rows.push(["First token", `after ${duration(node.firstToken)}`]);
    if (node.http) rows.push(["HTTP status", h("span", { class: node.http >= 400 ? "bad-text" : null }, String(node.http))]);
    const own = node.usage;
    if (own?.total) rows.push(["Tokens", `${count(own.input ?? 0)} in · ${count(own.output ?? 0)} out${share(span?.output?.usage)}`]);
    if (own?.cost) rows.push(["Cost", cost(own.cost)]);
    if (node.children.length && node.sum.total !== (own?.total ?? 0)) {
      rows.push(["Below it, Σ", `${tokens(node.sum.total)} tokens${node.sum.cost ? ` · ${cost(node.sum.cost)}` : ""}`]);
    }
    const reported = span?.metadata?.reported_usage ?? span?.metadata?.usage;
    if (reported && typeof reported === "object") rows.push(["Reported total", usageLine(reported)]);
    rows.push(["Span id", id(node.id)]);
    if (node.parent) {
      const known = node.up !== null;
      rows.push(["Parent", known
        ? h("button", { type: "button", class: "link", onclick: () => this.on.open(node.up.id) }, node.up.name)
        : h("span", null, id(node.parent), " ", h("span", { class: "muted" }, "not here"))]);
    }
    rows.push(["Trace id", id(this.trace)]);
    if (span?.group_id) rows.push(["Conversation", groupLink(span.group_id)]);
    replace(this.facts, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
    this.drawError(span?.metadata);
  }

  // Why the span failed, or why it has no end of its own.
  drawError(metadata) {
    const { node } = this;
    const silent = isSilent(node, this.now());
    this.error.hidden = !node.failed && !node.unfinished && !silent;
    this.error.classList.toggle("mild", !node.failed);
    if (this.error.hidden) return;
    if (!node.failed) {
      const notes = Array.isArray(metadata?.otel_sgp_notes) ? metadata.otel_sgp_notes.map(String) : [];
      replace(this.error, icon(silent ? "silent" : "unfinished"), h("div", null,
        h("strong", null, silent ? `No news since ${clock(node.news)}` : "Unfinished"),
        h("p", null, silent
          ? "A running span is written at least once a minute. Its process may have been killed, or cannot reach SGP."
          : (notes.find((note) => note.startsWith("unfinished:")) ?? "Its end did not come.").replace(/^unfinished: /, ""))));
      return;
    }
    const type = metadata?.error_type;
    replace(this.error, icon("error"), h("div", null,
      h("strong", null, type ? String(type) : "Error"),
      h("p", null, metadata?.error_message ? String(metadata.error_message) : "The span says no more.")));
  }

  show(tab) {
    this.tab = tab;
    this.buttons.forEach((button, i) => {
      const on = tabs[i][0] === tab;
      button.setAttribute("aria-selected", on);
      button.tabIndex = on ? 0 : -1;
      if (on) this.body.setAttribute("aria-labelledby", button.id);
    });
    const span = this.loaded?.span;
    const eventCount = Array.isArray(span?.metadata?.events) ? span.metadata.events.length : 0;
    this.buttons[2].textContent = eventCount ? `Events ${eventCount}` : "Events";
    if (!span) return;
    const note = this.loaded.bare
      && h("p", { class: "note" }, "The payloads of this span were not kept: the page's memory bound was reached.");
    replace(this.body, note, this[tab](span));
    highlight(this.body, this.words);
  }

  io(span) {
    const parts = [["Input", span.input, "user"], ["Output", span.output, "assistant"], ["Expected", span.expected, "assistant"]]
      .filter(([, value]) => value && Object.keys(value).length)
      .map(([title, value, role]) => this.payload(title, value, role));
    if (parts.length) return parts;
    return h("p", { class: "muted" }, this.node.ended ? "This span has no input and no output." : "No input or output yet.");
  }

  payload(title, value, role) {
    const talk = conversation(value, role);
    const body = h("div", { class: "payload-body" });
    const marked = talk?.some(({ parts }) => parts.some(({ text }) => text && isMarkdown(text)));
    const draw = () => replace(body, talk && this.views[title] !== "json" ? messages(talk, { raw: this.views[title] === "raw" }) : jsonView(value, { open: 3 }));
    const views = talk && h("div", { class: "segments", role: "group", "aria-label": `${title} as` },
      [["Conversation", "read"], marked && ["Raw text", "raw"], ["JSON", "json"]].filter(Boolean).map(([label, view]) => {
        const button = h("button", { type: "button", "aria-pressed": this.views[title] === view }, label);
        button.addEventListener("click", () => {
          this.views[title] = view;
          for (const other of button.parentElement.children) other.setAttribute("aria-pressed", other === button);
          draw();
          highlight(this.body, this.words);
        });
        return button;
      }));
    draw();
    return h("section", { class: "payload" },
      h("header", null, h("h3", null, title, !this.node.ended && h("span", { class: "muted" }, " so far")), views || h("span", { class: "muted" }, "JSON"),
        copyButton(`Copy ${title.toLowerCase()} as JSON`, stringify(value))),
      body);
  }

  metadata(span) {
    const entries = Object.entries(span.metadata ?? {}).filter(([key]) => key !== "events");
    if (!entries.length) return h("p", { class: "muted" }, "This span has no metadata.");
    const plain = entries.filter(([, value]) => value === null || typeof value !== "object");
    const nested = entries.filter(([, value]) => value !== null && typeof value === "object");
    return [
      plain.length > 0 && table(plain),
      nested.map(([key, value]) => h("section", { class: "payload" },
        h("header", null, h("h3", null, key)), h("div", { class: "payload-body" }, Array.isArray(value) ? jsonView(value, { open: 2 }) : table(Object.entries(value))))),
    ];
  }

  events(span) {
    return events(span.metadata?.events, this.node.start);
  }

  json(span) {
    return h("section", { class: "payload" },
      h("header", null, h("h3", null, "SGP span"), h("span", { class: "muted" }, "as it is on the wire"),
        copyButton("Copy the span as JSON", stringify(span))),
      h("div", { class: "payload-body" }, jsonView(span, { open: 2 })));
  }

  tabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = tabs.findIndex(([id]) => id === this.tab);
    const next = (index + step + tabs.length) % tabs.length;
    this.show(tabs[next][0]);
    this.buttons[next].focus();
    event.preventDefault();
    event.stopPropagation();
  }
}

// Leads to all traces of a conversation.
export function groupLink(group) {
  return h("a", { class: "link", href: `#${new URLSearchParams({ group })}`, title: `All traces of ${group}` }, group);
}

function id(text) {
  return h("span", { class: "id" }, h("code", null, text), copyButton(`Copy ${text}`, text));
}

// What part of the tokens was cached or spent on reasoning.
function share(usage) {
  const parts = [[usage?.cached_input_tokens ?? usage?.cached_tokens, "cached"], [usage?.reasoning_tokens, "reasoning"]]
    .filter(([n]) => typeof n === "number" && n > 0)
    .map(([n, label]) => `${count(n)} ${label}`);
  return parts.length ? ` (${parts.join(", ")})` : "";
}

function usageLine(usage) {
  const number = (...keys) => keys.map((key) => usage[key]).find((value) => typeof value === "number");
  const input = number("input_tokens", "prompt_tokens");
  const output = number("output_tokens", "completion_tokens");
  const total = number("total_tokens") ?? (input ?? 0) + (output ?? 0);
  const usd = number("cost_usd");
  return [total && `${count(total)} tokens`, usd && cost(usd)].filter(Boolean).join(" · ") || "0 tokens";
}
