package collector

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// Config is the configuration of the exporter.
type Config struct {
	// ClientConfig is the HTTP client's. Its endpoint is SGP's base URL, by default
	// https://api.egp.scale.com; its timeout, 10 s by default, is of one request; its
	// compression is none by default.
	confighttp.ClientConfig `mapstructure:",squash"`
	// Queue is the sending queue. By default it holds 1,000 requests in memory, which one
	// consumer sends in batches of 10,000 spans, or of what came within 200 ms. More
	// consumers give up the order of a trace's spans that are in several batches.
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	// Retry says how what failed for now is repeated: by default after 0.4 s, doubling, up
	// to 20 s, without an end.
	Retry configretry.BackOffConfig `mapstructure:"retry_on_failure"`

	// APIKey is SGP's key. It is required.
	APIKey configopaque.String `mapstructure:"api_key"`
	// AccountID is the account that spans belong to. By default none is named, and the
	// key decides.
	AccountID string `mapstructure:"account_id"`

	// MaxRequestItems bounds the spans of a request: 1 to 1,000, which is the default and
	// SGP's limit.
	MaxRequestItems int `mapstructure:"max_request_items"`
	// MaxRequestBytes bounds the body of a request of several spans, before compression.
	// The default is 4 MiB.
	MaxRequestBytes int `mapstructure:"max_request_bytes"`

	// MaxConcurrentRequests bounds the requests that a batch is sent in at once, each with
	// traces of its own. The default is 10.
	MaxConcurrentRequests int `mapstructure:"max_concurrent_requests"`

	// UUIDs writes ids as UUIDs, as sgpexporter.WithUUIDs does.
	UUIDs bool `mapstructure:"uuids"`
	// Source is metadata.__source__ of all spans, by default "otel-collector".
	Source string `mapstructure:"source"`
	// MetadataAttributes are keys of attributes that stand at the top of the metadata, where
	// SGP's search finds them, as with sgpexporter.WithMetadataAttributes.
	MetadataAttributes []string `mapstructure:"metadata_attributes"`
	// WithoutContent leaves out what models were asked and have answered.
	WithoutContent bool `mapstructure:"without_content"`
	// MaxRememberedSpans is of how many spans it is remembered, at least, what they say of
	// others: their usage of those above them, and their conversation. The default is
	// 1,000,000. A span that ends after that many others is billed, and grouped, by what it
	// says itself.
	MaxRememberedSpans int `mapstructure:"max_remembered_spans"`
	// MaxStringBytes bounds each string of a span: 0, the default, for 1 MiB, or 64 and more.
	MaxStringBytes int `mapstructure:"max_string_bytes"`
}

var _ component.Config = (*Config)(nil)

const (
	defaultSource                = "otel-collector"
	minStringBytes               = 64
	defaultMaxConcurrentRequests = 10
	// asideConsumers is how many requests that fail alone are tried at once.
	asideConsumers = 10
	// defaultMaxRememberedSpans is a minute and a half of 10,000 spans/s.
	defaultMaxRememberedSpans = 1_000_000
	batchPath                 = "/v5/spans/batch"
)

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Endpoint = sgpexporter.DefaultBaseURL
	client.Timeout = sgpexporter.DefaultTimeout

	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers = 1
	batch := queue.Batch.GetOrInsertDefault()
	batch.FlushTimeout = 200 * time.Millisecond
	batch.Sizer = exporterhelper.RequestSizerTypeItems
	batch.MinSize = defaultMaxConcurrentRequests * sgpexporter.DefaultMaxRequestItems
	batch.MaxSize = batch.MinSize

	retry := configretry.NewDefaultBackOffConfig()
	retry.InitialInterval = 400 * time.Millisecond
	retry.MaxInterval = 20 * time.Second
	retry.Multiplier = 2
	retry.MaxElapsedTime = 0

	return &Config{
		ClientConfig:    client,
		Queue:           configoptional.Some(queue),
		Retry:           retry,
		MaxRequestItems: sgpexporter.DefaultMaxRequestItems,
		MaxRequestBytes: sgpexporter.DefaultMaxRequestBytes,
		Source:          defaultSource,

		MaxConcurrentRequests: defaultMaxConcurrentRequests,
		MaxRememberedSpans:    defaultMaxRememberedSpans,
	}
}

