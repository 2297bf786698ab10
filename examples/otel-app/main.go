// Command otel-app is a small service with real work in it, traced with
// OpenTelemetry and exported to SGP with this module's processor and exporter.
//
// It answers questions about Go from the documentation of the standard library:
// agents that a model directs search an SQLite index of it, read symbols, and
// check examples with go vet.
//
//	go run ./examples/otel-app                     serve; the page at / shows traces as they run
//	go run ./examples/otel-app -once -q "..."      answer one question, print its trace, exit
//	go run ./examples/otel-app -replay FILE        show a recording, OTLP JSON, on the page
//
// Neither needs an account: by default the model and the SGP server are
// embedded. With OPENAI_API_KEY or OPENAI_BASE_URL set (and OPENAI_MODEL) the
// model is a real one; with SGP_API_KEY set, spans go to SGP. The embedded SGP
// server takes the spans of other processes too, on the port of the page, which shows
// them.
//
// The way of a question through the program: ask.go (HTTP) → internal/agent
// (lead, researcher, reviewer) → internal/model (chat API) and internal/tools →
// internal/docs (index). The way of its spans: telemetry.go → asyncprocessor →
// sgpexporter → internal/delivery (looks on) → internal/waterfall. The live page
// shows what the embedded SGP server stores, or what internal/delivery sees.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // an error, or spans that were not delivered
	exitUsage  = 2 // flags that cannot be used
)

// run is the program. It ends when its work is done or ctx is.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	work := serve
	if cfg.once {
		work = once
	}
	if err := work(ctx, cfg, stdout); err != nil {
		say(stderr, "otel-app: %v\n", err)
		return exitFailed
	}
	return exitOK
}
