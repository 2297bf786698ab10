//go:build browser

package live

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

// A conversation is one thing: a link leads to its traces, with what they come to together.
func TestBrowserShowsAConversation(t *testing.T) {
	b := show(t, conversations()...)
	b.Wait(listCount + ` === 4`)
	b.Script(`location.hash = "#trace=t1"`)
	b.Wait(`document.title === "First question? · Live traces"`)
	b.Click("#trace-head .sub a")
	b.Wait(listTitles + ` === "POST /chat|First question?"`)
	assert.Equal(t, "2 traces · 3 spans · 120 tok · $0.500 · 1 error · 3.00 s in all", browser.Eval[string](b, `document.querySelector("#group .totals").textContent`))
	assert.Equal(t, "First question?", browser.Eval[string](b, `document.querySelector("#trace-head h2").textContent`), "the trace stays")
	b.Screenshot("conversation")
	b.Fits("conversation")
	b.Click("#group button")
	b.Wait(listCount + ` === 4 && !location.hash.includes("group")`)
	b.Script(`history.back()`)
	b.Wait(listCount + ` === 2`)

	b.Do(chromedp.Navigate(b.URL + "/#" + url.Values{"group": {"conv-b"}}.Encode()))
	b.Do(chromedp.Reload())
	b.Wait(listTitles + ` === "nightly"`)
	b.Clean()
}

func TestBrowserShowsServicesAndFields(t *testing.T) {
	b := show(t, conversations()...)
	b.Wait(listCount + ` === 4`)
	b.Script(`location.hash = "#trace=t1"`)
	b.Wait(rowOf("chat") + ` && document.querySelector("#trace-head .service")?.textContent === "front +1"`)
	assert.Equal(t, "POST /chat", browser.Eval[string](b, `document.querySelector("#trace-head .root").textContent`), "the root's name beside the first input")
	assert.Equal(t, "front POST /chat", browser.Eval[string](b, `(() => { const row = [...document.querySelectorAll(".trace-row")].find((r) => r.trace?.id === "t1"); return row.querySelector(".service").textContent + " " + row.querySelector(".root").textContent; })()`))
	assert.Equal(t, "models", browser.Eval[string](b, rowOf("chat")+`.querySelector(".service").textContent`))
	assert.Contains(t, browser.Eval[string](b, rowOf("chat")+`.querySelector(".bar").className`), "t-model")
	b.Script(`[...document.querySelectorAll("#trace-head .button")].find((e) => e.textContent === "By service").click()`)
	b.Wait(rowOf("chat") + `.querySelector(".bar").className.includes("v-1")`)
	b.Screenshot("services")

	clickSpan(b, "chat")
	b.Wait(`document.querySelector("#detail .facts-grid a")`)
	facts := browser.Eval[map[string]string](b, `Object.fromEntries([...document.querySelectorAll("#detail .facts-grid dt")].map((dt) => [dt.textContent, dt.nextElementSibling.textContent]))`)
	assert.Equal(t, "models on models-pod-1", facts["Service"])
	assert.Equal(t, "gpt-x", facts["Model"])
	assert.Equal(t, "after 250 ms", facts["First token"])
	assert.Equal(t, "503", facts["HTTP status"])
	assert.Equal(t, "conv-a", facts["Conversation"])
	b.Clean()
}

func TestBrowserAddressKeepsWhatIsShown(t *testing.T) {
	b := show(t, append(askTrace("t1", "First?", epoch), askTrace("t2", "Second?", epoch)...)...)
	b.Wait(rowCount + " === 15")
	b.Do(chromedp.Navigate(b.URL+"/#trace=t1&span=11"), chromedp.Reload())
	b.Wait(`document.querySelector("#trace-head h2")?.textContent === "First?"`)
	b.Wait(`document.querySelector("#detail h2")?.textContent === "execute_tool vet_example"`)
	b.Clean()
}

// A number that rounds up to the next unit is said in that unit.
func TestBrowserRoundsBeforeItChoosesAUnit(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#empty:not([hidden])")`)
	b.Script(`(async () => { window.format = await import("/assets/js/format.js"); })()`)
	b.Wait(`window.format`)
	for call, want := range map[string]string{
		`duration(0)`: "0 µs", `duration(999)`: "999 µs", `duration(999.6)`: "1.00 ms", `duration(1000)`: "1.00 ms",
		`duration(9994)`: "9.99 ms", `duration(9995)`: "10.0 ms", `duration(99949)`: "99.9 ms", `duration(99950)`: "100 ms",
		`duration(999400)`: "999 ms", `duration(999600)`: "1.00 s", `duration(59994000)`: "59.99 s", `duration(59996000)`: "1 m 00 s",
		`duration(3599.4e6)`: "59 m 59 s", `duration(3599.6e6)`: "1 h 00 m", `duration(7199e6)`: "2 h 00 m",
		`tokens(9999)`: "9,999", `tokens(999949)`: "999.9k", `tokens(999960)`: "1.00M",
		`cost(0.00123)`: "$0.0012", `cost(0.9994)`: "$0.999", `cost(0.9996)`: "$1.00", `cost(12.345)`: "$12.35",
	} {
		assert.Equal(t, want, browser.Eval[string](b, "format."+call), call)
	}
	b.Clean()
}
