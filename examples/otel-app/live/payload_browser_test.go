//go:build browser

package live

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestBrowserShowsHostileTextAsText(t *testing.T) {
	const evil = `<script>window.hacked=1</script><img src="/hacked.png" onerror="window.hacked=2"><svg onload=window.hacked=3>`
	page := New(nil)
	defer page.Close()
	failed := wireSpan{trace: "t<i>", id: `"><b>`, parent: "root", name: evil, typ: evil, start: time.Second, end: 2 * time.Second, err: evil,
		input: object{"messages": []any{message("user", evil), message(evil, "```html\n"+evil+"\n```"),
			object{"role": "assistant", "parts": []any{object{"type": "tool_call", "name": evil, "arguments": object{evil: evil}}}}}},
		output: object{evil: evil},
		metadata: object{evil: evil, "attributes": object{evil: evil}, "events": []any{
			object{"name": evil, "time": "2026-03-04T09:30:01.5Z", "attributes": object{evil: evil + "\n" + evil}}}}}
	page.Ingest(wireSpan{trace: "t<i>", id: "root", name: evil, end: 3 * time.Second, input: object{"question": evil}}.item(), failed.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowCount + " === 2")
	assert.True(t, browser.Eval[bool](b, fmt.Sprintf(`document.querySelector("#trace-head h2").textContent.startsWith(%q)`, "<script>window.hacked=1</script>")))
	b.Script(`document.querySelectorAll(".span-row:not([hidden])")[1].querySelector(".name").click()`)
	b.Wait(fmt.Sprintf(`[...document.querySelectorAll("#detail .message .prose")].some((p) => p.textContent === %q)`, evil))
	b.Screenshot("hostile")
	for _, id := range []string{"io", "metadata", "events", "json"} {
		b.Click("#tab-" + id)
		b.Wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true"`, id))
		assert.Contains(t, browser.Eval[string](b, `document.querySelector("#tab-body").textContent`), "<script>window.hacked=1</script>")
	}
	b.Fill("#q", evil[:40])
	b.Wait(`document.querySelector("#match-count").textContent === "2 of 2"`)
	assert.Equal(t, 0, browser.Eval[int](b, `document.querySelectorAll("img, iframe, object, embed, body script, [onerror], [onload]").length`))
	assert.True(t, browser.Eval[bool](b, `window.hacked === undefined`))
	b.Fits("hostile")
	for _, request := range b.Requests() {
		assert.NotContains(t, request, "hacked.png")
	}
	b.Clean()
}

// Markdown is drawn, nothing of it is markup, and the raw text is one click away.
func TestBrowserDrawsMarkdownSafely(t *testing.T) {
	const text = "## Heading\n\nSome **bold** text, `code` and a [site](https://example.com/a?b=1&c=2).\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n" +
		"<img src=x onerror=\"window.owned = 1\"> [bad](javascript:window.owned=2) ![pixel](https://tracker.example/p.png)\n\n<script>window.owned = 3</script>\n"
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "chat", typ: "COMPLETION", end: time.Second, output: object{"messages": []any{message("assistant", text)}}}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("chat"))
	clickSpan(b, "chat")
	b.Wait(`document.querySelector("#detail .markdown")`)
	const md = `document.querySelector("#detail .markdown")`
	assert.Equal(t, "Heading", browser.Eval[string](b, md+`.querySelector("h5").textContent`))
	assert.Equal(t, "bold", browser.Eval[string](b, md+`.querySelector("strong").textContent`))
	assert.Equal(t, 2, browser.Eval[int](b, md+`.querySelectorAll("li").length`))
	assert.Equal(t, "2", browser.Eval[string](b, md+`.querySelector("td:last-child").textContent`))
	assert.Equal(t, []string{"https://example.com/a?b=1&c=2", "https://tracker.example/p.png"}, browser.Eval[[]string](b, `[...`+md+`.querySelectorAll("a")].map((a) => a.href)`))
	assert.Equal(t, "noopener noreferrer nofollow", browser.Eval[string](b, md+`.querySelector("a").rel`))
	assert.Zero(t, browser.Eval[int](b, md+`.querySelectorAll("img, script").length`))
	assert.Contains(t, browser.Eval[string](b, md+`.textContent`), `<img src=x onerror="window.owned = 1">`)
	assert.Contains(t, browser.Eval[string](b, md+`.textContent`), `[bad](javascript:window.owned=2)`)
	assert.Equal(t, "undefined", browser.Eval[string](b, `typeof window.owned`))
	b.Screenshot("markdown")

	b.Script(`[...document.querySelectorAll("#detail .segments button")].find((e) => e.textContent === "Raw text").click()`)
	b.Wait(`document.querySelector("#detail .message .prose")?.textContent.startsWith("## Heading")`)
	b.Clean()
}

