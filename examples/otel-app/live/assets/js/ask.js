// Asking the service a question, where it takes any, and the first steps for a
// page that has nothing to show yet.

import { byId, h, icon, replace, copyButton } from "./dom.js";
import { prose } from "./messages.js";

const example = "How do I cancel an HTTP request?";

export class Ask {
  // onAsk() is called when a question goes out, onOpen(id) to show its trace.
  constructor({ onAsk, onOpen }) {
    this.onAsk = onAsk;
    this.onOpen = onOpen;
    this.path = null;
    this.why = ""; // no trace may come
    this.asked = false; // something was asked here
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

  // text says why no trace may come; "" if nothing speaks against it.
  setNotice(text) {
    this.why = text;
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
    const attempt = h("p", { class: "try" }, h("q", null, example), button);
    if (this.why) {
      replace(empty, h("h2", null, "No trace can show here"),
        h("p", null, "The page shows what SGP has accepted. Questions are answered all the same."), attempt);
      return;
    }
    replace(empty, art, h("h2", null, "Ask a question, watch the trace"),
      h("p", null, "Every step of the answer shows here while it runs."), attempt,
      h("p", { class: "or" }, "or from a terminal"),
      h("div", { class: "command" }, h("code", null, command), copyButton("Copy the command", command)));
  }

  async send(question) {
    if (this.busy) return;
    this.busy = this.asked = true;
    this.answer.setAttribute("aria-busy", "true"); // to be read out when it is whole
    this.button.disabled = true;
    this.form.classList.add("busy");
    this.input.value = "";
    this.text = h("div", { class: "prose" }, h("span", { class: "muted" }, "Working on it…"));
    this.scrolledTo = 0; // by us
    this.scrolled = false; // by whoever reads
    this.draw(question, this.text);
    this.onAsk();
    try {
      const response = await fetch(this.path, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "text/event-stream, application/json" },
        body: JSON.stringify({ question }),
      });
      if (response.status === 404 || response.status === 405) this.setPath(null);
      if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) await this.stream(response.body);
      else this.finish(parsed(await response.text()), response.ok);
    } catch {
      this.fail("The service cannot be reached.");
    } finally {
      this.busy = false;
      this.answer.setAttribute("aria-busy", "false");
      this.button.disabled = false;
      this.form.classList.remove("busy");
    }
  }

  // Reads the server's events: pieces of the answer ("delta"), then "answer" or "error".
  async stream(body) {
    let rest = "";
    let text = "";
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const name = /^event: ?(.*)$/m.exec(event)?.[1];
        const data = parsed(/^data: ?(.*)$/m.exec(event)?.[1] ?? "");
        if (name === "delta") {
          text += String(data);
          this.follow(() => replace(this.text, prose(text, { answer: true })));
        } else if (name === "answer" || name === "error") {
          this.finish(data, name === "answer");
          return;
        }
      }
    }
    this.fail("The service stopped in the middle of the answer.");
  }

  // Keeps the end of the answer in view while it grows, unless whoever reads it has
  // scrolled.
  follow(grow) {
    const box = this.text.parentElement;
    this.notice(box);
    grow();
    if (this.scrolled) return;
    box.scrollTop = box.scrollHeight;
    this.scrolledTo = box.scrollTop;
  }

  notice(box) {
    if (Math.abs(box.scrollTop - this.scrolledTo) > 1) this.scrolled = true;
  }

  // value is what the service answered: text, or an object with answer or error.
  finish(value, ok) {
    const text = typeof value === "string" ? value : (value?.answer ?? value?.error ?? JSON.stringify(value, null, 2));
    const box = this.text.parentElement;
    this.notice(box);
    if (!ok) this.fail(text || "The service could not answer.");
    else replace(this.text, prose(text, { answer: true }));
    if (!this.scrolled) box.scrollTop = 0; // to be read from its beginning
    const id = value?.trace_id;
    if (typeof id === "string") {
      box.append(h("button", { type: "button", class: "link", onclick: () => this.onOpen(id) }, "Show its trace"));
    }
  }

  fail(text) {
    this.text.className = "failed";
    replace(this.text, icon("error"), h("span", null, text));
  }

  draw(question, body) {
    this.answer.hidden = false;
    const box = h("div", { class: "answer-body" }, body);
    replace(this.answer,
      h("header", null, h("strong", null, question),
        h("button", { type: "button", class: "icon-button small", "aria-label": "Close the answer", onclick: () => { this.answer.hidden = true; } }, icon("close"))),
      box);
    const fade = () => box.classList.toggle("more", box.scrollTop + box.clientHeight < box.scrollHeight - 1);
    box.addEventListener("scroll", fade);
    new ResizeObserver(fade).observe(body);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}
