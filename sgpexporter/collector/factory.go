package collector

import (
	"context"
	"slices"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// Type is the type of the exporter in a Collector's configuration.
var Type = component.MustNewType("sgp")

const (
	tracesStability = component.StabilityLevelDevelopment
	logsStability   = component.StabilityLevelDevelopment
)

// scopeName names the exporter's own telemetry.
const scopeName = "github.com/otelsgp/otelsgp/sgpexporter/collector"

// NewFactory returns the factory of the exporter: for traces, and for logs, whose GenAI
// records it joins to their spans. The two pipelines of one component ID share what they
// know.
func NewFactory() exporter.Factory {
	f := &factory{}
	return exporter.NewFactory(Type, createDefaultConfig,
		exporter.WithTraces(f.createTraces, tracesStability),
		exporter.WithLogs(f.createLogs, logsStability))
}

type factory struct{ exporters exporters }

func (f *factory) createTraces(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Traces, error) {
	cfg := config.(*Config)
	e, err := f.exporters.of(set, cfg)
	if err != nil {
		return nil, err
	}
	options := []exporterhelper.Option{
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}), // the transport's is per request
		exporterhelper.WithRetry(cfg.Retry),
	}
	if cfg.Queue.HasValue() {
		aside := set
		aside.ID = asideID(set.ID)
		e.aside, err = exporterhelper.NewTraces(ctx, aside, cfg, e.pushTraces,
			append(slices.Clone(options), exporterhelper.WithQueue(cfg.asideQueue()))...)
		if err != nil {
			return nil, err
		}
	}
	next, err := exporterhelper.NewTraces(ctx, set, cfg, e.pushInOrder, append(options,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithQueue(cfg.Queue))...)
	if err != nil {
		return nil, err
	}
	return &arrival{Traces: next, exp: e}, nil
}

// asideID is the ID, in telemetry and on disk, of the queue of what fails alone.
func asideID(id component.ID) component.ID {
	if id.Name() == "" {
		return component.NewIDWithName(id.Type(), "aside")
	}
	return component.NewIDWithName(id.Type(), id.Name()+"_aside")
}

func (f *factory) createLogs(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	cfg := config.(*Config)
	e, err := f.exporters.of(set, cfg)
	if err != nil {
		return nil, err
	}
	// No queue: a record that waited would come after its span.
	return exporterhelper.NewLogs(ctx, set, cfg, e.pushLogs,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}),
	)
}
