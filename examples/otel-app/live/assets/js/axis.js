// The time axis above the bars.

import { h, icon, setClass, setText } from "./dom.js";
import { tick } from "./format.js";
import { drag } from "./minimap.js";

const minGap = 74; // pixels between two labels, at least
const margin = 14; // pixels to the right of the track, as the style has it

export class Axis {
  // on: grid(position, size), told where the ticks are, as a CSS background
  // has it, zoomOut(), zoomBy(factor) and pick(from, to), shares of the time shown
  constructor(element, on) {
    this.on = on;
    this.track = h("div", { class: "axis-track" });
    this.ticks = [];
    this.widths = new Map(); // of labels in pixels, by their shape
    document.fonts.ready.then(() => this.widths.clear());
    this.zoomText = h("span");
    this.zoomOut = h("button", { type: "button", class: "zoom-out", title: "Show the whole trace (z)", hidden: true, onclick: on.zoomOut },
      icon("close"), this.zoomText);
    const step = (label, name, factor) => h("button", { type: "button", class: "zoom-step", "aria-label": label, title: `${label} (or Ctrl and the wheel, or drag over the axis)`, onclick: () => on.zoomBy(factor) }, icon(name));
    this.splitter = h("div", { class: "splitter", role: "separator", "aria-orientation": "vertical", "aria-label": "Width of the names", "aria-valuemin": 20, "aria-valuemax": 80, tabindex: "0", title: "Drag to resize" });
    element.replaceChildren(h("div", { class: "axis-title" }, h("span", { class: "axis-name" }, "Span", this.zoomOut), step("Zoom out", "minus", 2), step("Zoom in", "plus", 0.5), this.splitter), this.track);
    drag(this.track, on.pick ?? (() => {}));
    this.width = 0;
    new ResizeObserver(() => {
      this.width = this.track.clientWidth;
      if (this.range) this.draw(this.range, this.from);
    }).observe(this.track);
  }

  // text says what fills the axis, null for the whole trace.
  setZoom(text) {
    this.zoomOut.hidden = text === null;
    setText(this.zoomText, text ?? "");
  }

  // Draws ticks at round times, for range microseconds beginning at from after
  // the trace's start.
  draw(range, from) {
    this.range = range;
    this.from = from;
    const width = this.width || 600;
    const most = Math.max(2, Math.floor(width / minGap));
    const step = roundStep(range / most);
    const first = Math.ceil(from / step - 1e-9) * step;
    const count = Math.floor((from + range - first) / step) + 1;
    const at = (i) => (first - from + i * step) / range;
    while (this.ticks.length < count) {
      const mark = h("span", { class: "tick" });
      this.ticks.push(mark);
      this.track.append(mark);
    }
    let previous = 0; // the width of the label before
    this.ticks.forEach((mark, i) => {
      mark.hidden = i >= count;
      if (mark.hidden) return;
      mark.style.left = `${100 * at(i)}%`;
      setText(mark, tick(first + i * step, step));
      // A label that would be cut off stands on the other side, if there is room.
      const needs = this.labelWidth(mark);
      const cut = i > 0 && (1 - at(i)) * width + margin < needs;
      setClass(mark, cut ? "tick before" : "tick");
      mark.hidden = cut && (step / range) * width < previous + needs;
      previous = needs;
    });
    this.drawGrid(at(0), step / range);
  }

  // Digits are equally wide. Labels are drawn thirty times a second, so that not each
  // one can be measured.
  labelWidth(mark) {
    const shape = mark.textContent.replace(/\d/g, "0");
    if (!this.widths.has(shape)) this.widths.set(shape, Math.ceil(mark.getBoundingClientRect().width));
    return this.widths.get(shape);
  }

  drawGrid(first, share) {
    const key = `${first} ${share}`;
    if (key === this.grid) return;
    this.grid = key;
    // A background's position in per cent is one of the space that its image leaves.
    const position = share < 1 ? `${(100 * first) / (1 - share)}%` : "0";
    this.on.grid(`${position} 0`, `${100 * share}% 100%`);
  }
}

// The least of 1, 2, 5 × 10ⁿ microseconds that is not below least; from seconds
// on, of the steps of a clock.
function roundStep(least) {
  for (const seconds of [10, 15, 30, 60, 120, 300, 600, 1800, 3600]) {
    if (least > 5e6 && seconds * 1e6 >= least) return seconds * 1e6;
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= least) return factor * power;
  return 10 * power;
}
