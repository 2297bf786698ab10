// One trace as a tree: nesting, order, and what each subtree adds up to.

export class TraceModel {
  constructor() {
    this.clear();
  }

  clear() {
    this.nodes = new Map(); // by span id
    this.collapsed = new Set(); // of span ids
    this.roots = [];
    this.order = []; // every node, parents before children
    this.start = Infinity;
    this.end = -Infinity;
    this.running = 0;
  }

  // Adds rows as the stream brings them. Call build afterwards, once for many.
  apply(rows) {
    for (const row of rows) {
      const node = this.nodes.get(row.id);
      if (!node) {
        this.nodes.set(row.id, { ...row, born: this.nodes.size, up: null, children: [], depth: 0, place: 0, of: 1 });
      } else if (row.seq > node.seq) {
        // What a START had and its END has not must go.
        node.end = node.failed = node.usage = node.events = node.status = node.type = node.kind = node.parent = undefined;
        Object.assign(node, row);
      }
    }
  }

  build() {
    const { nodes } = this;
    this.roots = [];
    this.start = Infinity;
    this.end = -Infinity;
    this.running = 0;
    for (const node of nodes.values()) {
      node.children.length = 0;
      node.reached = false;
      this.start = Math.min(this.start, node.start);
      this.end = Math.max(this.end, node.end ?? node.start);
      if (!node.end) this.running++;
    }
    for (const node of nodes.values()) {
      node.up = (node.parent && nodes.get(node.parent)) || null;
      if (node.up) node.up.children.push(node);
      else this.roots.push(node);
    }
    this.order = [];
    this.walk(this.roots.sort(byStart));
    if (this.order.length < nodes.size) this.breakCycles();
    this.rollUp();
  }

  // Depth first, without recursion: a trace may be deeper than the stack.
  walk(roots) {
    const stack = [];
    const push = (siblings, depth) => {
      for (let i = siblings.length - 1; i >= 0; i--) {
        const node = siblings[i];
        node.depth = depth;
        node.place = i + 1;
        node.of = siblings.length;
        stack.push(node);
      }
    };
    push(roots, 0);
    while (stack.length) {
      const node = stack.pop();
      if (node.reached) continue;
      node.reached = true;
      this.order.push(node);
      if (node.children.length) push(node.children.sort(byStart), node.depth + 1);
    }
  }

  // Spans that are each other's ancestors hang from no root. The server refuses
  // them; a page that gets them all the same shows the earliest as a root.
  breakCycles() {
    for (const node of [...this.nodes.values()].sort(byStart)) {
      if (node.reached) continue;
      if (node.up) node.up.children.splice(node.up.children.indexOf(node), 1);
      node.up = null;
      this.roots.push(node);
      this.walk([node]);
    }
  }

  // Adds up tokens and cost of model calls, and errors, from the leaves. Totals
  // that spans report themselves (metadata.usage) are not in the rows.
  rollUp() {
    for (let i = this.order.length - 1; i >= 0; i--) {
      const node = this.order[i];
      const sum = { input: 0, output: 0, total: 0, cost: 0, errors: node.failed ? 1 : 0, spans: 1 };
      addUsage(sum, node.usage);
      for (const child of node.children) {
        addUsage(sum, child.sum);
        sum.errors += child.sum.errors;
        sum.spans += child.sum.spans;
      }
      node.sum = sum;
    }
  }

  // The rows to show, in order: all but those under a collapsed span.
  visible() {
    if (this.collapsed.size === 0) return this.order;
    const rows = [];
    let hiddenBelow = Infinity;
    for (const node of this.order) {
      if (node.depth > hiddenBelow) continue;
      hiddenBelow = this.collapsed.has(node.id) && node.children.length ? node.depth : Infinity;
      rows.push(node);
    }
    return rows;
  }

  // Opens every ancestor of a span, so that it can be shown.
  expandTo(id) {
    for (let node = this.nodes.get(id)?.up; node; node = node.up) this.collapsed.delete(node.id);
  }

  collapseAll() {
    for (const node of this.order) if (node.children.length) this.collapsed.add(node.id);
  }
}

function byStart(a, b) {
  return a.start - b.start || a.born - b.born;
}

function addUsage(sum, usage) {
  if (!usage) return;
  sum.input += usage.input ?? 0;
  sum.output += usage.output ?? 0;
  sum.total += usage.total ?? 0;
  sum.cost += usage.cost ?? 0;
}
