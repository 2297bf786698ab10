//go:build browser

package live

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserFitsAPhone(t *testing.T) {
	page := New(&fakeSource{}, WithAsk("/ask"))
	defer page.Close()
	spans := askTrace(strings.Repeat("f", 256), strings.Repeat("unbroken", 60), epoch)
	spans[3].name = strings.Repeat("very.long.name.", 30)
	spans[3].metadata["attributes"] = object{strings.Repeat("long_key_", 20): strings.Repeat("long_value_", 60)}
	page.Ingest(items(spans)...)
	b := open(t, page.Handler(), 390, 844)
	b.Wait(listCount + " === 1")
	b.Fits("list")
	b.Click(".trace-row")
	b.Wait(rowCount + " > 10 && getComputedStyle(document.querySelector('.sidebar')).visibility === 'hidden'")
	b.Fits("trace")
	clickSpan(b, spans[3].name)
	b.Wait(`document.querySelector("#detail .message") && document.body.dataset.view === "span"`)
	for _, id := range []string{"io", "metadata", "events", "json"} {
		b.Click("#tab-" + id)
		b.Fits(id)
	}
	b.Do(chromedp.NavigateBack())
	b.Wait(`document.body.dataset.view === "trace"`)
	b.Do(chromedp.NavigateBack())
	b.Wait(`document.body.dataset.view === "list"`)
	b.Clean()
}

// An id shows whole on a phone.
func TestBrowserShowsIDsWholeOnAPhone(t *testing.T) {
	const id = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: id, id: "a", name: "think", end: time.Second}.item())
	b := open(t, page.Handler(), 390, 844)
	b.Wait(listCount + " === 1")
	b.Click(".trace-row")
	b.Wait(rowOf("think"))
	clickSpan(b, "think")
	b.Wait(fmt.Sprintf(`[...document.querySelectorAll("#detail .id code")].some((e) => e.textContent === %q)`, id))
	assert.Empty(t, browser.Eval[[]string](b, `[...document.querySelectorAll("#detail .id code")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)`))
	b.Screenshot("id-390")
	b.Fits("ids")
	b.Clean()
}

// With the panel open the names keep their room.
func TestBrowserNamesAreWholeBesideThePanel(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	assert.True(t, browser.Eval[bool](b, rowOf("POST /ask")+`.querySelector(".sums").checkVisibility()`))
	clickSpan(b, "plan")
	b.Wait(`document.querySelector("#detail:not([hidden]) h2")?.textContent === "plan"`)
	assert.Empty(t, browser.Eval[[]string](b, `[...document.querySelectorAll(".span-row:not([hidden]) .name")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)`))
	assert.False(t, browser.Eval[bool](b, rowOf("POST /ask")+`.querySelector(".sums").checkVisibility()`), "the panel and the head have the sums")
	b.Clean()
}

// Where the window has no room for all three, a span's panel takes that of the list, and the bars
// stay in view beside it.
func TestBrowserPanelCoversNoBars(t *testing.T) {
	page := New(nil, WithAsk("/ask"))
	defer page.Close()
	spans := askTrace("t", "How?", epoch)
	for i := range spans {
		spans[i].group = "conv-a"
	}
	page.Ingest(items(spans)...)
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowCount + " === 15")
	const list = `document.querySelector(".sidebar").checkVisibility()`
	for _, width := range []int64{1440, 1024, 768} {
		b.Do(chromedp.EmulateViewport(width, 900))
		assert.True(t, browser.Eval[bool](b, list))
		clickSpan(b, "plan")
		b.Wait(`document.querySelector("#detail:not([hidden]) .payload, #detail:not([hidden]) .muted")`)
		assert.Equal(t, width == 1440, browser.Eval[bool](b, list), width)
		assert.Greater(t, browser.Eval[float64](b, `document.querySelector(".axis-track").clientWidth`), 120.0, width)
		assert.LessOrEqual(t, browser.Eval[float64](b, `document.querySelector("#main").getBoundingClientRect().right`), browser.Eval[float64](b, `document.querySelector("#detail").getBoundingClientRect().left`), width)
		b.Screenshot(fmt.Sprintf("panel-%d", width))
		b.Fits("panel")
		b.Press("\x1b")
		b.Wait(list)
	}

	// What leads to the list brings it back.
	clickSpan(b, "plan")
	b.Wait("!" + list)
	b.Shortcut("a")
	b.Wait(list + ` && document.activeElement.id === "question"`)
	clickSpan(b, "plan")
	b.Wait("!" + list)
	b.Wait(`document.querySelector("#detail .facts-grid a")?.textContent === "conv-a"`)
	b.Click("#detail .facts-grid a")
	b.Wait(list + ` && document.querySelector("#group:not([hidden]) strong").textContent === "conv-a"`)
	b.Clean()
}

