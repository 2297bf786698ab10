package live

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browser finds Chromium, or skips the test; BROWSER_TESTS=required fails it. BROWSER, which
// the Makefile sets, names it: go test looks at the environment, but not at what is on PATH,
// to see whether a cached result still counts.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("BROWSER"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const how = "no Chromium on PATH: install one with `apt-get install chromium fonts-dejavu` (Debian) to run the browser tests"
	if os.Getenv("BROWSER_TESTS") == "required" {
		t.Fatal(how)
	}
	t.Skip(how)
	return ""
}

// tab is one page of a fresh browser, and what was seen of it from outside.
type tab struct {
	t      *testing.T
	ctx    context.Context
	server *httptest.Server

	mu       sync.Mutex
	requests []string // URLs
	problems []string // what the page logged as an error, and what it threw
}

// openTab serves handler and shows it in a window of the given size.
func openTab(t *testing.T, handler http.Handler, width, height int) *tab {
	t.Helper()
	path := browser(t)
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections() // event streams do not end by themselves
		server.Close()
	})
	b := &tab{t: t, server: server}

	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, height),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-dev-shm-usage", true))
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator, chromedp.WithListener(b.observe))
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(ctx), "the browser does not start")
	// Three minutes for the whole test, so that a lost browser ends it.
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	b.ctx = ctx

	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	b.do(chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Navigate(server.URL))
	return b
}

func (b *tab) observe(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprintf("%+v", *e.ExceptionDetails))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// clean asserts that the page threw nothing, logged no error (a violation of
// its security policy is one), and asked no other host for anything.
func (b *tab) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(b.t, b.problems)
	assert.NotEmpty(b.t, b.requests)
	for _, request := range b.requests {
		assert.True(b.t, strings.HasPrefix(request, b.server.URL+"/"), "a request to another host: %s", request)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// theme sets what the system prefers: "light" or "dark".
func (b *tab) theme(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	require.NoError(b.t, err)
}

// eval evaluates a JavaScript expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return value
}

// script runs JavaScript for its effect.
func (b *tab) script(code string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](code))
}

// wait polls a JavaScript condition until it holds.
func (b *tab) wait(condition string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		holds, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		return err == nil && holds
	}, 40*time.Second, 25*time.Millisecond, "in the browser: %s", condition)
}

// click clicks the first element that a CSS selector finds, as a person would.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// press types keys into whatever has the focus.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// shortcut presses one printable key as a keyboard does: what the page's handler
// prevents is not typed. (KeyEvent types it all the same.)
func (b *tab) shortcut(key string) {
	b.t.Helper()
	for _, phase := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		params := input.DispatchKeyEventParams{Type: phase, Key: key}
		if phase == input.DispatchKeyEventTypeKeyDown {
			params.Text = key
		}
		_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, params)
		require.NoError(b.t, err)
	}
}

// mainThread returns the CPU time that the page's main thread has used.
func (b *tab) mainThread() time.Duration {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	require.NoError(b.t, err)
	metrics, err := chromedp.Call(b.ctx, performance.GetMetrics, cdp.Empty{})
	require.NoError(b.t, err)
	for _, m := range metrics.Metrics {
		if m.Name == "ThreadTime" {
			return time.Duration(m.Value * float64(time.Second))
		}
	}
	require.Fail(b.t, "the browser does not tell its CPU time")
	return 0
}

// fits asserts that nothing that shows reaches beyond the window's right edge.
func (b *tab) fits(where string) {
	b.t.Helper()
	assert.True(b.t, eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`), where)
	wide := eval[[]string](b, `[...document.querySelectorAll("body *")]
		.filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.closest("svg, pre, .sr, .skip"))
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.tagName + "." + e.className)`)
	assert.Empty(b.t, wide, where)
}

// screenshot writes a PNG to SCREENSHOT_DIR, if that is set.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOT_DIR")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}
