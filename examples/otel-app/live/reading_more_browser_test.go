package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A number that rounds up to the next unit is said in that unit.
func TestBrowserRoundsBeforeItChoosesAUnit(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(`document.querySelector("#empty:not([hidden])")`)
	b.script(`(async () => { window.format = await import("/assets/js/format.js"); })()`)
	b.wait(`window.format`)
	for call, want := range map[string]string{
		`duration(0)`: "0 µs", `duration(999)`: "999 µs", `duration(999.6)`: "1.00 ms", `duration(1000)`: "1.00 ms",
		`duration(9994)`: "9.99 ms", `duration(9995)`: "10.0 ms", `duration(99949)`: "99.9 ms", `duration(99950)`: "100 ms",
		`duration(999400)`: "999 ms", `duration(999600)`: "1.00 s", `duration(59994000)`: "59.99 s", `duration(59996000)`: "1 m 00 s",
		`duration(3599.4e6)`: "59 m 59 s", `duration(3599.6e6)`: "1 h 00 m", `duration(7199e6)`: "2 h 00 m",
		`tokens(9999)`: "9,999", `tokens(999949)`: "999.9k", `tokens(999960)`: "1.00M",
		`cost(0.00123)`: "$0.0012", `cost(0.9994)`: "$0.999", `cost(0.9996)`: "$1.00", `cost(12.345)`: "$12.35",
	} {
		assert.Equal(t, want, eval[string](b, "format."+call), call)
	}
	b.clean()
}

// What failed on the way of a trace that came to a good end does not make it a failed
// one.
func TestBrowserTellsRecoveredFromFailed(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("recovered", "How?", epoch))...)
	page.Ingest(wireSpan{trace: "failed", id: "a", name: "broken", end: time.Second, err: "no"}.item())
	page.Ingest(wireSpan{trace: "elsewhere", id: "a", parent: "in another process", name: "part", end: time.Second, err: "no"}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + " === 3")
	row := func(title string) string {
		return fmt.Sprintf(`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.querySelector(".title").textContent === %q)`, title)
	}
	b.wait(row("How?") + `?.matches(".s-ok")`)
	b.screenshot("recovered")
	assert.Equal(t, "1 error", eval[string](b, row("How?")+`.querySelector(".errors").textContent`))
	assert.Equal(t, "15 spans", eval[string](b, row("How?")+`.querySelector(".facts").children[1].textContent`))
	assert.Equal(t, "$0.013", eval[string](b, row("How?")+`.querySelector(".facts").children[3].textContent`))
	b.wait(row("broken") + `?.matches(".s-error")`)
	b.wait(row("part") + `?.matches(".s-error")`)
	b.script(row("How?") + `.click()`)
	b.wait(`document.querySelector("#trace-head .pill")?.textContent === "Finished" && document.querySelector("#trace-head .chip.bad")?.textContent === "1 error ↓"`)
	b.script(row("broken") + `.click()`)
	b.wait(`document.querySelector("#trace-head .pill")?.textContent === "Failed"`)
	b.clean()
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
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(listCount + " === 2")
	b.script(`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.textContent.includes("needle")).click()`)
	b.wait(rowCount + " === 4")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "needle"))
	b.wait(`document.querySelector("#match-count").textContent === "3 matches"`)
	b.wait(`document.querySelector("#trace-count").textContent === "1 of 2"`)
	marks := func(name, element string) []string {
		return eval[[]string](b, fmt.Sprintf(`[...%s.querySelectorAll(%q)].map((e) => e.textContent).filter(Boolean)`, rowOf(name), element))
	}
	b.wait(`document.querySelectorAll(".span-row.match:not([hidden])").length === 3`)
	assert.Equal(t, []string{"Needle"}, marks("Chat with Needle inside", "mark"))
	assert.Empty(t, marks("Chat with Needle inside", ".found"))
	assert.Empty(t, marks("payload", "mark"))
	assert.Equal(t, []string{"inside"}, marks("payload", ".found"))
	assert.Equal(t, []string{"in id"}, marks("by id", ".found"))
	assert.Empty(t, marks("other", ".found"))

	b.press("\r", "\r")
	b.wait(`document.querySelector("#match-count").textContent === "2 of 3"`)
	b.wait(rowOf("payload") + `.matches(".active")`)
	b.script(`document.querySelector("#waterfall").focus()`)
	b.press("\r")
	b.wait(`document.querySelector("#detail .prose")?.textContent === "a needle, a NEEDLE"`)
	b.wait(`CSS.highlights.get("found")?.size === 2`)
	b.screenshot("match")
	b.do(chromedp.EmulateViewport(390, 844))
	b.wait(`innerWidth === 390`)
	b.screenshot("match-390")
	b.fits("match")
	b.do(chromedp.EmulateViewport(1440, 900))
	b.script(`document.querySelector("#q").focus()`)
	b.press("\x1b")
	b.wait(`CSS.highlights.get("found").size === 0 && document.querySelectorAll(".span-row mark").length === 0`)
	assert.Equal(t, "2", eval[string](b, `document.querySelector("#trace-count").textContent`))
	b.clean()
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
	for _, width := range []int{1440, 390} {
		b := openTab(t, page.Handler(), width, 900)
		if width == 390 {
			b.wait(listCount + " === 1")
			b.click(".trace-row")
		}
		b.wait(rowCount + " === 18")
		level := func(n int) string {
			return eval[string](b, rowOf(fmt.Sprint("level ", n))+`.querySelector(".level").textContent`)
		}
		assert.Empty(t, level(15))
		assert.Equal(t, "L16", level(16))
		assert.Equal(t, "L18", level(18))
		b.screenshot(fmt.Sprintf("deep-%d", width))
		b.fits("deep")
		b.clean()
	}
}

