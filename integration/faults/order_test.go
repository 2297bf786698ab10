package main

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A START after its END is forgiven only if all was written in order before and is again.
func TestRepeatsAreNotViolations(t *testing.T) {
	const start, end = false, true
	for name, c := range map[string]struct {
		writes               []bool
		left, found          int
		violations, repeated int
	}{
		"in order":                           {writes: []bool{start, end}},
		"the START came late":                {writes: []bool{end, start}, violations: 1},
		"an END before it, and one after":    {writes: []bool{end, start, end}, violations: 1},
		"the END does not come again":        {writes: []bool{start, end, start}, violations: 1},
		"again, in order":                    {writes: []bool{start, end, start, end}, left: 2, found: 2, repeated: 1},
		"again, and nothing was left":        {writes: []bool{start, end, start, end}, left: 0, found: 2, violations: 1},
		"one START more among those of both": {writes: []bool{start, end, start, start, end}, left: 2, found: 2, repeated: 2},
	} {
		t.Run(name, func(t *testing.T) {
			srv := sgptest.NewServer(sgptest.WithAPIKey(apiKey))
			defer srv.Close()
			for _, ended := range c.writes {
				put(t, srv, ended)
			}
			o := &outcome{LeftOnDisk: c.left, Found: c.found}
			o.judgeOrder(srv)
			assert.Equal(t, c.violations, o.Violations)
			assert.Equal(t, c.repeated, o.Repeated)
		})
	}
}

// put writes the START or the END of a span.
func put(t *testing.T, srv *sgptest.Server, ended bool) {
	t.Helper()
	last := ""
	if ended {
		last = `,"end_timestamp":"2026-03-01T12:00:01Z"`
	}
	body := fmt.Sprintf(`{"items":[{"id":"s","trace_id":"t","name":"n","start_timestamp":"2026-03-01T12:00:00Z"%s}]}`, last)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+"/v5/spans/batch", bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", apiKey)
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
