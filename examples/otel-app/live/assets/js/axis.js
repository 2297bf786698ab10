// The time axis above the bars.

import { h, setText } from "./dom.js";
import { tick } from "./format.js";

const minGap = 74; // pixels between two labels, at least

export class Axis {
  // onGrid(share) is told the distance of two ticks, as a share of the track.
  constructor(element, onGrid) {
    this.onGrid = onGrid;
    this.track = h("div", { class: "axis-track" });
    this.ticks = [];
    element.replaceChildren(h("div", { class: "axis-title" }, "Span"), this.track);
    this.width = 0;
    new ResizeObserver(() => {
      this.width = this.track.clientWidth;
      if (this.range) this.draw(this.range);
    }).observe(this.track);
  }

  // Draws ticks at round times from 0 to range microseconds.
  draw(range) {
    this.range = range;
    const most = Math.max(2, Math.floor((this.width || 600) / minGap));
    const step = roundStep(range / most);
    const count = Math.floor(range / step) + 1;
    while (this.ticks.length < count) {
      const mark = h("span", { class: "tick" });
      this.ticks.push(mark);
      this.track.append(mark);
    }
    this.ticks.forEach((mark, i) => {
      mark.hidden = i >= count || (i > 0 && (i * step) / range > 0.97);
      if (mark.hidden) return;
      mark.style.left = `${(100 * i * step) / range}%`;
      setText(mark, tick(i * step, step));
    });
    const share = step / range;
    if (share !== this.share) {
      this.share = share;
      this.onGrid(share);
    }
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
