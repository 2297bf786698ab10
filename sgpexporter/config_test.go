package sgpexporter

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
)

// envOf is an environment that holds only these.
func envOf(pairs ...string) environment {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return values[name] }
}

func keyOf(t *testing.T, c config) string {
	t.Helper()
	key, err := c.key(t.Context())
	require.NoError(t, err)
	return key
}

func TestDefaults(t *testing.T) {
	c, err := newConfig(nil, envOf("SGP_API_KEY", "k"))
	require.NoError(t, err)
	assert.Equal(t, "k", keyOf(t, c))
	assert.Equal(t, "https://api.egp.scale.com/v5/spans/batch", c.url.String())
	assert.Equal(t, 10*time.Second, c.timeout)
	assert.Equal(t, 1000, c.maxRequestItems)
	assert.Equal(t, 4*1024*1024, c.maxRequestBytes)
	assert.Equal(t, RetryConfig{Enabled: true, InitialInterval: 400 * time.Millisecond, MaxInterval: 20 * time.Second}, *c.retry)
	assert.Equal(t, http.Header{"User-Agent": {"otelsgp-go/0.1.0"}}, c.header)
	assert.Equal(t, mapping.Config{}, c.mapping)
	assert.False(t, c.disabled)
}

func TestEnvironment(t *testing.T) {
	c, err := newConfig(nil, envOf(
		"SGP_API_KEY", " env-key\n",
		"SGP_ACCOUNT_ID", "env-account",
		"SGP_CLIENT_BASE_URL", "http://127.0.0.1:5003/public/",
		"AGENT_NAME", "researcher", "AGENT_ID", "a-1", "ACP_TYPE", "async",
		"AGENTEX_SPAN_QUEUE_MAX_RETRIES", "3",
	))
	require.NoError(t, err)
	assert.Equal(t, "env-key", keyOf(t, c))
	assert.Equal(t, "env-account", c.header.Get("x-selected-account-id"))
	assert.Equal(t, "http://127.0.0.1:5003/public/v5/spans/batch", c.url.String())
	assert.Equal(t, mapping.Config{AgentName: "researcher", AgentID: "a-1", ACPType: "async"}, c.mapping)
	assert.Equal(t, 12, c.retry.MaxAttempts)
	assert.True(t, c.retry.Enabled)
}

func TestOptionsGoBeforeTheEnvironment(t *testing.T) {
	errs := Handled(t)
	c, err := newConfig([]Option{
		WithAPIKey(" opt-key "), WithAccountID("opt-account"), WithBaseURL("https://opt.test"),
		WithRetry(RetryConfig{Enabled: true, MaxAttempts: 5}), nil,
	}, envOf(
		"SGP_API_KEY", "env\nkey",
		"SGP_ACCOUNT_ID", "env-account",
		"SGP_CLIENT_BASE_URL", "::not a url",
		"AGENTEX_SPAN_QUEUE_MAX_RETRIES", "many",
	))
	require.NoError(t, err, "what is not used is not checked")
	assert.Equal(t, "opt-key", keyOf(t, c))
	assert.Equal(t, "opt-account", c.header.Get("x-selected-account-id"))
	assert.Equal(t, "https://opt.test/v5/spans/batch", c.url.String())
	assert.Equal(t, RetryConfig{Enabled: true, InitialInterval: 400 * time.Millisecond, MaxInterval: 20 * time.Second, MaxAttempts: 5}, *c.retry)
	assert.Empty(t, errs.All())

	c, err = newConfig([]Option{WithAPIKey("k"), WithAccountID("")}, envOf("SGP_ACCOUNT_ID", "env-account"))
	require.NoError(t, err)
	assert.Empty(t, c.header.Values("x-selected-account-id"), `"" asks for none`)
}

func TestTheLaterKeyCounts(t *testing.T) {
	source := func(context.Context) (string, error) { return "from source", nil }
	c, err := newConfig([]Option{WithAPIKey("static"), WithAPIKeySource(source)}, envOf())
	require.NoError(t, err)
	assert.Equal(t, "from source", keyOf(t, c))
	c, err = newConfig([]Option{WithAPIKeySource(source), WithAPIKey("static")}, envOf())
	require.NoError(t, err)
	assert.Equal(t, "static", keyOf(t, c))
}

