package collector

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.yaml.in/yaml/v3"
)

func TestTheConfigStructIsWellFormed(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
}

// load returns the configuration of testdata/config.yaml with that name.
func load(t *testing.T, name string) *Config {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := conf.Sub(name)
	require.NoError(t, err)
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(cfg))
	return cfg
}

func TestConfigWithAKeyAlone(t *testing.T) {
	cfg := load(t, "sgp")
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, "https://api.egp.scale.com", cfg.Endpoint)
	assert.Equal(t, "sk-123", string(cfg.APIKey))
	assert.Equal(t, 10*time.Second, cfg.Timeout)
	assert.Equal(t, 1000, cfg.MaxRequestItems)
	assert.Equal(t, 4<<20, cfg.MaxRequestBytes)
	assert.Equal(t, "otel-collector", cfg.Source)
	assert.True(t, cfg.Retry.Enabled)
	assert.Equal(t, 400*time.Millisecond, cfg.Retry.InitialInterval)
	assert.Equal(t, 20*time.Second, cfg.Retry.MaxInterval)
	assert.Equal(t, time.Duration(0), cfg.Retry.MaxElapsedTime, "an outage costs no span that the queue has room for")
	require.True(t, cfg.Queue.HasValue())
	batch := cfg.Queue.Get().Batch
	require.True(t, batch.HasValue())
	assert.Equal(t, exporterhelper.RequestSizerTypeItems, batch.Get().Sizer)
	assert.Equal(t, int64(10_000), batch.Get().MaxSize)
}

func TestConfigWithEverything(t *testing.T) {
	cfg := load(t, "sgp/everything")
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, "https://sgp.example.com/base", cfg.Endpoint)
	assert.Equal(t, "my-account", cfg.AccountID)
	assert.Equal(t, 3*time.Second, cfg.Timeout)
	assert.Equal(t, "gzip", string(cfg.Compression))
	assert.Equal(t, 200, cfg.MaxRequestItems)
	assert.Equal(t, 1<<20, cfg.MaxRequestBytes)
	assert.True(t, cfg.UUIDs)
	assert.True(t, cfg.WithoutContent)
	assert.Equal(t, "gateway-eu", cfg.Source)
	assert.Equal(t, []string{"team.name"}, cfg.MetadataAttributes)
	assert.Equal(t, 64<<10, cfg.MaxStringBytes)
	assert.Equal(t, 3, cfg.MaxConcurrentRequests)
	assert.Equal(t, 5000, cfg.MaxRememberedSpans)
	require.NotNil(t, cfg.Queue.Get().StorageID)
	assert.Equal(t, component.MustNewID("file_storage"), *cfg.Queue.Get().StorageID)
	assert.Equal(t, int64(1<<30), cfg.Queue.Get().QueueSize)
	assert.Equal(t, 10*time.Minute, cfg.Retry.MaxElapsedTime)
}

func TestConfigErrorsNameTheSetting(t *testing.T) {
	for name, want := range map[string]string{
		"sgp/no_key":      "api_key: must be set",
		"sgp/bad_key":     "api_key: cannot stand in a header",
		"sgp/bad_url":     `endpoint: must be a URL that begins with "https://" or "http://"`,
		"sgp/credentials": "endpoint: must hold no credentials; use api_key",
		"sgp/query":       "endpoint: must have no query and no fragment",
		"sgp/items":       "max_request_items: must be from 1 to 1000, found 1001",
		"sgp/bytes":       "max_request_bytes: must be positive, found -1",
		"sgp/concurrent":  "max_concurrent_requests: must be positive, found 0",
		"sgp/remembered":  "max_remembered_spans: must be positive, found 0",
		"sgp/strings":     "max_string_bytes: must be 0, for the default, or at least 64, found 10",
		"sgp/reserved":    "headers: X-API-Key is set by the exporter",
		"sgp/own_key":     `metadata_attributes: "usage": the exporter writes metadata.usage itself`,
		"sgp/account":     "account_id: cannot stand in a header",
	} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, confmap.Validate(load(t, name)), want)
		})
	}
}

func TestTheDefaultConfigIsAsDocumented(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(NewFactory().CreateDefaultConfig()))
	golden, err := os.ReadFile(filepath.Join("testdata", "default.yaml"))
	require.NoError(t, err)
	got, err := yaml.Marshal(conf.ToStringMap())
	require.NoError(t, err)
	assert.YAMLEq(t, string(golden), string(got), "testdata/default.yaml")
}

func TestTheKeyIsNeverPrinted(t *testing.T) {
	cfg := load(t, "sgp")
	conf := confmap.New()
	require.NoError(t, conf.Marshal(cfg))
	assert.Equal(t, "[REDACTED]", conf.Get("api_key"))
}
