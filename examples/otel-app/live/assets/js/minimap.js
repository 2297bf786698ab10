// All of a long trace in a strip above the axis, with the part that the axis shows.

import { h } from "./dom.js";
import { until } from "./types.js";

const fewest = 40; // spans; a trace that has fewer is seen as it is
const between = 500; // milliseconds between two paintings: what is to be painted may change for every frame

export class Minimap {
  // onPick(from, to): a time was chosen, in microseconds.
  constructor(element, { onPick }) {
    this.element = element;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.view = h("div", { class: "view" });
    this.track = h("div", { class: "minimap-track" }, this.canvas, this.view);
    this.painted = 0; // when, in milliseconds
    this.timer = 0;
    element.append(this.track);
    drag(this.track, (from, to) => this.whole && onPick(this.whole.from + from * this.whole.length, this.whole.from + to * this.whole.length));
    new ResizeObserver(() => this.latest && this.paint()).observe(this.track);
  }

  // whole is the time of the trace, shown that of the axis: {from, length}.
  draw(model, whole, shown, now) {
    this.element.hidden = model.order.length < fewest;
    if (this.element.hidden) return;
    this.whole = whole;
    this.view.hidden = shown.length >= whole.length;
    this.view.style.left = `${Math.max(0, (100 * (shown.from - whole.from)) / whole.length)}%`;
    this.view.style.width = `${Math.min(100, (100 * shown.length) / whole.length)}%`;
    this.latest = { model, whole, now };
    this.timer ||= setTimeout(() => this.paint(), this.painted + between - Date.now());
  }

  paint() {
    this.timer = 0;
    this.painted = Date.now();
    const { model, whole, now } = this.latest;
    const { clientWidth: width, clientHeight: height } = this.track;
    const scale = devicePixelRatio;
    Object.assign(this.canvas, { width: width * scale, height: height * scale });
    const context = this.canvas.getContext("2d");
    const style = getComputedStyle(this.track);
    context.scale(scale, scale);
    const row = height / model.order.length;
    for (const failed of [false, true]) {
      context.fillStyle = failed ? style.outlineColor : style.color;
      model.order.forEach((node, i) => {
        if (node.failed !== failed) return;
        const left = ((node.start - whole.from) / whole.length) * width;
        const long = ((until(node, now) - node.start) / whole.length) * width;
        context.fillRect(left, i * row, Math.max(1, long), Math.max(1, row));
      });
    }
  }
}

// Calls pick(from, to) with the shares of the element's width between which the mouse was
// dragged. A click picks nothing.
export function drag(element, pick) {
  element.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || down.target.closest("button")) return;
    const box = element.getBoundingClientRect();
    const share = (event) => Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const band = h("div", { class: "band" });
    const from = share(down);
    const move = (event) => {
      const [a, b] = [from, share(event)].sort((x, y) => x - y);
      band.style.left = `${100 * a}%`;
      band.style.width = `${100 * (b - a)}%`;
      if (!band.isConnected) element.append(band);
    };
    const stop = new AbortController();
    const { signal } = stop;
    element.setPointerCapture(down.pointerId);
    element.addEventListener("pointermove", move, { signal });
    element.addEventListener("pointercancel", () => (band.remove(), stop.abort()), { signal });
    element.addEventListener("pointerup", (event) => {
      stop.abort();
      band.remove();
      const [a, b] = [from, share(event)].sort((x, y) => x - y);
      if ((b - a) * box.width > 4) pick(a, b);
    }, { signal });
  });
}
