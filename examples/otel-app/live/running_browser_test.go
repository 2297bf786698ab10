//go:build browser

package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserShowsASpanRunningThenFinished(t *testing.T) {
	page := New(&fakeSource{})
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#empty:not([hidden])")`)
	b.Script(`window.loadedOnce = true`)

	s := wireSpan{trace: "t", id: "a", name: "think", typ: "COMPLETION", base: time.Now(), end: 2 * time.Second,
		output: object{"usage": object{"input_tokens": 120, "output_tokens": 7}}}
	page.Ingest(s.started())
	b.Wait(rowOf("think") + `?.matches(".s-running")`)
	b.Wait(`document.querySelector(".trace-row.s-running")`)
	b.Wait(`document.querySelector("#empty[hidden]")`)
	label := rowOf("think") + `.querySelector(".bar-label").textContent`
	first := browser.Eval[string](b, label)
	assert.Contains(t, first, "running")
	b.Wait(fmt.Sprintf("%s !== %q", label, first)) // it grows by itself

	page.Ingest(s.item())
	b.Wait(rowOf("think") + `?.matches(".s-ok")`)
	assert.Equal(t, "2.00 s", browser.Eval[string](b, label))
	assert.Equal(t, "127 tok", browser.Eval[string](b, rowOf("think")+`.querySelector(".usage").textContent`))
	b.Wait(`document.querySelector(".trace-row.s-ok .time")?.textContent === "2.00 s"`)
	assert.Contains(t, browser.Eval[string](b, `document.querySelector("#announce").textContent`), "Trace finished: think")
	assert.True(t, browser.Eval[bool](b, `window.loadedOnce`), "without a reload")
	b.Clean()
}

// The panel of a running span shows what is known of it, says that it is not all, and has what
// comes later.
func TestBrowserShowsWhatIsKnownSoFar(t *testing.T) {
	page := New(nil)
	defer page.Close()
	running := wireSpan{trace: "t", id: "a", name: "chat", typ: "COMPLETION", base: time.Now(), end: time.Second,
		input: object{"question": "Why?"}, output: object{"answer": "Because."}}
	page.Ingest(running.started())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("chat") + `?.matches(".s-running")`)
	clickSpan(b, "chat")
	const headings = `[...document.querySelectorAll("#detail .payload h3")].map((e) => e.textContent).join("|")`
	b.Wait(headings + ` === "Input so far"`)
	assert.Regexp(t, `^[0-9.]+ m?s so far$`, browser.Eval[string](b, `document.querySelector("#detail .facts-grid dd").textContent`))
	b.Screenshot("so-far")
	page.Ingest(running.item())
	b.Wait(headings + ` === "Input|Output"`)
	b.Wait(`document.querySelector("#detail .facts-grid dd").textContent === "1.00 s"`)
	b.Clean()
}

// A running span that nothing is heard of stops growing and says so; one that was written
// as unfinished says that; a heartbeat keeps a span alive.
func TestBrowserTellsSilentSpans(t *testing.T) {
	now := time.Now()
	page := New(nil)
	defer page.Close()
	hours := now.Add(-2 * time.Hour)
	page.Ingest(
		wireSpan{trace: "t", id: "r", name: "root", base: hours, metadata: object{"heartbeat": now.Add(-10 * time.Minute).Format(time.RFC3339Nano)}}.item(),
		wireSpan{trace: "t", id: "u", parent: "r", name: "cut off", base: hours, end: time.Hour, canceled: true,
			metadata: object{"otel_sgp_notes": []any{"unfinished: the span ran when its process ended; end_timestamp is the time of this write"}}}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("root") + `?.matches(".s-silent")`)
	label := rowOf("root") + `.querySelector(".bar-label").textContent`
	assert.Regexp(t, `^1 h 50 m · no news since \d\d:\d\d:\d\d$`, browser.Eval[string](b, label))
	assert.Regexp(t, `^no news since \d\d:\d\d:\d\d`, browser.Eval[string](b, `document.querySelector(".trace-row .facts").textContent`))
	assert.Equal(t, "No news", browser.Eval[string](b, `document.querySelector("#trace-head .pill").textContent`))
	assert.Equal(t, "1 h 50 m", browser.Eval[string](b, `document.querySelector(".trace-row .time").textContent`))
	assert.True(t, browser.Eval[bool](b, rowOf("cut off")+`.matches(".s-unfinished")`))
	assert.Equal(t, "1 h 00 m · unfinished", browser.Eval[string](b, rowOf("cut off")+`.querySelector(".bar-label").textContent`))
	clickSpan(b, "cut off")
	b.Wait(`document.querySelector(".error-box:not([hidden]) strong")?.textContent === "Unfinished" && document.querySelector(".error-box p").textContent.includes("when its process ended")`)
	b.Screenshot("silent")

	page.Ingest(wireSpan{trace: "t", id: "r", name: "root", base: hours, metadata: object{"heartbeat": time.Now().Format(time.RFC3339Nano)}}.item())
	b.Wait(rowOf("root") + `?.matches(".s-running")`)
	b.Wait(label + `.endsWith("· running")`)
	page.Ingest(wireSpan{trace: "t", id: "r", name: "root", base: hours, end: 2 * time.Hour, canceled: true}.item())
	b.Wait(`document.querySelector("#trace-head .pill").textContent === "Canceled"`)
	b.Wait(`document.querySelector(".trace-row.s-canceled")`)
	b.Clean()
}