// A fact of the list that has no room is left out, not cut, and only numbers are set as
// wide as each other: it would stretch a name's hyphens.
func TestBrowserListIsLegible(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "build-index go-stdlib-docs", base: time.Now().Add(-50 * time.Minute), end: 49 * time.Minute,
		output: object{"usage": object{"input_tokens": 108_900, "output_tokens": 7_654, "cost_usd": 0.0128}}}.item())
	page.Ingest(manySpans("t", 1000)...)
	b := open(t, page.Handler(), 1440, 844)
	for _, width := range []int64{1440, 1100, 800, 390} {
		b.Do(chromedp.EmulateViewport(width, 844))
		b.Wait(`document.querySelector(".trace-row .facts").children[3].textContent === "$0.013"`)
		cut := browser.Eval[[]string](b, `(() => {
			const box = document.querySelector(".trace-row .facts").getBoundingClientRect();
			return [...document.querySelectorAll(".trace-row .facts > span:not(:empty)")]
				.filter((e) => e.getBoundingClientRect().top < box.bottom - 1 && e.getBoundingClientRect().right > box.right + 0.5).map((e) => e.textContent);
		})()`)
		assert.Empty(t, cut, width)
		assert.Equal(t, "normal", browser.Eval[string](b, `getComputedStyle(document.querySelector(".trace-row .title")).fontVariantNumeric`))
		assert.Equal(t, "tabular-nums", browser.Eval[string](b, `getComputedStyle(document.querySelector(".trace-row .time")).fontVariantNumeric`))
	}
	b.Clean()
}

// The chart says whose queue it shows, and an empty queue draws nothing in it.
func TestBrowserQueueChart(t *testing.T) {
	source := &fakeSource{}
	page := New(source)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#queue:not([hidden]) h2")?.textContent === "This example's export queue"`)
	b.Wait(`document.querySelector(".chart .queued").getAttribute("d")`)
	for _, part := range []string{"queued", "in-flight", "coalesced", "dropped"} {
		assert.Zero(t, browser.Eval[float64](b, `document.querySelector(".chart .`+part+`").getBBox().height`), part)
	}
	assert.Equal(t, "none", browser.Eval[string](b, `getComputedStyle(document.querySelector(".chart .in-flight")).stroke`), "nor a line along the ground")

	source.set(asyncprocessor.Stats{Offered: 50, Queued: 30, InFlight: 20})
	b.Wait(`document.querySelector(".chart .in-flight").getBBox().height > 10 && document.querySelector(".chart .queued").getBBox().height > 10`)
	assert.True(t, browser.Eval[bool](b, `document.querySelector(".chart .queued").getBBox().y < document.querySelector(".chart .in-flight").getBBox().y`), "what is queued is on top")
	b.Clean()
}

func TestBrowserTheme(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	background := `getComputedStyle(document.body).backgroundColor`
	const light, dark = "rgb(246, 246, 248)", "rgb(13, 15, 19)"
	b.Theme("dark")
	b.Wait(fmt.Sprintf("%s === %q", background, dark))
	b.Theme("light")
	b.Wait(fmt.Sprintf("%s === %q", background, light))

	b.Click("#theme") // system → light
	b.Click("#theme") // light → dark
	b.Wait(fmt.Sprintf("%s === %q", background, dark))
	b.Do(chromedp.Reload())
	b.Wait(fmt.Sprintf("%s === %q", background, dark)) // it is remembered
	b.Wait(`document.querySelector("#theme").getAttribute("aria-label") === "Theme: dark"`)
	b.Shortcut("t") // dark → system
	b.Wait(fmt.Sprintf("%s === %q", background, light))
	b.Clean()
}

