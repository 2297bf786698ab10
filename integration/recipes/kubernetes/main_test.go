package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// service is a run of the program in this process.
type service struct {
	url    string
	result chan error
}

func start(t *testing.T, sgp *sgptest.Server) *service {
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	reader, writer := io.Pipe()
	s := &service{result: make(chan error, 1)}
	go func() { s.result <- run(context.Background(), "127.0.0.1:0", writer) }()
	line, err := bufio.NewReader(reader).ReadString('\n')
	require.NoError(t, err)
	s.url = "http://" + strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	return s
}

func (s *service) ask(t *testing.T) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(s.url)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}

// post begins a request that goes on until more is closed; then answered has what came of it.
func (s *service) post() (more io.Closer, answered <-chan error) {
	body, writer := io.Pipe()
	result := make(chan error, 1)
	go func() {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Post(s.url, "text/plain", body)
		if err == nil {
			err = response.Body.Close()
		}
		result <- err
	}()
	return writer, result
}

// TestSignals: the spans of requests before a signal are delivered before the end,
// also when SGP has a bad moment.
func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			sgp := sgptest.NewServer()
			defer sgp.Close()
			sgp.Inject(sgptest.Status(http.StatusServiceUnavailable))
			s := start(t, sgp)
			s.ask(t)
			s.ask(t)
			require.NoError(t, syscall.Kill(os.Getpid(), signal))
			require.NoError(t, <-s.result)
			assert.Len(t, sgp.Spans(), 2)
			assert.NoError(t, sgp.Check())
		})
	}
}

// TestSIGTERMInTheMiddle: a request that goes on after SIGTERM has its span
// delivered too.
func TestSIGTERMInTheMiddle(t *testing.T) {
	sgp := sgptest.NewServer()
	defer sgp.Close()
	s := start(t, sgp)
	more, answered := s.post()
	require.NoError(t, sgp.WaitFor(t.Context(), func(spans []sgptest.Span) bool { return len(spans) == 1 }))
	assert.False(t, sgp.Spans()[0].Completed())

	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	require.Eventually(t, func() bool {
		connection, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	}, time.Minute, 5*time.Millisecond, "it still listens")
	require.NoError(t, more.Close())
	require.NoError(t, <-answered)
	require.NoError(t, <-s.result)
	assert.True(t, sgp.Spans()[0].Completed())
	assert.NoError(t, sgp.Check())
}

// TestSIGTERMWhileARequestHangs: a request that does not end in its time leaves no span that shows as running.
func TestSIGTERMWhileARequestHangs(t *testing.T) {
	sgp := sgptest.NewServer()
	defer sgp.Close()
	s := start(t, sgp)
	more, answered := s.post()
	require.NoError(t, sgp.WaitFor(t.Context(), func(spans []sgptest.Span) bool { return len(spans) == 1 }))
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	require.ErrorIs(t, <-s.result, context.DeadlineExceeded, "of the requests")
	span := sgp.Spans()[0]
	assert.True(t, span.Completed())
	assert.Equal(t, "CANCELED", span.Status)
	assert.Equal(t, []any{"unfinished: the span ran when its process ended; end_timestamp is the time of this write"}, span.Metadata["otel_sgp_notes"])
	require.NoError(t, more.Close())
	require.NoError(t, <-answered)
	assert.NoError(t, sgp.Check())
}

// TestSIGTERMRefused: what was not delivered is told with its number.
func TestSIGTERMRefused(t *testing.T) {
	sgp := sgptest.NewServer(sgptest.WithAPIKey("another"))
	defer sgp.Close()
	s := start(t, sgp)
	s.ask(t)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	var undelivered *asyncprocessor.ShutdownError
	require.ErrorAs(t, <-s.result, &undelivered)
	assert.Equal(t, uint64(1), undelivered.Undelivered)
	assert.NoError(t, sgp.Check(sgptest.Rejected), "it refuses the key")
}

func TestListenFails(t *testing.T) {
	t.Setenv("SGP_API_KEY", "key")
	assert.ErrorContains(t, run(t.Context(), "nowhere:http-nonsense", io.Discard), "listen")
	t.Setenv("SGP_API_KEY", "")
	assert.ErrorContains(t, run(t.Context(), "127.0.0.1:0", io.Discard), "SGP_API_KEY")
}

// TestGracePeriod: the manifest gives the program the time that it takes.
func TestGracePeriod(t *testing.T) {
	content, err := os.ReadFile("../../../docs/kubernetes.yaml")
	require.NoError(t, err)
	var manifest struct {
		Spec struct {
			Template struct {
				Spec struct {
					Grace      int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Lifecycle struct {
							PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
						}
						Env []struct{ Name, Value string }
					}
				}
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(content, &manifest))
	pod := manifest.Spec.Template.Spec
	require.Len(t, pod.Containers, 1)
	assert.Equal(t, 45, pod.Grace)
	assert.Equal(t, 5, pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds)
	assert.LessOrEqual(t, requestsTimeout+spansTimeout, 40*time.Second)

	env := map[string]string{}
	for _, variable := range pod.Containers[0].Env {
		env[variable.Name] = variable.Value
	}
	assert.Equal(t, "hello", env["OTEL_SERVICE_NAME"])
	assert.Equal(t, "k8s.pod.name=$(POD_NAME)", env["OTEL_RESOURCE_ATTRIBUTES"])
}
