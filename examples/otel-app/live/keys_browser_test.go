//go:build browser

package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserKeyboard(t *testing.T) {
	const (
		up, down, left, right, home, end = "\u0304", "\u0301", "\u0302", "\u0303", "\u0306", "\u0305"
		enter, escape, tab               = "\r", "\x1b", "\t"
	)
	b := show(t, append(askTrace("t1", "First?", epoch), askTrace("t2", "Second?", epoch)...)...)
	b.Wait(rowCount + " === 15")
	active := func(name string) {
		t.Helper()
		b.Wait(rowOf(name) + `?.matches(".active")`)
		assert.True(t, browser.Eval[bool](b, rowOf(name)+`.id === document.querySelector("#waterfall").getAttribute("aria-activedescendant")`))
	}

	// The waterfall is reached by Tab, and shows where the cursor is.
	for range 30 {
		if browser.Eval[string](b, `document.activeElement.id`) == "waterfall" {
			break
		}
		b.Press(tab)
	}
	require.Equal(t, "waterfall", browser.Eval[string](b, `document.activeElement.id`))
	active("POST /ask")
	assert.Equal(t, "solid", browser.Eval[string](b, `getComputedStyle(document.querySelector(".span-row.active")).outlineStyle`))

	b.Press(down, down)
	active("plan")
	b.Press(right)
	active("chat gpt-go-mini")
	b.Press(left, left)
	b.Wait(rowOf("plan") + `?.matches(".active")`)
	b.Press(left)
	b.Wait(rowOf("plan") + `?.getAttribute("aria-expanded") === "false"`)
	b.Press(right)
	b.Wait(rowOf("plan") + `?.getAttribute("aria-expanded") === "true"`)
	b.Press(end)
	active("HTTP POST")
	b.Press(home)
	b.Shortcut("j")
	active("invoke_agent researcher")

	b.Press(enter)
	b.Wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "invoke_agent researcher"`)
	b.Press(down) // the panel follows the cursor
	b.Wait(`document.querySelector("#detail h2").textContent === "plan"`)
	b.Wait(`location.hash.includes("span=03")`)
	b.Press(escape)
	b.Wait(`document.querySelector("#detail[hidden]")`)
	assert.Equal(t, "waterfall", browser.Eval[string](b, `document.activeElement.id`), "the focus comes back")

	b.Shortcut("]") // the older trace
	b.Wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	b.Shortcut("[")
	b.Wait(`document.querySelector("#trace-head h2").textContent === "Second?"`)

	b.Shortcut("?")
	b.Wait(`document.querySelector("#help").open`)
	b.Press(escape)
	b.Wait(`!document.querySelector("#help").open`)

	b.Script(`document.querySelector("#traces").focus()`)
	b.Press(down, enter)
	b.Wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	b.Clean()
}

// On a fresh page nothing has the focus. A letter that moves the cursor brings it to
// the waterfall, so that Enter and the arrows act on the row that is marked.
func TestBrowserLettersFocusTheWaterfall(t *testing.T) {
	b := show(t, append(askTrace("t1", "First?", epoch), askTrace("t2", "Second?", epoch)...)...)
	b.Wait(rowCount + ` === 15 && document.querySelector("#trace-head h2").textContent === "Second?"`)
	const focused = `document.activeElement.id`
	for _, c := range []struct{ letter, row string }{
		{"j", "POST /ask"}, {"k", "POST /ask"}, {"e", "execute_tool vet_example"}, {"E", "execute_tool vet_example"}, {"x", ""}, {"z", ""}, {"c", ""},
	} {
		b.Script(`document.activeElement.blur()`)
		assert.Empty(t, browser.Eval[string](b, focused))
		b.Shortcut(c.letter)
		b.Wait(focused + ` === "waterfall"`)
		if c.row != "" {
			b.Wait(rowOf(c.row) + `?.matches(".active")`)
		}
	}
	b.Shortcut("x")
	b.Shortcut("e")
	b.Press("\r")
	b.Wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "execute_tool vet_example"`)

	b.Script(`document.activeElement.blur()`)
	b.Shortcut("]")
	b.Wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	assert.Equal(t, "traces", browser.Eval[string](b, focused))
	b.Clean()
}

// The cursor shows whether or not the waterfall has the focus.
func TestBrowserCursorIsTinted(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Theme("light")
	b.Wait(rowCount + " === 15")
	b.Shortcut("e")
	b.Wait(rowOf("execute_tool vet_example") + `?.matches(".active")`)
	b.Script(`document.activeElement.blur()`)
	const background = `getComputedStyle(%s).backgroundColor`
	assert.Equal(t, "rgb(239, 237, 252)", browser.Eval[string](b, fmt.Sprintf(background, rowOf("execute_tool vet_example"))))
	assert.Equal(t, "rgba(0, 0, 0, 0)", browser.Eval[string](b, fmt.Sprintf(background, rowOf("rerank"))))
	b.Clean()
}

// What is looked for shows with what is around it; a step of the cursor scrolls as
// little as it can.
func TestBrowserRevealsInTheMiddle(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(manySpans("big", 400)...)
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight === 12800`)
	// The row's middle as a share of the pane's height, in per cent.
	at := func(name string) int {
		b.Wait(rowOf(name) + `?.matches(".active")`)
		return browser.Eval[int](b, fmt.Sprintf(`(() => {
			const pane = document.querySelector("#waterfall").getBoundingClientRect(), row = %s.getBoundingClientRect();
			return Math.round(100 * ((row.top + row.bottom) / 2 - pane.top) / pane.height);
		})()`, rowOf(name)))
	}
	page.Ingest(wireSpan{trace: "big", id: "bad", parent: "root", name: "in the midst", start: 1800 * time.Millisecond, end: 1801 * time.Millisecond, err: "no"}.item())
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight === 12832`)
	b.Shortcut("e")
	assert.InDelta(t, 50, at("in the midst"), 3)
	b.Press("\u0301", "\u0301") // down
	assert.InDelta(t, 57, browser.Eval[int](b, `(() => {
		const pane = document.querySelector("#waterfall").getBoundingClientRect(), row = document.querySelector(".span-row.active").getBoundingClientRect();
		return Math.round(100 * ((row.top + row.bottom) / 2 - pane.top) / pane.height);
	})()`), 3)
	b.Clean()
}
