//go:build browser

package live

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserRollsUpTokensOnce(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	usage := func(name string) string {
		return browser.Eval[string](b, rowOf(name)+`.querySelector(".usage").textContent`)
	}
	assert.Equal(t, "Σ 3,317 tok", usage("POST /ask"))
	assert.Equal(t, "Σ 3,317 tok", usage("invoke_agent researcher"))
	assert.Equal(t, "Σ 1,276 tok", usage("invoke_agent reviewer"))
	assert.Equal(t, "470 tok", usage("chat gpt-go-mini"))
	assert.Equal(t, "2,905 in, 412 out", browser.Eval[string](b, `document.querySelector(".fact-tokens dd").textContent`))
	assert.Equal(t, "$0.013", browser.Eval[string](b, `document.querySelector(".fact-cost dd").textContent`))
	b.Clean()
}

func TestBrowserErrorStandsOut(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	bad := rowOf("execute_tool vet_example")
	assert.True(t, browser.Eval[bool](b, bad+`.querySelector(".status .icon-error") !== null`), "by an icon, not by colour alone")
	assert.Contains(t, browser.Eval[string](b, bad+`.getAttribute("aria-label")`), ", Error, ")
	assert.Equal(t, "1 error", browser.Eval[string](b, `document.querySelector(".trace-row .errors").textContent`))

	b.Shortcut("e") // next error
	b.Wait(bad + `.matches(".active")`)
	b.Script(`document.querySelector("#waterfall").focus()`)
	b.Press("\r")
	b.Wait(`document.querySelector(".error-box:not([hidden]) strong")?.textContent === "*exec.ExitError"`)
	assert.Contains(t, browser.Eval[string](b, `document.querySelector(".error-box p").textContent`), "possible context leak")
	b.Click("#tab-events")
	b.Wait(`document.querySelector(".events .bad strong")?.textContent === "exception"`)
	b.Clean()
}

func TestBrowserCollapse(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")

	reviewer := rowOf("invoke_agent reviewer")
	b.Script(reviewer + `.querySelector(".toggle-children").click()`)
	b.Wait(rowCount + " === 12")
	assert.Equal(t, "+3 · 1 error", browser.Eval[string](b, reviewer+`.querySelector(".more").textContent`), "an error in it is not hidden")
	assert.Equal(t, "false", browser.Eval[string](b, reviewer+`.getAttribute("aria-expanded")`))
	b.Script(reviewer + `.querySelector(".toggle-children").click()`)
	b.Wait(rowCount + " === 15")

	b.Shortcut("c")
	b.Wait(rowCount + " === 2")
	b.Shortcut("e") // an error in a collapsed part is found, and opened
	b.Wait(rowOf("execute_tool vet_example") + `?.matches(".active")`)
	b.Shortcut("x")
	b.Wait(rowCount + " === 15")
	b.Clean()
}

// Nesting that is too deep to be drawn says its level.
func TestBrowserSaysALevelThatIsNotDrawn(t *testing.T) {
	page := New(nil)
	defer page.Close()
	var deep []json.RawMessage
	for i := range 18 {
		s := wireSpan{trace: "t", id: fmt.Sprint(i), name: fmt.Sprint("level ", i+1), start: time.Duration(i) * time.Millisecond, end: time.Second}
		if i > 0 {
			s.parent = fmt.Sprint(i - 1)
		}
		deep = append(deep, s.item())
	}
	page.Ingest(deep...)
	for _, width := range []int64{1440, 390} {
		b := open(t, page.Handler(), width, 900)
		if width == 390 {
			b.Wait(listCount + " === 1")
			b.Click(".trace-row")
		}
		b.Wait(rowCount + " === 18")
		level := func(n int) string {
			return browser.Eval[string](b, rowOf(fmt.Sprint("level ", n))+`.querySelector(".level").textContent`)
		}
		assert.Empty(t, level(15))
		assert.Equal(t, "L16", level(16))
		assert.Equal(t, "L18", level(18))
		b.Screenshot(fmt.Sprintf("deep-%d", width))
		b.Fits("deep")
		b.Clean()
	}
}

func TestBrowserZoomsToASpan(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	// The bar's share of the axis, in per cent.
	share := func(percent int) string {
		return fmt.Sprintf(`Math.round(100 * %s.querySelector(".bar").offsetWidth / document.querySelector(".axis-track").clientWidth) === %d`,
			rowOf("execute_tool vet_example"), percent)
	}
	b.Wait(share(15)) // 580 of 3912 ms
	b.Shortcut("e")
	b.Wait(rowOf("execute_tool vet_example") + `.matches(".active")`)
	b.Shortcut("z")
	b.Wait(`document.querySelector(".zoom-out:not([hidden]) span")?.textContent === "only execute_tool vet_example"`)
	b.Wait(share(96))
	assert.True(t, browser.Eval[bool](b, rowOf("plan")+`.querySelector(".bar").hidden`), "what is at another time does not show")
	assert.Equal(t, "1.1 s", browser.Eval[string](b, `document.querySelector(".tick:not([hidden])").textContent`), "the axis keeps the trace's time")
	b.Screenshot("zoom")
	b.Click(".zoom-out")
	b.Wait(`document.querySelector(".zoom-out").hidden`)
	b.Wait(share(15))
	b.Clean()
}

