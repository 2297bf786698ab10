package collector

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binary is what "make collector" builds.
var binary = filepath.Join("build", "otelcol-sgp")

// process is a Collector.
type process struct {
	config string
	env    []string
	health string
	otlp   string // address of its OTLP receiver over gRPC
	http   string // and over HTTP
	cmd    *exec.Cmd
}

// newProcess starts a Collector, and returns when it is healthy.
func newProcess(t *testing.T, config string, env ...string) *process {
	t.Helper()
	p := &process{config: config, health: freeAddress(t), otlp: freeAddress(t), http: freeAddress(t)}
	p.env = append(os.Environ(), "METRICS_LEVEL=none", "STORAGE="+t.TempDir(),
		"HEALTH_ENDPOINT="+p.health, "OTLP_ENDPOINT="+p.otlp, "OTLP_HTTP_ENDPOINT="+p.http)
	p.env = append(p.env, env...)
	p.start(t)
	t.Cleanup(func() {
		assert.NoError(t, p.cmd.Process.Signal(os.Interrupt))
		assert.NoError(t, p.cmd.Wait(), config)
		t.Logf("%s used %v of CPU and wrote %d bytes", config, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime(), p.written())
	})
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), binary, "--config", p.config)
	p.cmd.Env = p.env
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	p.cmd.Stderr = log
	require.NoError(t, p.cmd.Start())
	require.Eventually(t, func() bool {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get("http://" + p.health)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond, "%s is not healthy", p.config)
}

// kill ends the process as a node that fails does.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait() // it was killed
}

// restart ends the process as an upgrade does, and starts it with another environment.
func (p *process) restart(t *testing.T, env ...string) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, p.cmd.Wait())
	p.env = append(p.env, env...)
	p.start(t)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return fmt.Sprint(l.Addr())
}
