package integration

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestBrowserReplay looks at recordings of frameworks on the page: their largest trace, and in
// it what a model was asked. The pictures of docs are what it leaves in SCREENSHOT_DIR.
func TestBrowserReplay(t *testing.T) {
	browser(t)
	for _, framework := range []string{"genkit", "adk", "trpc-agent-go"} {
		t.Run(framework, func(t *testing.T) {
			srv := newSGP(t)
			example := serve(t, srv.URL, "-replay", filepath.Join("..", "internal", "recording", "frameworks", "testdata", framework))
			b := openTab(t, example.url, 1440, 900)
			b.wait(traceCount + ` > 0 && document.querySelector("#ask").hidden`)
			b.script(`[...document.querySelectorAll(".trace-row:not([hidden])")].sort((a, b) => b.trace.spans - a.trace.spans)[0].click()`)
			const models = `[...document.querySelectorAll(".span-row:not([hidden])")].filter((row) => row.querySelector(".type").textContent === "model")`
			b.wait(models + `.length > 0`)
			b.script(models + `[0].querySelector(".name").click()`)
			b.wait(`document.querySelectorAll("#detail .message").length > 1`)
			assert.NotEmpty(t, eval[string](b, `document.querySelector(".fact-tokens dd").textContent`), "what the models used")
			b.screenshot("framework-" + framework)
			b.clean()
			example.signal(syscall.SIGTERM)
			assert.Equal(t, 0, example.wait())
		})
	}
}
