package live

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

// conversations are two services' traces in two conversations, one of them failed, one slow.
func conversations() []wireSpan {
	service := func(name, model string) object {
		return object{"service_name": name, "k8s_pod_name": name + "-pod-1",
			"attributes": object{"gen_ai.response.model": model, "gen_ai.response.time_to_first_chunk": 0.25, "http.response.status_code": 503}}
	}
	s := time.Second
	return []wireSpan{
		{trace: "t1", id: "r", name: "POST /chat", typ: "AGENT_WORKFLOW", group: "conv-a", end: 2 * s, input: object{"question": "First question?"}, metadata: service("front", "")},
		{trace: "t1", id: "m", parent: "r", name: "chat", typ: "COMPLETION", group: "conv-a", start: s, end: 2 * s, metadata: service("models", "gpt-x"),
			output: object{"usage": object{"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.5}}},
		{trace: "t2", id: "r", name: "POST /chat", typ: "AGENT_WORKFLOW", group: "conv-a", start: 5 * s, end: 6 * s, err: "quota exceeded for this key", metadata: service("front", "gpt-y")},
		{trace: "t3", id: "r", name: "nightly", typ: "CUSTOM", group: "conv-b", start: 9 * s, end: 29 * s, metadata: service("batch", "")},
		{trace: "t4", id: "r", name: "stopped", start: 31 * s, end: 32 * s, canceled: true},
	}
}

const listTitles = `[...document.querySelectorAll(".trace-row:not([hidden])")].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map((row) => row.querySelector(".title").textContent).join("|")`

// choose sets a select of the filters.
func (b *tab) choose(name, value string) {
	b.t.Helper()
	b.script(fmt.Sprintf(`(() => { const e = document.querySelector("#filter-%s"); e.value = %q; e.dispatchEvent(new Event("change")); })()`, name, value))
}

func TestBrowserFiltersAndSorts(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(conversations())...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + ` === 4`)
	assert.Equal(t, "stopped|nightly|POST /chat|First question?", eval[string](b, listTitles))
	b.click("#filter")
	b.wait(`document.querySelector("#filters:not([hidden])")`)
	count := `document.querySelector("#trace-count").textContent`
	for _, c := range []struct{ field, value, titles, count string }{
		{"status", "error", "POST /chat", "1 of 4"},
		{"status", "canceled", "stopped", "1 of 4"},
		{"status", "ok", "nightly|First question?", "2 of 4"},
		{"service", "models", "First question?", "1 of 4"},
		{"type", "CUSTOM", "nightly", "1 of 4"},
		{"model", "gpt-y", "POST /chat", "1 of 4"},
		{"longer", "10000000", "nightly", "1 of 4"},
	} {
		b.choose(c.field, c.value)
		b.wait(fmt.Sprintf(`%s === %q && %s === %q`, listTitles, c.titles, count, c.count))
		assert.Equal(t, "Filter · 1", eval[string](b, `document.querySelector("#filter").textContent`))
		b.choose(c.field, "")
		b.wait(count + ` === "4"`)
	}
	b.choose("since", "5")
	b.wait(`document.querySelector("#list-empty:not([hidden])")?.textContent === "Nothing matches."`)
	b.click("#filters .button")
	b.wait(count + ` === "4"`)
	b.choose("order", "slowest")
	b.wait(listTitles + ` === "nightly|First question?|stopped|POST /chat"`)
	b.choose("order", "tokens")
	b.wait(listTitles + `.startsWith("First question?|")`)
	b.screenshot("filters")
	b.fits("filters")

	// The count is that of what shows, with a search too.
	b.choose("status", "error")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "chat"))
	b.wait(listTitles + ` === "POST /chat" && ` + count + ` === "1 of 4"`)
	b.clean()
}

