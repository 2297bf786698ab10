package testenv

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestClear(t *testing.T) {
	names := []string{
		"SGP_API_KEY", "SGP_ACCOUNT_ID", "SGP_CLIENT_BASE_URL", "AGENTEX_SPAN_QUEUE_BATCH_SIZE", "AGENTEX_TRACING_SKIP_SPAN_START",
		"AGENT_NAME", "AGENT_ID", "ACP_TYPE", "DISABLE_SCALE_TRACING", "OTEL_SERVICE_NAME",
	}
	for _, name := range names {
		t.Setenv(name, "set")
	}
	t.Setenv("SGPX", "kept")
	Clear()
	for _, name := range names {
		_, set := os.LookupEnv(name)
		assert.False(t, set, name)
	}
	assert.Equal(t, "kept", os.Getenv("SGPX"))
}
