//go:build browser

package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

// TestLook shows the page in its states, in each width and theme, for people to
// look at, and fails when one of them is wider than its window.
func TestLook(t *testing.T) {
	for _, width := range []int64{1440, 1024, 768, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			source := &fakeSource{}
			page := New(source, WithAsk("/ask"))
			defer page.Close()
			b := open(t, page.Handler(), width, 900)
			look := func(state string) {
				t.Helper()
				for _, theme := range []string{"light", "dark"} {
					b.Theme(theme)
					b.Screenshot(fmt.Sprintf("%s-%d-%s", theme, width, state))
				}
				b.Fits(state)
			}
			b.Wait(`document.querySelector("#empty h2") && !document.querySelector("#empty").hidden`)
			look("empty")

			base := time.Now().Add(-3 * time.Minute)
			for i, q := range []string{"What does http.TimeoutHandler do with a slow body?", "When should I use sync.Pool?", "How do I embed a folder of files?"} {
				page.Ingest(items(askTrace(fmt.Sprintf("%032x", i+1), q, base.Add(time.Duration(i)*40*time.Second)))[i:]...)
			}
			running := askTrace("00000000000000000000000000000009", "How do I cancel an HTTP request?", time.Now().Add(-2900*time.Millisecond))
			page.Ingest(items(running[2:13])...)
			page.Ingest(running[0].started(), running[1].started(), running[13].started(), running[14].started())
			showQueue(b, source)
			b.Wait(`document.querySelectorAll(".trace-row:not([hidden])").length === 4`)
			if width == 390 {
				look("list")
				b.Click(`.trace-row.s-running`)
			}
			b.Wait(rowCount + ` === 15`)
			look("running")

			page.Ingest(items(running)...)
			b.Wait(`document.querySelectorAll(".span-row.s-running:not([hidden])").length === 0`)
			clickSpan(b, "chat gpt-go-mini")
			b.Wait(`document.querySelector("#detail .message") !== null`)
			look("model")
			if width == 390 {
				b.Press("\x1b")
			}
			clickSpan(b, "execute_tool vet_example")
			b.Wait(`document.querySelector("#detail .error-box strong")?.textContent === "*exec.ExitError"`)
			b.Click("#tab-events")
			look("error")
			b.Click("#tab-metadata")
			b.Click("#help-open")
			look("help")
			b.Clean()
		})
	}
}

// showQueue gives the chart of the queue something to draw.
func showQueue(b *browser.Tab, source *fakeSource) {
	b.T.Helper()
	for _, s := range []asyncprocessor.Stats{
		{Exported: 1000, Coalesced: 180, Queued: 20},
		{Exported: 1040, Coalesced: 210, Queued: 56, InFlight: 14},
		{Exported: 1120, Coalesced: 225, Queued: 34, InFlight: 21, Dropped: 3, DroppedBy: map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonStartRefused: 3}},
		{Exported: 1200, Coalesced: 260, Queued: 12, InFlight: 7, Dropped: 3, DroppedBy: map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonStartRefused: 3}},
	} {
		s.Offered = s.Exported + s.Coalesced + s.Dropped + uint64(s.Queued+s.InFlight)
		source.set(s)
		b.Wait(fmt.Sprintf(`document.querySelector("#queue .figure.coalesced dd").textContent === %q`, fmt.Sprint(s.Coalesced)))
	}
}
