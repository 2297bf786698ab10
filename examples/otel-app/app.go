package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/agent"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/delivery"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/localmodel"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
	"github.com/otelsgp/otelsgp/examples/otel-app/live"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

const (
	openAIBaseURL = "https://api.openai.com/v1"
	openAIModel   = "gpt-5-mini"
)

// app is the service without its listener.
type app struct {
	telemetry *telemetry
	index     *docs.Index
	local     *localmodel.Server // nil with a real model
	models    *http.Transport
	// model says which model answers, for people.
	model string
	lead  *agent.Agent // nil when a recording is shown
	page  *live.Page
}

// newApp builds the service that will listen on addr, and says on out what it is made of.
// recorder, if not nil, keeps what is delivered. The caller closes the app.
func newApp(ctx context.Context, cfg config, addr net.Addr, recorder *delivery.Recorder, out io.Writer) (_ *app, err error) {
	a := &app{models: http.DefaultTransport.(*http.Transport).Clone()}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.drain)
			defer cancel()
			err = errors.Join(err, a.close(ctx))
		}
	}()
	a.telemetry, err = newTelemetry(ctx, addr, func(items ...json.RawMessage) {
		if a.telemetry.embedded == nil {
			a.page.Ingest(items...)
		}
		if recorder != nil {
			recorder.Record(items...)
		}
	})
	if err != nil {
		return nil, err
	}
	// Nothing is delivered before this: no span was made yet.
	options := []live.Option{live.WithNotice(a.telemetry.notice)}
	if cfg.replay == "" {
		options = append(options, live.WithAsk("/ask"))
	}
	a.page = live.New(a.telemetry.processor, options...)
	if a.telemetry.embedded != nil {
		a.telemetry.embedded.OnStored(a.showStored)
	}

	if cfg.replay != "" {
		return a, nil // nobody asks, so nobody has to answer
	}
	started := time.Now()
	goroot, err := docs.FindGOROOT(ctx, cfg.goroot)
	if err != nil {
		return nil, err
	}
	if a.index, err = docs.Build(ctx, goroot, a.telemetry.provider); err != nil {
		return nil, err
	}
	say(out, "Indexed %d passages of Go's documentation in %s.\n", a.index.Len(), time.Since(started).Round(10*time.Millisecond))

	client, err := a.newModel(cfg)
	if err != nil {
		return nil, err
	}
	a.lead = agent.NewTeam(client, a.index, a.telemetry.provider)
	return a, nil
}

// showStored shows what the embedded SGP server has stored, from whichever process
// it came.
func (a *app) showStored(spans []sgptest.Span) {
	for _, span := range spans {
		a.page.Ingest(span.Raw)
	}
}

// newModel returns a client of the model that the environment names, or of an
// embedded one.
func (a *app) newModel(cfg config) (*model.Client, error) {
	settings := model.Config{
		BaseURL:   os.Getenv("OPENAI_BASE_URL"),
		APIKey:    os.Getenv("OPENAI_API_KEY"),
		Model:     os.Getenv("OPENAI_MODEL"),
		Transport: a.models,
	}
	if settings.APIKey == "" && settings.BaseURL == "" {
		local, err := localmodel.Start(cfg.pace)
		if err != nil {
			return nil, err
		}
		a.local = local
		settings.BaseURL, settings.Model = local.BaseURL, localmodel.Name
		a.model = localmodel.Name + ", embedded, as OPENAI_API_KEY is not set"
	}
	if settings.BaseURL == "" {
		settings.BaseURL = openAIBaseURL
	}
	if settings.Model == "" {
		settings.Model = openAIModel
	}
	if a.local == nil {
		a.model = settings.Model + " at " + settings.BaseURL
	}
	return model.NewClient(settings, a.telemetry.provider)
}

// close ends the app, its spans first: they need the SGP server. The error tells
// of spans that were not delivered. An app that was not finished can be closed.
func (a *app) close(ctx context.Context) error {
	var errs []error
	if a.telemetry != nil {
		errs = append(errs, a.telemetry.shutdown(ctx))
	}
	if a.local != nil {
		errs = append(errs, a.local.Close())
	}
	a.models.CloseIdleConnections()
	if a.index != nil {
		errs = append(errs, a.index.Close())
	}
	return errors.Join(errs...)
}
