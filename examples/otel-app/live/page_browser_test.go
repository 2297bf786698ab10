package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is a JavaScript expression for the waterfall's row of a name, or undefined.
func rowOf(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".span-row:not([hidden])")].find((row) => row.querySelector(".name").textContent === %q)`, name)
}

const (
	rowCount  = `document.querySelectorAll(".span-row:not([hidden])").length`
	listCount = `document.querySelectorAll(".trace-row:not([hidden])").length`
)

func TestBrowserShowsASpanRunningThenFinished(t *testing.T) {
	page := New(&fakeSource{})
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#empty:not([hidden])")`)
	b.script(`window.loadedOnce = true`)

	s := wireSpan{trace: "t", id: "a", name: "think", typ: "COMPLETION", base: time.Now(), end: 2 * time.Second,
		output: object{"usage": object{"input_tokens": 120, "output_tokens": 7}}}
	page.Ingest(s.started())
	b.wait(rowOf("think") + `?.matches(".s-running")`)
	b.wait(`document.querySelector(".trace-row.s-running")`)
	b.wait(`document.querySelector("#empty[hidden]")`)
	label := rowOf("think") + `.querySelector(".bar-label").textContent`
	first := eval[string](b, label)
	assert.Contains(t, first, "running")
	b.wait(fmt.Sprintf("%s !== %q", label, first)) // it grows by itself

	page.Ingest(s.item())
	b.wait(rowOf("think") + `?.matches(".s-ok")`)
	assert.Equal(t, "2.00 s", eval[string](b, label))
	assert.Equal(t, "127 tok", eval[string](b, rowOf("think")+`.querySelector(".usage").textContent`))
	b.wait(`document.querySelector(".trace-row.s-ok .time")?.textContent === "2.00 s"`)
	assert.Contains(t, eval[string](b, `document.querySelector("#announce").textContent`), "Trace finished: think")
	assert.True(t, eval[bool](b, `window.loadedOnce`), "without a reload")
	b.clean()
}

func TestBrowserRollsUpTokensOnce(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	usage := func(name string) string { return eval[string](b, rowOf(name)+`.querySelector(".usage").textContent`) }
	assert.Equal(t, "Σ 3,317 tok", usage("POST /ask"))
	assert.Equal(t, "Σ 3,317 tok", usage("invoke_agent researcher"))
	assert.Equal(t, "Σ 1,276 tok", usage("invoke_agent reviewer"))
	assert.Equal(t, "470 tok", usage("chat gpt-go-mini"))
	assert.Equal(t, "2,905 in, 412 out", eval[string](b, `document.querySelector(".fact-tokens dd").textContent`))
	assert.Equal(t, "$0.013", eval[string](b, `document.querySelector(".fact-cost dd").textContent`))
	b.clean()
}

func TestBrowserErrorStandsOut(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	bad := rowOf("execute_tool vet_example")
	assert.True(t, eval[bool](b, bad+`.querySelector(".status .icon-error") !== null`), "by an icon, not by colour alone")
	assert.Contains(t, eval[string](b, bad+`.getAttribute("aria-label")`), ", Error, ")
	assert.Equal(t, "1 error", eval[string](b, `document.querySelector(".trace-row .errors").textContent`))

	b.shortcut("e") // next error
	b.wait(bad + `.matches(".active")`)
	b.script(`document.querySelector("#waterfall").focus()`)
	b.press("\r")
	b.wait(`document.querySelector(".error-box:not([hidden]) strong")?.textContent === "*exec.ExitError"`)
	assert.Contains(t, eval[string](b, `document.querySelector(".error-box p").textContent`), "possible context leak")
	b.click("#tab-events")
	b.wait(`document.querySelector(".events .bad strong")?.textContent === "exception"`)
	b.clean()
}

