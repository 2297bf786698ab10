// Puts the parts together: what is shown, and who is told of what.

import { byId, h, icon, replace, setText } from "./dom.js";
import { Ask } from "./ask.js";
import { QueueChart } from "./chart.js";
import { Detail } from "./detail.js";
import { Filters } from "./filters.js";
import { installHelp } from "./help.js";
import { installKeys } from "./keys.js";
import { Search } from "./search.js";
import { Stream } from "./stream.js";
import { installTheme } from "./themeswitch.js";
import { TraceHead } from "./tracehead.js";
import { TraceList, traceCount } from "./tracelist.js";
import { Waterfall } from "./waterfall.js";

const narrow = matchMedia("(max-width: 719px)");

const app = {
  lostAt: null, // when the server was lost, while it is
  skew: 0, // the server's clock less this one's, in microseconds
  traceID: null,
  wanted: null, // id of a span to show as soon as it is there
  following: true,
  queue: new QueueChart(byId("queue")),
};
// The server's time. While the page has lost its server, time stands still: nothing is known
// of what goes on.
const now = () => app.lostAt ?? Date.now() * 1000 + app.skew;

app.filters = new Filters(byId("filter"), byId("filters"), byId("group"), {
  onChange: () => app.list.changed(),
  onLeaveGroup: () => {
    setGroup(null);
    remember(false);
  },
});
app.list = new TraceList(byId("traces"), {
  now,
  filters: app.filters,
  on: { open: (id) => openTrace(id, { user: true }), shown: () => drawListState() },
});
app.waterfall = new Waterfall(byId("waterfall"), byId("axis"), byId("minimap"), {
  now,
  on: {
    open: (node) => openSpan(node.id),
    select: (node) => app.detail.node && openSpan(node.id, { replaceState: true }),
    change: modelChanged,
    cursor: () => app.search?.drawCount(),
    tick: () => {
      app.head.tick();
      app.list.tick();
      app.detail.tick();
    },
  },
});
app.head = new TraceHead(byId("trace-head"), {
  now,
  on: {
    back: () => show("list"),
    expand: () => app.waterfall.expandAll(),
    collapse: () => app.waterfall.collapseAll(),
    error: () => app.waterfall.find((node) => node.failed, 1),
    follow: () => app.waterfall.follow(!app.waterfall.following),
    colour: (byService) => app.waterfall.colourByService(byService),
  },
});
app.detail = new Detail(byId("detail"), {
  now,
  on: { close: closeSpan, open: (id) => app.waterfall.show(id) },
});
app.search = new Search({
  trace: () => app.traceID,
  position: () => app.waterfall.matchPosition(),
  on: {
    matches: (result) => {
      app.list.setMatches(result?.traces ?? null);
      const matches = result && new Set(result.spans ?? []);
      if (matches) {
        matches.complete = !result.truncated; // or what does not match is not known
        matches.words = result.words;
      }
      app.waterfall.setMatches(matches);
      app.detail.setSearch(result?.words ?? []);
      drawListState();
    },
    step: (step) => app.waterfall.find((node) => app.waterfall.matches?.has(node.id), step),
  },
});
app.ask = new Ask({
  onAsk: () => {
    follow(true);
    drawListState();
  },
  onOpen: (id) => app.list.traces.has(id) && openTrace(id, { user: true }),
});
app.stream = new Stream({
  hello: (event) => {
    app.skew = event.now - Date.now() * 1000;
    app.ask.setPath(event.ask);
  },
  traces: tracesCame,
  spans: (event) => {
    if (event.trace !== app.traceID) return;
    if (event.reset) app.waterfall.model.forget();
    app.waterfall.apply(event.spans);
  },
  stats: (stats) => {
    app.queue.add(stats);
    notice(stats.notice ?? "");
  },
  state: connectionState,
});

function tracesCame(event) {
  const fresh = app.list.apply(event);
  app.search.changed();
  drawListState();
  const gone = app.traceID !== null && !app.list.traces.has(app.traceID);
  if (gone) {
    const wasFollowing = app.following;
    closeTrace();
    app.following = wasFollowing;
  }
  if (app.traceID !== null) drawHead();
  if (app.following && !narrow.matches && (fresh.length > 0 || app.traceID === null)) followNewest();
}

// A burst of traces is followed about twice a second, so that eyes can keep up.
function followNewest() {
  if (app.followTimer) return;
  app.followTimer = setTimeout(() => {
    app.followTimer = 0;
    const id = app.list.newest();
    if (app.following && id !== null && id !== app.traceID) openTrace(id, { user: false });
  }, app.traceID === null ? 0 : 500);
}

function follow(on) {
  app.following = on;
  byId("follow").setAttribute("aria-pressed", on);
  app.waterfall.follow(on);
  if (on && !narrow.matches) followNewest();
}

// Shows one conversation's traces alone; null shows all.
function setGroup(group) {
  app.filters.setGroup(group);
  app.list.changed();
}

function openTrace(id, { user, span = null, push = true }) {
  if (user) follow(false);
  app.wanted = span;
  if (id !== app.traceID) {
    app.traceID = id;
    app.announced = null;
    app.detail.close();
    document.body.classList.remove("with-detail");
    app.waterfall.clear();
    app.waterfall.follow(app.following);
    app.list.setCurrent(id);
    app.stream.open(id);
    app.search.run();
  } else if (span) {
    openSpan(span, { replaceState: true });
  }
  drawHead();
  drawListState();
  if (user) show("trace");
  if (push) remember(!user);
}

