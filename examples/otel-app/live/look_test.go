package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// TestLook shows the page in its states, in each theme and width, for people to
// look at, and fails when one of them is wider than its window.
func TestLook(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1024, 768, 390} {
			t.Run(fmt.Sprintf("%s-%d", theme, width), func(t *testing.T) {
				source := &fakeSource{}
				page := New(source, WithAsk("/ask"))
				defer page.Close()
				height := int64(900)
				if width == 390 {
					height = 844
				}
				b := open(t, page.Handler(), width, height)
				name := fmt.Sprintf("%s-%d-", theme, width)
				b.Theme(theme)
				b.Wait(`document.querySelector("#empty h2") && !document.querySelector("#empty").hidden`)
				b.Screenshot(name + "empty")
				b.Fits(theme)

				base := time.Now().Add(-3 * time.Minute)
				for i, q := range []string{"What does http.TimeoutHandler do with a slow body?", "When should I use sync.Pool?", "How do I embed a folder of files?"} {
					page.Ingest(items(askTrace(fmt.Sprintf("%032x", i+1), q, base.Add(time.Duration(i)*40*time.Second)))[i:]...)
				}
				running := askTrace("00000000000000000000000000000009", "How do I cancel an HTTP request?", time.Now().Add(-2900*time.Millisecond))
				page.Ingest(items(running[2:13])...)
				page.Ingest(running[0].started(), running[1].started(), running[13].started(), running[14].started())
				for i := range 12 {
					source.set(asyncprocessor.Stats{Offered: uint64(1200 + i*90), Exported: uint64(1000 + i*40), Coalesced: uint64(180 + i*20), Dropped: uint64(i / 8 * 3),
						Queued: int64(20 + i*i%37), InFlight: int64(i * 7 % 30), DroppedBy: map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonStartRefused: uint64(i / 8 * 3)}})
					b.Wait(fmt.Sprintf(`document.querySelector("#queue .figure.coalesced dd").textContent === %q`, fmt.Sprint(180+i*20)))
				}
				b.Wait(`document.querySelectorAll(".trace-row:not([hidden])").length === 4`)
				if width == 390 {
					b.Screenshot(name + "list")
					b.Fits(theme)
					b.Click(`.trace-row.s-running`)
				}
				b.Wait(`document.querySelectorAll(".span-row:not([hidden])").length === 15`)
				b.Screenshot(name + "running")
				b.Fits(theme)

				page.Ingest(items(running)...)
				b.Wait(`document.querySelectorAll(".span-row.s-running:not([hidden])").length === 0`)
				b.Script(`[...document.querySelectorAll(".span-row")].find((r) => r.node?.id === "04").querySelector(".name").click()`)
				b.Wait(`document.querySelector("#detail .message") !== null`)
				b.Screenshot(name + "model")
				b.Fits(theme)
				if width == 390 {
					b.Press("\x1b")
				}
				b.Script(`[...document.querySelectorAll(".span-row")].find((r) => r.node?.id === "11").querySelector(".name").click()`)
				b.Wait(`document.querySelector("#detail .error-box strong")?.textContent === "*exec.ExitError"`)
				b.Click("#tab-events")
				b.Screenshot(name + "error")
				b.Fits(theme)
				b.Click("#tab-metadata")
				b.Click("#help-open")
				b.Screenshot(name + "help")
				b.Fits(theme)
				b.Clean()
			})
		}
	}
}
