package sgpexporter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// Defaults and limits of the options.
const (
	// DefaultBaseURL is SGP in production.
	DefaultBaseURL = "https://api.egp.scale.com"
	// DefaultTimeout is the default of [WithTimeout].
	DefaultTimeout = 10 * time.Second
	// DefaultMaxRequestItems is the default of [WithMaxRequestItems], and the
	// most that SGP takes.
	DefaultMaxRequestItems = 1000
	// DefaultMaxRequestBytes is the default of [WithMaxRequestBytes].
	DefaultMaxRequestBytes = 4 << 20
)

// minStringBytes leaves whole what the exporter writes itself: its longest string
// is a time with nine decimals or a trace id.
const minStringBytes = 64

// path is where SGP takes a batch of spans, below the base URL.
const path = "/v5/spans/batch"

// disableVariable disables when it is set, to whatever.
const disableVariable = "DISABLE_SCALE_TRACING"

// config is what options, environment and defaults come to. A field that no
// option has set is the zero value until resolve.
type config struct {
	apiKey          *string
	apiKeySource    func(context.Context) (string, error)
	accountID       *string
	baseURL         *string
	httpClient      *http.Client
	headers         map[string]string
	timeout         time.Duration
	retry           *RetryConfig
	compression     Compression
	maxRequestItems int
	maxRequestBytes int
	meterProvider   metric.MeterProvider
	mapping         mapping.Config
	spool           spoolConfig

	// What resolve makes of them.
	disabled       bool
	readsLikeFalse string   // the value that disabled, if it reads like false
	url            *url.URL // base URL and path
	header         http.Header
	key            transport.KeySource
	at             destination
}

// newConfig applies opts over the environment over the defaults. This is the
// only place that knows which goes first. The error tells all that is wrong.
func newConfig(opts []Option, env environment) (config, error) {
	c := config{
		timeout:         DefaultTimeout,
		maxRequestItems: DefaultMaxRequestItems,
		maxRequestBytes: DefaultMaxRequestBytes,
		spool:           spoolConfig{maxBytes: DefaultSpoolMaxBytes, maxAge: DefaultSpoolMaxAge},
		mapping: mapping.Config{
			AgentName: env.get("AGENT_NAME"),
			AgentID:   env.get("AGENT_ID"),
			ACPType:   env.get("ACP_TYPE"),

			AgentVersion: env.get("AGENT_VERSION"),
			CommitSHA:    env.get("AGENT_COMMIT_SHA"),
		},
	}
	for _, opt := range opts {
		if opt != nil {
			opt(&c)
		}
	}
	disable := env.get(disableVariable)
	c.disabled = disable != ""
	if c.disabled && saysNo(disable) {
		c.readsLikeFalse = disable
	}
	err := errors.Join(
		c.resolveKey(env),
		c.resolveURL(env),
		c.resolveHeader(env),
		c.resolveRetry(env),
		c.resolveSpool(),
		inRange("WithTimeout", c.timeout, 0, 1<<63-1),
		inRange("WithMaxRequestItems", c.maxRequestItems, 1, DefaultMaxRequestItems),
		inRange("WithMaxRequestBytes", c.maxRequestBytes, 1, 1<<31-1),
		zeroOrInRange("WithMaxStringBytes", c.mapping.MaxStringBytes, minStringBytes, 1<<31-1),
		inRange("WithMaxAttributeDepth", c.mapping.MaxDepth, 0, 1<<15),
		c.checkMetadataAttributes(),
		inRange("WithCompression", c.compression, NoCompression, GzipCompression),
		inRange("WithSpoolMode", c.spool.mode, SpoolOnFailure, SpoolAlways),
		inRange("WithSpoolMaxBytes", c.spool.maxBytes, minSpoolBytes, 1<<40),
		inRange("WithSpoolMaxAge", c.spool.maxAge, time.Second, 1<<63-1),
	)
	return c, err
}

func (c *config) resolveKey(env environment) error {
	if c.apiKeySource != nil {
		c.key, c.at.keyFrom = c.apiKeySource, "WithAPIKeySource"
		return nil
	}
	key := env.get("SGP_API_KEY")
	c.at.keyFrom = "SGP_API_KEY"
	if c.apiKey != nil {
		key, c.at.keyFrom = strings.TrimSpace(*c.apiKey), "WithAPIKey"
	}
	c.key = transport.StaticKey(key)
	if key == "" {
		c.at.keyFrom = ""
		if c.disabled {
			return nil
		}
		return ErrMissingAPIKey
	}
	if transport.CheckKey(key) != nil {
		return fmt.Errorf("%w (%s)", ErrInvalidAPIKey, c.at.keyFrom)
	}
	return nil
}

