//go:build browser

package live

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

// open serves handler and shows it in a window of the given size.
func open(t *testing.T, handler http.Handler, width, height int64) *browser.Tab {
	t.Helper()
	return browser.Open(t, serve(t, handler).URL, width, height)
}

// show shows a page with spans in a wide window.
func show(t *testing.T, spans ...wireSpan) *browser.Tab {
	t.Helper()
	page := New(nil)
	page.Ingest(items(spans)...)
	b := open(t, page.Handler(), 1440, 900)
	t.Cleanup(page.Close)
	return b
}

// rowOf is a JavaScript expression for the waterfall's row of a name, or undefined.
func rowOf(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".span-row:not([hidden])")].find((row) => row.querySelector(".name").textContent === %q)`, name)
}

const (
	rowCount  = `document.querySelectorAll(".span-row:not([hidden])").length`
	listCount = `document.querySelectorAll(".trace-row:not([hidden])").length`
)

// listTitles is a JavaScript expression for the titles of the list's traces, in their order.
const listTitles = `[...document.querySelectorAll(".trace-row:not([hidden])")].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet).map((row) => row.querySelector(".title").textContent).join("|")`

// clickSpan clicks the name of a span, which opens it.
func clickSpan(b *browser.Tab, name string) {
	b.T.Helper()
	b.Script(rowOf(name) + `.querySelector(".name").click()`)
}

// choose sets a select of the filters.
func choose(b *browser.Tab, name, value string) {
	b.T.Helper()
	b.Script(fmt.Sprintf(`(() => { const e = document.querySelector("#filter-%s"); e.value = %q; e.dispatchEvent(new Event("change")); })()`, name, value))
}
