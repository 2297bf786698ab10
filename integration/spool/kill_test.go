package spool

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
		return 4
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// process is a child.
type process struct {
	cmd   *exec.Cmd
	read  sync.WaitGroup
	mu    sync.Mutex
	lines []string
	first chan struct{}
}

func begin(t *testing.T, cfg childConfig) *process {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	p := &process{cmd: exec.Command(os.Args[0]), first: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = new(bytes.Buffer)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.read.Go(func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			p.mu.Lock()
			if p.lines = append(p.lines, s.Text()); len(p.lines) == 1 {
				close(p.first)
			}
			p.mu.Unlock()
		}
	})
	return p
}

// wait returns all that the process printed, when it is over.
func (p *process) wait() []string {
	p.read.Wait()
	_ = p.cmd.Wait()
	return p.lines
}

// spansOf reads the lines of a child: which spans ended, and which of them were handed over.
func spansOf(t *testing.T, lines []string) (ended, handedOver []string) {
	t.Helper()
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "ended":
			ended = append(ended, rest)
		case "flushed":
			n, err := strconv.Atoi(rest)
			require.NoError(t, err)
			handedOver = ended[:n]
		}
	}
	return ended, handedOver
}

// TestKill kills a process under load, again and again, and starts another one with its
// directory: all spans that were handed over are on the server, whole, and none runs.
func TestKill(t *testing.T) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		t.Run(mode.String(), func(t *testing.T) {
			srv := sgptest.NewServer(sgptest.WithMaxRequests(0))
			defer srv.Close()
			dir := filepath.Join(t.TempDir(), "spool")
			var all, lost, unfinished, most int
			for n := range kills(t) {
				srv.Reset()
				cfg := childConfig{URL: srv.URL, Dir: dir, Mode: mode, Load: true, Workers: 8}
				p := begin(t, cfg)
				<-p.first
				if mode == sgpexporter.SpoolAlways && n%2 == 1 { // during an outage, too
					srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
				}
				time.Sleep(time.Duration(50+rand.IntN(600)) * time.Millisecond)
				require.NoError(t, p.cmd.Process.Kill())
				ended, handedOver := spansOf(t, p.wait())
				srv.SetFault(nil)

				cfg.Load = false
				next := begin(t, cfg)
				lines := next.wait()
				require.Equal(t, 0, next.cmd.ProcessState.ExitCode(), "%v\n%s", lines, next.cmd.Stderr)

				found := map[string]bool{}
				for _, s := range srv.Spans() {
					assert.NotNil(t, s.EndTimestamp, "%s runs for ever", s.Name)
					if s.Status == "CANCELED" {
						unfinished++
					} else {
						found[s.TraceID+"/"+s.ID] = true
					}
				}
				for _, id := range handedOver {
					assert.True(t, found[id], "%s was handed over, and is lost", id)
				}
				gone := 0
				for _, id := range ended {
					if !found[id] {
						gone++
					}
				}
				all, lost, most = all+len(ended), lost+gone, max(most, gone)
				if t.Failed() {
					t.Fatalf("kill %d: %v", n, lines)
				}
			}
			t.Logf("%d kills: %d spans had ended, %d of them are lost, %d at most by one kill; %d that ran were written as unfinished",
				kills(t), all, lost, most, unfinished)
		})
	}
}

// TestTerminate ends a process under load that has a second for it, in front of a slow server: it
// ends in time, its counts add up, and the next process delivers what is left.
func TestTerminate(t *testing.T) {
	srv := sgptest.NewServer(sgptest.WithMaxRequests(0))
	defer srv.Close()
	srv.SetLatency(3 * time.Second)
	cfg := childConfig{URL: srv.URL, Dir: filepath.Join(t.TempDir(), "spool"), Load: true, Workers: 8, Shutdown: time.Second}
	p := begin(t, cfg)
	<-p.first
	time.Sleep(500 * time.Millisecond)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	lines := p.wait()
	ended, _ := spansOf(t, lines)
	var took, offered, exported, coalesced, dropped int
	var failure string
	_, err := fmt.Sscanf(lines[len(lines)-1], "shutdown %d %d %d %d %d %s", &took, &offered, &exported, &coalesced, &dropped, &failure)
	require.NoError(t, err, lines[len(lines)-1])
	assert.Equal(t, "<nil>", failure, "Shutdown was over within the second")
	assert.Equal(t, 0, dropped)
	assert.Equal(t, offered, exported+coalesced)

	srv.SetLatency(0)
	cfg.Load = false
	next := begin(t, cfg)
	lines = next.wait()
	require.Equal(t, 0, next.cmd.ProcessState.ExitCode(), "%v\n%s", lines, next.cmd.Stderr)
	found := map[string]bool{}
	for _, s := range srv.Spans() {
		assert.NotNil(t, s.EndTimestamp, "%s runs for ever", s.Name)
		found[s.TraceID+"/"+s.ID] = true
	}
	for _, id := range ended {
		assert.True(t, found[id], "%s is lost", id)
	}
	t.Logf("%d spans, Shutdown took %d ms", len(ended), took)
}