func (c *config) resolveURL(env environment) error {
	base, from := DefaultBaseURL, "the default"
	if value := env.get("SGP_CLIENT_BASE_URL"); value != "" {
		base, from = value, "SGP_CLIENT_BASE_URL"
	}
	if c.baseURL != nil {
		base, from = strings.TrimSpace(*c.baseURL), "WithBaseURL"
	}
	invalid := func(problem string) error {
		return fmt.Errorf("%w: %s %s", ErrInvalidBaseURL, from, problem)
	}
	u, err := url.Parse(base)
	// The value is not shown: it may hold credentials, in the wrong place too.
	switch {
	case !hasHTTPScheme(base): // 127.0.0.1:8088 does not even parse
		return invalid(`does not begin with "https://" or "http://"`)
	case err != nil:
		return invalid("is not a URL")
	case u.Hostname() == "":
		return invalid("has no host")
	case !validPort(u.Port()):
		return invalid("has a port that is not from 1 to 65535")
	case u.User != nil:
		return invalid("holds credentials; the API key has an option of its own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return invalid("has a query or a fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	c.at.baseURL, c.at.baseURLFrom = u.String(), from
	u.Path += path
	if u.RawPath != "" {
		u.RawPath += path
	}
	c.url = u
	return nil
}

// resolveSpool makes the directory absolute: the application may change its own.
func (c *config) resolveSpool() error {
	if c.spool.dir == "" {
		return nil
	}
	dir, err := filepath.Abs(c.spool.dir)
	if err != nil {
		return fmt.Errorf("%w: WithSpool(%q): %w", ErrInvalidOption, c.spool.dir, err)
	}
	c.spool.dir = dir
	return nil
}

func hasHTTPScheme(url string) bool {
	scheme, _, found := strings.Cut(url, ":")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// validPort says whether port, digits or "" for the default, is one.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// reserved are the headers that are not the application's to set.
var reserved = []string{
	"Accept", "Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type",
	"Host", "Transfer-Encoding", "X-Api-Key", "X-Selected-Account-Id",
}

func (c *config) resolveHeader(env environment) error {
	c.header = http.Header{"User-Agent": {userAgent}}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.headers)) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !validHeaderName(name):
			errs = append(errs, fmt.Errorf("%w: WithHeaders: %q is no name of a header", ErrInvalidOption, name))
		case slices.Contains(reserved, canonical):
			errs = append(errs, fmt.Errorf("%w: WithHeaders: %s is set by the exporter", ErrInvalidOption, canonical))
		case !transport.ValidHeaderValue(c.headers[name]):
			errs = append(errs, fmt.Errorf("%w: WithHeaders: the value of %s cannot stand in a header", ErrInvalidOption, canonical))
		default:
			c.header.Set(name, c.headers[name])
		}
	}
	account, from := env.get("SGP_ACCOUNT_ID"), "SGP_ACCOUNT_ID"
	if c.accountID != nil {
		account, from = strings.TrimSpace(*c.accountID), "WithAccountID"
	}
	if !transport.ValidHeaderValue(account) {
		errs = append(errs, fmt.Errorf("%w: the value of %s cannot stand in a header", ErrInvalidOption, from))
	} else if account != "" {
		c.header.Set("X-Selected-Account-Id", account)
	}
	return errors.Join(errs...)
}

// validHeaderName says whether name is a token (RFC 9110, section 5.6.2).
func validHeaderName(name string) bool {
	for i := range len(name) {
		b := name[i]
		if (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') &&
			!strings.ContainsRune("!#$%&'*+-.^_`|~", rune(b)) {
			return false
		}
	}
	return name != ""
}

func inRange[T int | int64 | time.Duration | Compression | SpoolMode](option string, value, lowest, highest T) error {
	if value >= lowest && value <= highest {
		return nil
	}
	return fmt.Errorf("%w: %s(%v): must be from %v to %v", ErrInvalidOption, option, value, lowest, highest)
}

// checkMetadataAttributes refuses what would take the place of something that the exporter
// writes.
func (c *config) checkMetadataAttributes() error {
	var errs []error
	for _, key := range c.mapping.MetadataAttributes {
		if name, ok := mapping.FlatName(key); !ok {
			errs = append(errs, fmt.Errorf("%w: WithMetadataAttributes(%q): the exporter writes metadata.%s itself", ErrInvalidOption, key, name))
		}
	}
	return errors.Join(errs...)
}

// zeroOrInRange is inRange for an option whose default 0 stands for.
func zeroOrInRange(option string, value, lowest, highest int) error {
	if value == 0 || value >= lowest && value <= highest {
		return nil
	}
	return fmt.Errorf("%w: %s(%v): must be 0, for the default, or from %v to %v", ErrInvalidOption, option, value, lowest, highest)
}
