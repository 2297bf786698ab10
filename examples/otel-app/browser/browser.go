//go:build browser

// Package browser opens pages in Chromium, for tests. All tests of a package share one browser
// and its tab, since to open one takes longer than most tests: they must not run in parallel.
// Storage and cache go by the address of a test's server, so they are not shared.
package browser

import (
	"context"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// find returns the path of Chromium.
func find(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium on PATH: `make browser` installs it (Debian, as root)")
	return ""
}

// M runs a package's tests and then closes the browser that they shared. TestMain hands it to
// goleak, which looks for goroutines after that.
type M struct{ *testing.M }

// Run implements goleak.TestingM.
func (m M) Run() int {
	defer Close()
	return m.M.Run()
}

// shared is the browser of this process's tests: one tab, which the tests use one after another.
var shared struct {
	sync.Mutex
	ctx  context.Context // nil before the first test that needs it
	stop context.CancelFunc
	used atomic.Pointer[Tab] // by the test that runs
}

// start returns the context of the shared tab. It starts the browser if none runs.
func start(t testing.TB) context.Context {
	t.Helper()
	path := find(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.ctx != nil && shared.ctx.Err() == nil {
		return shared.ctx
	}
	if shared.stop != nil {
		shared.stop()
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Headless, chromedp.Flag("hide-scrollbars", false), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-back-forward-cache", true),
		// One process for all pages: to start one for each test takes longer than most tests.
		chromedp.Flag("disable-features", "ProactivelySwapBrowsingInstance,IsolateOrigins,site-per-process"),
		chromedp.Flag("disable-site-isolation-trials", true), chromedp.Flag("renderer-process-limit", "1"))
	shared.stop = stop
	shared.ctx, _ = chromedp.NewContext(allocator, chromedp.WithListener(func(event any) {
		if tab := shared.used.Load(); tab != nil {
			tab.observe(event)
		}
	}))
	require.NoError(t, chromedp.Do(shared.ctx), "the browser does not start")
	_, err := chromedp.Call(shared.ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(shared.ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	return shared.ctx
}

// Close ends the shared browser, if one runs, and returns when its process has ended and its
// files are removed. The next Open starts another.
func Close() {
	shared.Lock()
	defer shared.Unlock()
	if shared.stop == nil {
		return
	}
	_ = chromedp.Cancel(shared.ctx) // a browser that is lost already has nothing to close
	shared.stop()
	shared.ctx, shared.stop = nil, nil
}
