// A list of any length that has elements only for the rows in view.

const margin = 8; // rows kept above and below the view

export class VirtualList {
  // create() makes a row's element; update(element, index) fills it.
  constructor(scroller, { rowHeight, create, update }) {
    this.scroller = scroller;
    this.rowHeight = rowHeight;
    this.create = create;
    this.update = update;
    this.count = 0;
    this.rows = []; // of {element, index}; the row of index i is rows[i % rows.length]
    this.spacer = document.createElement("div");
    this.spacer.className = "spacer";
    this.spacer.setAttribute("role", "presentation");
    scroller.append(this.spacer);
    this.pending = false;
    this.stale = true;
    scroller.addEventListener("scroll", () => this.schedule(), { passive: true });
    new ResizeObserver(() => this.schedule()).observe(scroller);
  }

  setRowHeight(height) {
    if (height === this.rowHeight) return;
    const first = this.scroller.scrollTop / this.rowHeight;
    this.rowHeight = height;
    this.invalidate();
    this.scroller.scrollTop = first * height;
  }

  setCount(count) {
    this.count = count;
    this.invalidate();
  }

  // Fills every row in view again, before the next paint.
  invalidate() {
    this.stale = true;
    this.schedule();
  }

  schedule() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.render();
    });
  }

  render() {
    const height = `${this.count * this.rowHeight}px`;
    if (this.spacer.style.height !== height) this.spacer.style.height = height;
    const view = Math.ceil(this.scroller.clientHeight / this.rowHeight) + 1 + 2 * margin;
    if (view > this.rows.length) this.grow(view);
    const size = this.rows.length;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.rowHeight) - margin);
    for (let slot = 0; slot < size; slot++) {
      const index = first + ((slot - first) % size + size) % size;
      this.place(this.rows[slot], index < this.count ? index : -1);
    }
    this.stale = false;
  }

  place(row, index) {
    if (row.index === index && !this.stale) return;
    const { element } = row;
    if (index < 0) {
      if (row.index !== -1) element.hidden = true;
    } else {
      if (row.index === -1) element.hidden = false;
      element.style.transform = `translateY(${index * this.rowHeight}px)`;
      this.update(element, index);
    }
    row.index = index;
  }

  grow(size) {
    this.stale = true;
    while (this.rows.length < size) {
      const element = this.create(this.rows.length);
      element.hidden = true;
      this.spacer.append(element);
      this.rows.push({ element, index: -1 });
    }
    for (const row of this.rows) {
      row.element.hidden = true;
      row.index = -1;
    }
  }

  // Calls visit(element, index) for each row that has an element.
  each(visit) {
    for (const row of this.rows) if (row.index >= 0) visit(row.element, row.index);
  }

  elementAt(index) {
    return this.rows.find((row) => row.index === index)?.element ?? null;
  }

  // Scrolls as little as needed to show the row; or, for one that is not in view, so
  // that it stands in the middle.
  reveal(index, { middle = false } = {}) {
    this.render(); // the height may be that of fewer rows
    const top = index * this.rowHeight;
    const { scrollTop, clientHeight } = this.scroller;
    const below = top + this.rowHeight > scrollTop + clientHeight;
    if (middle && (below || top < scrollTop)) this.scroller.scrollTop = top - (clientHeight - this.rowHeight) / 2;
    else if (top < scrollTop) this.scroller.scrollTop = top;
    else if (below) this.scroller.scrollTop = top + this.rowHeight - clientHeight;
    this.render();
  }
}
