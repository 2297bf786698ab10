// Asking the service a question, where it takes any, and the first steps for a
// page that has nothing to show yet.

import { byId, h, icon, replace, copyButton } from "./dom.js";

const example = "How do I cancel an HTTP request?";

export class Ask {
  constructor({ onAsk }) {
    this.onAsk = onAsk;
    this.path = null;
    this.form = byId("ask");
    this.answer = byId("answer");
    this.button = this.form.querySelector("button");
    this.input = byId("question");
    replace(this.button, icon("send"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(this.input.value.trim() || example);
    });
    this.drawEmpty();
  }

  setPath(path) {
    if (this.path === (path ?? null)) return;
    this.path = path ?? null;
    this.form.hidden = this.path === null;
    this.drawEmpty();
  }

  // Puts the box where it is looked for: in the middle of an empty page.
  place(empty) {
    this.input.placeholder = empty ? example : "Ask a question…";
  }

  drawEmpty() {
    const empty = byId("empty");
    const command = `curl -d '{"question":"${example}"}' ${location.origin}${this.path}`;
    const art = h("div", { class: "art", "aria-hidden": "true" }, [0, 1, 2, 3, 4].map((i) => h("i", { class: `b${i}` })));
    if (this.path === null) {
      replace(empty, art, h("h2", null, "Waiting for the first trace"),
        h("p", null, "Traces show here while they run. Give the service something to do."));
      return;
    }
    const button = h("button", { type: "button", class: "primary", onclick: () => this.send(example) }, "Ask it");
    replace(empty, art, h("h2", null, "Ask a question, watch the trace"),
      h("p", null, "Every step of the answer shows here while it runs."),
      h("p", { class: "try" }, h("q", null, example), button),
      h("p", { class: "or" }, "or from a terminal"),
      h("div", { class: "command" }, h("code", null, command), copyButton("Copy the command", command)));
  }

  async send(question) {
    if (this.busy) return;
    this.busy = true;
    this.button.disabled = true;
    this.form.classList.add("busy");
    this.input.value = "";
    this.draw(question, h("p", { class: "muted" }, "Working on it…"));
    this.onAsk();
    try {
      const response = await fetch(this.path, {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ question }),
      });
      const text = await response.text();
      if (response.status === 404 || response.status === 405) this.setPath(null);
      this.draw(question, response.ok
        ? h("p", { class: "prose" }, answerText(text))
        : h("p", { class: "failed" }, icon("error"), ` ${response.status}: ${answerText(text) || response.statusText}`));
    } catch {
      this.draw(question, h("p", { class: "failed" }, icon("error"), " The service cannot be reached."));
    } finally {
      this.busy = false;
      this.button.disabled = false;
      this.form.classList.remove("busy");
    }
  }

  draw(question, body) {
    this.answer.hidden = false;
    replace(this.answer,
      h("header", null, h("strong", null, question),
        h("button", { type: "button", class: "icon-button small", "aria-label": "Close the answer", onclick: () => { this.answer.hidden = true; } }, icon("close"))),
      h("div", { class: "answer-body" }, body));
  }
}

function answerText(text) {
  try {
    const value = JSON.parse(text);
    for (const key of ["answer", "output", "text", "error", "message"]) if (typeof value[key] === "string") return value[key];
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  } catch {
    return text.trim();
  }
}
