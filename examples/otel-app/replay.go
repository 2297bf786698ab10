package main

import (
	"context"
	"io"
	"os"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/internal/recording"
)

// replay makes the spans of a recording again, at once and with their times as recorded,
// through the processor and the exporter. path is a file of OTLP JSON or a folder; see
// [recording.ReadDir].
func (a *app) replay(ctx context.Context, path string, out io.Writer) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	var r *recording.Recording
	if info.IsDir() {
		r, err = recording.ReadDir(os.DirFS(path))
	} else {
		r, err = recording.ReadFile(path)
	}
	if err != nil {
		return err
	}
	err = r.Replay(ctx,
		recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(a.telemetry.processor)),
		recording.WithLoggerProviderOptions(sdklog.WithProcessor(a.telemetry.exporter.LogProcessor())))
	if err != nil {
		return err
	}
	say(out, "Replayed %d spans of %s.\nSpans go to %s.\n\n", r.Spans(), path, a.telemetry.target)
	return nil
}
