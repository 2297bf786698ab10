package spool

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a child.
type process struct {
	cmd  *exec.Cmd
	read sync.WaitGroup

	mu    sync.Mutex // guards what follows
	lines []string   // whole ones: the last may have been torn by a kill
	news  chan struct{}
	over  bool
}

func begin(t *testing.T, cfg childConfig) *process {
	t.Helper()
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	p := &process{cmd: exec.Command(os.Args[0]), news: make(chan struct{}, 1)}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = new(bytes.Buffer)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.read.Go(func() {
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			p.mu.Lock()
			if err == nil {
				p.lines = append(p.lines, strings.TrimSuffix(line, "\n"))
			}
			p.over = err != nil
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	})
	return p
}

// printed returns when the process has printed so many lines, or is over.
func (p *process) printed(n int) {
	for range p.news {
		p.mu.Lock()
		enough := p.over || len(p.lines) >= n
		p.mu.Unlock()
		if enough {
			return
		}
	}
}

// count is how many lines the process has printed.
func (p *process) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines)
}

// kill kills the process, and returns when it did so and all that the process printed.
func (p *process) kill(t *testing.T) (time.Time, []string) {
	t.Helper()
	at := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGKILL))
	return at, p.wait()
}

// wait returns all that the process printed, when it is over.
func (p *process) wait() []string {
	p.read.Wait()
	_ = p.cmd.Wait()
	return p.lines
}

// deliverRest runs a process that delivers what is left in a directory.
func deliverRest(t *testing.T, cfg childConfig) {
	t.Helper()
	cfg.Load = false
	p := begin(t, cfg)
	lines := p.wait()
	require.Equal(t, 0, p.cmd.ProcessState.ExitCode(), "%v\n%s", lines, p.cmd.Stderr)
}

// spansOf reads the lines of a child: when which spans ended, and which of them were handed over.
func spansOf(t *testing.T, lines []string) (ended map[string]time.Time, kept []string) {
	t.Helper()
	ended = make(map[string]time.Time)
	for _, line := range lines {
		words := strings.Fields(line)
		switch words[0] {
		case "ended":
			micros, err := strconv.ParseInt(words[2], 10, 64)
			require.NoError(t, err)
			ended[words[1]] = time.UnixMicro(micros)
		case "kept":
			kept = append(kept, words[1:]...)
		}
	}
	return ended, kept
}
