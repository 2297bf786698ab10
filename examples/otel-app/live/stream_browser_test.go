//go:build browser

package live

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserConnectsAgain(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "before", end: time.Second}.item())
	server := serve(t, page.Handler())
	b := browser.Open(t, server.URL, 1440, 900)
	b.Wait(rowOf("before"))
	b.Script(`window.loadedOnce = true`)
	server.CloseClientConnections()
	page.Ingest(wireSpan{trace: "t", id: "b", parent: "a", name: "after", end: time.Second}.item())
	b.Wait(rowOf("after"))
	b.Wait(`document.querySelector("#connection.live")`)
	assert.Equal(t, 2, browser.Eval[int](b, rowCount))
	assert.True(t, browser.Eval[bool](b, `window.loadedOnce`))
}

// While the page has lost its server nothing grows: nothing is known of what goes on there.
// An hour passes in this test by the clock of the page alone.
func TestBrowserNothingGrowsWithoutItsServer(t *testing.T) {
	page := New(nil)
	defer page.Close()
	var away atomic.Bool
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		page.Handler().ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "work", base: time.Now().Add(-5 * time.Second)}.item())
	b := browser.Open(t, server.URL, 1440, 900)
	b.Wait(rowOf("work") + `?.matches(".s-running")`)
	clickSpan(b, "work")
	b.Wait(`document.querySelector("#detail:not([hidden]) h2")`)
	// Whatever says how long the span runs: its bar, the head, the list, the panel, the axis.
	const shown = `[` + `...[".span-row:not([hidden]) .bar-label", ".fact-duration dd", ".trace-row:not([hidden]) .time", ".trace-row:not([hidden]) .facts", "#detail .facts-grid", ".axis-track"]
		.map((selector) => document.querySelector(selector).textContent), document.querySelector(".span-row:not([hidden]) .bar").getAttribute("style")].join("\n")`

	away.Store(true)
	server.CloseClientConnections()
	b.Wait(`document.querySelector("#connection.lost")?.textContent === "Reconnecting"`)
	b.Script(`window.framesLater = (n) => new Promise((resolve) => { const next = () => (n-- > 0 ? requestAnimationFrame(next) : resolve()); next(); });
		(async () => { await framesLater(5); window.atRest = ` + shown + `; })(); 0`)
	b.Wait(`window.atRest`)
	b.Script(`const clock = Date.now; Date.now = () => clock() + 3_600_000;
		(async () => {
			document.querySelector("#filter-order").dispatchEvent(new Event("change")); // draws the list anew
			await framesLater(5);
			window.anHourLater = ` + shown + `;
		})(); 0`)
	b.Wait(`window.anHourLater`)
	assert.Equal(t, browser.Eval[string](b, `atRest`), browser.Eval[string](b, `anHourLater`))
	assert.Contains(t, browser.Eval[string](b, `anHourLater`), " s · running")
	b.Screenshot("lost")

	away.Store(false)
	b.Wait(`document.querySelector("#connection.live")`)
	b.Wait(shown + ` !== anHourLater`)
	assert.Contains(t, browser.Eval[string](b, rowOf("work")+`.querySelector(".bar-label").textContent`), " s · running", "by the server's clock")
}

// A tab in the background holds no stream, as six of them would block the browser, and takes up
// where it stopped when it is looked at again.
func TestBrowserRestsInTheBackground(t *testing.T) {
	page := New(nil)
	defer page.Close()
	var streams atomic.Int32 // that the server holds open
	b := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			streams.Add(1)
			defer streams.Add(-1)
		}
		page.Handler().ServeHTTP(w, r)
	}), 1440, 900)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "before", end: time.Second}.item())
	b.Wait(rowOf("before"))
	require.Eventually(t, func() bool { return streams.Load() == 1 }, time.Minute, 5*time.Millisecond)
	b.Script(`window.background = true; Object.defineProperty(document, "hidden", {get: () => background}); document.dispatchEvent(new Event("visibilitychange"))`)
	require.Eventually(t, func() bool { return streams.Load() == 0 }, time.Minute, 5*time.Millisecond)
	page.Ingest(wireSpan{trace: "t", id: "b", parent: "a", name: "meanwhile", end: time.Second}.item())
	b.Script(`background = false; document.dispatchEvent(new Event("visibilitychange"))`)
	b.Wait(rowOf("meanwhile"))
	assert.Equal(t, 2, browser.Eval[int](b, rowCount))
	again := slices.DeleteFunc(b.Requests(), func(url string) bool { return !strings.Contains(url, "since=") })
	assert.Len(t, again, 1, "it takes up where it stopped")
	b.Clean()
}

