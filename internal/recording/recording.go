// Package recording replays spans and log records that were recorded elsewhere
// through the OpenTelemetry SDK, as the application that made them did: each span
// starts with the attributes that it had in OnStart, gets the others afterwards, and
// ends, all of it in the order of the recorded times, with the recorded ids.
//
//	r, err := recording.ReadFile("otlp.json")
//	…
//	err = r.Replay(ctx, recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(proc)))
//
// Package frameworks holds recordings of agent frameworks.
package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// Recording is the spans, and perhaps log records, that one program made. It is
// immutable, and may be replayed any number of times and concurrently.
//
// It has all that OTLP tells of them but the counts of what was dropped, which no
// API of the SDK sets.
type Recording struct {
	spans   []*span
	records []*record
}

// span is a recorded span.
type span struct {
	context, parent trace.SpanContext // parent without a span id: a root
	resource        *resource.Resource
	scope           instrumentation.Scope
	kind            trace.SpanKind
	start, end      time.Time // end is zero if the span never ended

	// What the span was in OnStart, and at known moments afterwards, oldest first.
	nameAtStart string
	atStart     []attribute.KeyValue
	states      []state
	// What it was at its end.
	name        string
	attributes  []attribute.KeyValue
	events      []event
	links       []trace.Link
	status      codes.Code
	description string
}

// spanKey is what a span is found by.
type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(sc trace.SpanContext) spanKey { return spanKey{sc.TraceID(), sc.SpanID()} }

// state is what a running span's name and attributes were some time after its start.
type state struct {
	after      time.Duration
	name       string
	attributes []attribute.KeyValue
}

type event struct {
	time       time.Time
	name       string
	attributes []attribute.KeyValue
}

// record is a recorded log record.
type record struct {
	context        trace.SpanContext
	resource       *resource.Resource
	scope          instrumentation.Scope
	time, observed time.Time
	severity       int
	severityText   string
	eventName      string
	body           attribute.Value
	attributes     []attribute.KeyValue
}

// at is when the record was made.
func (r *record) at() time.Time {
	if r.time.IsZero() {
		return r.observed
	}
	return r.time
}

// Read reads spans in OTLP's JSON form: an ExportTraceServiceRequest, or several one
// after the other, as a Collector's file exporter writes them. As nothing is known of what
// a span was before it ended, a replay starts it with all its attributes.
func Read(otlp io.Reader) (*Recording, error) {
	spans, err := readSpans(otlp)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	for _, s := range spans {
		s.atStart = s.attributes
	}
	return &Recording{spans: spans}, nil
}

// ReadFile is [Read] for a file.
func ReadFile(name string) (*Recording, error) {
	file, err := os.Open(name) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	r, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// ReadDir reads a recording that consists of the files
//
//	otlp.json     the ended spans, as [Read] reads them
//	onstart.json  what the spans were in OnStart, 5 ms and 500 ms later, and the spans that never ended
//	logs.json     the log records, in OTLP's JSON form, an ExportLogsServiceRequest; it may be absent
func ReadDir(dir fs.FS) (*Recording, error) {
	r := new(Recording)
	err := readFile(dir, "otlp.json", func(file io.Reader) (err error) {
		r.spans, err = readSpans(file)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = readFile(dir, "onstart.json", func(file io.Reader) (err error) {
		r.spans, err = readStarts(file, r.spans)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = readFile(dir, "logs.json", func(file io.Reader) (err error) {
		r.records, err = readRecords(file)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return r, nil
}

func readFile(dir fs.FS, name string, read func(file io.Reader) error) error {
	file, err := dir.Open(name)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := read(file); err != nil {
		return fmt.Errorf("recording: %s: %w", name, err)
	}
	return nil
}

// began is the time of the first span or log record, zero if there is none.
func (r *Recording) began() (first time.Time) {
	for _, s := range r.spans {
		if first.IsZero() || s.start.Before(first) {
			first = s.start
		}
	}
	for _, record := range r.records {
		if first.IsZero() || record.at().Before(first) {
			first = record.at()
		}
	}
	return first
}

// OfTrace returns what there is of one trace.
func (r *Recording) OfTrace(id trace.TraceID) *Recording {
	one := new(Recording)
	for _, s := range r.spans {
		if s.context.TraceID() == id {
			one.spans = append(one.spans, s)
		}
	}
	for _, record := range r.records {
		if record.context.TraceID() == id {
			one.records = append(one.records, record)
		}
	}
	return one
}

// Spans is the number of spans, with those that never ended.
func (r *Recording) Spans() int { return len(r.spans) }

// Records is the number of log records.
func (r *Recording) Records() int { return len(r.records) }

// TraceIDs returns the ids of the traces, in the order in which they appear.
func (r *Recording) TraceIDs() []trace.TraceID {
	var ids []trace.TraceID
	seen := map[trace.TraceID]bool{}
	for _, s := range r.spans {
		if id := s.context.TraceID(); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
