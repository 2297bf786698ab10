package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// With a spool nothing is lost but what SGP refuses for good, whatever happens and however the process ends.
func TestFaultsWithASpool(t *testing.T) {
	for _, name := range []string{
		"503 for 12 s", "connections go silent, HTTP/1", "45 s outage, over for 1 s, 5 s of shutdown",
		"the key refused, at shutdown", "an address that is not SGP's, at shutdown", "3 % refused, named, 50 ms a request",
	} {
		var s *scenario
		for i := range scenarios {
			if scenarios[i].name == name {
				s = &scenarios[i]
			}
		}
		require.NotNil(t, s, name)
		for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
			t.Run(strings.ReplaceAll(name+", "+mode.String(), " ", "_"), func(t *testing.T) {
				t.Parallel()
				o, err := s.runSpool(t.Context(), mode, shortly)
				require.NoError(t, err)
				t.Logf("%d spans, %d delivered, %d of them by the next run", o.Spans, o.Delivered, o.NextRun)
				assert.Positive(t, o.Spans)
				assert.Empty(t, o.Conservation)
				assert.Zero(t, o.Violations)
				assert.Zero(t, o.OnDisk)
				if s.loses == "rejected" {
					assert.Less(t, o.lost(), int(o.Spans)/20)
				} else {
					assert.Zero(t, o.lost())
				}
			})
		}
	}
}

func TestSpoolColumns(t *testing.T) {
	o := &outcome{
		serviceResult: serviceResult{Spans: 5000, OnDisk: 12, HeapMiB: 12.6, Shutdown: 1500 * time.Millisecond},
		Delivered:     3000, NextRun: 1500, Recovered: 2 * time.Second,
	}
	assert.Equal(t, "2,000 (12 on disk) | 1,500 | 0 | 2.0 s | 13 MiB | 1.5 s", o.spoolColumns())
	o.Repeated = 1001
	assert.Equal(t, "2,000 (12 on disk) | 1,500 | 0 (1,001 again) | 2.0 s | 13 MiB | 1.5 s", o.spoolColumns())
}
