// The keyboard. help.js lists what is here.

import { byId } from "./dom.js";

export function installKeys({ app, show, showList, closeSpan, follow, help }) {
  const { waterfall, list } = app;
  const running = (node) => !node.ended;
  const failed = (node) => node.failed;

  const letters = {
    "/": () => byId("q").focus(),
    "?": () => help.toggle(),
    f: () => follow(!app.following),
    a: () => {
      if (byId("ask").hidden) return;
      showList();
      byId("question").focus();
    },
    t: () => byId("theme").click(),
    "[": () => openBy(-1),
    "]": () => openBy(1),
  };

  // What moves the waterfall's cursor, or the rows around it. The focus goes along, so
  // that Enter and the arrows act on the cursor that shows.
  const moves = {
    j: () => waterfall.moveBy(1),
    k: () => waterfall.moveBy(-1),
    n: () => app.search.on.step(1),
    N: () => app.search.on.step(-1),
    e: () => waterfall.find(failed, 1),
    E: () => waterfall.find(failed, -1),
    r: () => waterfall.find(running, 1),
    z: () => waterfall.toggleZoom(),
    x: () => waterfall.expandAll(),
    c: () => waterfall.collapseAll(),
  };
  for (const [letter, move] of Object.entries(moves)) {
    letters[letter] = () => {
      move();
      byId("waterfall").focus({ preventScroll: true });
    };
  }

  // Whoever is in a trace stays there; the focus of none goes to the list.
  function openBy(step) {
    list.openBy(step);
    if (document.activeElement === document.body) byId("traces").focus({ preventScroll: true });
  }

  byId("waterfall").addEventListener("keydown", (event) => take(event, waterfall));
  byId("traces").addEventListener("keydown", (event) => take(event, list));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.key === "Escape") return escape();
    if (event.target.closest("input, textarea, select")) return;
    const action = letters[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  function take(event, part) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (part.key(event)) event.preventDefault();
  }

  function escape() {
    const { activeElement } = document;
    if (activeElement === byId("q")) {
      if (app.search.text) app.search.clear();
      else byId("waterfall").focus();
    } else if (app.detail.node) {
      closeSpan();
    } else if (document.body.dataset.view === "trace") {
      show("list");
    } else if (activeElement?.matches("input")) {
      activeElement.blur();
    }
  }
}
