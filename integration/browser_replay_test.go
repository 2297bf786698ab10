//go:build browser

package integration

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

// TestBrowserReplay looks at recordings of frameworks on the page: their largest trace, and in
// it what a model was asked. The pictures of docs are what it leaves in SCREENSHOT_DIR.
func TestBrowserReplay(t *testing.T) {
	for framework, spans := range map[string]int{"genkit": 22, "adk": 11, "trpc-agent-go": 16} {
		t.Run(framework, func(t *testing.T) {
			srv := newSGP(t)
			example := serve(t, srv.URL, "-replay", filepath.Join("..", "internal", "recording", "frameworks", "testdata", framework))
			b := browser.Open(t, example.url, 1440, 900)
			// All of them, or the largest trace is not known.
			b.Wait(fmt.Sprintf(`[...document.querySelectorAll(".trace-row:not([hidden])")].reduce((sum, row) => sum + row.trace.spans, 0) === %d`, spans))
			assert.True(t, browser.Eval[bool](b, `document.querySelector("#ask").hidden`))
			b.Script(`[...document.querySelectorAll(".trace-row:not([hidden])")].sort((a, b) => b.trace.spans - a.trace.spans)[0].click()`)
			const models = `[...document.querySelectorAll(".span-row:not([hidden])")].filter((row) => row.querySelector(".type").textContent === "model")`
			// The rows of this trace, and no longer those of the one before.
			b.Wait(`document.querySelectorAll(".span-row:not([hidden])").length === Number(` + spanCount + `) && ` + models + `.length > 0`)
			b.Script(models + `[0].querySelector(".name").click()`)
			b.Wait(`document.querySelectorAll("#detail .message").length > 1`)
			assert.NotEmpty(t, browser.Eval[string](b, `document.querySelector(".fact-tokens dd").textContent`), "what the models used")
			b.Screenshot("framework-" + framework)
			b.Clean()
			example.signal(syscall.SIGTERM)
			assert.Equal(t, 0, example.wait())
		})
	}
}
