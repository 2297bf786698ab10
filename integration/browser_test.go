package integration

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// row is a JavaScript expression for the waterfall's row of a name, or undefined.
// Only rows that are in view are in the document.
func row(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".span-row:not([hidden])")].find((row) => row.querySelector(".name").textContent === %q)`, name)
}

const (
	title      = `document.querySelector("#trace-head h2")?.textContent`
	spanCount  = `document.querySelector(".fact-spans dd")?.textContent`
	traceCount = `document.querySelectorAll(".trace-row:not([hidden])").length`
)

// TestBrowser asks the example on its page, and looks at what a person sees.
func TestBrowser(t *testing.T) {
	browser(t)
	srv := newSGP(t)
	example := serve(t, srv.URL, "-pace", "1ms")
	b := openTab(t, example.url, 1440, 900)

	step := func(name string, look func(b *tab)) {
		t.Run(name, func(t *testing.T) {
			b.t = t
			look(b)
		})
	}
	step("a question runs, and finishes", func(b *tab) { asksOnThePage(b) })
	step("what failed stands out", func(b *tab) { looksAtTheErrors(b) })
	step("search", func(b *tab) { searches(b) })
	step("the address says what is shown", func(b *tab) { goesToAnotherTrace(b) })
	step("a hostile question is text", func(b *tab) { asksHostilely(b, example) })
	step("on a phone", func(b *tab) { looksOnAPhone(b) })
	b.t = t
	b.clean()

	example.signal(syscall.SIGTERM)
	assert.Equal(t, 0, example.wait(), "an open page does not hold the service up")
	assert.Zero(t, example.counts().lost)
}

func asksOnThePage(b *tab) {
	b.wait(`document.querySelector("#ask:not([hidden])")`)
	b.fill("#question", question+"\r")
	b.wait(row("POST /ask") + `?.matches(".s-running")`)
	b.wait(row("invoke_agent go-docs-lead") + `?.matches(".s-running")`)
	b.wait(`document.querySelector(".trace-row.s-running")`)
	label := row("POST /ask") + `.querySelector(".bar-label").textContent`
	first := eval[string](b, label)
	assert.Contains(b.t, first, "running")
	b.wait(fmt.Sprintf("%s !== %q", label, first)) // it grows by itself
	b.wait(row("execute_tool ask_reviewer") + `?.matches(".s-running")`)
	b.screenshot("example-running-1440")
	// The newest running span is kept in view until whoever looks scrolls.
	b.script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel")); document.querySelector("#waterfall").scrollTop = 0`)

	b.wait(row("POST /ask") + `?.matches(".s-ok")`)
	b.wait(spanCount + ` === "40"`)
	b.wait(`document.querySelectorAll(".span-row.s-running:not([hidden]), .trace-row.s-running:not([hidden])").length === 0`)
	assert.NotContains(b.t, eval[string](b, label), "running")
	b.wait(`document.querySelector("#answer .prose")?.textContent.includes("http.NewRequestWithContext")`)
	assert.Equal(b.t, question, eval[string](b, title))
	assert.Regexp(b.t, `^[0-9,.k]+ in, [0-9,.k]+ out$`, eval[string](b, `document.querySelector(".fact-tokens dd").textContent`))
	b.screenshot("example-finished-1440")
}

func looksAtTheErrors(b *tab) {
	assert.Equal(b.t, "3 errors", eval[string](b, `document.querySelector(".trace-row .errors").textContent`))
	b.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	b.shortcut("e") // the first of them
	b.wait(row("execute_tool lookup_symbol") + ` && document.querySelector(".span-row.active .name")?.textContent === "execute_tool lookup_symbol"`)
	assert.True(b.t, eval[bool](b, `document.querySelector(".span-row.active").matches(".s-error")`))
	b.click(".span-row.active .name")
	b.wait(`document.querySelector("#detail .error-box:not([hidden])")?.textContent.includes("package net/http has no symbol CancelRequest")`)
	b.wait(`document.querySelector("#tab-body").textContent.includes("net/http.CancelRequest")`)
	b.screenshot("example-error-1440")
}