func TestBrowserSearchesByWordsAndFields(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(conversations())...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + ` === 4`)
	for query, titles := range map[string]string{
		"exceeded quota":    "POST /chat",
		`"exceeded quota"`:  "",
		"status:error":      "POST /chat",
		"type:completion":   "First question?",
		"service:batch":     "nightly",
		"duration:>10s":     "nightly",
		"status:canceled":   "stopped",
		"model:gpt-x chat":  "First question?",
		"group:conv-b":      "nightly",
		"running":           "",
		"chat status:error": "POST /chat",
	} {
		b.script(fmt.Sprintf(`(() => { const q = document.querySelector("#q"); q.value = %q; q.dispatchEvent(new Event("input")); })()`, query))
		b.wait(fmt.Sprintf(`%s === %q`, listTitles, titles))
		b.script(`(() => { const q = document.querySelector("#q"); q.value = ""; q.dispatchEvent(new Event("input")); })()`)
		b.wait(listCount + ` === 4`)
	}
	b.clean()
}

// A conversation is one thing: a link leads to its traces, with what they come to together.
func TestBrowserShowsAConversation(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(conversations())...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + ` === 4`)
	b.script(`location.hash = "#trace=t1"`)
	b.wait(`document.title === "First question? · Live traces"`)
	b.click("#trace-head .sub a")
	b.wait(listTitles + ` === "POST /chat|First question?"`)
	assert.Equal(t, "2 traces · 3 spans · 120 tok · $0.500 · 1 error · 3.00 s in all", eval[string](b, `document.querySelector("#group .totals").textContent`))
	assert.Equal(t, "First question?", eval[string](b, `document.querySelector("#trace-head h2").textContent`), "the trace stays")
	b.screenshot("conversation")
	b.fits("conversation")
	b.click("#group button")
	b.wait(listCount + ` === 4 && !location.hash.includes("group")`)
	b.script(`history.back()`)
	b.wait(listCount + ` === 2`)

	b.do(chromedp.Navigate(b.server.URL + "/#" + url.Values{"group": {"conv-b"}}.Encode()))
	b.do(chromedp.Reload())
	b.wait(listTitles + ` === "nightly"`)
	b.clean()
}

func TestBrowserShowsServicesAndFields(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(conversations())...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + ` === 4`)
	b.script(`location.hash = "#trace=t1"`)
	b.wait(rowOf("chat") + ` && document.querySelector("#trace-head .service")?.textContent === "front +1"`)
	assert.Equal(t, "POST /chat", eval[string](b, `document.querySelector("#trace-head .root").textContent`), "the root's name beside the first input")
	assert.Equal(t, "front POST /chat", eval[string](b, `(() => { const row = [...document.querySelectorAll(".trace-row")].find((r) => r.trace?.id === "t1"); return row.querySelector(".service").textContent + " " + row.querySelector(".root").textContent; })()`))
	assert.Equal(t, "models", eval[string](b, rowOf("chat")+`.querySelector(".service").textContent`))
	assert.Contains(t, eval[string](b, rowOf("chat")+`.querySelector(".bar").className`), "t-model")
	b.script(`[...document.querySelectorAll("#trace-head .button")].find((e) => e.textContent === "By service").click()`)
	b.wait(rowOf("chat") + `.querySelector(".bar").className.includes("v-1")`)
	b.screenshot("services")

	b.script(rowOf("chat") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail .facts-grid a")`)
	facts := eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("#detail .facts-grid dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent]))`)
	assert.Equal(t, "models on models-pod-1", facts["Service"])
	assert.Equal(t, "gpt-x", facts["Model"])
	assert.Equal(t, "after 250 ms", facts["First token"])
	assert.Equal(t, "503", facts["HTTP status"])
	assert.Equal(t, "conv-a", facts["Conversation"])
	b.clean()
}

// Markdown is drawn, nothing of it is markup, and the raw text is one click away.
func TestBrowserDrawsMarkdownSafely(t *testing.T) {
	const text = "## Heading\n\nSome **bold** text, `code` and a [site](https://example.com/a?b=1&c=2).\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n" +
		"<img src=x onerror=\"window.owned = 1\"> [bad](javascript:window.owned=2) ![pixel](https://tracker.example/p.png)\n\n<script>window.owned = 3</script>\n"
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "chat", typ: "COMPLETION", end: time.Second, output: object{"messages": []any{message("assistant", text)}}}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("chat"))
	b.script(rowOf("chat") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail .markdown")`)
	const md = `document.querySelector("#detail .markdown")`
	assert.Equal(t, "Heading", eval[string](b, md+`.querySelector("h5").textContent`))
	assert.Equal(t, "bold", eval[string](b, md+`.querySelector("strong").textContent`))
	assert.Equal(t, 2, eval[int](b, md+`.querySelectorAll("li").length`))
	assert.Equal(t, "2", eval[string](b, md+`.querySelector("td:last-child").textContent`))
	assert.Equal(t, []string{"https://example.com/a?b=1&c=2", "https://tracker.example/p.png"}, eval[[]string](b, `[...`+md+`.querySelectorAll("a")].map((a) => a.href)`))
	assert.Equal(t, "noopener noreferrer nofollow", eval[string](b, md+`.querySelector("a").rel`))
	assert.Zero(t, eval[int](b, md+`.querySelectorAll("img, script").length`))
	assert.Contains(t, eval[string](b, md+`.textContent`), `<img src=x onerror="window.owned = 1">`)
	assert.Contains(t, eval[string](b, md+`.textContent`), `[bad](javascript:window.owned=2)`)
	assert.Equal(t, "undefined", eval[string](b, `typeof window.owned`))
	b.screenshot("markdown")

	b.script(`[...document.querySelectorAll("#detail .segments button")].find((e) => e.textContent === "Raw text").click()`)
	b.wait(`document.querySelector("#detail .message .prose")?.textContent.startsWith("## Heading")`)
	b.clean()
}

