package integration

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long a test waits for what has to come. It is no measure of
// speed: it only ends a test that would wait for ever.
const patience = time.Minute

// waiting returns a context for waiting in a test.
func waiting(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// process is a child process.
type process struct {
	t              *testing.T
	command        *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *output
	ended          chan struct{}
}

// start starts a program with the environment of the tests, without what
// configures the library or the example there, and with the given variables. It
// is killed at the end of the test.
func start(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, command: exec.Command(program, args...), stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}
	// Under the race detector a process would wait for a second before it ends.
	p.command.Env = append(append(cleanEnv(), "GORACE=atexit_sleep_ms=0"), env...)
	p.command.Stdout, p.command.Stderr = p.stdout, p.stderr
	var err error
	p.stdin, err = p.command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.command.Start())
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // the exit code is in ProcessState
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("standard error:\n%s", p.stderr)
		}
	})
	return p
}

// cleanEnv is the environment without the settings of what is tested.
func cleanEnv() []string {
	var out []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch prefix, _, _ := strings.Cut(name, "_"); prefix {
		case "SGP", "OTEL", "OPENAI", "AGENTEX", "AGENT", "ACP", "DISABLE":
		default:
			out = append(out, variable)
		}
	}
	return out
}

// signal sends a signal to the process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.command.Process.Signal(s))
}

// wait returns the exit code, -1 if a signal ended the process.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		require.FailNow(p.t, "the process does not end", "it wrote:\n%s%s", p.stdout, p.stderr)
		return 0
	}
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed by the next Write
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(text)
}

func (o *output) String() string {
	text, _ := o.now()
	return text
}

func (o *output) now() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.more
}

// wait waits until the condition holds for the text.
func (o *output) wait(ctx context.Context, condition func(text string) bool) error {
	for {
		text, more := o.now()
		if condition(text) {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
