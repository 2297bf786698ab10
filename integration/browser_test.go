//go:build browser

package integration

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
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
	srv := newSGP(t)
	example := serve(t, srv.URL, "-pace", "1ms")
	b := browser.Open(t, example.url, 1440, 900)

	step := func(name string, look func(b *browser.Tab)) {
		t.Run(name, func(t *testing.T) {
			b.T = t
			look(b)
		})
	}
	step("a question runs, and finishes", func(b *browser.Tab) { asksOnThePage(b) })
	step("what failed stands out", func(b *browser.Tab) { looksAtTheErrors(b) })
	step("search", func(b *browser.Tab) { searches(b) })
	step("the address says what is shown", func(b *browser.Tab) { goesToAnotherTrace(b) })
	step("a hostile question is text", func(b *browser.Tab) { asksHostilely(b, example) })
	step("on a phone", func(b *browser.Tab) { looksOnAPhone(b) })
	b.T = t
	b.Clean()

	example.signal(syscall.SIGTERM)
	assert.Equal(t, 0, example.wait(), "an open page does not hold the service up")
	assert.Zero(t, example.counts().lost)
}

func asksOnThePage(b *browser.Tab) {
	b.Wait(`document.querySelector("#ask:not([hidden])")`)
	b.Fill("#question", question+"\r")
	b.Wait(row("POST /ask") + `?.matches(".s-running")`)
	b.Wait(row("invoke_agent go-docs-lead") + `?.matches(".s-running")`)
	b.Wait(`document.querySelector(".trace-row.s-running")`)
	label := row("POST /ask") + `.querySelector(".bar-label").textContent`
	first := browser.Eval[string](b, label)
	assert.Contains(b.T, first, "running")
	b.Wait(fmt.Sprintf("%s !== %q", label, first)) // it grows by itself
	b.Wait(row("execute_tool ask_reviewer") + `?.matches(".s-running")`)
	b.Screenshot("example-running-1440")
	// The newest running span is kept in view until whoever looks scrolls.
	b.Script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel")); document.querySelector("#waterfall").scrollTop = 0`)

	b.Wait(row("POST /ask") + `?.matches(".s-ok")`)
	b.Wait(spanCount + ` === "40"`)
	b.Wait(`document.querySelectorAll(".span-row.s-running:not([hidden]), .trace-row.s-running:not([hidden])").length === 0`)
	assert.NotContains(b.T, browser.Eval[string](b, label), "running")
	b.Wait(`document.querySelector("#answer .prose")?.textContent.includes("http.NewRequestWithContext")`)
	assert.Equal(b.T, question, browser.Eval[string](b, title))
	assert.Regexp(b.T, `^[0-9,.k]+ in, [0-9,.k]+ out$`, browser.Eval[string](b, `document.querySelector(".fact-tokens dd").textContent`))
	b.Screenshot("example-finished-1440")
}

func looksAtTheErrors(b *browser.Tab) {
	assert.Equal(b.T, "3 errors", browser.Eval[string](b, `document.querySelector(".trace-row .errors").textContent`))
	b.Script(`document.activeElement.blur()`)
	b.Shortcut("e") // the first of them
	b.Wait(row("execute_tool lookup_symbol") + ` && document.querySelector(".span-row.active .name")?.textContent === "execute_tool lookup_symbol"`)
	assert.True(b.T, browser.Eval[bool](b, `document.querySelector(".span-row.active").matches(".s-error")`))
	b.Click(".span-row.active .name")
	b.Wait(`document.querySelector("#detail .error-box:not([hidden])")?.textContent.includes("package net/http has no symbol CancelRequest")`)
	b.Wait(`document.querySelector("#tab-body").textContent.includes("net/http.CancelRequest")`)
	b.Screenshot("example-error-1440")
}

