// What the export queue is doing, as a small chart and in figures.

import { h, svg, icon, replace, setText } from "./dom.js";
import { count, plural } from "./format.js";

const seconds = 60; // of history in the chart
const width = 288;
const height = 56;
const foot = 14; // of the height, for the bars of what was coalesced and dropped

const reasons = {
  queue_full: "queue full", start_refused: "start refused", too_large: "too large", already_shutdown: "after shutdown",
  shutdown_deadline: "shutdown deadline", export_failed: "export failed", exporter_panic: "exporter panic", rejected: "rejected",
};

export class QueueChart {
  constructor(element) {
    this.element = element;
    this.samples = [];
    this.figures = {};
    this.area = svg("path", { class: "queued" });
    this.flight = svg("path", { class: "in-flight" });
    this.bars = svg("path", { class: "coalesced" });
    this.drops = svg("path", { class: "dropped" });
    this.peak = svg("text", { class: "peak", x: width - 2, y: 9, "text-anchor": "end" });
    this.chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", preserveAspectRatio: "none" },
      svg("path", { class: "ground", d: `M0 ${height - foot}H${width}` }),
      this.flight, this.area, this.bars, this.drops);
    this.peak = h("span", { class: "peak" });
    const figure = (key, label, title) => {
      this.figures[key] = h("dd", null, "0");
      return h("div", { class: `figure ${key}`, title }, h("dt", null, h("i", { "aria-hidden": "true" }), label), this.figures[key]);
    };
    this.dropped = h("ul", { class: "reasons" });
    this.ignored = h("p", { class: "muted" });
    replace(element,
      h("header", null, h("h2", null, "This example's export queue"), h("span", { class: "muted" }, `last ${seconds} s`), this.peak),
      h("div", { class: "chart" }, this.chart),
      h("dl", { class: "figures" },
        figure("queued", "Queued", "Snapshots that wait to be exported"),
        figure("in_flight", "In flight", "Snapshots in the hands of the exporter"),
        figure("exported", "Exported", "Snapshots delivered, since the start"),
        figure("coalesced", "Coalesced", "Starts left out because their end was in the same batch, since the start"),
        figure("dropped", "Dropped", "Snapshots lost, since the start")),
      this.dropped, this.ignored);
  }

  add(stats) {
    this.element.hidden = !stats.queue;
    if (!stats.queue) return;
    const last = this.samples.at(-1);
    // A count that went back is another run of the server.
    if (last && stats.offered < last.offered) this.samples = [];
    this.samples.push(stats);
    const oldest = stats.now - seconds * 1e6;
    while (this.samples.length > 2 && this.samples[1].now < oldest) this.samples.shift();
    this.draw(stats);
  }

  draw(stats) {
    const { samples } = this;
    const x = (sample) => width - ((stats.now - sample.now) / (seconds * 1e6)) * width;
    const peak = Math.max(4, ...samples.map((sample) => sample.queued + sample.in_flight));
    const top = 3;
    const y = (n) => (height - foot) - (n / peak) * (height - foot - top);
    // One area on the other; where there is nothing, nothing is drawn.
    const line = (n) => samples.map((sample) => `${x(sample).toFixed(1)} ${y(n(sample)).toFixed(1)}`);
    const area = (low, high) => `M${line(high).join("L")}L${line(low).reverse().join("L")}Z`;
    this.flight.setAttribute("d", area(() => 0, (sample) => sample.in_flight));
    this.area.setAttribute("d", area((sample) => sample.in_flight, (sample) => sample.queued + sample.in_flight));
    this.bars.setAttribute("d", this.rates("coalesced", x));
    this.drops.setAttribute("d", this.rates("dropped", x));
    for (const [key, element] of Object.entries(this.figures)) setText(element, count(stats[key]));
    setText(this.peak, `peak ${count(Math.max(...samples.map((sample) => sample.queued + sample.in_flight)))}`);
    this.chart.setAttribute("aria-label",
      `${plural(stats.queued, "snapshot")} queued, ${count(stats.in_flight)} in flight, ${count(stats.coalesced)} coalesced, ${count(stats.dropped)} dropped`);
    this.element.classList.toggle("losing", stats.dropped > 0);
    this.drawReasons(stats);
    setText(this.ignored, stats.ignored ? `${plural(stats.ignored, "item")} could not be read as a span.` : "");
  }

  // One bar under the chart for each sample in which the count grew.
  rates(key, x) {
    const { samples } = this;
    const grown = samples.map((sample, i) => (i ? sample[key] - samples[i - 1][key] : 0));
    const most = Math.max(1, ...grown);
    const below = key === "dropped" ? foot / 2 : 0; // dropped has the lower half
    return grown.map((n, i) => {
      if (!n) return "";
      const tall = 1.5 + (n / most) * (foot / 2 - 2.5);
      return `M${x(samples[i]).toFixed(1)} ${height - foot + 1 + below}v${tall.toFixed(1)}`;
    }).join("");
  }

  drawReasons({ dropped_by: droppedBy = {} }) {
    const entries = Object.entries(droppedBy).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
    const key = entries.join();
    if (key === this.reasonsKey) return;
    this.reasonsKey = key;
    replace(this.dropped, entries.map(([reason, n]) =>
      h("li", null, icon("error"), h("span", null, reasons[reason] ?? reason.replaceAll("_", " ")), h("b", null, count(n)))));
  }
}
