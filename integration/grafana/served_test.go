package grafana

import (
	"bufio"
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
// selects or groups by, is one that the running example has on /metrics.
func TestQueriesAreServed(t *testing.T) {
	program := filepath.Join(t.TempDir(), "otel-app")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = example
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	served := map[string]map[string]bool{}
	// An SGP that is overloaded at first, and refuses one span for good.
	var overloaded atomic.Bool
	scrape(t, served, program, func(r *sgptest.Request) sgptest.Fault {
		if overloaded.CompareAndSwap(false, true) {
			return sgptest.Status(http.StatusServiceUnavailable)
		}
		for _, item := range r.Items {
			if strings.HasPrefix(item.Name, "invoke_agent") && len(item.Output) > 0 {
				return sgptest.Status(http.StatusUnprocessableEntity)
			}
		}
		return sgptest.Fault{}
	}, nil, "sgpexporter_request_retries_total{", "sgpexporter_request_splits_total{", "sgpexporter_item_refused_total{")
	// A queue that is too small.
	scrape(t, served, program, nil, []string{"AGENTEX_SPAN_QUEUE_MAX_SIZE=4"}, `otel_sdk_processor_span_processed_total{error_type="queue_full"`)

	for where, query := range queries(t) {
		for _, use := range uses(t, query) {
			labels, ok := served[use.metric]
			if !assert.True(t, ok, "%s: the example does not serve %s", where, use.metric) {
				continue
			}
			for _, label := range use.labels {
				assert.True(t, given[label] || labels[label], "%s: %s has no label %s", where, use.metric, label)
			}
		}
	}
}

var (
	openLine = regexp.MustCompile(`^Open   (http://\S+)/$`)
	series   = regexp.MustCompile(`(?m)^(\w+)\{(.*)\} \S+$`)
	label    = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
)

// scrape runs the example against an SGP server with faults, asks it questions
// until /metrics holds all of wanted, and adds to served the metrics and their
// labels.
func scrape(t *testing.T, served map[string]map[string]bool, program string, faults func(*sgptest.Request) sgptest.Fault, env []string, wanted ...string) {
	t.Helper()
	sgp := sgptest.NewServer()
	defer sgp.Close()
	if faults != nil {
		sgp.SetFault(faults)
	}
	command := exec.Command(program, "-port", "0", "-pace", "0", "-goroot", filepath.Join(example, "internal/docs/testdata/goroot"))
	command.Env = append([]string{"SGP_API_KEY=key", "SGP_CLIENT_BASE_URL=" + sgp.URL,
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()
	url := ""
	for lines := bufio.NewScanner(stdout); url == "" && lines.Scan(); {
		if found := openLine.FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
	}
	require.NotEmpty(t, url, "the example does not serve")

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	do := func(method, path, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, string(answer))
		return string(answer)
	}
	do(http.MethodPost, "/ask", `{"question":"how do I cancel an HTTP request?"}`)
	var metrics string
	require.Eventually(t, func() bool {
		metrics = do(http.MethodGet, "/metrics", "")
		for _, w := range wanted {
			if !strings.Contains(metrics, w) {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond, "/metrics does not show %v", wanted)
	for _, found := range series.FindAllStringSubmatch(metrics, -1) {
		if served[found[1]] == nil {
			served[found[1]] = map[string]bool{}
		}
		for _, l := range label.FindAllStringSubmatch(found[2], -1) {
			served[found[1]][l[1]] = true
		}
	}
}