func TestMissingKey(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithAPIKey("")}, {WithAPIKey(" \n")}, {WithAPIKeySource(nil)}} {
		_, err := newConfig(opts, envOf("SGP_API_KEY", ""))
		require.ErrorIs(t, err, ErrMissingAPIKey)
		assert.ErrorContains(t, err, "SGP_API_KEY")
		assert.ErrorContains(t, err, "WithAPIKey")
	}
	// An empty option is an option: it does not fall back.
	_, err := newConfig([]Option{WithAPIKey("")}, envOf("SGP_API_KEY", "k"))
	assert.ErrorIs(t, err, ErrMissingAPIKey)
}

func TestInvalidKey(t *testing.T) {
	_, err := newConfig([]Option{WithAPIKey("sec\nret")}, envOf())
	require.ErrorIs(t, err, ErrInvalidAPIKey)
	assert.ErrorContains(t, err, "(WithAPIKey)")
	assert.NotContains(t, err.Error(), "ret")
	_, err = newConfig(nil, envOf("SGP_API_KEY", "sec\x00ret"))
	require.ErrorIs(t, err, ErrInvalidAPIKey)
	assert.ErrorContains(t, err, "(SGP_API_KEY)")
}

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://sgp.test":             "https://sgp.test/v5/spans/batch",
		"https://sgp.test/":            "https://sgp.test/v5/spans/batch",
		"\thttps://sgp.test//\n":       "https://sgp.test/v5/spans/batch",
		"http://[::1]:5003/public":     "http://[::1]:5003/public/v5/spans/batch",
		"HTTPS://sgp.test/a%2Fb/":      "https://sgp.test/a%2Fb/v5/spans/batch",
		"https://sgp.test:8443/a/../b": "https://sgp.test:8443/a/../b/v5/spans/batch",
		"http://127.0.0.1:65535":       "http://127.0.0.1:65535/v5/spans/batch",
	} {
		c, err := newConfig([]Option{WithAPIKey("k"), WithBaseURL(in)}, envOf())
		require.NoError(t, err, in)
		assert.Equal(t, want, c.url.String(), in)
	}
	for in, problem := range map[string]string{
		"":                            "does not begin with",
		"sgp.test":                    "does not begin with",
		"//sgp.test":                  "does not begin with",
		"ftp://sgp.test":              "does not begin with",
		"localhost:5003":              "does not begin with",
		"https://":                    "has no host",
		"https:///public":             "has no host",
		"https://:443":                "has no host",
		"http://sgp.test:65536":       "has a port that is not from 1 to 65535",
		"http://sgp.test:99999":       "has a port that is not from 1 to 65535",
		"http://[::1]:0":              "has a port that is not from 1 to 65535",
		"https://sgp.test?key=secret": "has a query",
		"https://sgp.test?":           "has a query",
		"https://sgp.test#secret":     "has a query or a fragment",
		"https://me:secret@sgp.test":  "holds credentials",
		"https://me:sec ret@sgp.test": "is not a URL",
		"https://sgp.test:secret":     "is not a URL",
		"https://sgp test":            "is not a URL",
		"https://\x7f":                "is not a URL",
		"\x7f":                        "does not begin with",
		"127.0.0.1:5003":              "does not begin with",
	} {
		_, err := newConfig([]Option{WithAPIKey("k"), WithBaseURL(in)}, envOf())
		require.ErrorIs(t, err, ErrInvalidBaseURL, in)
		assert.ErrorContains(t, err, "WithBaseURL "+problem, in)
		assert.NotContains(t, err.Error(), "secret")
		_, err = newConfig(nil, envOf("SGP_API_KEY", "k", "SGP_CLIENT_BASE_URL", in))
		if in != "" {
			require.ErrorIs(t, err, ErrInvalidBaseURL, in)
			assert.ErrorContains(t, err, "SGP_CLIENT_BASE_URL "+problem, in)
		}
	}
}