func searches(b *browser.Tab) {
	b.Fill("#q", "no symbol CancelRequest")
	b.Wait(`/^\d+ (match|matches|of \d+)$/.test(document.querySelector("#match-count").textContent) && document.querySelectorAll(".span-row.match").length > 0`)
	assert.Equal(b.T, 1, browser.Eval[int](b, traceCount))
	b.Wait(row("execute_tool lookup_symbol"))
	assert.True(b.T, browser.Eval[bool](b, `[...document.querySelectorAll(".span-row.match")].some((row) => row.querySelector(".name").textContent === "execute_tool lookup_symbol")`))
	b.Script(`document.querySelector("#q").select()`)
	b.Fill("#q", "nowhere to be found")
	b.Wait(traceCount + ` === 0`)
	b.Do(chromedp.KeyEvent("\x1b"))
	b.Wait(traceCount + ` === 2`) // the index has a trace too
}

// goesToAnotherTrace: an address, of a bookmark for example, that is opened while
// a span shows, leads to its trace, and stays.
func goesToAnotherTrace(b *browser.Tab) {
	b.Wait(`document.querySelector("#detail:not([hidden])") && location.hash.includes("span=")`)
	address := browser.Eval[string](b, `location.hash`)
	openTrace(b, "build_index")
	b.Wait(row("build_index go-stdlib-docs"))
	other := browser.Eval[string](b, `location.hash`)
	assert.NotContains(b.T, other, "span=")
	b.Do(chromedp.Navigate(b.URL + "/" + address))
	b.Wait(`document.querySelector("#detail:not([hidden])")`)
	b.Do(chromedp.Navigate(b.URL + "/" + other))
	b.Wait(row("build_index go-stdlib-docs"))
	assert.Equal(b.T, other, browser.Eval[string](b, `location.hash`))
}

// openTrace clicks the trace whose row in the list holds a text.
func openTrace(b *browser.Tab, text string) {
	b.T.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(
		`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.textContent.includes(%q)).click()`, text)))
}

func asksHostilely(b *browser.Tab, example *service) {
	const hostile = `<script>window.hacked=1</script><img src="/hacked.png" onerror="window.hacked=2"> how do I sort a slice?`
	a := <-example.ask(hostile)
	require.Equal(b.T, http.StatusOK, a.status, a.Error)
	b.Wait(traceCount + ` === 3`)
	openTrace(b, "window.hacked=1")
	b.Wait(fmt.Sprintf(`%s?.startsWith(%q)`, title, "<script>window.hacked=1</script><img"))
	b.Wait(row("POST /ask") + `?.matches(".s-ok")`)
	const asText = `document.querySelector("#tab-body").textContent.includes("<script>window.hacked=1</script>")`
	b.Script(row("POST /ask") + `.querySelector(".name").click()`)
	b.Wait(`document.querySelector("#detail h2")?.textContent === "POST /ask"`)
	for _, part := range []string{"json", "io"} {
		b.Click("#tab-" + part)
		b.Wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true" && %s`, part, asText))
	}
	b.Script(row("chat local-docs-1") + `.querySelector(".name").click()`)
	b.Wait(`document.querySelector("#detail h2")?.textContent === "chat local-docs-1" && ` + asText)
	b.Screenshot("example-hostile-1440")
	assert.Equal(b.T, 0, browser.Eval[int](b, `document.querySelectorAll("body script, img, [onerror]").length`))
	assert.True(b.T, browser.Eval[bool](b, `window.hacked === undefined`))
	assert.NotContains(b.T, b.Requests(), b.URL+"/hacked.png")
}

func looksOnAPhone(b *browser.Tab) {
	b.Do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(b.URL+"/"), chromedp.Reload())
	b.Wait(traceCount + ` === 3`)
	b.Screenshot("example-list-390")
	b.Fits("on a phone")
	openTrace(b, question)
	b.Wait(fmt.Sprintf(`%s === %q && document.body.dataset.view === "trace"`, title, question))
	b.Wait(row("POST /ask"))
	b.Screenshot("example-trace-390")
	b.Fits("on a phone")
	b.Script(row("chat local-docs-1") + `.querySelector(".name").click()`)
	b.Wait(`document.querySelector("#detail .message") && document.body.dataset.view === "span"`)
	b.Screenshot("example-span-390")
	b.Fits("on a phone")
}
