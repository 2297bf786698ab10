package live

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

// An answer is followed while it grows and shows its beginning when it is whole,
// unless whoever reads it has scrolled.
func TestBrowserShowsTheBeginningOfAnAnswer(t *testing.T) {
	page := New(nil, WithAsk("/ask"))
	defer page.Close()
	deltas := make(chan string)
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			select {
			case delta := <-deltas:
				if delta == "" {
					fmt.Fprintf(w, "event: answer\ndata: {\"answer\":%q,\"trace_id\":\"t\"}\n\n", strings.Repeat("The whole answer. ", 200))
					return
				}
				fmt.Fprintf(w, "event: delta\ndata: %q\n\n", delta)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	b := openTab(t, mux, 1440, 900)
	b.wait(`document.querySelector("#ask:not([hidden])")`)
	const box = `document.querySelector(".answer-body")`
	const atEnd = box + `.scrollTop > 0 && ` + box + `.scrollTop + ` + box + `.clientHeight > ` + box + `.scrollHeight - 2`
	grow := func(mark string) {
		deltas <- strings.Repeat("Some words. ", 100) + mark
		b.wait(box + `.textContent.endsWith("` + mark + `")`)
	}
	ask := func() {
		b.do(chromedp.SendKeys(chromedp.CSS("#question"), "Why?\r"))
		grow("one")
		b.wait(atEnd)
	}
	whole := box + `.textContent.startsWith("The whole answer.")`

	ask()
	grow("two")
	b.wait(atEnd)
	b.screenshot("answer-grows")
	deltas <- ""
	b.wait(whole)
	assert.Zero(t, eval[int](b, box+`.scrollTop`))
	b.screenshot("answer-whole")

	ask()
	b.script(box + `.scrollTop = 40`)
	grow("two")
	assert.Equal(t, 40, eval[int](b, box+`.scrollTop`), "it stays where it was left")
	deltas <- ""
	b.wait(whole)
	assert.Equal(t, 40, eval[int](b, box+`.scrollTop`))
	b.clean()
}

// Whatever the time that the axis covers, no label of it is cut off or covers another.
func TestBrowserAxisLabelsAreWhole(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(items(askTrace("t1", "First?", epoch))...)
	b := openTab(t, page.Handler(), 1440, 900)
	b.wait(rowCount + " === 15")
	b.script(rowOf("POST /ask") + `.querySelector(".name").click()`)
	b.wait(`document.querySelector("#detail:not([hidden]) h2")`)
	b.script(`(async () => {
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
	b.wait(`window.checked`)
	assert.Empty(t, eval[[]string](b, `window.cut`))
	assert.Greater(t, eval[int](b, `window.labels`), 3000, "most are there")
	b.clean()
}
