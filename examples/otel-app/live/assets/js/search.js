// The search over everything, payloads included, which are on the server.

import { byId, setText } from "./dom.js";
import { count, plural } from "./format.js";

const typing = 180; // milliseconds without a key before a search
const again = 1500; // between searches while traces go on changing

export class Search {
  // trace() is the id of the trace shown, position() which of its matches the cursor is
  // on. on: matches(result or null), step(±1)
  constructor({ trace, position, on }) {
    this.trace = trace;
    this.position = position;
    this.on = on;
    this.result = null;
    this.input = byId("q");
    const narrow = matchMedia("(max-width: 719px)");
    const place = () => { this.input.placeholder = narrow.matches ? "Search" : "Search, or status:error type:completion …"; };
    narrow.addEventListener("change", place);
    place();
    this.input.addEventListener("input", () => this.later(typing));
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.on.step(1);
    });
    byId("match-next").addEventListener("click", () => this.on.step(1));
    byId("match-prev").addEventListener("click", () => this.on.step(-1));
  }

  get text() {
    return this.input.value.trim();
  }

  clear() {
    this.input.value = "";
    this.run();
  }

  // New spans came in: they may match too.
  changed() {
    if (this.text && !this.timer) this.later(again);
  }

  later(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), delay);
  }

  async run() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.abort?.abort();
    if (!this.text) return this.show(null);
    const abort = new AbortController();
    this.abort = abort;
    const params = new URLSearchParams({ q: this.text });
    if (this.trace() !== null) params.set("trace", this.trace());
    try {
      const response = await fetch(`/api/search?${params}`, { signal: abort.signal });
      if (response.ok) this.show({ words: [], ...(await response.json()) });
    } catch {
      // Either a newer search took its place, or the server is away, which the
      // connection's state says.
    }
  }

  show(result) {
    this.result = result;
    byId("matches").hidden = result === null;
    this.on.matches(result);
    this.drawCount();
  }

  // "3 of 9": the third of those in this trace.
  drawCount() {
    const { result } = this;
    if (!result) return;
    const here = result.traces[this.trace()] ?? 0;
    const all = Object.values(result.traces).reduce((sum, n) => sum + n, 0);
    const position = this.position();
    setText(byId("match-count"), all === 0 ? "no match" : position ? `${count(position)} of ${count(here)}` : plural(here, "match", "matches"));
    byId("match-count").title = `${count(here)} in this trace, ${count(all)} in all`;
    byId("match-prev").disabled = byId("match-next").disabled = here === 0;
  }
}
