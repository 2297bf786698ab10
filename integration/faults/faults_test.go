package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/testenv"
)

func TestMain(m *testing.M) {
	if os.Getenv(serviceEnv) != "" {
		os.Exit(serve())
	}
	testenv.Clear()
	goleak.VerifyTestMain(m,
		// toxiproxy leaves these behind where a toxic ends a connection.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"))
}

// shortly is by how much the faults are shorter here than in the table.
const shortly = 0.2

// No fault costs a span that the queue has room for, none breaks the order, and what is
// lost where it has to be is counted.
func TestFaults(t *testing.T) {
	type result struct {
		outcome *outcome
		err     error
	}
	results := make([]chan result, len(scenarios))
	places := make(chan struct{}, together)
	for i := range scenarios {
		results[i] = make(chan result, 1)
		go func() {
			places <- struct{}{}
			s := scenarios[i]
			s.service.Rate = rate
			o, err := s.run(t.Context(), false, shortly)
			<-places
			results[i] <- result{o, err}
		}()
	}
	for i := range scenarios {
		s := &scenarios[i]
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
			r := <-results[i]
			require.NoError(t, r.err)
			o := r.outcome
			t.Logf("%d spans, %d delivered, %s lost, %d requests, recovered %s, shutdown %s, told %d times: %s",
				o.Spans, o.Delivered, o.reasons(), o.Requests, seconds(o.Recovered), seconds(o.Shutdown), o.Told, o.FirstTold)
			assert.Positive(t, o.Spans)
			assert.Empty(t, o.Conservation)
			assert.Zero(t, o.Violations)
			switch s.loses {
			case "":
				assert.Empty(t, o.Dropped)
				assert.Zero(t, o.lost())
				return
			case "unauthorized", "export_failed": // nothing helps, so nothing waits
				assert.NotZero(t, o.Told)
			}
			for reason := range o.Dropped {
				assert.Equal(t, s.loses, reason)
			}
			assert.LessOrEqual(t, o.lost(), int(o.Dropped[s.loses]))
			if s.service.Refused > 0 {
				assert.Equal(t, int(o.AtFault), o.lost(), "no good span is lost")
			}
		})
	}
}

func TestSoak(t *testing.T) {
	require.NoError(t, soak(t.Context(), 12*time.Second, 0.2, io.Discard))
}

func TestTable(t *testing.T) {
	ours := &outcome{
		serviceResult: serviceResult{
			Spans: 1234567, Dropped: map[string]uint64{"rejected": 3, "start_refused": 12000, "none": 0}, HeapMiB: 12.6,
			Shutdown: 1500 * time.Millisecond,
		},
		Delivered: 1234564, Violations: 1, Recovered: 2 * time.Second,
	}
	assert.Equal(t, "| hail | 1,234,567 | 1,234,564 | 3 (snapshots: 12,000 start_refused, 3 rejected) | 1 | 2.0 s | 13 MiB | 1.5 s | – | – | – | – |", row(&scenario{name: "hail"}, ours, nil))
	ours.Conservation = "off"
	beside := row(&scenario{name: "hail"}, ours, &outcome{serviceResult: serviceResult{Spans: 5}})
	assert.True(t, strings.HasSuffix(beside, "**counts do not add up** | 1 | 2.0 s | 13 MiB | 1.5 s | 5 | – | 0 MiB | – |"), beside)
	assert.Equal(t, "0 99 999 1,000 123,456", fmt.Sprint(number(0), " ", number(99), " ", number(999), " ", number(1000), " ", number(123456)))
}

// A run of some faults keeps the rows of the others, and the other table.
func TestDocumentKeepsWhatIsNotRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "RELIABILITY.md")
	p, err := readDocument(file)
	require.NoError(t, err)
	p[0].header, p[0].rows["503 for 12 s"], p[0].rows["none"] = "# One\n|---|\n", "| 503 for 12 s | 1 |", "| none | 2 |"
	p[1].header, p[1].rows["none"] = "\n## With a spool\n|---|\n", "| none | 3 |"
	const text = "# One\n|---|\n| none | 2 |\n| 503 for 12 s | 1 |\n\n## With a spool\n|---|\n| none | 3 |\n"
	assert.Equal(t, text, p.String())
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	again, err := readDocument(file)
	require.NoError(t, err)
	assert.Equal(t, text, again.String())

	whole, err := readDocument("../../RELIABILITY.md")
	require.NoError(t, err)
	content, err := os.ReadFile("../../RELIABILITY.md")
	require.NoError(t, err)
	assert.Equal(t, string(content), whole.String())
}
