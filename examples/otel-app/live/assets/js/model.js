// One trace as a tree: nesting, order, and what each subtree adds up to.
//
// Spans come in any order and by the thousand. Each is linked in once, when it
// arrives; what is done for every change (order, sums) is one pass over numbers.

import { isSilent } from "./types.js";

class Node {
  constructor(row, born) {
    this.id = row.id;
    this.born = born; // order of arrival, for spans that start together
    this.up = null;
    this.children = [];
    this.unsorted = false;
    this.depth = 0;
    this.place = 1; // among its siblings, of so many
    this.of = 1;
    this.sum = { input: 0, output: 0, total: 0, cost: 0, errors: 0, spans: 0 };
    this.set(row);
  }

  // Takes over a row whole: what a START had and its END has not must go.
  set(row) {
    this.seq = row.seq;
    this.parent = row.parent ?? null;
    this.name = row.name;
    this.type = row.type ?? "";
    this.kind = row.kind ?? "";
    this.status = row.status ?? "";
    this.start = row.start;
    this.ended = row.end !== undefined;
    this.end = row.end ?? 0;
    this.news = row.news ?? this.start; // while it runs: when it was last heard of
    this.unfinished = row.unfinished ?? false; // the end is not its own
    this.failed = row.failed ?? false;
    this.events = row.events ?? 0;
    this.usage = row.usage ?? null;
    this.service = row.service ?? "";
    this.pod = row.pod ?? "";
    this.model = row.model ?? "";
    this.http = row.http ?? 0;
    this.firstToken = row.first_token ?? 0; // microseconds after the start
  }
}

export class TraceModel {
  constructor() {
    this.clear();
  }

  clear() {
    this.collapsed = new Set(); // of span ids
    this.forget();
  }

  // Forgets the spans, but not what was collapsed: they are about to come again.
  forget() {
    this.nodes = new Map(); // by span id
    this.roots = new Set();
    this.waiting = new Map(); // parent id → the nodes that wait for that parent
    this.order = []; // every node, parents before children
    this.restructured = false;
    this.start = Infinity;
    this.end = -Infinity;
    this.running = [];
    this.services = []; // their names, in the order of the tree
  }

  // Adds rows as the stream brings them. Call build afterwards, once for many.
  apply(rows) {
    for (const row of rows) {
      const node = this.nodes.get(row.id);
      if (!node) {
        this.add(new Node(row, this.nodes.size));
      } else if (row.seq > node.seq) {
        const { parent, start } = node;
        node.set(row);
        if (node.parent !== parent || node.start !== start) this.move(node, parent);
      }
    }
  }

  add(node) {
    this.nodes.set(node.id, node);
    this.hang(node);
    const children = this.waiting.get(node.id);
    if (!children) return;
    this.waiting.delete(node.id);
    for (const child of children) {
      this.roots.delete(child);
      this.hang(child);
    }
  }

  // Puts a node under its parent; under none, if that is not there, or if it
  // would make a circle. The server refuses circles; a page shows them flat.
  hang(node) {
    this.restructured = true;
    const parent = node.parent === null ? undefined : this.nodes.get(node.parent);
    if (!parent || within(parent, node)) {
      node.up = null;
      this.roots.add(node);
      if (!parent && node.parent !== null) {
        const others = this.waiting.get(node.parent);
        if (others) others.push(node);
        else this.waiting.set(node.parent, [node]);
      }
      return;
    }
    node.up = parent;
    const last = parent.children.at(-1);
    if (last && byStart(last, node) > 0) parent.unsorted = true;
    parent.children.push(node);
  }

  // A span has come back with another parent or start.
  move(node, oldParent) {
    this.roots.delete(node);
    remove(node.up?.children, node);
    remove(this.waiting.get(oldParent), node);
    this.hang(node);
  }

  build() {
    if (this.restructured) this.walk();
    this.restructured = false;
    this.rollUp();
  }

  // Depth first, without recursion: a trace may be deeper than the stack.
  walk() {
    const order = [];
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
    push([...this.roots].sort(byStart), 0);
    while (stack.length) {
      const node = stack.pop();
      order.push(node);
      if (node.unsorted) node.children.sort(byStart);
      node.unsorted = false;
      push(node.children, node.depth + 1);
    }
    this.order = order;
  }

  // Adds up tokens and cost of model calls, and errors, from the leaves. Totals
  // that spans report themselves (metadata.reported_usage) are not in the rows.
  rollUp() {
    this.start = Infinity;
    this.end = -Infinity;
    this.running = [];
    const services = new Set();
    for (const { sum, usage, failed, service } of this.order) {
      if (service) services.add(service);
      sum.input = usage?.input ?? 0;
      sum.output = usage?.output ?? 0;
      sum.total = usage?.total ?? 0;
      sum.cost = usage?.cost ?? 0;
      sum.errors = failed ? 1 : 0;
      sum.spans = 1;
    }
    this.services = [...services];
    for (let i = this.order.length - 1; i >= 0; i--) {
      const node = this.order[i];
      this.start = Math.min(this.start, node.start);
      this.end = Math.max(this.end, node.ended ? node.end : node.news);
      if (!node.ended) this.running.push(node);
      if (!node.up) continue;
      const { sum } = node;
      const above = node.up.sum;
      above.input += sum.input;
      above.output += sum.output;
      above.total += sum.total;
      above.cost += sum.cost;
      above.errors += sum.errors;
      above.spans += sum.spans;
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

  // The running span that started last, of those that are still heard of; null for none.
  newestRunning(now) {
    let newest = null;
    for (const node of this.running) {
      if (!isSilent(node, now) && (newest === null || byStart(newest, node) < 0)) newest = node;
    }
    return newest;
  }

  // Opens every ancestor of a span, so that it can be shown.
  expandTo(id) {
    for (let node = this.nodes.get(id)?.up; node; node = node.up) this.collapsed.delete(node.id);
  }

  // Closes every span but the roots, without which there is nothing to see.
  collapseAll() {
    for (const node of this.order) if (node.up && node.children.length) this.collapsed.add(node.id);
  }
}

// Reports whether node is top or below it. A top that has no children, as one that has just
// come, needs no walk up: chains may be long.
function within(node, top) {
  if (!top.children.length) return node === top;
  for (let at = node; at; at = at.up) if (at === top) return true;
  return false;
}

function remove(list, node) {
  const at = list ? list.indexOf(node) : -1;
  if (at >= 0) list.splice(at, 1);
}

function byStart(a, b) {
  return a.start - b.start || a.born - b.born;
}