// Integers keep their digits, in the panel, in JSON within text, and in the export.
func TestBrowserKeepsDigits(t *testing.T) {
	const id = "9007199254740993123"
	page := New(nil)
	defer page.Close()
	page.Ingest([]byte(`{"id":"a","trace_id":"t","name":"tool","start_timestamp":"2026-03-04T09:30:00Z","end_timestamp":"2026-03-04T09:30:01Z",
		"input":{"arguments":{"user":` + id + `}},
		"output":{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"order\":` + id + `}"}}]}]}}`))
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("tool"))
	b.script(rowOf("tool") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail .bigint")`)
	assert.Equal(t, []string{id, id}, eval[[]string](b, `[...document.querySelectorAll("#detail .bigint")].map((e) => e.textContent)`))
	b.script(`(async () => { const { parse, stringify } = await import("/assets/js/exact.js"); window.copied = stringify(parse('{"a":` + id + `,"b":1.5,"c":7}')); })()`)
	b.wait(`window.copied`)
	assert.JSONEq(t, `{"a":`+id+`,"b":1.5,"c":7}`, eval[string](b, `window.copied`))
	assert.Contains(t, eval[string](b, `window.copied`), id)
	b.script(`fetch(document.querySelector("#trace-head a[download]").href).then((r) => r.text()).then((text) => { window.exported = text; })`)
	b.wait(`window.exported`)
	assert.Contains(t, eval[string](b, `window.exported`), `"user":`+id)
	assert.Equal(t, "trace-t.json", eval[string](b, `document.querySelector("#trace-head a[download]").download`))
	b.clean()
}