function closeTrace() {
  app.traceID = null;
  document.title = "Live traces";
  closeSpan();
  app.waterfall.clear();
  app.list.setCurrent(null);
  app.head.clear();
  show("list");
  drawListState();
  app.stream.open(null);
}

function openSpan(id, { replaceState = false } = {}) {
  const node = app.waterfall.model.nodes.get(id);
  if (!node) return;
  const opening = !app.detail.node;
  follow(false);
  app.detail.open(app.traceID, node);
  document.body.classList.add("with-detail");
  app.waterfall.setSelected(id);
  show("span");
  remember(replaceState || !opening);
}

function closeSpan({ keepAddress = false } = {}) {
  if (!app.detail.node) return;
  app.detail.close();
  document.body.classList.remove("with-detail");
  app.waterfall.setSelected(null);
  if (document.body.dataset.view === "span") show("trace");
  if (!keepAddress) remember(true);
  byId("waterfall").focus({ preventScroll: true });
}

// Where a span's panel has taken the room of the list, the list comes back.
function showList() {
  if (!byId("traces").checkVisibility()) closeSpan({ keepAddress: true });
}

// On a narrow screen one of list, trace and span is shown; on a wide one, all.
function show(view) {
  document.body.dataset.view = view;
}

function modelChanged(model) {
  drawHead();
  if (app.wanted && model.nodes.has(app.wanted)) {
    const id = app.wanted;
    app.wanted = null;
    app.waterfall.show(id);
    openSpan(id, { replaceState: true });
  }
  if (app.detail.node) app.detail.refresh(model.nodes.get(app.detail.node.id));
}

function drawHead() {
  const trace = app.list.traces.get(app.traceID);
  if (!trace) return;
  app.head.draw(trace, app.waterfall.model, app.waterfall.following);
  document.title = `${trace.preview || trace.name} · Live traces`;
  const state = trace.running ? "running" : "finished";
  if (app.announced === "running" && state === "finished") {
    setText(byId("announce"), `Trace finished: ${trace.preview || trace.name}, ${trace.spans} spans, ${trace.errors ?? 0} errors`);
  }
  app.announced = state;
}

function drawListState() {
  const { traces } = app.list;
  byId("empty").hidden = traces.size > 0 || !app.started;
  byId("trace").hidden = app.traceID === null;
  // On a narrow screen the answer is where the list is.
  document.body.classList.toggle("no-traces", traces.size === 0 && !app.ask.asked);
  setText(byId("trace-count"), traceCount(app.list.rows.length, traces.size));
  const none = app.list.rows.length === 0;
  byId("list-empty").hidden = traces.size > 0 && !none;
  setText(byId("list-empty"), traces.size === 0 ? "No traces yet." : none ? "Nothing matches." : "");
  app.ask.place(traces.size === 0);
}

// Says why the page shows less than it should.
function notice(text) {
  const element = byId("notice");
  if (element.textContent === text) return;
  element.hidden = !text;
  replace(element, text && [icon("error"), h("span", null, text)]);
  app.ask.setNotice(text);
}

function connectionState(state) {
  if (state === "live") app.started = true;
  if (state === "live") app.lostAt = null;
  else if (state === "lost") app.lostAt ??= now();
  const label = { connecting: "Connecting", live: "Live", lost: "Reconnecting" }[state];
  const element = byId("connection");
  element.className = `connection ${state}`;
  if (element.textContent !== label) replace(element, h("i", { "aria-hidden": "true" }), h("span", null, label));
  drawListState();
}

// The address says what is shown, so that it can be kept and sent, and so that
// the browser's back button works.
function remember(replaceState) {
  const params = new URLSearchParams();
  if (app.filters.group !== null) params.set("group", app.filters.group);
  if (app.traceID !== null) params.set("trace", app.traceID);
  if (app.detail.node) params.set("span", app.detail.node.id);
  const hash = params.size ? `#${params}` : location.pathname;
  if (location.hash === hash) return;
  history[replaceState ? "replaceState" : "pushState"](null, "", hash);
}

function restore() {
  const params = new URLSearchParams(location.hash.slice(1));
  const trace = params.get("trace");
  const span = params.get("span");
  if (params.get("group") !== app.filters.group) setGroup(params.get("group"));
  if (!trace && params.has("group") && app.traceID !== null && !narrow.matches) {
    showList();
    return remember(true);
  }
  if (!trace) {
    if (narrow.matches) closeSpan({ keepAddress: true });
    return show("list");
  }
  follow(false);
  if (!span) closeSpan({ keepAddress: true });
  openTrace(trace, { user: false, span, push: false });
  show(span ? "span" : "trace");
}

replace(byId("match-prev"), icon("up"));
replace(byId("match-next"), icon("down"));
replace(byId("help-open"), icon("help"));
byId("follow").addEventListener("click", () => follow(!app.following));
addEventListener("popstate", restore);
connectionState("connecting");
installTheme(byId("theme"));
const help = installHelp(byId("help"), byId("help-open"));
installKeys({ app, show, showList, closeSpan, follow, help });
if (location.hash.length > 1) restore();
if (app.traceID === null) app.stream.open(null);
