// The server's events. The browser's EventSource connects again by itself, and
// tells the server what it saw last; after a refusal, and for a tab that was in
// the background, this does the same.

const watchdog = 20_000; // the queue's counts come twice a second, so silence means a dead connection

export class Stream {
  // handlers: hello, traces, spans, stats, state("connecting" | "live" | "lost")
  constructor(handlers) {
    this.handlers = handlers;
    this.source = null;
    this.trace = null;
    this.mark = ""; // up to where everything came
    this.timer = 0;
    document.addEventListener("visibilitychange", () => {
      // Nobody looks, and a browser has few connections for all its tabs.
      if (document.hidden) this.close();
      else this.resume();
    });
  }

  // Opens a stream of all traces and of one trace's spans; null for none.
  open(trace) {
    this.trace = trace;
    this.mark = "";
    this.resume();
  }

  // Opens the same stream again, where it stopped.
  resume() {
    this.close();
    if (document.hidden) return; // a tab that was opened in the background, too
    const params = new URLSearchParams();
    if (this.trace !== null) params.set("trace", this.trace);
    if (this.mark) params.set("since", this.mark);
    const source = new EventSource(`/events?${params}`);
    this.source = source;
    for (const name of ["hello", "traces", "spans", "stats"]) {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.alive();
        this.handlers[name](JSON.parse(event.data));
      });
    }
    source.addEventListener("mark", (event) => {
      if (source === this.source) this.mark = event.lastEventId;
    });
    source.addEventListener("open", () => source === this.source && this.handlers.state("live"));
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      this.handlers.state("lost");
      if (source.readyState === EventSource.CLOSED) this.reopen(2000);
    });
    this.alive();
  }

  alive() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.handlers.state("lost");
      this.reopen(0);
    }, watchdog);
  }

  reopen(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.resume(), delay);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