// A running span that nothing is heard of stops growing and says so; one that was written
// as unfinished says that; a heartbeat keeps a span alive.
func TestBrowserTellsSilentSpans(t *testing.T) {
	now := time.Now()
	page := New(nil)
	defer page.Close()
	hours := now.Add(-2 * time.Hour)
	page.Ingest(
		wireSpan{trace: "t", id: "r", name: "root", base: hours, metadata: object{"heartbeat": now.Add(-10 * time.Minute).Format(time.RFC3339Nano)}}.item(),
		wireSpan{trace: "t", id: "u", parent: "r", name: "cut off", base: hours, end: time.Hour, canceled: true,
			metadata: object{"otel_sgp_notes": []any{"unfinished: the span ran when its process ended; end_timestamp is the time of this write"}}}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("root") + `?.matches(".s-silent")`)
	label := rowOf("root") + `.querySelector(".bar-label").textContent`
	assert.Regexp(t, `^1 h 50 m · no news since \d\d:\d\d:\d\d$`, eval[string](b, label))
	assert.Regexp(t, `^no news since \d\d:\d\d:\d\d`, eval[string](b, `document.querySelector(".trace-row .facts").textContent`))
	assert.Equal(t, "No news", eval[string](b, `document.querySelector("#trace-head .pill").textContent`))
	assert.Equal(t, "1 h 50 m", eval[string](b, `document.querySelector(".trace-row .time").textContent`))
	assert.True(t, eval[bool](b, rowOf("cut off")+`.matches(".s-unfinished")`))
	assert.Equal(t, "1 h 00 m · unfinished", eval[string](b, rowOf("cut off")+`.querySelector(".bar-label").textContent`))
	b.script(rowOf("cut off") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector(".error-box:not([hidden]) strong")?.textContent === "Unfinished" && document.querySelector(".error-box p").textContent.includes("when its process ended")`)
	b.screenshot("silent")

	page.Ingest(wireSpan{trace: "t", id: "r", name: "root", base: hours, metadata: object{"heartbeat": time.Now().Format(time.RFC3339Nano)}}.item())
	b.wait(rowOf("root") + `?.matches(".s-running")`)
	b.wait(label + `.endsWith("· running")`)
	page.Ingest(wireSpan{trace: "t", id: "r", name: "root", base: hours, end: 2 * time.Hour, canceled: true}.item())
	b.wait(`document.querySelector("#trace-head .pill").textContent === "Canceled"`)
	b.wait(`document.querySelector(".trace-row.s-canceled")`)
	b.clean()
}

// A span that ended at the epoch has ended.
func TestBrowserEpochIsAnEnd(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "old", base: time.Unix(-3, 0).UTC(), end: 3 * time.Second}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("old") + `?.matches(".s-ok")`)
	b.wait(`document.querySelector(".trace-row.s-ok .time")?.textContent === "3.00 s"`)
	assert.Equal(t, "3.00 s", eval[string](b, rowOf("old")+`.querySelector(".bar-label").textContent`))
	b.clean()
}

// The button that says how many spans run keeps the newest of them in view, until whoever
// looks scrolls.
func TestBrowserFollowsTheNewestSpan(t *testing.T) {
	page := New(nil)
	defer page.Close()
	now := time.Now()
	page.Ingest(wireSpan{trace: "t", id: "root", name: "root", base: now}.item())
	add := func(from, to int) {
		for i := from; i < to; i++ {
			page.Ingest(wireSpan{trace: "t", id: fmt.Sprint(i), parent: "root", name: fmt.Sprintf("step %d", i), base: now, start: time.Duration(i) * time.Millisecond}.item())
		}
	}
	add(0, 100)
	b := openTab(t, page.Handler(), 1440, 900)
	b.script(`location.hash = "#trace=t"`)
	b.wait(`document.querySelector("#trace-head .chip.live")?.textContent === "101 running"`)
	const top = `document.querySelector("#waterfall").scrollTop`
	b.script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel"))`)
	b.wait(`document.querySelector("#trace-head .chip.live").ariaPressed === "false"`)
	b.script(top + ` = 0`)
	b.click("#trace-head .chip.live")
	b.wait(rowOf("step 99") + ` && ` + top + ` > 1000`)
	add(100, 200)
	b.wait(rowOf("step 199"))
	b.script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel"))`)
	b.wait(`document.querySelector("#trace-head .chip.live").ariaPressed === "false"`)
	at := eval[int](b, top)
	add(200, 300)
	b.wait(`document.querySelector("#trace-head .chip.live").textContent === "301 running"`)
	assert.Equal(t, at, eval[int](b, top))
	b.clean()
}

