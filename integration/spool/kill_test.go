package spool

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// kills is how often a process is killed in each mode: "make kill" says 200.
func kills(t *testing.T) int {
	text := os.Getenv("KILLS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestKill kills a process under load, again and again, every second time during an outage, and starts another
// one with its directory: all spans that were handed over are on the server, as they ended, and none runs.
func TestKill(t *testing.T) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		t.Run(mode.String(), func(t *testing.T) {
			srv := sgptest.NewServer(sgptest.WithMaxRequests(0))
			defer srv.Close()
			tallies := map[bool]*tally{false: {}, true: {}}
			for n := range kills(t) {
				outage := n%2 == 1
				tallies[outage].kill(t, srv, mode, outage)
				if t.Failed() {
					t.Fatalf("kill %d", n)
				}
			}
			t.Logf("SGP there: %v", tallies[false])
			t.Logf("during an outage: %v", tallies[true])
		})
	}
}

// queueInOutage bounds the queue of SpoolOnFailure during an outage, so that half of it is held soon.
const queueInOutage = 4096

// tally is what came of a number of kills.
type tally struct {
	kills, ended, kept, lost, most, unfinished int
	oldest                                     time.Duration // of the lost ones, before the kill
}

func (sum *tally) String() string {
	return fmt.Sprintf("%d kills, %d spans had ended, %d of them were handed over, %d are lost, %d at most by one kill, none that ended more than %d ms "+
		"before it; %d that ran were written as unfinished", sum.kills, sum.ended, sum.kept, sum.lost, sum.most, sum.oldest.Milliseconds()+1, sum.unfinished)
}

// kill kills one process.
func (sum *tally) kill(t *testing.T, srv *sgptest.Server, mode sgpexporter.SpoolMode, outage bool) {
	srv.Reset()
	cfg := childConfig{URL: srv.URL, Dir: filepath.Join(t.TempDir(), "spool"), Mode: mode, Load: true, Workers: 20}
	life := 100 + rand.IntN(3000) // in lines, of which 2,000 come in a second
	if outage && mode == sgpexporter.SpoolOnFailure {
		cfg.Queue = queueInOutage
		life *= 3
	}
	p := begin(t, cfg)
	if outage {
		p.printed(1 + rand.IntN(1000))
		srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
	}
	p.printed(life)
	at, lines := p.kill(t)
	srv.SetFault(nil)
	deliverRest(t, cfg)

	ended, kept := spansOf(t, lines)
	found := map[string]bool{}
	for _, s := range srv.Spans() {
		name := s.TraceID + "/" + s.ID
		assert.NotNil(t, s.EndTimestamp, "%s runs for ever", s.Name)
		if s.Status == "CANCELED" {
			sum.unfinished++
			continue
		}
		found[name] = true
		attributes, _ := s.Metadata["attributes"].(map[string]any)
		assert.Equal(t, name, attributes["app.name"], "an END has what was set last")
	}
	for _, name := range kept {
		assert.True(t, found[name], "%s was handed over, and is lost", name)
	}
	lost := 0
	for name, when := range ended {
		if !found[name] {
			lost++
			sum.oldest = max(sum.oldest, at.Sub(when))
		}
	}
	sum.kills, sum.ended, sum.kept = sum.kills+1, sum.ended+len(ended), sum.kept+len(kept)
	sum.lost, sum.most = sum.lost+lost, max(sum.most, lost)
}

// Two processes have one directory. Both are killed, and the next process delivers what both have left.
func TestKillTwoWithOneDirectory(t *testing.T) {
	srv := sgptest.NewServer(sgptest.WithMaxRequests(0))
	defer srv.Close()
	srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
	cfg := childConfig{URL: srv.URL, Dir: filepath.Join(t.TempDir(), "spool"), Mode: sgpexporter.SpoolAlways, Load: true, Workers: 4}
	first, second := begin(t, cfg), begin(t, cfg)
	first.printed(500)
	second.printed(500)
	_, lines := first.kill(t)
	_, more := second.kill(t)
	srv.SetFault(nil)
	deliverRest(t, cfg)

	found := map[string]bool{}
	for _, s := range srv.Spans() {
		assert.NotNil(t, s.EndTimestamp, "%s runs for ever", s.Name)
		found[s.TraceID+"/"+s.ID] = s.Status != "CANCELED"
	}
	for _, lines := range [][]string{lines, more} {
		_, kept := spansOf(t, lines)
		assert.NotEmpty(t, kept)
		for _, name := range kept {
			assert.True(t, found[name], "%s was handed over, and is lost", name)
		}
	}
}

// TestTerminate ends a process under load that has a second for it (under the race detector more), in front of a slow server: its counts add up, what
// it could not keep is among them, and the next process delivers what is left. It keeps everything, unless the
// machine is so busy that a quarter of a second is not enough for that; so it has some tries.
func TestTerminate(t *testing.T) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		t.Run(mode.String(), func(t *testing.T) {
			for range 8 {
				if terminate(t, mode) == 0 || t.Failed() {
					return
				}
			}
			t.Error("it never kept everything")
		})
	}
}

// terminate ends a process and returns how many snapshots it says are dropped.
func terminate(t *testing.T, mode sgpexporter.SpoolMode) int {
	srv := sgptest.NewServer(sgptest.WithMaxRequests(0))
	defer srv.Close()
	srv.SetLatency(3 * timeToEnd)
	cfg := childConfig{
		URL: srv.URL, Dir: filepath.Join(t.TempDir(), "spool"), Mode: mode, Load: true, Workers: printed / 50, Shutdown: timeToEnd,
	}
	p := begin(t, cfg)
	p.printed(printed)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	lines := p.wait()
	ended, _ := spansOf(t, lines)
	var took, offered, exported, coalesced, dropped int
	var failure string
	last := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "shutdown") })
	require.GreaterOrEqual(t, last, 0, "a call that Shutdown gave up may print after it")
	_, err := fmt.Sscanf(lines[last], "shutdown %d %d %d %d %d %s", &took, &offered, &exported, &coalesced, &dropped, &failure)
	require.NoError(t, err, lines[last])
	if dropped > 0 {
		assert.NotEqual(t, "<nil>", failure, "Shutdown says so")
	}
	assert.Equal(t, offered, exported+coalesced+dropped)

	srv.SetLatency(0)
	deliverRest(t, cfg)
	found := map[string]bool{}
	for _, s := range srv.Spans() {
		found[s.TraceID+"/"+s.ID] = true
		if dropped == 0 {
			assert.NotNil(t, s.EndTimestamp, "%s runs for ever", s.Name)
		}
	}
	lost := 0
	for name := range ended {
		if !found[name] {
			lost++
		}
	}
	assert.LessOrEqual(t, lost, dropped, "what is lost is counted")
	t.Logf("%d spans, Shutdown took %d ms; %d snapshots dropped, %d spans lost", len(ended), took, dropped, lost)
	return dropped
}