// The time that the axis shows is chosen by buttons, by dragging over the axis or over the
// minimap of a long trace, and by the wheel. Bars that are cut show it.
func TestBrowserZoomsByMouse(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(manySpans("big", 400)...)
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("batch run") + ` && document.querySelector("#minimap:not([hidden]) canvas").width > 0`)
	const zoomText = `document.querySelector(".zoom-out:not([hidden])")?.textContent`
	const bar = `.querySelector(".bar").className`
	assert.NotContains(t, browser.Eval[string](b, rowOf("batch run")+bar), "cut")
	b.Click(`[aria-label="Zoom in"]`)
	b.Wait(zoomText + ` === "50.00 s"`)
	b.Wait(rowOf("batch run") + bar + `.includes("cut-left cut-right")`)
	b.Click(`[aria-label="Zoom out"]`)
	b.Wait(`document.querySelector(".zoom-out").hidden`)

	drag := func(element string, from, to float64) {
		b.Script(fmt.Sprintf(`(() => {
			const e = document.querySelector(%q), box = e.getBoundingClientRect();
			e.setPointerCapture = () => {};
			const send = (type, share) => e.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, pointerId: 1, clientX: box.left + share * box.width, clientY: box.top + 5 }));
			send("pointerdown", %v); send("pointermove", %v); send("pointerup", %v);
		})()`, element, from, to, to))
	}
	drag(".axis-track", 0.2, 0.4)
	b.Wait(zoomText + ` === "20.00 s"`)
	b.Wait(`!document.querySelector("#minimap .view").hidden && document.querySelector("#minimap .view").style.left === "20%"`)
	b.Screenshot("zoom")
	drag(".minimap-track", 0.5, 0.51)
	b.Wait(zoomText + ` === "1.00 s"`)
	b.Script(rowOf("batch run") + `.querySelector(".span-time").dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, ctrlKey: true, deltaY: 200, clientX: 1100 }))`)
	b.Wait(zoomText + ` === "2.00 s"`)
	b.Click(".zoom-out")
	b.Wait(`document.querySelector(".zoom-out").hidden && document.querySelector("#minimap .view").hidden`)

	width := browser.Eval[float64](b, `document.querySelector(".axis-title").offsetWidth`)
	b.Script(`document.querySelector(".splitter").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }))`)
	b.Wait(fmt.Sprintf(`document.querySelector(".axis-title").offsetWidth > %v`, width))
	assert.Equal(t, browser.Eval[float64](b, `document.querySelector(".axis-title").offsetWidth`), browser.Eval[float64](b, `document.querySelector(".span-name").offsetWidth`), "the rows go along")
	b.Fits("splitter")
	b.Clean()
}

// Whatever the time that the axis covers, no label of it is cut off or covers another.
func TestBrowserAxisLabelsAreWhole(t *testing.T) {
	b := show(t, askTrace("t1", "First?", epoch)...)
	b.Wait(rowCount + " === 15")
	clickSpan(b, "POST /ask")
	b.Wait(`document.querySelector("#detail:not([hidden]) h2")`)
	b.Script(`(async () => {
		const { Axis } = await import("/assets/js/axis.js");
		const element = document.querySelector("#axis");
		const axis = new Axis(element, { grid() {}, zoomOut() {} });
		await document.fonts.ready;
		while (!axis.width) await new Promise(requestAnimationFrame);
		const right = element.getBoundingClientRect().left + element.clientWidth;
		window.cut = [], window.labels = 0;
		for (let range = 50; range < 2e10; range *= 1.013) {
			axis.draw(range, 0);
			let last = 0;
			for (const mark of element.querySelectorAll(".tick:not([hidden])")) {
				const box = mark.getBoundingClientRect();
				window.labels++;
				if (box.right > right || box.left < last) window.cut.push(mark.textContent + " of " + range);
				last = box.right;
			}
		}
		window.checked = true;
	})()`)
	b.Wait(`window.checked`)
	assert.Empty(t, browser.Eval[[]string](b, `window.cut`))
	assert.Greater(t, browser.Eval[int](b, `window.labels`), 3000, "most are there")
	b.Clean()
}

// The strip of a long trace, the axis and the bars show a time at the same place, beside a
// scrollbar too, and wherever the border between names and bars is.
func TestBrowserMinimapStandsAboveTheBars(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(manySpans("big", 400)...)
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("batch run") + ` && document.querySelector("#minimap:not([hidden])")`)
	require.Positive(t, browser.Eval[float64](b, `(() => { const pane = document.querySelector("#waterfall"); return pane.offsetWidth - pane.clientWidth; })()`), "there is a scrollbar")
	const edges = `(() => { const box = document.querySelector(%q).getBoundingClientRect(); return [box.left, box.right]; })()`
	for _, width := range []int64{1440, 1024, 768} {
		b.Do(chromedp.EmulateViewport(width, 900))
		for range 2 {
			bars := browser.Eval[[]float64](b, fmt.Sprintf(edges, ".span-row:not([hidden]) .span-time"))
			assert.InDeltaSlice(t, bars, browser.Eval[[]float64](b, fmt.Sprintf(edges, ".minimap-track")), 0.1, "%d", width)
			assert.InDeltaSlice(t, bars, browser.Eval[[]float64](b, fmt.Sprintf(edges, ".axis-track")), 0.1, "%d", width)
			b.Script(`document.querySelector(".splitter").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }))`)
		}
	}
	b.Clean()
}