// A span that ended at the epoch has ended.
func TestBrowserEpochIsAnEnd(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "old", base: time.Unix(-3, 0).UTC(), end: 3 * time.Second}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("old") + `?.matches(".s-ok")`)
	b.Wait(`document.querySelector(".trace-row.s-ok .time")?.textContent === "3.00 s"`)
	assert.Equal(t, "3.00 s", browser.Eval[string](b, rowOf("old")+`.querySelector(".bar-label").textContent`))
	b.Clean()
}

// What failed on the way of a trace that came to a good end does not make it a failed
// one.
func TestBrowserTellsRecoveredFromFailed(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("recovered", "How?", epoch))...)
	page.Ingest(wireSpan{trace: "failed", id: "a", name: "broken", end: time.Second, err: "no"}.item())
	page.Ingest(wireSpan{trace: "elsewhere", id: "a", parent: "in another process", name: "part", end: time.Second, err: "no"}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(listCount + " === 3")
	row := func(title string) string {
		return fmt.Sprintf(`[...document.querySelectorAll(".trace-row:not([hidden])")].find((row) => row.querySelector(".title").textContent === %q)`, title)
	}
	b.Wait(row("How?") + `?.matches(".s-ok")`)
	b.Screenshot("recovered")
	assert.Equal(t, "1 error", browser.Eval[string](b, row("How?")+`.querySelector(".errors").textContent`))
	assert.Equal(t, "15 spans", browser.Eval[string](b, row("How?")+`.querySelector(".facts").children[1].textContent`))
	assert.Equal(t, "$0.013", browser.Eval[string](b, row("How?")+`.querySelector(".facts").children[3].textContent`))
	b.Wait(row("broken") + `?.matches(".s-error")`)
	b.Wait(row("part") + `?.matches(".s-error")`)
	b.Script(row("How?") + `.click()`)
	b.Wait(`document.querySelector("#trace-head .pill")?.textContent === "Finished" && document.querySelector("#trace-head .chip.bad")?.textContent === "1 error ↓"`)
	b.Script(row("broken") + `.click()`)
	b.Wait(`document.querySelector("#trace-head .pill")?.textContent === "Failed"`)
	b.Clean()
}

// A long running span's time shows whole beside its bar on a phone.
func TestBrowserShowsRunningTimesWholeOnAPhone(t *testing.T) {
	for _, length := range []time.Duration{12_710 * time.Millisecond, 59 * time.Minute} {
		page := New(nil)
		defer page.Close()
		page.Ingest(wireSpan{trace: "t", id: "a", name: "think", base: time.Now().Add(-length), metadata: object{"heartbeat": time.Now().Format(time.RFC3339Nano)}}.item())
		b := open(t, page.Handler(), 390, 844)
		b.Wait(listCount + " === 1")
		b.Click(".trace-row")
		b.Wait(rowOf("think") + `?.matches(".s-running")`)
		b.Wait(rowOf("think") + `.querySelector(".bar-label").textContent`)
		b.Fits(length.String())
		assert.NotNil(t, browser.Eval[*string](b, rowOf("think")+`.querySelector(".status .icon-running")?.outerHTML`))
		assert.Equal(t, "Search", browser.Eval[string](b, `document.querySelector("#q").placeholder`))
		b.Clean()
	}
}
