//go:build browser

package live

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserTenThousandSpans(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#empty:not([hidden])")`)
	b.Script(`window.longTasks = []; new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({type: "longtask"}); 0`)

	page.Ingest(manySpans("big", 10_000)...)
	b.Wait(`document.querySelector(".fact-spans dd")?.textContent === "10,000"`)
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320000`)
	t.Logf("long tasks (ms) while 10,000 spans came in: %v", browser.Eval[[]int](b, `longTasks.splice(0)`))

	// Through the whole trace, in 60 leaps, each of which shows other rows.
	b.Script(`window.scrolled = (async () => {
		const pane = document.querySelector("#waterfall");
		const out = {frames: 0, slow: 0, most: 0};
		let last = performance.now();
		while (pane.scrollTop + pane.clientHeight < pane.scrollHeight - 1) {
			pane.scrollTop += pane.scrollHeight / 60;
			await new Promise(requestAnimationFrame);
			const now = performance.now();
			out.frames++;
			if (now - last > 50) out.slow++;
			last = now;
			out.most = Math.max(out.most, document.querySelectorAll(".span-row").length);
		}
		window.scrollResult = out;
	})(); 0`)
	b.Wait(`window.scrollResult`)
	assert.Less(t, browser.Eval[int](b, `scrollResult.most`), 80, "rows in the document")
	t.Logf("leaping: %s, long tasks (ms): %v", browser.Eval[string](b, `JSON.stringify(scrollResult)`), browser.Eval[[]int](b, `longTasks.splice(0)`))
	b.Wait(rowOf("step 9999"))

	// As with a wheel, and what it costs the browser's main thread.
	cpu := b.MainThread()
	b.Script(`window.wheeled = false; (async () => {
		const pane = document.querySelector("#waterfall");
		for (let i = 0; i < 60; i++) {
			pane.scrollTop -= 120;
			await new Promise(requestAnimationFrame);
		}
		window.wheeled = true;
	})(); 0`)
	b.Wait(`window.wheeled`)
	t.Logf("scrolling: %v of CPU time a frame", (b.MainThread()-cpu)/60)

	b.Shortcut("e") // the one that failed, near the end
	b.Wait(rowOf("step 9995") + `?.matches(".active")`)
	b.Shortcut("c")
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight < 320000`)
	b.Shortcut("x")
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320000`)
	b.Shortcut("e")
	b.Wait(rowOf("step 9995") + `?.matches(".active")`)
	t.Logf("jump, collapse, expand: long tasks (ms): %v", browser.Eval[[]int](b, `longTasks.splice(0)`))
	b.Screenshot("ten-thousand")

	// And while it is still growing: the view must not move.
	top := browser.Eval[int](b, `document.querySelector("#waterfall").scrollTop`)
	page.Ingest(wireSpan{trace: "big", id: "late", parent: "root", name: "late", start: 99 * time.Second, end: 100 * time.Second}.item())
	b.Wait(`document.querySelector("#waterfall .spacer").offsetHeight === 320032`)
	assert.Equal(t, top, browser.Eval[int](b, `document.querySelector("#waterfall").scrollTop`))
	b.Clean()
}

// A chain of 20,000 nested spans opens: what it takes is in the test's log.
func TestBrowserOpensADeepChain(t *testing.T) {
	page := New(nil)
	defer page.Close()
	const deep = 20_000
	chain := make([]json.RawMessage, deep)
	for i := range deep {
		s := wireSpan{trace: "deep", id: fmt.Sprint(i), name: fmt.Sprint("level ", i+1), start: time.Duration(i) * time.Millisecond, end: time.Hour}
		if i > 0 {
			s.parent = fmt.Sprint(i - 1)
		}
		chain[i] = s.item()
	}
	page.Ingest(chain...)
	page.Ingest(wireSpan{trace: "other", id: "a", name: "other", end: time.Second}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("other"))
	b.Script(`(async () => {
		const at = performance.now();
		location.hash = "#trace=deep";
		while (document.querySelector("#waterfall .spacer").offsetHeight !== 640_000) await new Promise(requestAnimationFrame);
		window.opened = performance.now() - at;
	})()`)
	b.Wait(`window.opened`)
	t.Logf("20,000 nested spans open in %.0f ms", browser.Eval[float64](b, `opened`))
	assert.Equal(t, "20,000", browser.Eval[string](b, `document.querySelector(".fact-spans dd").textContent`))
	b.Wait(rowOf("level 20"))
	b.Script(`document.querySelector("#waterfall").scrollTop = 1e9`)
	b.Wait(rowOf("level 20000"))
	assert.Equal(t, "L20000", browser.Eval[string](b, rowOf("level 20000")+`.querySelector(".level").textContent`))
	b.Screenshot("chain")
	b.Clean()
}

// The tree of a chain is built without a walk up for each of its spans, in whatever order they
// come.
func TestBrowserBuildsADeepChainInOnePass(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Script(`(async () => {
		const { TraceModel } = await import("/assets/js/model.js");
		const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: String(i), parent: i ? String(i - 1) : undefined, name: "n", start: i, end: 50_000, seq: i + 1 }));
		let looks = 0; // at where a span's parent is
		for (const order of [rows, rows.toReversed()]) {
			const model = new TraceModel();
			model.add = new Proxy(model.add, { apply: (add, self, [node]) => {
				let up = node.up;
				Object.defineProperty(node, "up", { get() { looks++; return up; }, set(value) { up = value; } });
				return add.call(self, node);
			} });
			model.apply(order);
			model.build();
			window.depth = model.order.at(-1).depth;
		}
		window.looks = looks;
	})()`)
	b.Wait(`window.looks`)
	assert.Equal(t, 19_999, browser.Eval[int](b, `window.depth`))
	assert.Less(t, browser.Eval[int](b, `window.looks`), 400_000, "a few for each span")
	b.Clean()
}
