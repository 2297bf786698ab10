package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const recordings = "../../internal/recording/frameworks/testdata/"

// TestReplay: the spans of a recording show on the page, from a file or from a folder.
func TestReplay(t *testing.T) {
	for path, spans := range map[string]int{recordings + "genkit": 22, recordings + "adk/otlp.json": 11} {
		t.Run(path, func(t *testing.T) {
			clearEnv(t)
			p := start(t, "-port", "0", "-replay", path)
			url := p.url(t)
			require.Eventually(t, func() bool {
				status, body := get(t, url+"/api/traces")
				require.Equal(t, http.StatusOK, status)
				var list struct {
					Traces []struct{ Spans, Running int }
				}
				require.NoError(t, json.Unmarshal([]byte(body), &list))
				n := 0
				for _, trace := range list.Traces {
					n += trace.Spans
				}
				return n == spans
			}, time.Minute, 5*time.Millisecond)
			status, _ := get(t, url+"/ask")
			assert.Equal(t, http.StatusNotFound, status)
			p.stop()
			assert.Equal(t, 0, p.wait(t), p.stderr.String())
			assert.Contains(t, p.stdout.String(), "spans of "+path+".\nSpans go to an embedded SGP server")
		})
	}
}

// TestReplayFails: what cannot be read is named, and the program ends.
func TestReplayFails(t *testing.T) {
	clearEnv(t)
	for path, says := range map[string]string{
		"no/such/file":                    "no/such/file",
		"internal/docs/testdata":          "otlp.json",
		smallGOROOT + "/src/empty/README": "README",
	} {
		p := start(t, "-port", "0", "-replay", path)
		assert.Equal(t, 1, p.wait(t), path)
		assert.Contains(t, p.stderr.String(), says)
	}
	p := start(t, "-once", "-replay", "x")
	assert.Equal(t, 2, p.wait(t))
	assert.Contains(t, p.stderr.String(), "-once and -replay: choose one")
}
