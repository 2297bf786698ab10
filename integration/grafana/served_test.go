//go:build grafana

package grafana

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const example = "../../examples/otel-app"

// given are the labels that Prometheus adds when it scrapes.
var given = map[string]bool{"__name__": true, "job": true, "instance": true}

// TestQueriesAreServed: each metric that a query names, with each label that it
// selects or groups by, is one that the running example has on /metrics sooner
// or later.
func TestQueriesAreServed(t *testing.T) {
	program := filepath.Join(t.TempDir(), "otel-app")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = example
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	// An SGP that is overloaded at first, and refuses one span for good.
	var overloaded atomic.Bool
	refused := start(t, program, func(r *sgptest.Request) sgptest.Fault {
		if overloaded.CompareAndSwap(false, true) {
			return sgptest.Status(http.StatusServiceUnavailable)
		}
		for _, item := range r.Items {
			if strings.HasPrefix(item.Name, "invoke_agent") && item.Completed() {
				return sgptest.Status(http.StatusUnprocessableEntity)
			}
		}
		return sgptest.Fault{}
	})
	// A queue that is too small for a server that does not answer.
	full := start(t, program, func(*sgptest.Request) sgptest.Fault { return sgptest.Hang() }, "AGENTEX_SPAN_QUEUE_MAX_SIZE=4")

	served := map[string]map[string]bool{}
	wanted := queries(t)
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		refused.scrape(t, served)
		full.scrape(t, served)
		assert.Empty(t, notServed(t, wanted, served))
	}, time.Minute, 20*time.Millisecond)
}

// notServed tells what queries ask for and served does not have.
func notServed(t require.TestingT, queries map[string]string, served map[string]map[string]bool) []string {
	var missing []string
	for where, query := range queries {
		for _, use := range uses(t, query) {
			labels, ok := served[use.metric]
			if !ok {
				missing = append(missing, where+": the example does not serve "+use.metric)
				continue
			}
			for _, label := range use.labels {
				if !given[label] && !labels[label] {
					missing = append(missing, where+": "+use.metric+" has no label "+label)
				}
			}
		}
	}
	return missing
}

var (
	openLine = regexp.MustCompile(`^Open   (http://\S+)/$`)
	series   = regexp.MustCompile(`(?m)^(\w+)\{(.*)\} \S+$`)
	label    = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
)

// running is the example as a process.
type running struct {
	url    string
	client http.Client
}

// start runs the example against an SGP server with faults until the test ends,
// and asks it a question.
func start(t *testing.T, program string, faults func(*sgptest.Request) sgptest.Fault, env ...string) *running {
	t.Helper()
	sgp := sgptest.NewServer()
	t.Cleanup(sgp.Close)
	t.Cleanup(func() { assert.NoError(t, sgp.Check()) })
	sgp.SetFault(faults)
	command := exec.Command(program, "-port", "0", "-pace", "0", "-goroot", filepath.Join(example, "internal/docs/testdata/goroot"))
	command.Env = append([]string{"SGP_API_KEY=key", "SGP_CLIENT_BASE_URL=" + sgp.URL,
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	e := &running{client: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	for lines := bufio.NewScanner(stdout); e.url == "" && lines.Scan(); {
		if found := openLine.FindStringSubmatch(lines.Text()); found != nil {
			e.url = found[1]
		}
	}
	require.NotEmpty(t, e.url, "the example does not serve")
	e.do(t, http.MethodPost, "/ask", `{"question":"how do I cancel an HTTP request?"}`)
	return e
}

func (e *running) do(t require.TestingT, method, path, body string) string {
	request, err := http.NewRequestWithContext(context.Background(), method, e.url+path, strings.NewReader(body))
	require.NoError(t, err)
	response, err := e.client.Do(request)
	require.NoError(t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, string(answer))
	return string(answer)
}

// scrape adds to served the metrics on /metrics, and their labels.
func (e *running) scrape(t require.TestingT, served map[string]map[string]bool) {
	for _, found := range series.FindAllStringSubmatch(e.do(t, http.MethodGet, "/metrics", ""), -1) {
		if served[found[1]] == nil {
			served[found[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(found[2], -1) {
			served[found[1]][l[1]] = true
		}
	}
}