// contrasts is JavaScript that defines contrast(element, paint): the contrast of a colour on what
// is behind an element, by the formula of WCAG 2. The colour is that of its text if none is given.
const contrasts = `
	const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
	const fill = (color) => { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1); };
	const light = () => {
		const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (e, color = getComputedStyle(e).color) => {
		const above = [];
		for (let at = e; at; at = at.parentElement) above.unshift(getComputedStyle(at).backgroundColor);
		above.forEach(fill);
		const back = light();
		fill(color);
		const [low, high] = [back, light()].sort((a, b) => a - b);
		return (high + 0.05) / (low + 0.05);
	};`

// Small coloured text can be read: 4.5 to 1 is what WCAG asks for.
func TestBrowserContrast(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	clickSpan(b, "chat gpt-go-mini")
	b.Wait(`document.querySelector("#detail .r-system > .who")`)
	for _, theme := range []string{"light", "dark"} {
		b.Theme(theme)
		b.Wait(fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches`, theme))
		low := browser.Eval[[]string](b, `(() => {`+contrasts+`
			const rows = document.querySelector("#waterfall .spacer");
			const all = [];
			for (const family of ["agent", "model", "retrieval", "tool", "check", "plain"]) {
				for (const row of ["span-row", "span-row active"]) {
					const pill = document.createElement("span");
					pill.className = "type t-" + family;
					const holder = document.createElement("div");
					holder.className = row;
					holder.append(pill);
					rows.append(holder);
					all.push([row + " " + family, contrast(pill)]);
					holder.remove();
				}
			}
			for (const role of ["user", "assistant", "system", "developer", "tool", "other"]) {
				const message = document.querySelector("#detail .message").cloneNode(true);
				message.className = "message r-" + role;
				document.querySelector("#detail .talk").append(message);
				all.push([role, contrast(message.querySelector(".who"))]);
				message.remove();
			}
			return all.filter(([, ratio]) => !(ratio >= 4.5)).map(([name, ratio]) => name + " " + ratio.toFixed(2));
		})()`)
		assert.Empty(t, low, theme)
	}
	b.Clean()
}

// Bars of spans that were canceled, that are unfinished, or that nothing is heard of are seen as
// well as others: 3 to 1 is what WCAG asks for of what is not text. What is written in and beside
// them can be read.
func TestBrowserCanceledBarsAreReadable(t *testing.T) {
	b := show(t, askTrace("t", "How?", epoch)...)
	b.Wait(rowCount + " === 15")
	for _, theme := range []string{"light", "dark"} {
		b.Theme(theme)
		b.Wait(fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches`, theme))
		b.Script(`(() => {` + contrasts + `
			const row = document.querySelector(".span-row").cloneNode(true);
			document.querySelector("#waterfall .spacer").append(row);
			row.hidden = false;
			const [name, time, bar, label] = [".name", ".span-time", ".bar", ".bar-label"].map((part) => row.querySelector(part));
			bar.hidden = label.hidden = false;
			window.looked = [];
			const look = (what, ratio, least) => looked.push([what, ratio, ratio >= least]);
			for (const status of ["s-canceled", "s-unfinished", "s-silent", "s-ok"]) {
				for (const state of ["", " active"]) {
					row.className = "span-row " + status + state;
					const where = row.className + " ";
					look(where + "name", contrast(name), 4.5);
					label.className = "bar-label after";
					look(where + "label after", contrast(label), 4.5);
					for (const colour of ["t-agent", "t-model", "t-retrieval", "t-tool", "t-check", "t-plain", "v-0", "v-1", "v-2", "v-3", "v-4", "v-5", "v-6", "v-7"]) {
						bar.className = "bar " + colour;
						const { backgroundImage, backgroundColor } = getComputedStyle(bar);
						const colours = backgroundImage === "none" ? [backgroundColor] : backgroundImage.match(/(rgb|color)\([^)]*\)/g);
						look(where + colour, Math.max(...colours.map((c) => contrast(time, c))), 3);
						label.className = "bar-label inside";
						if (status !== "s-ok") look(where + "label inside", contrast(label), 4.5);
					}
				}
			}
			row.remove();
		})()`)
		assert.Equal(t, 4*2*(2+14)+3*2*14, browser.Eval[int](b, `looked.length`))
		assert.Empty(t, browser.Eval[[]string](b, `looked.filter(([, , fine]) => !fine).map(([what, ratio]) => what + " " + ratio.toFixed(2))`), theme)
	}
	b.Clean()
}
