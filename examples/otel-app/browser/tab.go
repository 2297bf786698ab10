//go:build browser

package browser

import (
	"context"
	"fmt"
	"os"
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

// How long a test waits for what has to come, and how long it may take in all. They are no
// measure of how long anything takes: they end a test whose browser is lost.
const (
	patience = time.Minute
	lifetime = 3 * time.Minute
)

// Tab is one page that is open, and what was seen of it from outside. Its methods fail the
// test T when the browser does not do what they ask for.
type Tab struct {
	T   testing.TB
	URL string // of the server, without a slash at the end
	ctx context.Context

	mu       sync.Mutex
	requests []string // URLs
	problems []string // what the page logged as an error, and what it threw
}

// Open shows url in a window of the given size, in pixels, until the test ends or opens another
// page. The test is skipped if there is no Chromium, as Find says.
func Open(t testing.TB, url string, width, height int64) *Tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(start(t), lifetime)
	t.Cleanup(cancel)
	b := &Tab{T: t, URL: url, ctx: ctx}
	b.leave() // the page before it
	b.Theme("light")
	shared.used.Store(b)
	t.Cleanup(b.leave)
	b.Do(chromedp.EmulateViewport(width, height), chromedp.Navigate(url))
	return b
}

// leave shows an empty page, so that what was open holds no connection and reports to nobody.
func (b *Tab) leave() {
	_ = chromedp.Do(b.ctx, chromedp.Navigate("about:blank")) // fails with a browser that is lost
	shared.used.Store(nil)
}

func (b *Tab) observe(event any) {
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

// Requests returns the URLs that the page has asked for.
func (b *Tab) Requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}

// Clean asserts that the page threw nothing, logged no error (a violation of its security
// policy is one), and asked no other host for anything.
func (b *Tab) Clean() {
	b.T.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(b.T, b.problems)
	assert.NotEmpty(b.T, b.requests)
	for _, request := range b.requests {
		assert.True(b.T, strings.HasPrefix(request, b.URL+"/"), "a request to another host: %s", request)
	}
}

// Do runs actions one after the other.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	require.NoError(b.T, chromedp.Do(b.ctx, actions...))
}

// Eval returns the value of a JavaScript expression.
func Eval[T any](b *Tab, expression string) T {
	b.T.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.T, err, expression)
	return value
}

// Script runs JavaScript for its effect.
func (b *Tab) Script(code string) {
	b.T.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](code))
}

// Wait waits in the page, frame by frame, until a JavaScript condition holds, and two frames more,
// in which the page draws the rest of the same change. A condition that throws does not hold yet.
func (b *Tab) Wait(condition string) {
	b.T.Helper()
	script := fmt.Sprintf(`new Promise((resolve, reject) => {
		const deadline = performance.now() + %d;
		const holds = () => { try { return %s; } catch { return false; } };
		const look = () => {
			if (holds()) requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)));
			else if (performance.now() > deadline) reject(new Error("it does not come"));
			else requestAnimationFrame(look);
		};
		look();
	})`, patience.Milliseconds(), condition)
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Screenshot("failed")
	}
	require.NoError(b.T, err, "in the browser: %s", condition)
}

// Click clicks the first element that a CSS selector finds, as a person would.
func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Fill types text into the element that a CSS selector finds.
func (b *Tab) Fill(selector, text string) {
	b.T.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Press types keys into whatever has the focus.
func (b *Tab) Press(keys ...string) {
	b.T.Helper()
	for _, key := range keys {
		b.Do(chromedp.KeyEvent(key))
	}
}

// Shortcut presses one printable key as a keyboard does: what the page's handler prevents is
// not typed. (Press types it all the same.)
func (b *Tab) Shortcut(key string) {
	b.T.Helper()
	for _, phase := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		params := input.DispatchKeyEventParams{Type: phase, Key: key}
		if phase == input.DispatchKeyEventTypeKeyDown {
			params.Text = key
		}
		_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, params)
		require.NoError(b.T, err)
	}
}

// Theme sets what the system prefers: "light" or "dark".
func (b *Tab) Theme(name string) {
	b.T.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	require.NoError(b.T, err)
}

// MainThread returns the CPU time that the page's main thread has used.
func (b *Tab) MainThread() time.Duration {
	b.T.Helper()
	_, err := chromedp.Call(b.ctx, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	require.NoError(b.T, err)
	metrics, err := chromedp.Call(b.ctx, performance.GetMetrics, cdp.Empty{})
	require.NoError(b.T, err)
	for _, m := range metrics.Metrics {
		if m.Name == "ThreadTime" {
			return time.Duration(m.Value * float64(time.Second))
		}
	}
	require.Fail(b.T, "the browser does not tell its CPU time")
	return 0
}

// Fits asserts that nothing that shows reaches beyond the window's right edge.
func (b *Tab) Fits(where string) {
	b.T.Helper()
	assert.True(b.T, Eval[bool](b, `document.documentElement.scrollWidth <= innerWidth`), where)
	wide := Eval[[]string](b, `[...document.querySelectorAll("body *")]
		.filter((e) => e.checkVisibility({visibilityProperty: true}) && !e.closest("svg, pre, .sr, .skip"))
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.tagName + "." + e.className)`)
	assert.Empty(b.T, wide, where)
}

// Screenshot writes NAME.png to the folder SCREENSHOT_DIR, if that is set.
func (b *Tab) Screenshot(name string) {
	b.T.Helper()
	dir := os.Getenv("SCREENSHOT_DIR")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.T, err)
	require.NoError(b.T, os.MkdirAll(dir, 0o750))                                   //nolint:gosec // the folder that who runs the tests names
	require.NoError(b.T, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)) //nolint:gosec // the same
}
