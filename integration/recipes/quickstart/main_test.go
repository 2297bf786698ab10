package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	// The SDK reads them once in a process.
	_ = os.Setenv("OTEL_SERVICE_NAME", "greeter")
	_ = os.Setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=greeter-7d9f")
	goleak.VerifyTestMain(m)
}

// TestSignals: on either signal the spans of the requests are delivered before the end, with
// the service and the pod that the environment names.
func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			sgp := sgptest.NewServer()
			defer sgp.Close()
			t.Setenv("SGP_API_KEY", "key")
			t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
			reader, writer := io.Pipe()
			result := make(chan error, 1)
			go func() { result <- run("127.0.0.1:0", writer) }()
			line, err := bufio.NewReader(reader).ReadString('\n')
			require.NoError(t, err)

			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			response, err := client.Get(strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.NoError(t, syscall.Kill(os.Getpid(), signal))
			require.NoError(t, <-result)
			require.Len(t, sgp.Spans(), 1)
			assert.Equal(t, "hello", sgp.Spans()[0].Name)
			assert.Equal(t, "greeter", sgp.Spans()[0].Metadata["service_name"])
			assert.Equal(t, "greeter-7d9f", sgp.Spans()[0].Metadata["k8s_pod_name"])
			assert.NoError(t, sgp.Check())
		})
	}
}

// TestREADME: what the README shows is what runs here.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	program, err := os.ReadFile("main.go")
	require.NoError(t, err)
	_, code, _ := strings.Cut(string(readme), "```go\n")
	code, _, _ = strings.Cut(code, "```")
	lines := strings.Split(strings.TrimSpace(code), "\n")
	require.Greater(t, len(lines), 10)
	for _, line := range lines[1:] {
		if before, _, found := strings.Cut(line, "serve("); found {
			line = before + "serve("
		}
		assert.Contains(t, string(program), line)
	}
	assert.Less(t, strings.Count(string(readme), "\n"), 150)
}