func TestBrowserSearch(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "How do I sort?", epoch))...)
	page.Ingest(wireSpan{trace: "t2", id: "x", name: "other work", end: time.Second, base: epoch}.item())
	page.Ingest(items(askTrace("t3", "How do I cancel?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15 && " + listCount + " === 3")

	b.shortcut("/")
	b.wait(`document.activeElement.id === "q"`)
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "snippet(DOCS")) // in a payload, in another case
	b.wait(listCount + " === 2")
	b.wait(`document.querySelector("#match-count").textContent === "1 match"`)
	b.wait(rowOf("sql.conn.query") + `.matches(".match")`)
	assert.Equal(t, 1, eval[int](b, `document.querySelectorAll(".span-row.match").length`))
	assert.True(t, eval[bool](b, rowOf("rerank")+`.matches(".dim")`))
	b.press("\r")
	b.wait(rowOf("sql.conn.query") + `.matches(".active")`)
	b.screenshot("search")

	b.press("\x1b")
	b.wait(listCount + " === 3 && document.querySelectorAll('.span-row.dim').length === 0")

	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "nowhere to be found"))
	b.wait(`document.querySelector("#list-empty:not([hidden])")?.textContent === "Nothing matches."`)
	b.wait(listCount + " === 0")
	b.clean()
}

func TestBrowserCollapse(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")

	reviewer := rowOf("invoke_agent reviewer")
	b.script(reviewer + `.querySelector(".toggle-children").click()`)
	b.wait(rowCount + " === 12")
	assert.Equal(t, "+3 · 1 error", eval[string](b, reviewer+`.querySelector(".more").textContent`), "an error in it is not hidden")
	assert.Equal(t, "false", eval[string](b, reviewer+`.getAttribute("aria-expanded")`))
	b.script(reviewer + `.querySelector(".toggle-children").click()`)
	b.wait(rowCount + " === 15")

	b.shortcut("c")
	b.wait(rowCount + " === 2")
	b.shortcut("e") // an error in a collapsed part is found, and opened
	b.wait(rowOf("execute_tool vet_example") + `?.matches(".active")`)
	b.shortcut("x")
	b.wait(rowCount + " === 15")
	b.clean()
}

func TestBrowserZoomsToASpan(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	// The bar's share of the axis, in per cent.
	share := func(percent int) string {
		return fmt.Sprintf(`Math.round(100 * %s.querySelector(".bar").offsetWidth / document.querySelector(".axis-track").clientWidth) === %d`,
			rowOf("execute_tool vet_example"), percent)
	}
	b.wait(share(15)) // 580 of 3912 ms
	b.shortcut("e")
	b.wait(rowOf("execute_tool vet_example") + `.matches(".active")`)
	b.shortcut("z")
	b.wait(`document.querySelector(".zoom-out:not([hidden]) span")?.textContent === "only execute_tool vet_example"`)
	b.wait(share(96))
	assert.True(t, eval[bool](b, rowOf("plan")+`.querySelector(".bar").hidden`), "what is at another time does not show")
	assert.Equal(t, "1.1 s", eval[string](b, `document.querySelector(".tick:not([hidden])").textContent`), "the axis keeps the trace's time")
	b.screenshot("zoom")
	b.click(".zoom-out")
	b.wait(`document.querySelector(".zoom-out").hidden`)
	b.wait(share(15))
	b.clean()
}

