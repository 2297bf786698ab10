package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// On a fresh page nothing has the focus. A letter that moves the cursor brings it to
// the waterfall, so that Enter and the arrows act on the row that is marked.
func TestBrowserLettersFocusTheWaterfall(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "First?", epoch))...)
	page.Ingest(items(askTrace("t2", "Second?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + ` === 15 && document.querySelector("#trace-head h2").textContent === "Second?"`)
	const focused = `document.activeElement.id`
	for _, c := range []struct{ letter, row string }{
		{"j", "POST /ask"}, {"k", "POST /ask"}, {"e", "execute_tool vet_example"}, {"E", "execute_tool vet_example"}, {"x", ""}, {"z", ""}, {"c", ""},
	} {
		b.script(`document.activeElement.blur()`)
		assert.Empty(t, eval[string](b, focused))
		b.shortcut(c.letter)
		b.wait(focused + ` === "waterfall"`)
		if c.row != "" {
			b.wait(rowOf(c.row) + `?.matches(".active")`)
		}
	}
	b.shortcut("x")
	b.shortcut("e")
	b.press("\r")
	b.wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "execute_tool vet_example"`)

	b.script(`document.activeElement.blur()`)
	b.shortcut("]")
	b.wait(`document.querySelector("#trace-head h2").textContent === "First?"`)
	assert.Equal(t, "traces", eval[string](b, focused))
	b.clean()
}

// The cursor shows whether or not the waterfall has the focus.
func TestBrowserCursorIsTinted(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.theme("light")
	b.wait(rowCount + " === 15")
	b.shortcut("e")
	b.wait(rowOf("execute_tool vet_example") + `?.matches(".active")`)
	b.script(`document.activeElement.blur()`)
	const background = `getComputedStyle(%s).backgroundColor`
	assert.Equal(t, "rgb(239, 237, 252)", eval[string](b, fmt.Sprintf(background, rowOf("execute_tool vet_example"))))
	assert.Equal(t, "rgba(0, 0, 0, 0)", eval[string](b, fmt.Sprintf(background, rowOf("rerank"))))
	b.clean()
}

// What is looked for shows with what is around it; a step of the cursor scrolls as
// little as it can.
func TestBrowserRevealsInTheMiddle(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(manySpans("big", 400)...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight === 12800`)
	// The row's middle as a share of the pane's height, in per cent.
	at := func(name string) int {
		b.wait(rowOf(name) + `?.matches(".active")`)
		return eval[int](b, fmt.Sprintf(`(() => {
			const pane = document.querySelector("#waterfall").getBoundingClientRect(), row = %s.getBoundingClientRect();
			return Math.round(100 * ((row.top + row.bottom) / 2 - pane.top) / pane.height);
		})()`, rowOf(name)))
	}
	page.Ingest(wireSpan{trace: "big", id: "bad", parent: "root", name: "in the midst", start: 1800 * time.Millisecond, end: 1801 * time.Millisecond, err: "no"}.item())
	b.wait(`document.querySelector("#waterfall .spacer").offsetHeight === 12832`)
	b.shortcut("e")
	assert.InDelta(t, 50, at("in the midst"), 3)
	b.press("\u0301", "\u0301") // down
	assert.InDelta(t, 57, eval[int](b, `(() => {
		const pane = document.querySelector("#waterfall").getBoundingClientRect(), row = document.querySelector(".span-row.active").getBoundingClientRect();
		return Math.round(100 * ((row.top + row.bottom) / 2 - pane.top) / pane.height);
	})()`), 3)
	b.clean()
}