// What a payload holds is shown as it is: no ligature, and no character that makes it
// read as something else.
func TestBrowserShowsPayloadsAsTheyAre(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "if a\u202e != b", end: time.Second, input: object{"question": "a != b \u202eevil\u202c -> \u2067x\u2069 \u200f"},
		metadata: object{"key": "gpj\u202e.exe"}}.item())
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 1")
	assert.Equal(t, "if a⟨U+202E⟩ != b", eval[string](b, `document.querySelector(".span-row .name").textContent`))
	assert.Equal(t, "if a⟨U+202E⟩ != b", eval[string](b, `document.querySelector(".span-row .name").title`))
	b.click(".span-row .name")
	b.wait(`document.querySelector("#detail .prose")`)
	assert.Equal(t, "a != b ⟨U+202E⟩evil⟨U+202C⟩ -> ⟨U+2067⟩x⟨U+2069⟩ \u200f", eval[string](b, `document.querySelector("#detail .prose").textContent`))
	for _, id := range []string{"io", "metadata", "json"} {
		b.click("#tab-" + id)
		b.wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true"`, id))
		assert.NotContains(t, eval[string](b, `document.querySelector("#tab-body").textContent`), "\u202e")
		b.screenshot("as-it-is-" + id)
		assert.Equal(t, []string{"none"}, eval[[]string](b, `[...new Set([...document.querySelectorAll("body *")].map((e) => getComputedStyle(e).fontVariantLigatures))]`), id)
	}
	b.clean()
}

// A long running span's time shows whole beside its bar on a phone.
func TestBrowserShowsRunningTimesWholeOnAPhone(t *testing.T) {
	for _, length := range []time.Duration{12_710 * time.Millisecond, 59 * time.Minute} {
		page := New(nil)
		defer page.Close()
		page.Ingest(wireSpan{trace: "t", id: "a", name: "think", base: time.Now().Add(-length), metadata: object{"heartbeat": time.Now().Format(time.RFC3339Nano)}}.item())
		b := openTab(t, page.Handler(), 390, 844)
		b.wait(listCount + " === 1")
		b.click(".trace-row")
		b.wait(rowOf("think") + `?.matches(".s-running")`)
		b.wait(rowOf("think") + `.querySelector(".bar-label").textContent`)
		b.fits(length.String())
		assert.NotNil(t, eval[*string](b, rowOf("think")+`.querySelector(".status .icon-running")?.outerHTML`))
		assert.Equal(t, "Search", eval[string](b, `document.querySelector("#q").placeholder`))
		b.clean()
	}
}

// An id shows whole on a phone.
func TestBrowserShowsIDsWholeOnAPhone(t *testing.T) {
	const id = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: id, id: "a", name: "think", end: time.Second}.item())
	b := openTab(t, page.Handler(), 390, 844)
	b.wait(listCount + " === 1")
	b.click(".trace-row")
	b.wait(rowOf("think"))
	b.script(rowOf("think") + `.querySelector(".name").click()`)
	b.wait(fmt.Sprintf(`[...document.querySelectorAll("#detail .id code")].some((e) => e.textContent === %q)`, id))
	assert.Empty(t, eval[[]string](b, `[...document.querySelectorAll("#detail .id code")].filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent)`))
	b.screenshot("id-390")
	b.fits("ids")
	b.clean()
}

// Small coloured text can be read: 4.5 to 1 is what WCAG asks for.
func TestBrowserContrast(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	b.script(rowOf("chat gpt-go-mini") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail .r-system > .who")`)
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		b.wait(fmt.Sprintf(`matchMedia("(prefers-color-scheme: %s)").matches`, theme))
		low := eval[[]string](b, `(() => {
			const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
			const paint = (color) => { pen.fillStyle = color; pen.fillRect(0, 0, 1, 1); };
			const light = () => {
				const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
				return 0.2126 * r + 0.7152 * g + 0.0722 * b;
			};
			const contrast = (e) => {
				const above = [];
				for (let at = e; at; at = at.parentElement) above.unshift(getComputedStyle(at).backgroundColor);
				above.forEach(paint);
				const back = light();
				paint(getComputedStyle(e).color);
				const [low, high] = [back, light()].sort((a, b) => a - b);
				return (high + 0.05) / (low + 0.05);
			};
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
	b.clean()
}

// Backticks in an answer are code, and what is below its edge fades instead of being
// cut through.
func TestBrowserDrawsCodeInAnAnswer(t *testing.T) {
	page := New(nil, WithAsk("/ask"))
	defer page.Close()
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, _ *http.Request) {
		long := "Use `context.WithCancel`, `<b>` and a ` alone."
		for range 30 {
			long += "\nOne line more."
		}
		answer, err := json.Marshal(object{"answer": long})
		assert.NoError(t, err)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})
	b := openTab(t, mux, 1440, 900)
	b.wait(`document.querySelector("#ask:not([hidden])")`)
	b.do(chromedp.SendKeys(chromedp.CSS("#question"), "Why?\r"))
	b.wait(`document.querySelector("#answer p.prose code")`)
	require.Equal(t, []string{"context.WithCancel", "<b>"}, eval[[]string](b, `[...document.querySelectorAll("#answer code")].map((e) => e.textContent)`))
	assert.Contains(t, eval[string](b, `document.querySelector("#answer p.prose").textContent`), "Use context.WithCancel, <b> and a ` alone.\nOne")
	const box = `document.querySelector(".answer-body")`
	b.wait(box + `.matches(".more")`)
	b.screenshot("answer-code")
	b.script(box + `.scrollTop = 1e6`)
	b.wait("!" + box + `.matches(".more")`)
	b.clean()
}
