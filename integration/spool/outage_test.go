package spool

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// counting is a server that only notes which spans it was sent with an end.
type counting struct {
	mu    sync.Mutex // guards what follows
	down  bool
	spans map[string]bool
}

var ended = regexp.MustCompile(`"app\.name":"([0-9a-f]{32}/[0-9a-f]{16})"`)

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, name := range ended.FindAllSubmatch(body, -1) {
		c.spans[string(name[1])] = true
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"items":[]}`)
}

func (c *counting) isDown(down bool) { c.mu.Lock(); defer c.mu.Unlock(); c.down = down }

func (c *counting) count() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.spans) }

// TestOutage is an outage, of ten minutes in "make soak", of a service of some 2,000 spans/s: nothing is lost.
func TestOutage(t *testing.T) {
	lasts := 5 * time.Second
	if text := os.Getenv("OUTAGE"); text != "" {
		var err error
		lasts, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	c := &counting{spans: map[string]bool{}}
	srv := httptest.NewServer(c)
	defer srv.Close()
	cfg := childConfig{
		URL: srv.URL, Dir: filepath.Join(t.TempDir(), "spool"), Mode: sgpexporter.SpoolOnFailure, Load: true, Workers: 20, Shutdown: 30 * time.Second,
	}
	p := begin(t, cfg)
	p.printed(1000)
	c.isDown(true)
	<-time.After(lasts)
	c.isDown(false)
	over, before := time.Now(), p.count()
	require.Eventually(t, func() bool { return c.count() >= before*9/10 }, lasts+time.Minute, 100*time.Millisecond, "SGP is caught up with")
	recovered := time.Since(over)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	ended, _ := spansOf(t, p.wait())
	deliverRest(t, cfg)
	assert.Equal(t, len(ended), c.count(), "spans that ended, and that were delivered")
	t.Logf("an outage of %s, %d spans, none lost; nine tenths of what had ended by its end were there %s later", lasts, len(ended), recovered.Round(100*time.Millisecond))
}