func searches(b *tab) {
	b.fill("#q", "no symbol CancelRequest")
	b.wait(`/^\d+ (match|matches|of \d+)$/.test(document.querySelector("#match-count").textContent) && document.querySelectorAll(".span-row.match").length > 0`)
	assert.Equal(b.t, 1, eval[int](b, traceCount))
	b.wait(row("execute_tool lookup_symbol"))
	assert.True(b.t, eval[bool](b, `[...document.querySelectorAll(".span-row.match")].some((row) => row.querySelector(".name").textContent === "execute_tool lookup_symbol")`))
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#q").select()`))
	b.fill("#q", "nowhere to be found")
	b.wait(traceCount + ` === 0`)
	b.do(chromedp.KeyEvent("\x1b"))
	b.wait(traceCount + ` === 2`) // the index has a trace too
}

// goesToAnotherTrace: an address, of a bookmark for example, that is opened while
// a span shows, leads to its trace, and stays.
func goesToAnotherTrace(b *tab) {
	b.wait(`document.querySelector("#detail:not([hidden])") && location.hash.includes("span=")`)
	address := eval[string](b, `location.hash`)
	openTrace(b, "build_index")
	b.wait(row("build_index go-stdlib-docs"))
	other := eval[string](b, `location.hash`)
	assert.NotContains(b.t, other, "span=")
	b.do(chromedp.Navigate(b.url + "/" + address))
	b.wait(`document.querySelector("#detail:not([hidden])")`)
	b.do(chromedp.Navigate(b.url + "/" + other))
	b.wait(row("build_index go-stdlib-docs"))
	assert.Equal(b.t, other, eval[string](b, `location.hash`))
}

// openTrace clicks the trace whose row in the list holds a text.
func openTrace(b *tab, text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
		`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.textContent.includes(%q)).click()`, text)))
}

func asksHostilely(b *tab, example *service) {
	const hostile = `<script>window.hacked=1</script><img src="/hacked.png" onerror="window.hacked=2"> how do I sort a slice?`
	a := <-example.ask(hostile)
	require.Equal(b.t, http.StatusOK, a.status, a.Error)
	b.wait(traceCount + ` === 3`)
	openTrace(b, "window.hacked=1")
	b.wait(fmt.Sprintf(`%s?.startsWith(%q)`, title, "<script>window.hacked=1</script><img"))
	b.wait(row("POST /ask") + `?.matches(".s-ok")`)
	const asText = `document.querySelector("#tab-body").textContent.includes("<script>window.hacked=1</script>")`
	b.do(chromedp.Evaluate[chromedp.Void](row("POST /ask") + `.querySelector(".name").click()`))
	b.wait(`document.querySelector("#detail h2")?.textContent === "POST /ask"`)
	for _, part := range []string{"json", "io"} {
		b.click("#tab-" + part)
		b.wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true" && %s`, part, asText))
	}
	b.do(chromedp.Evaluate[chromedp.Void](row("chat local-docs-1") + `.querySelector(".name").click()`))
	b.wait(`document.querySelector("#detail h2")?.textContent === "chat local-docs-1" && ` + asText)
	b.screenshot("example-hostile-1440")
	assert.Equal(b.t, 0, eval[int](b, `document.querySelectorAll("body script, img, [onerror]").length`))
	assert.True(b.t, eval[bool](b, `window.hacked === undefined`))
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.NotContains(b.t, b.requests, b.url+"/hacked.png")
}

func looksOnAPhone(b *tab) {
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(b.url+"/"), chromedp.Reload())
	b.wait(traceCount + ` === 3`)
	b.screenshot("example-list-390")
	fits(b)
	openTrace(b, question)
	b.wait(fmt.Sprintf(`%s === %q && document.body.dataset.view === "trace"`, title, question))
	b.wait(row("POST /ask"))
	b.screenshot("example-trace-390")
	fits(b)
	b.do(chromedp.Evaluate[chromedp.Void](row("chat local-docs-1") + `.querySelector(".name").click()`))
	b.wait(`document.querySelector("#detail .message") && document.body.dataset.view === "span"`)
	b.screenshot("example-span-390")
	fits(b)
}

// fits asserts that the page is no wider than its window.
func fits(b *tab) {
	b.t.Helper()
	assert.True(b.t, eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`))
}