// Validate tells all that is wrong, by the names of the settings.
func (c *Config) Validate() error {
	var errs []error
	if err := c.ClientConfig.Validate(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.batchURL(); err != nil {
		errs = append(errs, err)
	}
	switch key := strings.TrimSpace(string(c.APIKey)); {
	case key == "":
		errs = append(errs, errors.New("api_key: must be set"))
	case transport.CheckKey(key) != nil:
		errs = append(errs, errors.New("api_key: cannot stand in a header"))
	}
	if !transport.ValidHeaderValue(c.AccountID) {
		errs = append(errs, errors.New("account_id: cannot stand in a header"))
	}
	for name := range c.Headers.Iter {
		switch http.CanonicalHeaderKey(name) {
		case "X-Api-Key", "X-Selected-Account-Id", "Content-Type", "Content-Encoding", "Accept-Encoding":
			errs = append(errs, fmt.Errorf("headers: %s is set by the exporter", name))
		}
	}
	if c.MaxRequestItems < 1 || c.MaxRequestItems > sgpexporter.DefaultMaxRequestItems {
		errs = append(errs, fmt.Errorf("max_request_items: must be from 1 to %d, found %d", sgpexporter.DefaultMaxRequestItems, c.MaxRequestItems))
	}
	if c.MaxRequestBytes < 1 {
		errs = append(errs, fmt.Errorf("max_request_bytes: must be positive, found %d", c.MaxRequestBytes))
	}
	if c.MaxConcurrentRequests < 1 {
		errs = append(errs, fmt.Errorf("max_concurrent_requests: must be positive, found %d", c.MaxConcurrentRequests))
	}
	if c.MaxRememberedSpans < 1 {
		errs = append(errs, fmt.Errorf("max_remembered_spans: must be positive, found %d", c.MaxRememberedSpans))
	}
	if c.MaxStringBytes != 0 && c.MaxStringBytes < minStringBytes {
		errs = append(errs, fmt.Errorf("max_string_bytes: must be 0, for the default, or at least %d, found %d", minStringBytes, c.MaxStringBytes))
	}
	for _, key := range c.MetadataAttributes {
		if name, ok := mapping.FlatName(key); !ok {
			errs = append(errs, fmt.Errorf("metadata_attributes: %q: the exporter writes metadata.%s itself", key, name))
		}
	}
	return errors.Join(errs...)
}

// batchURL returns the address of the batch upsert. An error does not show the value,
// which may hold credentials.
func (c *Config) batchURL() (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(c.Endpoint))
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New(`endpoint: must be a URL that begins with "https://" or "http://"`)
	case u.User != nil:
		return nil, errors.New("endpoint: must hold no credentials; use api_key")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("endpoint: must have no query and no fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+batchPath, ""
	return u, nil
}

func (c *Config) mapping() mapping.Config {
	cfg := mapping.Config{
		Source:             c.Source,
		MaxStringBytes:     c.MaxStringBytes,
		MetadataAttributes: c.MetadataAttributes,
		WithoutContent:     c.WithoutContent,
		MaxRelations:       c.MaxRememberedSpans,
	}
	if c.UUIDs {
		cfg.IDs = mapping.UUIDs
	}
	return cfg
}

// asideQueue is the configuration of the queue of what fails alone. When it is full its
// spans stay in the other one, which must not wait for it.
func (c *Config) asideQueue() configoptional.Optional[exporterhelper.QueueBatchConfig] {
	queue := *c.Queue.Get()
	queue.BlockOnOverflow, queue.WaitForResult = false, false
	queue.NumConsumers = asideConsumers
	return configoptional.Some(queue)
}

func (c *Config) retry() transport.RetryConfig {
	return transport.RetryConfig{
		Enabled:         c.Retry.Enabled,
		InitialInterval: c.Retry.InitialInterval,
		MaxInterval:     c.Retry.MaxInterval,
		MaxElapsedTime:  c.Retry.MaxElapsedTime,
	}
}
