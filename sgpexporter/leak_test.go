package sgpexporter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

const headerSecret = "Bearer hs-98765432"

// showsNothing fails when a text holds a secret.
func showsNothing(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{key, headerSecret} {
		assert.NotContains(t, text, secret)
	}
}

// everyError calls f with err and all that it wraps.
func everyError(err error, f func(error)) {
	if err == nil {
		return
	}
	f(err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		everyError(e.Unwrap(), f)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			everyError(err, f)
		}
	}
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"}

func TestSecretsShowInNoPrintedExporter(t *testing.T) {
	for _, opt := range []sgpexporter.Option{
		sgpexporter.WithAPIKey(key),
		sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { return key, nil }),
	} {
		_, exp := newExporter(t, nil, opt, sgpexporter.WithHeaders(map[string]string{"X-Gateway": headerSecret}))
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1))) // the key is known now
		for _, verb := range verbs {
			showsNothing(t, fmt.Sprintf(verb, exp))
			showsNothing(t, fmt.Sprintf(verb, exp.MarshalLog()))
			showsNothing(t, fmt.Sprintf(verb, struct{ E asyncprocessor.Exporter }{exp}))
		}
		showsNothing(t, exp.String())
		showsNothing(t, exp.GoString())
		text, err := json.Marshal(exp.MarshalLog())
		require.NoError(t, err)
		showsNothing(t, string(text))
		assert.Contains(t, string(text), `"Headers":["X-Gateway"]`)
		assert.Contains(t, string(text), `/v5/spans/batch`)
		var out strings.Builder
		slog.New(slog.NewTextHandler(&out, nil)).Info("made", "exporter", exp)
		showsNothing(t, out.String())
	}
}

// Dumpers that read unexported fields, as testify's diffs do, are another way to
// print.
func TestKeyShowsInNoDump(t *testing.T) {
	exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key))
	require.NoError(t, err)
	var diff recorder
	assert.Equal(&diff, exp, &sgpexporter.Exporter{})
	assert.Contains(t, string(diff), "maxItems: (int) 1000")
	assert.NotContains(t, string(diff), key)
}

// recorder is a TestingT that keeps what would be printed.
type recorder string

func (r *recorder) Errorf(format string, args ...any) { *r += recorder(fmt.Sprintf(format, args...)) }

// indiscreet puts every request into its errors.
type indiscreet struct{ panics bool }

func (i indiscreet) RoundTrip(req *http.Request) (*http.Response, error) {
	err := fmt.Errorf("cannot send %v to %v", req.Header, req.URL)
	if i.panics {
		panic(err)
	}
	return nil, err
}

func TestSecretsShowInNoErrorOrReport(t *testing.T) {
	repeat := `{"detail":"what is ` + key + `?"}`
	faults := map[string]sgptest.Fault{
		"rejected":     sgptest.Status(422).Body("application/json", repeat),
		"conflict":     sgptest.Status(409).Body("text/plain", repeat),
		"unauthorized": sgptest.Status(401).Body("application/json", repeat),
		"forbidden":    sgptest.Status(403).Body("text/plain", repeat),
		"down":         sgptest.Status(503).Body("application/json", repeat),
		"gone":         sgptest.Status(410).Body("text/plain", repeat),
		"html":         sgptest.HTML().Body("text/html; k="+key, repeat),
		"redirect":     sgptest.Redirect(302, "https://"+key+".test/?k="+key),
		"to another":   sgptest.Redirect(307, "https://other.test/?k="+key),
		"reset":        sgptest.ResetConnection(),
	}
	check := func(t *testing.T, fault sgptest.Fault, opts ...sgpexporter.Option) {
		srv, exp := newExporter(t, nil, append([]sgpexporter.Option{
			sgpexporter.WithHeaders(map[string]string{"X-Gateway": headerSecret}),
			sgpexporter.WithRetry(sgpexporter.RetryConfig{Enabled: true, MaxAttempts: 4, InitialInterval: 1, MaxInterval: 1}),
		}, opts...)...)
		errs := sgpexporter.Handled(t)
		srv.SetFault(func(*sgptest.Request) sgptest.Fault { return fault })
		err := exp.ExportSnapshots(t.Context(), ends(3))
		require.Error(t, err)
		for _, err := range append(errs.All(), err) {
			everyError(err, func(err error) {
				for _, verb := range verbs {
					assert.NotContains(t, fmt.Sprintf(verb, err), key)
				}
			})
		}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) { check(t, fault) })
	}
	t.Run("client", func(t *testing.T) {
		check(t, sgptest.Fault{}, sgpexporter.WithHTTPClient(&http.Client{Transport: indiscreet{}}))
	})
	t.Run("panic", func(t *testing.T) {
		check(t, sgptest.Fault{}, sgpexporter.WithHTTPClient(&http.Client{Transport: indiscreet{panics: true}}))
	})
	t.Run("source", func(t *testing.T) {
		asked := 0
		check(t, sgptest.Fault{}, sgpexporter.WithAPIKeySource(func(context.Context) (string, error) {
			if asked++; asked > 1 {
				return "", errors.New("the vault has no other than " + key)
			}
			return key, nil
		}), sgpexporter.WithHTTPClient(&http.Client{Transport: refusing{}}))
	})
}

// refusing answers 401.
type refusing struct{}

func (refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func TestSecretsShowInNoConfigError(t *testing.T) {
	for _, opts := range [][]sgpexporter.Option{
		{sgpexporter.WithAPIKey(key + "\n\n" + key)},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL("https://" + key + "@sgp.test")},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL("https://sgp.test:" + key)},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL("https://sgp.test?" + key)},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL(key)},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithAccountID(key + "\x00")},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithHeaders(map[string]string{"X-Gateway": headerSecret + "\n"})},
		{sgpexporter.WithAPIKey(key), sgpexporter.WithHeaders(map[string]string{"x-api-key": key})},
	} {
		_, err := sgpexporter.New(opts...)
		require.Error(t, err)
		showsNothing(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err))
	}
}