func TestBrowserKeyboard(t *testing.T) {
	const (
		up, down, left, right, home, end = "\u0304", "\u0301", "\u0302", "\u0303", "\u0306", "\u0305"
		enter, escape, tab               = "\r", "\x1b", "\t"
	)
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "First?", epoch))...)
	page.Ingest(items(askTrace("t2", "Second?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	active := func(name string) {
		t.Helper()
		b.wait(rowOf(name) + `?.matches(".active")`)
		assert.True(t, eval[bool](b, rowOf(name)+`.id === document.querySelector("#waterfall").getAttribute("aria-activedescendant")`))
	}

	// The waterfall is reached by Tab, and shows where the cursor is.
	for range 30 {
		if eval[string](b, `document.activeElement.id`) == "waterfall" {
			break
		}
		b.press(tab)
	}
	require.Equal(t, "waterfall", eval[string](b, `document.activeElement.id`))
	active("POST /ask")
	assert.Equal(t, "solid", eval[string](b, `getComputedStyle(document.querySelector(".span-row.active")).outlineStyle`))

	b.press(down, down)
	active("plan")
	b.press(right)
	active("chat gpt-go-mini")
	b.press(left, left)
	b.wait(rowOf("plan") + `?.matches(".active")`)
	b.press(left)
	b.wait(rowOf("plan") + `?.getAttribute("aria-expanded") === "false"`)
	b.press(right)
	b.wait(rowOf("plan") + `?.getAttribute("aria-expanded") === "true"`)
	b.press(end)
	active("HTTP POST")
	b.press(home)
	b.shortcut("j")
	active("invoke_agent researcher")

	b.press(enter)
	b.wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "invoke_agent researcher"`)
	b.press(down) // the panel follows the cursor
	b.wait(`document.querySelector("#detail h2").textContent === "plan"`)
	b.wait(`location.hash.includes("span=03")`)
	b.press(escape)
	b.wait(`document.querySelector("#detail[hidden]")`)
	assert.Equal(t, "waterfall", eval[string](b, `document.activeElement.id`), "the focus comes back")

	b.shortcut("]") // the older trace
	b.wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	b.shortcut("[")
	b.wait(`document.querySelector("#trace-head h2").textContent === "Second?"`)

	b.shortcut("?")
	b.wait(`document.querySelector("#help").open`)
	b.press(escape)
	b.wait(`!document.querySelector("#help").open`)

	b.script(`document.querySelector("#traces").focus()`)
	b.press(down, enter)
	b.wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	b.clean()
}

func TestBrowserTenThousandSpans(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#empty:not([hidden])")`)
	b.script(`window.longTasks = []; new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({type: "longtask"}); 0`)

	page.Ingest(manySpans("big", 10_000)...)
	b.wait(`document.querySelector(".fact-spans dd")?.textContent === "10,000"`)
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320000`)
	t.Logf("long tasks (ms) while 10,000 spans came in: %v", eval[[]int](b, `longTasks.splice(0)`))

	// Through the whole trace, in 60 leaps, each of which shows other rows.
	b.script(`window.scrolled = (async () => {
		const pane = document.querySelector("#waterfall");
		const out = {frames: 0, slow: 0, most: 0};
		let last = performance.now();
		while (pane.scrollTop + pane.clientHeight < pane.scrollHeight - 1) {
			pane.scrollTop += pane.scrollHeight / 60;
			await new Promise(requestAnimationFrame);
			const now = performance.now();
			out.frames++;
			if (now - last > 50) out.slow++;
			last = now;
			out.most = Math.max(out.most, document.querySelectorAll(".span-row").length);
		}
		window.scrollResult = out;
	})(); 0`)
	b.wait(`window.scrollResult`)
	assert.Less(t, eval[int](b, `scrollResult.most`), 80, "rows in the document")
	t.Logf("leaping: %s, long tasks (ms): %v", eval[string](b, `JSON.stringify(scrollResult)`), eval[[]int](b, `longTasks.splice(0)`))
	b.wait(rowOf("step 9999"))

	// As with a wheel, and what it costs the browser's main thread.
	cpu := b.mainThread()
	b.script(`window.wheeled = false; (async () => {
		const pane = document.querySelector("#waterfall");
		for (let i = 0; i < 60; i++) {
			pane.scrollTop -= 120;
			await new Promise(requestAnimationFrame);
		}
		window.wheeled = true;
	})(); 0`)
	b.wait(`window.wheeled`)
	t.Logf("scrolling: %v of CPU time a frame", (b.mainThread()-cpu)/60)

	b.shortcut("e") // the one that failed, near the end
	b.wait(rowOf("step 9995") + `?.matches(".active")`)
	b.shortcut("c")
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight < 320000`)
	b.shortcut("x")
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320000`)
	b.shortcut("e")
	b.wait(rowOf("step 9995") + `?.matches(".active")`)
	t.Logf("jump, collapse, expand: long tasks (ms): %v", eval[[]int](b, `longTasks.splice(0)`))
	b.screenshot("ten-thousand")

	// And while it is still growing: the view must not move.
	top := eval[int](b, `document.querySelector("#waterfall").scrollTop`)
	page.Ingest(wireSpan{trace: "big", id: "late", parent: "root", name: "late", start: 99 * time.Second, end: 100 * time.Second}.item())
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320032`)
	assert.Equal(t, top, eval[int](b, `document.querySelector("#waterfall").scrollTop`))
	b.clean()
}

