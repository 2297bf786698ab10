package sgpexporter_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// The server stands for a proxy here, and for an SGP at an address that only the
// proxy knows. net/http reads the variables once in a process, so the one that
// exports is another.
func TestProxyFromEnvironment(t *testing.T) {
	const behindProxy = "OTELSGP_TEST_BEHIND_PROXY"
	if os.Getenv(behindProxy) != "" {
		exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL("http://sgp.invalid"),
			sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
		require.NoError(t, err)
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(2)))
		require.NoError(t, exp.Shutdown(t.Context()))
		return
	}
	proxy := sgptest.NewServer()
	defer proxy.Close()
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	self.Env = append(os.Environ(), behindProxy+"=1",
		"HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	output, err := self.CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Len(t, proxy.Spans(), 2)
	assert.Empty(t, proxy.Violations())
}
