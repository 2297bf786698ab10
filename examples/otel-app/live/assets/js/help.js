// The list of keys.

import { h, icon, replace } from "./dom.js";

const keys = [
  ["Move", [
    [["↑", "↓"], "previous, next span or trace"],
    [["j", "k"], "next, previous span"],
    [["→", "←"], "expand or go in, collapse or go out"],
    [["Home", "End"], "first, last"],
    [["Enter"], "open the span or trace"],
    [["[", "]"], "newer, older trace"],
    [["Esc"], "close the span, clear the search"],
  ]],
  ["Find", [
    [["/"], "search"],
    [["n", "N"], "next, previous match"],
    [["e", "E"], "next, previous error"],
    [["r"], "next running span"],
  ]],
  ["View", [
    [["x", "c"], "expand, collapse all"],
    [["z"], "zoom to the span, and out again"],
    [["Ctrl", "wheel"], "zoom; drag over the axis to choose a time"],
    [["f"], "follow the newest trace"],
    [["a"], "ask a question"],
    [["t"], "theme: system, light, dark"],
    [["?"], "this list"],
  ]],
];

export function installHelp(dialog, button) {
  replace(dialog,
    h("header", null, h("h2", { id: "help-title" }, "Keyboard shortcuts"),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"))),
    h("div", { class: "help-body" }, keys.map(([title, list]) => h("section", null, h("h3", null, title),
      h("dl", null, list.map(([names, what]) => [h("dt", null, names.map((name) => h("kbd", null, name))), h("dd", null, what)])))),
      h("section", { class: "legend" }, h("h3", null, "Types"), h("p", null,
        [["agent", "agent"], ["model", "model"], ["retrieval", "retrieval"], ["tool", "tool"], ["check", "check"], ["plain", "other"]]
          .map(([family, label]) => h("span", { class: `type t-${family}` }, label))))));
  const toggle = () => (dialog.open ? dialog.close() : dialog.showModal());
  button.addEventListener("click", toggle);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return { toggle };
}