func TestBrowserShowsHostileTextAsText(t *testing.T) {
	const evil = `<script>window.hacked=1</script><img src="/hacked.png" onerror="window.hacked=2"><svg onload=window.hacked=3>`
	page := New(nil)
	defer page.Close()
	failed := wireSpan{trace: "t<i>", id: `"><b>`, parent: "root", name: evil, typ: evil, start: time.Second, end: 2 * time.Second, err: evil,
		input: object{"messages": []any{message("user", evil), message(evil, "```html\n"+evil+"\n```"),
			object{"role": "assistant", "parts": []any{object{"type": "tool_call", "name": evil, "arguments": object{evil: evil}}}}}},
		output: object{evil: evil},
		metadata: object{evil: evil, "attributes": object{evil: evil}, "events": []any{
			object{"name": evil, "time": "2026-03-04T09:30:01.5Z", "attributes": object{evil: evil + "\n" + evil}}}}}
	page.Ingest(wireSpan{trace: "t<i>", id: "root", name: evil, end: 3 * time.Second, input: object{"question": evil}}.item(), failed.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 2")
	assert.True(t, eval[bool](b, fmt.Sprintf(`document.querySelector("#trace-head h2").textContent.startsWith(%q)`, "<script>window.hacked=1</script>")))
	b.script(`document.querySelectorAll(".span-row:not([hidden])")[1].querySelector(".name").click()`)
	b.wait(fmt.Sprintf(`[...document.querySelectorAll("#detail .message .prose")].some((p) => p.textContent === %q)`, evil))
	b.screenshot("hostile")
	for _, id := range []string{"io", "metadata", "events", "json"} {
		b.click("#tab-" + id)
		b.wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true"`, id))
		assert.Contains(t, eval[string](b, `document.querySelector("#tab-body").textContent`), "<script>window.hacked=1</script>")
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), evil[:40]))
	b.wait(`document.querySelector("#match-count").textContent === "2 of 2"`)
	assert.Equal(t, 0, eval[int](b, `document.querySelectorAll("img, iframe, object, embed, body script, [onerror], [onload]").length`))
	assert.True(t, eval[bool](b, `window.hacked === undefined`))
	b.fits("hostile")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, request := range b.requests {
		assert.NotContains(t, request, "hacked.png")
	}
	assert.Empty(t, b.problems)
}

func TestBrowserFitsAPhone(t *testing.T) {
	page := New(&fakeSource{}, WithAsk("/ask"))
	defer page.Close()
	spans := askTrace(strings.Repeat("f", 256), strings.Repeat("unbroken", 60), epoch)
	spans[3].name = strings.Repeat("very.long.name.", 30)
	spans[3].metadata["attributes"] = object{strings.Repeat("long_key_", 20): strings.Repeat("long_value_", 60)}
	page.Ingest(items(spans)...)
	b := openTab(t, page.Handler(), 390, 844)
	b.wait(listCount + " === 1")
	b.fits("list")
	b.click(".trace-row")
	b.wait(rowCount + " > 10 && getComputedStyle(document.querySelector('.sidebar')).visibility === 'hidden'")
	b.fits("trace")
	b.script(rowOf(spans[3].name) + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail .message") && document.body.dataset.view === "span"`)
	for _, id := range []string{"io", "metadata", "events", "json"} {
		b.click("#tab-" + id)
		b.fits(id)
	}
	b.do(chromedp.NavigateBack())
	b.wait(`document.body.dataset.view === "trace"`)
	b.do(chromedp.NavigateBack())
	b.wait(`document.body.dataset.view === "list"`)
	b.clean()
}

func TestBrowserTheme(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	background := `getComputedStyle(document.body).backgroundColor`
	const light, dark = "rgb(246, 246, 248)", "rgb(13, 15, 19)"
	b.theme("dark")
	b.wait(fmt.Sprintf("%s === %q", background, dark))
	b.theme("light")
	b.wait(fmt.Sprintf("%s === %q", background, light))

	b.click("#theme") // system → light
	b.click("#theme") // light → dark
	b.wait(fmt.Sprintf("%s === %q", background, dark))
	b.do(chromedp.Reload())
	b.wait(fmt.Sprintf("%s === %q", background, dark)) // it is remembered
	b.wait(`document.querySelector("#theme").getAttribute("aria-label") === "Theme: dark"`)
	b.shortcut("t") // dark → system
	b.wait(fmt.Sprintf("%s === %q", background, light))
	b.clean()
}

func TestBrowserConnectsAgain(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "before", end: time.Second}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("before"))
	b.script(`window.loadedOnce = true`)
	b.server.CloseClientConnections()
	page.Ingest(wireSpan{trace: "t", id: "b", parent: "a", name: "after", end: time.Second}.item())
	b.wait(rowOf("after"))
	b.wait(`document.querySelector("#connection.live")`)
	assert.Equal(t, 2, eval[int](b, rowCount))
	assert.True(t, eval[bool](b, `window.loadedOnce`))
}

