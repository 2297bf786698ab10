//go:build browser

package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserSearch(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "How do I sort?", epoch))...)
	page.Ingest(wireSpan{trace: "t2", id: "x", name: "other work", end: time.Second, base: epoch}.item())
	page.Ingest(items(askTrace("t3", "How do I cancel?", epoch))...)
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowCount + " === 15 && " + listCount + " === 3")

	b.Shortcut("/")
	b.Wait(`document.activeElement.id === "q"`)
	b.Fill("#q", "snippet(DOCS") // in a payload, in another case
	b.Wait(listCount + " === 2")
	b.Wait(`document.querySelector("#match-count").textContent === "1 match"`)
	b.Wait(rowOf("sql.conn.query") + `.matches(".match")`)
	assert.Equal(t, 1, browser.Eval[int](b, `document.querySelectorAll(".span-row.match").length`))
	assert.True(t, browser.Eval[bool](b, rowOf("rerank")+`.matches(".dim")`))
	b.Press("\r")
	b.Wait(rowOf("sql.conn.query") + `.matches(".active")`)
	b.Screenshot("search")

	b.Press("\x1b")
	b.Wait(listCount + " === 3 && document.querySelectorAll('.span-row.dim').length === 0")

	b.Fill("#q", "nowhere to be found")
	b.Wait(`document.querySelector("#list-empty:not([hidden])")?.textContent === "Nothing matches."`)
	b.Wait(listCount + " === 0")
	b.Clean()
}

// A match is marked where it is, and counted in its trace.
func TestBrowserMarksAMatchWhereItIs(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(
		wireSpan{trace: "t", id: "root", name: "Chat with Needle inside", typ: "COMPLETION", end: 4 * time.Second}.item(),
		wireSpan{trace: "t", id: "a", parent: "root", name: "payload", start: time.Second, end: 2 * time.Second, input: object{"text": "a needle, a NEEDLE"}}.item(),
		wireSpan{trace: "t", id: "needle-7", parent: "root", name: "by id", start: 2 * time.Second, end: 3 * time.Second}.item(),
		wireSpan{trace: "t", id: "b", parent: "root", name: "other", start: 3 * time.Second, end: 4 * time.Second}.item(),
		wireSpan{trace: "u", id: "b", name: "another trace", end: time.Second}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(listCount + " === 2")
	b.Script(`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.textContent.includes("needle")).click()`)
	b.Wait(rowCount + " === 4")
	b.Fill("#q", "needle")
	b.Wait(`document.querySelector("#match-count").textContent === "3 matches"`)
	b.Wait(`document.querySelector("#trace-count").textContent === "1 of 2"`)
	marks := func(name, element string) []string {
		return browser.Eval[[]string](b, fmt.Sprintf(`[...%s.querySelectorAll(%q)].map((e) => e.textContent).filter(Boolean)`, rowOf(name), element))
	}
	b.Wait(`document.querySelectorAll(".span-row.match:not([hidden])").length === 3`)
	assert.Equal(t, []string{"Needle"}, marks("Chat with Needle inside", "mark"))
	assert.Empty(t, marks("Chat with Needle inside", ".found"))
	assert.Empty(t, marks("payload", "mark"))
	assert.Equal(t, []string{"inside"}, marks("payload", ".found"))
	assert.Equal(t, []string{"in id"}, marks("by id", ".found"))
	assert.Empty(t, marks("other", ".found"))

	b.Press("\r", "\r")
	b.Wait(`document.querySelector("#match-count").textContent === "2 of 3"`)
	b.Wait(rowOf("payload") + `.matches(".active")`)
	b.Script(`document.querySelector("#waterfall").focus()`)
	b.Press("\r")
	b.Wait(`document.querySelector("#detail .prose")?.textContent === "a needle, a NEEDLE"`)
	b.Wait(`CSS.highlights.get("found")?.size === 2`)
	b.Screenshot("match")
	b.Do(chromedp.EmulateViewport(390, 844))
	b.Wait(`innerWidth === 390`)
	b.Screenshot("match-390")
	b.Fits("match")
	b.Do(chromedp.EmulateViewport(1440, 900))
	b.Script(`document.querySelector("#q").focus()`)
	b.Press("\x1b")
	b.Wait(`CSS.highlights.get("found").size === 0 && document.querySelectorAll(".span-row mark").length === 0`)
	assert.Equal(t, "2", browser.Eval[string](b, `document.querySelector("#trace-count").textContent`))
	b.Clean()
}

func TestBrowserFiltersAndSorts(t *testing.T) {
	b := show(t, conversations()...)
	b.Wait(listCount + ` === 4`)
	assert.Equal(t, "stopped|nightly|POST /chat|First question?", browser.Eval[string](b, listTitles))
	b.Click("#filter")
	b.Wait(`document.querySelector("#filters:not([hidden])")`)
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
		choose(b, c.field, c.value)
		b.Wait(fmt.Sprintf(`%s === %q && %s === %q`, listTitles, c.titles, count, c.count))
		assert.Equal(t, "Filter · 1", browser.Eval[string](b, `document.querySelector("#filter").textContent`))
		choose(b, c.field, "")
		b.Wait(count + ` === "4"`)
	}
	choose(b, "since", "5")
	b.Wait(`document.querySelector("#list-empty:not([hidden])")?.textContent === "Nothing matches."`)
	b.Click("#filters .button")
	b.Wait(count + ` === "4"`)
	choose(b, "order", "slowest")
	b.Wait(listTitles + ` === "nightly|First question?|stopped|POST /chat"`)
	choose(b, "order", "tokens")
	b.Wait(listTitles + `.startsWith("First question?|")`)
	b.Screenshot("filters")
	b.Fits("filters")

	// The count is that of what shows, with a search too.
	choose(b, "status", "error")
	b.Fill("#q", "chat")
	b.Wait(listTitles + ` === "POST /chat" && ` + count + ` === "1 of 4"`)
	b.Clean()
}

func TestBrowserSearchesByWordsAndFields(t *testing.T) {
	b := show(t, conversations()...)
	b.Wait(listCount + ` === 4`)
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
		b.Script(fmt.Sprintf(`(() => { const q = document.querySelector("#q"); q.value = %q; q.dispatchEvent(new Event("input")); })()`, query))
		b.Wait(fmt.Sprintf(`%s === %q`, listTitles, titles))
		b.Script(`(() => { const q = document.querySelector("#q"); q.value = ""; q.dispatchEvent(new Event("input")); })()`)
		b.Wait(listCount + ` === 4`)
	}
	b.Clean()
}

// Rows that are drawn once more before the list follows a search are drawn without what it does not say of them.
func TestBrowserDrawsRowsThatASearchLeavesOut(t *testing.T) {
	b := show(t, conversations()...)
	b.Wait(listCount + ` === 4`)
	b.Script(`(function draw() {
		document.querySelector("#traces").dispatchEvent(new KeyboardEvent("keydown", { key: "Home" }));
		requestAnimationFrame(draw);
	})()`)
	b.Fill("#q", "status:error")
	b.Wait(listTitles + ` === "POST /chat"`)
	b.Clean()
}
