package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// noticeOf reads what the page says above everything else.
func noticeOf(t *testing.T, url string) string {
	t.Helper()
	status, body := get(t, url+"/api/stats")
	require.Equal(t, http.StatusOK, status)
	var stats struct{ Notice string }
	require.NoError(t, json.Unmarshal([]byte(body), &stats))
	return stats.Notice
}

// TestNotice: the page says why nothing shows on it.
func TestNotice(t *testing.T) {
	refuses := sgptest.NewServer(sgptest.WithAPIKey("right"))
	defer refuses.Close()
	answers := func(status int, kind string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	down, elsewhere, login := answers(503, "text/plain"), answers(404, "text/plain"), answers(200, "text/html")
	for _, c := range []struct{ name, url, says string }{
		{"the key is refused", refuses.URL, `^SGP refuses the key \(403\): nothing is delivered\.$`},
		{"nobody is there", gone.URL, `^SGP at ` + regexp.QuoteMeta(gone.URL) + ` does not answer: [1-9]\d* snapshots wait\.$`},
		{"it is down", down, `^SGP at ` + regexp.QuoteMeta(down) + ` answers 503: [1-9]\d* snapshots wait\.$`},
		{"no such address", elsewhere, `^SGP at ` + regexp.QuoteMeta(elsewhere) + ` answers 404: nothing is delivered\. Check SGP_CLIENT_BASE_URL\.$`},
		{"a login page", login, `^What answers at ` + regexp.QuoteMeta(login) + ` is not SGP: nothing is delivered\. Check SGP_CLIENT_BASE_URL\.$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			clearEnv(t)
			t.Setenv("SGP_API_KEY", "wrong")
			t.Setenv("SGP_CLIENT_BASE_URL", c.url)
			t.Setenv("AGENTEX_SPAN_QUEUE_LINGER_MS", "1")
			p := start(t, "-port", "0", "-drain", "100ms")
			url := p.url(t)
			says := regexp.MustCompile(c.says)
			require.Eventually(t, func() bool { return says.MatchString(noticeOf(t, url)) }, time.Minute, 5*time.Millisecond, "%s", c.says)
			p.stop()
			p.wait(t)
		})
	}
}

// TestNoticeEnds: once SGP answers, the page says nothing any more.
func TestNoticeEnds(t *testing.T) {
	clearEnv(t)
	sgp := sgptest.NewServer()
	defer sgp.Close()
	sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	p := start(t, "-port", "0")
	url := p.url(t)
	require.Eventually(t, func() bool { return noticeOf(t, url) != "" }, time.Minute, 5*time.Millisecond)
	sgp.SetFault(nil)
	require.Eventually(t, func() bool { return noticeOf(t, url) == "" }, time.Minute, 5*time.Millisecond)
	p.stop()
	assert.Equal(t, 0, p.wait(t), p.stderr.String())
}

// TestNoticeDisabled: a key makes no difference.
func TestNoticeDisabled(t *testing.T) {
	for _, key := range []string{"", "key"} {
		t.Run(fmt.Sprintf("key %q", key), func(t *testing.T) {
			clearEnv(t)
			t.Setenv("SGP_API_KEY", key)
			t.Setenv("DISABLE_SCALE_TRACING", "1")
			p := start(t, "-port", "0")
			assert.Equal(t, "DISABLE_SCALE_TRACING is set: nothing is exported.", noticeOf(t, p.url(t)))
			assert.Contains(t, p.stdout.String(), "Spans go to nowhere, as DISABLE_SCALE_TRACING is set.\n")
			p.stop()
			assert.Equal(t, 0, p.wait(t), p.stderr.String())
			assert.Contains(t, p.stdout.String(), "\nThe page stays empty.\n")
		})
	}
}
