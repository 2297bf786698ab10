package live

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// With the panel open the names keep their room.
func TestBrowserNamesAreWholeBesideThePanel(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	assert.True(t, eval[bool](b, rowOf("POST /ask")+`.querySelector(".sums").checkVisibility()`))
	b.script(rowOf("plan") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "plan"`)
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll(".span-row:not([hidden]) .name")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)`))
	assert.False(t, eval[bool](b, rowOf("POST /ask")+`.querySelector(".sums").checkVisibility()`), "the panel and the head have the sums")
	b.clean()
}

// A fact of the list that has no room is left out, not cut, and only numbers are set as
// wide as each other: it would stretch a name's hyphens.
func TestBrowserListIsLegible(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "build-index go-stdlib-docs", base: time.Now().Add(-50 * time.Minute), end: 49 * time.Minute,
		output: object{"usage": object{"input_tokens": 108_900, "output_tokens": 7_654, "cost_usd": 0.0128}}}.item())
	page.Ingest(manySpans("t", 1000)...)
	for _, width := range []int{1440, 1100, 800, 390} {
		b := openTab(t, page.Handler(), width, 844)
		b.wait(`document.querySelector(".trace-row .facts").children[3].textContent === "$0.013"`)
		cut := eval[[]string](b, `(() => {
			const box = document.querySelector(".trace-row .facts").getBoundingClientRect();
			return [...document.querySelectorAll(".trace-row .facts > span:not(:empty)")]
				.filter((e) => e.getBoundingClientRect().top < box.bottom - 1 && e.getBoundingClientRect().right > box.right + 0.5).map((e) => e.textContent);
		})()`)
		assert.Empty(t, cut, width)
		assert.Equal(t, "normal", eval[string](b, `getComputedStyle(document.querySelector(".trace-row .title")).fontVariantNumeric`))
		assert.Equal(t, "tabular-nums", eval[string](b, `getComputedStyle(document.querySelector(".trace-row .time")).fontVariantNumeric`))
		b.clean()
	}
}

// The chart says whose queue it shows, and an empty queue draws nothing in it.
func TestBrowserQueueChart(t *testing.T) {
	source := &fakeSource{}
	page := New(source)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#queue:not([hidden]) h2")?.textContent === "This example's export queue"`)
	b.wait(`document.querySelector(".chart .queued").getAttribute("d")`)
	for _, part := range []string{"queued", "in-flight", "coalesced", "dropped"} {
		assert.Zero(t, eval[float64](b, `document.querySelector(".chart .`+part+`").getBBox().height`), part)
	}
	assert.Equal(t, "none", eval[string](b, `getComputedStyle(document.querySelector(".chart .in-flight")).stroke`), "nor a line along the ground")

	source.set(asyncprocessor.Stats{Offered: 50, Queued: 30, InFlight: 20})
	b.wait(`document.querySelector(".chart .in-flight").getBBox().height > 10 && document.querySelector(".chart .queued").getBBox().height > 10`)
	assert.True(t, eval[bool](b, `document.querySelector(".chart .queued").getBBox().y < document.querySelector(".chart .in-flight").getBBox().y`), "what is queued is on top")
	b.clean()
}
