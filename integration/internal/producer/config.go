// Package producer is a program that makes spans and exports them with the
// library, to be run as a process of its own and watched from outside.
//
// It is told what to do by a [Config] in its environment and by lines on its
// standard input, and reports on its standard output, an [Event] a line.
package producer

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// EnvConfig names the variable that holds the [Config] as JSON. A process in
// which it is set is a producer.
const EnvConfig = "INTEGRATION_PRODUCER"

// Config is what a producer does. Zero durations and sizes stand for the
// library's defaults.
type Config struct {
	// Targets are where spans go. Each has a provider, a processor and an
	// exporter of its own, and the whole workload.
	Targets []Target
	// Traces is how many traces are made for each target. 0 makes traces until
	// standard input ends.
	Traces int
	// Steps is how many children a trace's root has; each has one child itself.
	Steps int
	// Hold starts the roots of all traces, reports Holding, and waits for a line
	// on standard input before it goes on.
	Hold bool
	// Payload is how many bytes an attribute of every span has.
	Payload int

	QueueSize, BatchSize int
	BatchTimeout         time.Duration
	Blocking             bool
	// RetryInitial and RetryMax are the waits between attempts, first and most.
	RetryInitial, RetryMax time.Duration
	// Drain bounds the shutdown of each provider.
	Drain time.Duration

	// Instrumented makes the exporter's HTTP client record spans with the same
	// provider.
	Instrumented bool
	// OTLP is the URL of an OTLP collector that a BatchSpanProcessor beside ours
	// exports to; "" for none.
	OTLP string
	// NoTraceID names the spans whose trace id is lost on the way, so that SGP
	// refuses them.
	NoTraceID string
	// Bloated names the spans that get BloatedBytes more of payload.
	Bloated      string
	BloatedBytes int
}

// Target is where spans go.
type Target struct {
	// Service is the resource's service.name.
	Service         string
	BaseURL, APIKey string
}

// Environ returns the variable that makes a process a producer of c.
func (c Config) Environ() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the producer's configuration: %w", err)
	}
	return EnvConfig + "=" + string(text), nil
}

func configFromEnv() (Config, error) {
	var c Config
	if err := json.Unmarshal([]byte(os.Getenv(EnvConfig)), &c); err != nil {
		return c, fmt.Errorf("%s: %w", EnvConfig, err)
	}
	return c, nil
}

// Kind is what an [Event] tells of.
type Kind string

// The kinds of events.
const (
	// Holding: the roots of all traces have started. See [Config.Hold].
	Holding Kind = "holding"
	// Answered: SGP answered a request with 200. Writes has what was in it.
	Answered Kind = "answered"
	// Failed: a request had another answer, or none. Error tells which.
	Failed Kind = "failed"
	// Done: all targets are shut down, in Results. It is the last event.
	Done Kind = "done"
)

// Event is what a producer reports.
type Event struct {
	Kind    Kind
	Error   string   `json:",omitempty"`
	Writes  []Write  `json:",omitempty"`
	Results []Result `json:",omitempty"`
}

// Write is a START or, if Completed, an END.
type Write struct {
	TraceID, ID string
	Completed   bool
}

// Result is what became of a target.
type Result struct {
	// Spans are those that were made.
	Spans []Span
	Stats asyncprocessor.Stats
	// ClientSpans is how many spans the exporter's own HTTP client made.
	ClientSpans int
	// Shutdown is the provider's shutdown's error, "" if there was none.
	Shutdown string
}

// Span is a span that was made. ParentID is "" for a root.
type Span struct{ TraceID, ID, ParentID, Name string }