// A tab that is opened in the background asks for no stream before it is looked at.
func TestBrowserOpensInTheBackground(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector(".connection.live")`)
	b.Script(`(async () => {
		const { Stream } = await import("/assets/js/stream.js");
		let hidden = true;
		Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
		const stream = new Stream({ hello() {}, traces() {}, spans() {}, stats() {}, state() {} });
		stream.open(null);
		window.atFirst = stream.source === null;
		hidden = false;
		document.dispatchEvent(new Event("visibilitychange"));
		window.shown = stream.source !== null;
		stream.close();
		delete document.hidden;
	})()`)
	b.Wait(`window.shown`)
	assert.True(t, browser.Eval[bool](b, `window.atFirst`))
	b.Clean()
}

func TestBrowserFollowsNewTracesUntilOneIsChosen(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	title := func(want string) {
		b.Wait(fmt.Sprintf(`document.querySelector("#trace-head h2").textContent === %q`, want))
	}
	page.Ingest(wireSpan{trace: "t1", id: "a", name: "first", end: time.Second}.item())
	title("first")
	page.Ingest(wireSpan{trace: "t2", id: "a", name: "second", end: time.Second}.item())
	title("second")
	b.Script(`document.querySelectorAll(".trace-row:not([hidden])")[1].click()`)
	title("first")
	page.Ingest(wireSpan{trace: "t3", id: "a", name: "third", end: time.Second}.item())
	b.Wait(listCount + " === 3")
	title("first")
	assert.Equal(t, "false", browser.Eval[string](b, `document.querySelector("#follow").getAttribute("aria-pressed")`))
	b.Shortcut("f")
	title("third")
	b.Clean()
}

// The button that says how many spans run keeps the newest of them in view, until whoever
// looks scrolls.
func TestBrowserFollowsTheNewestSpan(t *testing.T) {
	page := New(nil)
	defer page.Close()
	now := time.Now()
	page.Ingest(wireSpan{trace: "t", id: "root", name: "root", base: now}.item())
	add := func(from, to int) {
		for i := from; i < to; i++ {
			page.Ingest(wireSpan{trace: "t", id: fmt.Sprint(i), parent: "root", name: fmt.Sprintf("step %d", i), base: now, start: time.Duration(i) * time.Millisecond}.item())
		}
	}
	add(0, 100)
	b := open(t, page.Handler(), 1440, 900)
	b.Script(`location.hash = "#trace=t"`)
	b.Wait(`document.querySelector("#trace-head .chip.live")?.textContent === "101 running"`)
	const top = `document.querySelector("#waterfall").scrollTop`
	b.Script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel"))`)
	b.Wait(`document.querySelector("#trace-head .chip.live").ariaPressed === "false"`)
	b.Script(top + ` = 0`)
	b.Click("#trace-head .chip.live")
	b.Wait(rowOf("step 99") + ` && ` + top + ` > 1000`)
	add(100, 200)
	b.Wait(rowOf("step 199"))
	b.Script(`document.querySelector("#waterfall").dispatchEvent(new WheelEvent("wheel"))`)
	b.Wait(`document.querySelector("#trace-head .chip.live").ariaPressed === "false"`)
	at := browser.Eval[int](b, top)
	add(200, 300)
	b.Wait(`document.querySelector("#trace-head .chip.live").textContent === "301 running"`)
	assert.Equal(t, at, browser.Eval[int](b, top))
	b.Clean()
}