// A tab in the background holds no stream: six of them would block the browser.
func TestBrowserHiddenTabHoldsNoStream(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector(".connection.live")`)
	b.script(`(async () => {
		const { Stream } = await import("/assets/js/stream.js");
		let hidden = true;
		Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
		const stream = new Stream({ hello() {}, traces() {}, spans() {}, stats() {}, state() {} });
		stream.open(null);
		window.atFirst = stream.source === null;
		hidden = false;
		document.dispatchEvent(new Event("visibilitychange"));
		window.shown = stream.source !== null;
		stream.close();
		delete document.hidden;
	})()`)
	b.wait(`window.shown`)
	assert.True(t, eval[bool](b, `window.atFirst`))
	b.clean()
}

// A chain of 20,000 nested spans opens without a walk up for each of them.
func TestBrowserOpensADeepChain(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.script(`(async () => {
		const { TraceModel } = await import("/assets/js/model.js");
		const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: String(i), parent: i ? String(i - 1) : undefined, name: "n", start: i, end: 50_000, seq: i + 1 }));
		let looks = 0; // at where a span's parent is
		for (const order of [rows, rows.toReversed()]) {
			const model = new TraceModel();
			model.add = new Proxy(model.add, { apply: (add, self, [node]) => {
				let up = node.up;
				Object.defineProperty(node, "up", { get() { looks++; return up; }, set(value) { up = value; } });
				return add.call(self, node);
			} });
			model.apply(order);
			model.build();
			window.depth = model.order.at(-1).depth;
		}
		window.looks = looks;
	})()`)
	b.wait(`window.looks`)
	assert.Equal(t, 19_999, eval[int](b, `window.depth`))
	assert.Less(t, eval[int](b, `window.looks`), 400_000, "a few for each span")
	b.clean()
}

// The time that the axis shows is chosen by buttons, by dragging over the axis or over the
// minimap of a long trace, and by the wheel. Bars that are cut show it.
func TestBrowserZoomsByMouse(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(manySpans("big", 400)...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("batch run") + ` && document.querySelector("#minimap:not([hidden]) canvas").width > 0`)
	const zoomText = `document.querySelector(".zoom-out:not([hidden])")?.textContent`
	const bar = `.querySelector(".bar").className`
	assert.NotContains(t, eval[string](b, rowOf("batch run")+bar), "cut")
	b.click(`[aria-label="Zoom in"]`)
	b.wait(zoomText + ` === "50.00 s"`)
	assert.Contains(t, eval[string](b, rowOf("batch run")+bar), "cut-left cut-right")
	b.click(`[aria-label="Zoom out"]`)
	b.wait(`document.querySelector(".zoom-out").hidden`)

	drag := func(element string, from, to float64) {
		b.script(fmt.Sprintf(`(() => {
			const e = document.querySelector(%q), box = e.getBoundingClientRect();
			e.setPointerCapture = () => {};
			const send = (type, share) => e.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, pointerId: 1, clientX: box.left + share * box.width, clientY: box.top + 5 }));
			send("pointerdown", %v); send("pointermove", %v); send("pointerup", %v);
		})()`, element, from, to, to))
	}
	drag(".axis-track", 0.2, 0.4)
	b.wait(zoomText + ` === "20.00 s"`)
	b.wait(`!document.querySelector("#minimap .view").hidden && document.querySelector("#minimap .view").style.left === "20%"`)
	b.screenshot("zoom")
	drag("#minimap", 0.5, 0.51)
	b.wait(zoomText + ` === "1.00 s"`)
	b.script(rowOf("batch run") + `.querySelector(".span-time").dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, ctrlKey: true, deltaY: 200, clientX: 1100 }))`)
	b.wait(zoomText + ` === "2.00 s"`)
	b.click(".zoom-out")
	b.wait(`document.querySelector(".zoom-out").hidden && document.querySelector("#minimap .view").hidden`)

	width := eval[float64](b, `document.querySelector(".axis-title").offsetWidth`)
	b.script(`document.querySelector(".splitter").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))`)
	b.wait(fmt.Sprintf(`document.querySelector(".axis-title").offsetWidth > %v`, width))
	assert.Equal(t, eval[float64](b, `document.querySelector(".axis-title").offsetWidth`), eval[float64](b, `document.querySelector(".span-name").offsetWidth`), "the rows go along")
	b.fits("splitter")
	b.clean()
}