// Integers keep their digits, in the panel, in JSON within text, and in the export.
func TestBrowserKeepsDigits(t *testing.T) {
	const id = "9007199254740993123"
	page := New(nil)
	defer page.Close()
	page.Ingest([]byte(`{"id":"a","trace_id":"t","name":"tool","start_timestamp":"2026-03-04T09:30:00Z","end_timestamp":"2026-03-04T09:30:01Z",
		"input":{"arguments":{"user":` + id + `}},
		"output":{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"order\":` + id + `}"}}]}]}}`))
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowOf("tool"))
	clickSpan(b, "tool")
	b.Wait(`document.querySelector("#detail .bigint")`)
	assert.Equal(t, []string{id, id}, browser.Eval[[]string](b, `[...document.querySelectorAll("#detail .bigint")].map((e) => e.textContent)`))
	b.Script(`(async () => { const { parse, stringify } = await import("/assets/js/exact.js"); window.copied = stringify(parse('{"a":` + id + `,"b":1.5,"c":7}')); })()`)
	b.Wait(`window.copied`)
	assert.JSONEq(t, `{"a":`+id+`,"b":1.5,"c":7}`, browser.Eval[string](b, `window.copied`))
	assert.Contains(t, browser.Eval[string](b, `window.copied`), id)
	b.Script(`fetch(document.querySelector("#trace-head a[download]").href).then((r) => r.text()).then((text) => { window.exported = text; })`)
	b.Wait(`window.exported`)
	assert.Contains(t, browser.Eval[string](b, `window.exported`), `"user":`+id)
	assert.Equal(t, "trace-t.json", browser.Eval[string](b, `document.querySelector("#trace-head a[download]").download`))
	b.Clean()
}

// What a payload holds is shown as it is: no ligature, and no character that makes it
// read as something else.
func TestBrowserShowsPayloadsAsTheyAre(t *testing.T) {
	page := New(nil)
	defer page.Close()
	page.Ingest(wireSpan{trace: "t", id: "a", name: "if a\u202e != b", end: time.Second, input: object{"question": "a != b \u202eevil\u202c -> \u2067x\u2069 \u200f"},
		metadata: object{"key": "gpj\u202e.exe"}}.item())
	b := open(t, page.Handler(), 1440, 900)
	b.Wait(rowCount + " === 1")
	assert.Equal(t, "if a⟨U+202E⟩ != b", browser.Eval[string](b, `document.querySelector(".span-row .name").textContent`))
	assert.Equal(t, "if a⟨U+202E⟩ != b", browser.Eval[string](b, `document.querySelector(".span-row .name").title`))
	b.Click(".span-row .name")
	b.Wait(`document.querySelector("#detail .prose")`)
	assert.Equal(t, "a != b ⟨U+202E⟩evil⟨U+202C⟩ -> ⟨U+2067⟩x⟨U+2069⟩ \u200f", browser.Eval[string](b, `document.querySelector("#detail .prose").textContent`))
	for _, id := range []string{"io", "metadata", "json"} {
		b.Click("#tab-" + id)
		b.Wait(fmt.Sprintf(`document.querySelector("#tab-%s").getAttribute("aria-selected") === "true"`, id))
		assert.NotContains(t, browser.Eval[string](b, `document.querySelector("#tab-body").textContent`), "\u202e")
		b.Screenshot("as-it-is-" + id)
		assert.Equal(t, []string{"none"}, browser.Eval[[]string](b, `[...new Set([...document.querySelectorAll("body *")].map((e) => getComputedStyle(e).fontVariantLigatures))]`), id)
	}
	b.Clean()
}
