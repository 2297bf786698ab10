//go:build browser

package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserAsks(t *testing.T) {
	page := New(nil, WithAsk("/ask"))
	defer page.Close()
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("POST /ask", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Question string }
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&q))
		assert.Equal(t, "Why <b>?", q.Question)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "event: delta\ndata: %q\n\n", "Because <i>")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, `event: answer`+"\n"+`data: {"answer":"Because <i>it is","trace_id":"t"}`+"\n\n")
	})
	b := open(t, mux, 1440, 900)
	b.Wait(`document.querySelector("#ask:not([hidden])")`)
	assert.Contains(t, browser.Eval[string](b, `document.querySelector(".command code").textContent`), b.URL+"/ask")
	b.Shortcut("a")
	b.Fill("#question", "Why <b>?\r")
	b.Wait(`document.querySelector("#answer .prose")?.textContent === "Because <i>"`)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "POST /ask", end: time.Second}.item())
	close(release)
	b.Wait(`document.querySelector("#answer p.prose")?.textContent === "Because <i>it is"`)
	b.Wait(rowOf("POST /ask"))
	b.Screenshot("answer")
	b.Clean()
}

func TestBrowserHidesTheAskBoxWhereNothingAnswers(t *testing.T) {
	page := New(nil)
	defer page.Close()
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(`document.querySelector("#empty:not([hidden]) h2")?.textContent === "Waiting for the first trace"`)
	assert.True(t, browser.Eval[bool](b, `document.querySelector("#ask").hidden`))
	b.Clean()
}

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
	b := open(t, mux, 1440, 900)
	b.Wait(`document.querySelector("#ask:not([hidden])")`)
	const box = `document.querySelector(".answer-body")`
	const atEnd = box + `.scrollTop > 0 && ` + box + `.scrollTop + ` + box + `.clientHeight > ` + box + `.scrollHeight - 2`
	grow := func(mark string) {
		deltas <- strings.Repeat("Some words. ", 100) + mark
		b.Wait(box + `.textContent.endsWith("` + mark + `")`)
	}
	ask := func() {
		b.Fill("#question", "Why?\r")
		grow("one")
		b.Wait(atEnd)
	}
	whole := box + `.textContent.startsWith("The whole answer.")`

	ask()
	grow("two")
	b.Wait(atEnd)
	b.Screenshot("answer-grows")
	deltas <- ""
	b.Wait(whole)
	assert.Zero(t, browser.Eval[int](b, box+`.scrollTop`))
	b.Screenshot("answer-whole")

	ask()
	b.Script(box + `.scrollTop = 40`)
	grow("two")
	assert.Equal(t, 40, browser.Eval[int](b, box+`.scrollTop`), "it stays where it was left")
	deltas <- ""
	b.Wait(whole)
	assert.Equal(t, 40, browser.Eval[int](b, box+`.scrollTop`))
	b.Clean()
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
	b := open(t, mux, 1440, 900)
	b.Wait(`document.querySelector("#ask:not([hidden])")`)
	b.Fill("#question", "Why?\r")
	b.Wait(`document.querySelector("#answer p.prose code")`)
	require.Equal(t, []string{"context.WithCancel", "<b>"}, browser.Eval[[]string](b, `[...document.querySelectorAll("#answer code")].map((e) => e.textContent)`))
	assert.Contains(t, browser.Eval[string](b, `document.querySelector("#answer p.prose").textContent`), "Use context.WithCancel, <b> and a ` alone.\nOne")
	const box = `document.querySelector(".answer-body")`
	b.Wait(box + `.matches(".more")`)
	b.Screenshot("answer-code")
	b.Script(box + `.scrollTop = 1e6`)
	b.Wait("!" + box + `.matches(".more")`)
	b.Clean()
}

// What keeps traces away shows above everything else, and the page promises none
// while it does.
func TestBrowserSaysWhyNothingShows(t *testing.T) {
	const refused = "SGP refuses the key (403): nothing is delivered."
	for _, width := range []int64{1440, 390} {
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
			b := open(t, mux, width, 844)
			b.Wait(`document.querySelector("#empty h2")?.textContent === "Ask a question, watch the trace"`)
			assert.True(t, browser.Eval[bool](b, `document.querySelector("#notice").hidden`))

			notice.Store(refused)
			b.Wait(fmt.Sprintf(`document.querySelector("#notice:not([hidden])")?.textContent === %q`, refused))
			b.Wait(`document.querySelector("#empty h2")?.textContent === "No trace can show here"`)
			b.Screenshot(fmt.Sprintf("notice-%d", width))
			b.Fits("notice")

			notice.Store("")
			b.Wait(`document.querySelector("#notice").hidden`)
			b.Wait(`document.querySelector("#empty h2")?.textContent === "Ask a question, watch the trace"`)
			b.Click("#empty .primary")
			b.Wait(`document.querySelector("#answer p.prose")?.textContent === "Because."`)
			assert.True(t, browser.Eval[bool](b, `document.querySelector("#answer").checkVisibility({visibilityProperty: true})`), "the answer shows though no trace has come")
			page.Ingest(wireSpan{trace: "t", id: "a", name: "late", end: time.Second}.item())
			b.Wait(listCount + " === 1")
			b.Clean()
		})
	}
}