func TestInvalidOptions(t *testing.T) {
	for want, opt := range map[string]Option{
		"WithTimeout(-1ns)": WithTimeout(-1),
		"WithMaxRequestItems(0): must be from 1 to 1000":    WithMaxRequestItems(0),
		"WithMaxRequestItems(-5)":                           WithMaxRequestItems(-5),
		"WithMaxRequestItems(1001): must be from 1 to 1000": WithMaxRequestItems(1001),
		"WithMaxRequestBytes(0)":                            WithMaxRequestBytes(0),
		"WithMaxRequestBytes(-1)":                           WithMaxRequestBytes(-1),
		"WithMaxStringBytes(-1)":                            WithMaxStringBytes(-1),
		"WithMaxStringBytes(63): must be 0, for the default, or from 64 to 2147483647": WithMaxStringBytes(63),
		"WithMaxAttributeDepth(-1)":                                  WithMaxAttributeDepth(-1),
		"WithCompression(Compression(7)): must be from none to gzip": WithCompression(7),
		"WithRetry: InitialInterval(-1s)":                            WithRetry(RetryConfig{InitialInterval: -time.Second}),
		"WithRetry: MaxInterval(-1s)":                                WithRetry(RetryConfig{MaxInterval: -time.Second}),
		"WithRetry: MaxElapsedTime(-1s)":                             WithRetry(RetryConfig{MaxElapsedTime: -time.Second}),
		"WithRetry: MaxAttempts(-1)":                                 WithRetry(RetryConfig{MaxAttempts: -1}),
		`WithHeaders: "a b" is no name of a header`:                  WithHeaders(map[string]string{"a b": "x"}),
		`WithHeaders: "" is no name of a header`:                     WithHeaders(map[string]string{"": "x"}),
		"WithHeaders: X-Api-Key is set by the exporter":              WithHeaders(map[string]string{"x-api-key": "secret"}),
		"WithHeaders: Content-Type is set by the exporter":           WithHeaders(map[string]string{"content-type": "secret"}),
		"WithHeaders: the value of X-A cannot stand in a header":     WithHeaders(map[string]string{"x-a": "sec\nret"}),
		"the value of WithAccountID cannot stand in a header":        WithAccountID("a\nb"),
	} {
		_, err := newConfig([]Option{WithAPIKey("k"), opt}, envOf())
		require.ErrorIs(t, err, ErrInvalidOption, want)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
		assert.NotErrorIs(t, err, ErrMissingAPIKey)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := newConfig([]Option{WithTimeout(-1), WithMaxRequestItems(0)}, envOf("SGP_CLIENT_BASE_URL", "nowhere"))
	for _, want := range []error{ErrMissingAPIKey, ErrInvalidBaseURL, ErrInvalidOption} {
		assert.ErrorIs(t, err, want)
	}
	assert.ErrorContains(t, err, "WithTimeout")
	assert.ErrorContains(t, err, "WithMaxRequestItems")
}

func TestHeadersAddUp(t *testing.T) {
	c, err := newConfig([]Option{
		WithAPIKey("k"),
		WithHeaders(map[string]string{"X-A": "1", "X-B": "2"}),
		WithHeaders(map[string]string{"X-B": "3", "user-agent": "mine"}),
	}, envOf())
	require.NoError(t, err)
	assert.Equal(t, http.Header{"X-A": {"1"}, "X-B": {"3"}, "User-Agent": {"mine"}}, c.header)
}

func TestRetryConfigOfZeroes(t *testing.T) {
	c, err := newConfig([]Option{WithAPIKey("k"), WithRetry(RetryConfig{Enabled: true, InitialInterval: time.Minute})}, envOf())
	require.NoError(t, err)
	assert.Equal(t, time.Minute, c.retry.MaxInterval, "not below the first interval")
	c, err = newConfig([]Option{WithAPIKey("k"), WithRetry(RetryConfig{})}, envOf())
	require.NoError(t, err)
	assert.False(t, c.retry.Enabled)
}

func TestRetriesOfThePythonQueue(t *testing.T) {
	errs := Handled(t)
	for value, want := range map[string]int{"": 0, "0": 4, "1": 4, "2": 8, "-1": 0, "x": 0, "99999999999": 0} {
		errs.Forget()
		c, err := newConfig(nil, envOf("SGP_API_KEY", "k", "AGENTEX_SPAN_QUEUE_MAX_RETRIES", value))
		require.NoError(t, err)
		assert.Equal(t, want, c.retry.MaxAttempts, "%q", value)
		if want > 0 || value == "" {
			assert.Empty(t, errs.All())
			continue
		}
		require.Len(t, errs.All(), 1)
		require.ErrorIs(t, errs.All()[0], ErrInvalidEnvironment)
		assert.ErrorContains(t, errs.All()[0], `AGENTEX_SPAN_QUEUE_MAX_RETRIES="`+value+`"`)
	}
}

func TestDisabledByEnvironment(t *testing.T) {
	for _, value := range []string{"1", "true", "false", "0"} { // set, whatever to
		c, err := newConfig(nil, envOf("DISABLE_SCALE_TRACING", value))
		require.NoError(t, err)
		assert.True(t, c.disabled)
	}
	_, err := newConfig([]Option{WithMaxRequestItems(0)}, envOf("DISABLE_SCALE_TRACING", "1"))
	assert.ErrorIs(t, err, ErrInvalidOption, "a mistake in the program shows anywhere")
	c, err := newConfig(nil, envOf("DISABLE_SCALE_TRACING", "", "SGP_API_KEY", "k"))
	require.NoError(t, err)
	assert.False(t, c.disabled)
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "sgp.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"LOCALHOST": true, "localhost.": true, "SGP.Localhost.": true,
		"localhost..": false, "127.0.0.1.": false,
		"10.0.0.1": false, "sgp.test": false, "localhost.evil": false, "0.0.0.0": false, "": false,
	} {
		assert.Equal(t, want, isLoopback(host), host)
	}
}

