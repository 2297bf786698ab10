// The waterfall: one row a span, nested, with a bar on a common time axis.

import { TraceModel } from "./model.js";
import { Axis } from "./axis.js";
import { duration } from "./format.js";
import { Minimap } from "./minimap.js";
import { installSplitter } from "./splitter.js";
import { createRow, updateRow, updateBar } from "./spanrow.js";
import { isSilent, until } from "./types.js";
import { VirtualList } from "./virtual.js";

const shortest = 10; // microseconds, the least that the axis shows
const frame = 33; // milliseconds between two looks at what runs

export class Waterfall {
  // on: select(node), open(node), change(model), tick(), cursor()
  constructor(scroller, axis, minimap, { now, on }) {
    this.model = new TraceModel();
    this.rows = [];
    this.now = now;
    this.on = on;
    this.active = null; // id of the span under the cursor
    this.selected = null; // id of the span in the panel
    this.matches = null; // Set of span ids, with the text searched for; null when none is
    this.following = false; // the newest running span is kept in view
    this.byService = false; // what colours the bars: the service, or the type
    this.silent = 0; // running spans that nothing is heard of any more
    this.zoomed = null; // what fills the axis: a node, or a part of the time; null for the whole trace
    this.dirty = false;
    this.lastFrame = 0;
    this.scroller = scroller;
    this.axis = new Axis(axis, {
      grid: (position, size) => {
        scroller.style.setProperty("--grid-at", position);
        scroller.style.setProperty("--grid", size);
      },
      zoomOut: () => this.zoom(null),
      zoomBy: (factor) => this.zoomBy(factor, 0.5),
      pick: (from, to) => this.zoomTo(this.base + from * this.range, this.base + to * this.range),
    });
    this.minimap = new Minimap(minimap, { onPick: (from, to) => this.zoomTo(from, to) });
    installSplitter(this.axis.splitter, axis, [axis, scroller, minimap]);
    // With Ctrl the wheel zooms where the mouse is; sideways it moves through the time.
    scroller.addEventListener("wheel", (event) => {
      const time = event.target.closest(".span-time");
      if (!time) return;
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        const box = time.getBoundingClientRect();
        this.zoomBy(2 ** (event.deltaY / 200), (event.clientX - box.left) / box.width);
      } else if (this.zoomed && Math.abs(sideways) > Math.abs(event.deltaY) * (event.shiftKey ? 0 : 1)) {
        const step = (sideways / time.clientWidth) * this.range;
        this.zoomTo(this.base + step, this.base + step + this.range);
      } else return;
      event.preventDefault();
    }, { passive: false });
    this.narrow = matchMedia("(max-width: 719px)");
    this.list = new VirtualList(scroller, {
      rowHeight: this.rowHeight(),
      create: createRow,
      update: (element, index) => updateRow(element, this.rows[index], this),
    });
    this.narrow.addEventListener("change", () => this.list.setRowHeight(this.rowHeight()));
    scroller.addEventListener("click", (event) => this.click(event));
    scroller.addEventListener("dblclick", (event) => {
      const node = event.target.closest(".span-row")?.node;
      if (node && event.target.closest(".span-time")) this.zoom(node);
    });
    scroller.addEventListener("focus", () => this.focused());
    // Whoever looks around is not pulled away.
    for (const type of ["wheel", "touchmove", "pointerdown"]) scroller.addEventListener(type, () => this.follow(false), { passive: true });
  }

  rowHeight() {
    return this.narrow.matches ? 46 : 32;
  }

  clear() {
    this.model.clear();
    this.active = this.selected = this.matches = this.zoomed = null;
    this.following = false;
    this.axis.setZoom(null);
    this.scroller.scrollTop = 0;
    this.changed();
  }

  apply(rows) {
    this.model.apply(rows);
    this.changed();
  }

  // Draws once for all that came since the last frame.
  changed() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame((time) => {
      this.dirty = false;
      this.model.build();
      this.layout();
      this.on.change(this.model);
      this.keepNewest();
      if (this.model.running.length) this.animate(time);
    });
  }

  // Keeps the newest running span in view, or no longer.
  follow(on) {
    if (this.following === on) return;
    this.following = on;
    this.keepNewest();
    this.on.change(this.model);
  }

  keepNewest() {
    const node = this.following ? this.model.newestRunning(this.now()) : null;
    if (!node) return;
    this.model.expandTo(node.id);
    this.rows = this.model.visible();
    this.list.setCount(this.rows.length);
    this.list.reveal(this.indexOf(node.id));
  }

  colourByService(on) {
    this.byService = on;
    this.list.invalidate();
  }

  layout() {
    this.rows = this.model.visible();
    this.measure();
    this.list.setCount(this.rows.length);
    this.pointToActive();
  }

  // The time that the axis covers: all of the trace, up to now while anything
  // runs, or one span.
  measure() {
    const { model } = this;
    this.time = this.now();
    this.base = model.start;
    const grows = model.newestRunning(this.time) !== null;
    const end = grows ? Math.max(model.end, this.time) : model.end;
    this.range = Math.max(1, end - this.base) * (model.running.length ? 1.04 : 1);
    const whole = { from: this.base, length: this.range };
    if (this.zoomed?.part) {
      this.base = this.zoomed.start;
      this.range = this.zoomed.end - this.zoomed.start;
    } else if (this.zoomed) {
      const { start } = this.zoomed;
      const length = Math.max(1, until(this.zoomed, this.time) - start);
      this.base = start - length * 0.02;
      this.range = length * 1.04;
    }
    if (!model.nodes.size) return;
    this.axis.draw(this.range, this.base - model.start);
    this.minimap.draw(model, whole, { from: this.base, length: this.range }, this.time);
  }

  animate(time) {
    if (this.animating) return;
    this.animating = true;
    const step = (at) => {
      const silent = this.model.running.filter((node) => isSilent(node, this.now())).length;
      if (silent !== this.silent) {
        this.silent = silent;
        this.layout();
        this.on.change(this.model);
      }
      this.animating = this.model.running.length > silent;
      if (!this.animating) return;
      if (at - this.lastFrame >= frame) {
        this.lastFrame = at;
        this.measure();
        this.list.each((element) => updateBar(element, element.node, this));
        this.on.tick();
      }
      requestAnimationFrame(step);
    };
    step(time);
  }

  click(event) {
    const element = event.target.closest(".span-row");
    if (!element?.node) return;
    this.active = element.node.id;
    if (event.target.closest(".toggle-children:not(.leaf)")) this.toggle(element.node);
    else this.on.open(element.node);
    this.list.invalidate();
    this.pointToActive();
  }

  focused() {
    if (this.active === null && this.rows.length) this.moveTo(0);
  }

  toggle(node, open = this.model.collapsed.has(node.id)) {
    if (open) this.model.collapsed.delete(node.id);
    else this.model.collapsed.add(node.id);
    this.layout();
  }

  // Lets one span's time fill the axis; null shows the whole trace again.
  zoom(node) {
    this.zoomed = node;
    this.axis.setZoom(node && (node.part ? duration(node.end - node.start) : `only ${node.name}`));
    this.layout();
  }

  // Lets a part of the trace's time fill the axis; all of it shows the trace again.
  zoomTo(from, to) {
    const { model } = this;
    const end = Math.max(model.end, model.newestRunning(this.time) ? this.time : 0);
    const length = Math.max(shortest, to - from);
    if (length >= end - model.start) return this.zoom(null);
    const start = Math.max(model.start, Math.min(from, end - length));
    this.zoom({ part: true, ended: true, start, end: start + length });
  }

  // Shows factor times as much time; what is at a share of the axis stays there.
  zoomBy(factor, share) {
    const range = this.range * factor;
    const from = this.base + (this.range - range) * share;
    this.zoomTo(from, from + range);
  }

  // Zooms to the span under the cursor, or out if that is what is shown.
  toggleZoom() {
    const node = this.model.nodes.get(this.active) ?? null;
    this.zoom(this.zoomed === node ? null : node);
  }

  expandAll() {
    this.model.collapsed.clear();
    this.layout();
    this.keepActive();
  }

  collapseAll() {
    this.model.collapseAll();
    this.layout();
    if (this.active !== null && this.indexOf(this.active) < 0) this.active = this.rows[0]?.id ?? null;
    this.keepActive();
  }

  // Keeps the cursor in view when the rows around it come and go.
  keepActive() {
    const index = this.indexOf(this.active);
    if (index >= 0) this.list.reveal(index, { middle: true });
    this.pointToActive();
  }

  indexOf(id) {
    return id === null ? -1 : this.rows.findIndex((node) => node.id === id);
  }

  moveTo(index, { middle = false } = {}) {
    if (!this.rows.length) return;
    index = Math.max(0, Math.min(this.rows.length - 1, index));
    const node = this.rows[index];
    this.active = node.id;
    this.list.invalidate();
    this.list.reveal(index, { middle });
    this.pointToActive();
    this.on.select(node);
  }

  moveBy(step) {
    this.moveTo(this.indexOf(this.active) + step);
  }

  // Shows a span wherever it is in the tree.
  show(id) {
    if (!this.model.nodes.has(id)) return;
    this.model.expandTo(id);
    this.layout();
    this.moveTo(this.indexOf(id), { middle: true });
  }

  // Goes to the next (step 1) or previous (-1) span, in the order of the tree,
  // for which test holds; from the last on to the first.
  find(test, step) {
    const { order } = this.model;
    const from = order.findIndex((node) => node.id === this.active);
    for (let i = 1; i <= order.length; i++) {
      const node = order[(((from < 0 && step < 0 ? 0 : from) + i * step) % order.length + order.length) % order.length];
      if (test(node)) {
        this.show(node.id);
        return true;
      }
    }
    return false;
  }

  setMatches(matches) {
    this.matches = matches;
    this.list.invalidate();
  }

  // Which of the matches the cursor is on, from 1; 0 for none.
  matchPosition() {
    if (!this.matches?.has(this.active)) return 0;
    let position = 0;
    for (const { id } of this.model.order) {
      if (this.matches.has(id)) position++;
      if (id === this.active) return position;
    }
    return 0;
  }

  setSelected(id) {
    this.selected = id;
    if (id !== null) this.active = id;
    this.list.invalidate();
    this.pointToActive();
  }

  // Tells assistive technology, and the search, which row the cursor is on.
  pointToActive() {
    this.on.cursor();
    const element = this.list.elementAt(this.indexOf(this.active));
    if (element) this.scroller.setAttribute("aria-activedescendant", element.id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  // The keys of a tree, as the ARIA practices have them. Reports whether it took the key.
  key(event) {
    this.follow(false);
    const index = this.indexOf(this.active);
    const node = this.rows[index];
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.list.rowHeight) - 1);
    switch (event.key) {
      case "ArrowDown": this.moveBy(1); return true;
      case "ArrowUp": this.moveTo(index < 0 ? 0 : index - 1); return true;
      case "PageDown": this.moveBy(page); return true;
      case "PageUp": this.moveBy(-page); return true;
      case "Home": this.moveTo(0); return true;
      case "End": this.moveTo(this.rows.length - 1); return true;
      case "Enter":
      case " ":
        if (node) this.on.open(node);
        return true;
      case "ArrowRight":
        if (!node?.children.length) return true;
        if (this.model.collapsed.has(node.id)) this.toggle(node, true);
        else this.moveBy(1);
        return true;
      case "ArrowLeft":
        if (!node) return true;
        if (node.children.length && !this.model.collapsed.has(node.id)) this.toggle(node, false);
        else if (node.up) this.moveTo(this.indexOf(node.up.id));
        return true;
    }
    return false;
  }
}
