// Package sgp is the pipeline that the tests of frameworks share: a TracerProvider whose
// spans go through the processor and the exporter to an SGP server in the process.
package sgp

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Pipeline is a TracerProvider and the server where its spans arrive.
type Pipeline struct {
	*sdktrace.TracerProvider
	Processor *asyncprocessor.Processor
	Server    *sgptest.Server
	Exporter  *sgpexporter.Exporter
}

// New makes a Pipeline. It is shut down when the test ends; then the server must have
// nothing against what it was sent, its order first of all.
func New(t *testing.T, opts ...sdktrace.TracerProviderOption) *Pipeline {
	t.Helper()
	server := sgptest.NewServer()
	t.Cleanup(server.Close)
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("key"))
	require.NoError(t, err)
	processor := asyncprocessor.New(exp)
	p := &Pipeline{sdktrace.NewTracerProvider(append(opts, sdktrace.WithSpanProcessor(processor))...), processor, server, exp}
	t.Cleanup(func() {
		assert.NoError(t, p.Shutdown(context.Background()))
		assert.NoError(t, processor.Shutdown(context.Background()))
		assert.NoError(t, server.Check())
	})
	return p
}

// Flush waits until everything that ended is stored.
func (p *Pipeline) Flush(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Processor.ForceFlush(t.Context()))
}

// Tree draws the stored spans, one a line, children in the order in which they started: their
// depth, type and name, and " …" if they have not ended.
func (p *Pipeline) Tree() []string {
	children := map[string][]sgptest.Span{}
	known := map[string]bool{}
	spans := p.Server.Spans()
	for _, s := range spans {
		known[s.ID] = true
	}
	for _, s := range spans {
		parent := s.ParentID
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var lines []string
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		for _, s := range children[parent] {
			line := strings.Repeat("  ", depth) + s.Type + " " + s.Name
			if !s.Completed() {
				line += " …"
			}
			lines = append(lines, line)
			draw(s.ID, depth+1)
		}
	}
	draw("", 0)
	return lines
}

// Billed is what all traces together are billed.
func (p *Pipeline) Billed() sgptest.Usage {
	var all sgptest.Usage
	seen := map[string]bool{}
	for _, s := range p.Server.Spans() {
		if seen[s.TraceID] {
			continue
		}
		seen[s.TraceID] = true
		u := p.Server.BilledUsage(s.TraceID)
		all.InputTokens += u.InputTokens
		all.OutputTokens += u.OutputTokens
		all.CachedInputTokens += u.CachedInputTokens
	}
	return all
}
