package live

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// What keeps traces away shows above everything else, and the page promises none
// while it does.
func TestBrowserSaysWhyNothingShows(t *testing.T) {
	const refused = "SGP refuses the key (403): nothing is delivered."
	for _, width := range []int{1440, 390} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			var notice atomic.Value
			notice.Store("")
			page := New(&fakeSource{}, WithAsk("/ask"), WithNotice(func() string { return notice.Load().(string) }))
			defer page.Close()
			mux := http.NewServeMux()
			mux.Handle("/", page.Handler())
			mux.HandleFunc("POST /ask", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"answer":"Because."}`))
			})
			b := openTab(t, mux, width, 844)
			b.wait(`document.querySelector("#empty h2")?.textContent === "Ask a question, watch the trace"`)
			assert.True(t, eval[bool](b, `document.querySelector("#notice").hidden`))

			notice.Store(refused)
			b.wait(fmt.Sprintf(`document.querySelector("#notice:not([hidden])")?.textContent === %q`, refused))
			b.wait(`document.querySelector("#empty h2")?.textContent === "No trace can show here"`)
			b.screenshot(fmt.Sprintf("notice-%d", width))
			b.fits("notice")

			notice.Store("")
			b.wait(`document.querySelector("#notice").hidden`)
			b.wait(`document.querySelector("#empty h2")?.textContent === "Ask a question, watch the trace"`)
			b.click("#empty .primary")
			b.wait(`document.querySelector("#answer p.prose")?.textContent === "Because."`)
			assert.True(t, eval[bool](b, `document.querySelector("#answer").checkVisibility({visibilityProperty: true})`), "the answer shows though no trace has come")
			page.Ingest(wireSpan{trace: "t", id: "a", name: "late", end: time.Second}.item())
			b.wait(listCount + " === 1")
			b.clean()
		})
	}
}