func TestBrowserRestsInTheBackground(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "before", end: time.Second}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowOf("before"))
	streams := func() (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, request := range b.requests {
			if strings.Contains(request, "since=") {
				n++
			}
		}
		return n
	}
	require.Zero(t, streams())
	b.script(`window.background = true; Object.defineProperty(document, "hidden", {get: () => background}); document.dispatchEvent(new Event("visibilitychange"))`)
	page.Ingest(wireSpan{trace: "t", id: "b", parent: "a", name: "meanwhile", end: time.Second}.item())
	b.script(`background = false; document.dispatchEvent(new Event("visibilitychange"))`)
	b.wait(rowOf("meanwhile"))
	assert.Equal(t, 2, eval[int](b, rowCount))
	assert.Equal(t, 1, streams(), "it takes up where it stopped")
	b.clean()
}

func TestBrowserFollowsNewTracesUntilOneIsChosen(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	title := func(want string) {
		b.wait(fmt.Sprintf(`document.querySelector("#trace-head h2").textContent === %q`, want))
	}
	page.Ingest(wireSpan{trace: "t1", id: "a", name: "first", end: time.Second}.item())
	title("first")
	page.Ingest(wireSpan{trace: "t2", id: "a", name: "second", end: time.Second}.item())
	title("second")
	b.script(`document.querySelectorAll(".trace-row:not([hidden])")[1].click()`)
	title("first")
	page.Ingest(wireSpan{trace: "t3", id: "a", name: "third", end: time.Second}.item())
	b.wait(listCount + " === 3")
	title("first")
	assert.Equal(t, "false", eval[string](b, `document.querySelector("#follow").getAttribute("aria-pressed")`))
	b.shortcut("f")
	title("third")
	b.clean()
}

func TestBrowserAddressKeepsWhatIsShown(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "First?", epoch))...)
	page.Ingest(items(askTrace("t2", "Second?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	b.do(chromedp.Navigate(b.server.URL+"/#trace=t1&span=11"), chromedp.Reload())
	b.wait(`document.querySelector("#trace-head h2")?.textContent === "First?"`)
	b.wait(`document.querySelector("#detail h2")?.textContent === "execute_tool vet_example"`)
	b.clean()
}

func TestBrowserAsks(t *testing.T) {
	page := New(nil, WithAsk("/ask"))
	defer page.Close()
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Question string }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&q))
		assert.Equal(t, "Why <b>?", q.Question)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "event: delta\ndata: %q\n\n", "Because <i>")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, `event: answer`+"\n"+`data: {"answer":"Because <i>it is","trace_id":"t"}`+"\n\n")
	})
	b := openTab(t, mux, 1440, 900)
	b.wait(`document.querySelector("#ask:not([hidden])")`)
	assert.Contains(t, eval[string](b, `document.querySelector(".command code").textContent`), b.server.URL+"/ask")
	b.shortcut("a")
	b.do(chromedp.SendKeys(chromedp.CSS("#question"), "Why <b>?\r"))
	b.wait(`document.querySelector("#answer .prose")?.textContent === "Because <i>"`)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "POST /ask", end: time.Second}.item())
	close(release)
	b.wait(`document.querySelector("#answer p.prose")?.textContent === "Because <i>it is"`)
	b.wait(rowOf("POST /ask"))
	b.screenshot("answer")
	b.clean()
}

func TestBrowserHidesTheAskBoxWhereNothingAnswers(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#empty:not([hidden]) h2")?.textContent === "Waiting for the first trace"`)
	assert.True(t, eval[bool](b, `document.querySelector("#ask").hidden`))
	b.clean()
}