func TestPlainHTTPIsWarnedAbout(t *testing.T) {
	errs := Handled(t)
	for _, quiet := range []string{"https://sgp.test", "http://127.0.0.1:5003/public", "http://[::1]:1", "http://localhost", "http://LOCALHOST:5003", "http://localhost.:5003"} {
		_, err := New(WithAPIKey("secret"), WithBaseURL(quiet))
		require.NoError(t, err)
	}
	assert.Empty(t, errs.All())
	_, err := New(WithAPIKey("secret"), WithBaseURL("http://sgp.test"))
	require.NoError(t, err)
	require.Len(t, errs.All(), 1)
	require.ErrorIs(t, errs.All()[0], ErrPlainHTTP)
	assert.ErrorContains(t, errs.All()[0], "http://sgp.test/v5/spans/batch: use https")
	assert.NotContains(t, errs.All()[0].Error(), "secret")
}

func TestLimiter(t *testing.T) {
	now := time.Unix(1000, 0)
	var l limiter
	assert.True(t, l.allow(now))
	assert.False(t, l.allow(now))
	assert.False(t, l.allow(now.Add(59*time.Second)))
	assert.True(t, l.allow(now.Add(time.Minute)))
	assert.False(t, l.allow(now.Add(61*time.Second)))
}

func TestErrorsAreOneLine(t *testing.T) {
	var l losses
	for i := range 20 {
		l.add(i, loss{reason: "rejected", errorType: "rejected"}, &RejectedError{SpanID: string(rune('a' + i)), StatusCode: 422, Phase: 1})
	}
	err := l.err()
	assert.NotContains(t, err.Error(), "\n")
	assert.ErrorContains(t, err, "(id h,")
	assert.NotContains(t, err.Error(), "(id i,")
	assert.ErrorContains(t, err, "; and 12 more")
	var rejected *RejectedError
	require.True(t, errors.As(err, &rejected))
	assert.Equal(t, "a", rejected.SpanID)
}

func TestMetricsCostNothingWithoutAProvider(t *testing.T) {
	target := &url.URL{Scheme: "https", Host: "sgp.test"}
	snapshots := make([]asyncprocessor.Snapshot, 100)
	for _, provider := range []metric.MeterProvider{nil, noop.NewMeterProvider()} {
		m := newMetrics(provider, target)
		var none losses
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			op := m.begin(t.Context(), snapshots)
			m.split(t.Context())
			m.retried(t.Context())
			m.refused(t.Context(), 422)
			op.end(t.Context(), &none, 200)
		}))
		op := m.begin(t.Context(), snapshots)
		assert.False(t, op.counted)
		assert.False(t, op.timed)
	}
}

func TestServerPort(t *testing.T) {
	for address, want := range map[string]int{"https://sgp.test": 443, "http://sgp.test": 80, "http://[::1]:5003": 5003} {
		target, err := url.Parse(address)
		require.NoError(t, err)
		assert.Equal(t, want, serverPort(target))
	}
}
