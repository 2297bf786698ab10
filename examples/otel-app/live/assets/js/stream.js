// The server's events. The browser's EventSource connects again by itself, and
// tells the server what it saw last; only a refusal needs help.

const watchdog = 20_000; // the queue's counts come twice a second, so silence means a dead connection

export class Stream {
  // handlers: hello, traces, spans, stats, state("connecting" | "live" | "lost")
  constructor(handlers) {
    this.handlers = handlers;
    this.source = null;
    this.trace = null;
    this.epoch = null;
    this.timer = 0;
  }

  // Opens a stream of all traces and of one trace's spans; null for none.
  open(trace) {
    this.close();
    this.trace = trace;
    const source = new EventSource(trace === null ? "/events" : `/events?trace=${encodeURIComponent(trace)}`);
    this.source = source;
    for (const name of ["hello", "traces", "spans", "stats"]) {
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.alive();
        this.handlers[name](JSON.parse(event.data));
      });
    }
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
    this.timer = setTimeout(() => this.open(this.trace), delay);
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
}
