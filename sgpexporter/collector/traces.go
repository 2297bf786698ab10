package collector

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// pushTraces delivers the spans of one batch of the queue, and returns when each is
// stored, refused or handed back.
//
// A span that SGP refuses for good is set apart, counted and logged: it fails nothing
// else, and is no error. What failed for now comes back as consumererror.Traces, with
// these spans alone, so that the queue repeats them. What retry_on_failure gives up, and
// what makes the client panic, is a permanent error.
func (e *sgpExporter) pushTraces(ctx context.Context, td ptrace.Traces) error {
	return e.push(ctx, td, nil)
}

// pushInOrder is pushTraces for the queue that has one consumer: what fails while SGP takes
// other spans goes to another queue, aside, so that the others do not wait for it.
func (e *sgpExporter) pushInOrder(ctx context.Context, td ptrace.Traces) error {
	return e.push(ctx, td, e.aside)
}

func (e *sgpExporter) push(ctx context.Context, td ptrace.Traces, aside consumer.Traces) error {
	ctx, cancel := e.closingContext(ctx)
	defer cancel()
	b := e.read(td)
	defer b.release()
	for i := range b.inputs {
		b.inputs[i].Records = e.records.Peek(b.inputs[i].TraceID, b.inputs[i].SpanID)
	}
	w := e.mapper.Writer()
	w.Observe(b.inputs)
	w.Close()
	out := e.send(ctx, b)
	if aside != nil && len(out.alone) > 0 && !e.isClosing() && aside.ConsumeTraces(ctx, b.choose(td, out.alone)) == nil {
		e.set.Logger.Warn("Spans fail while SGP takes others; they are tried again beside these",
			zap.Int("spans", len(out.alone)), zap.Error(out.cause))
	} else {
		out.later = append(out.later, out.alone...)
	}
	slices.Sort(out.later)
	e.forgetRecords(b, out)
	return e.verdict(ctx, td, b, out)
}

// send delivers the spans of b, in as many requests at once as there is work for. The
// spans of a trace are in one lane, which sends one request after the other.
func (e *sgpExporter) send(ctx context.Context, b *batch) (out outcome) {
	n := min(e.cfg.MaxConcurrentRequests, (len(b.inputs)+e.cfg.MaxRequestItems-1)/e.cfg.MaxRequestItems)
	lanes := make([]*lane, n)
	var running sync.WaitGroup
	for i, spans := range b.split(n) {
		l := lanePool.Get().(*lane)
		l.exp, l.ctx, l.batch = e, ctx, b
		lanes[i] = l
		running.Go(func() { l.run(spans) })
	}
	running.Wait()
	for _, l := range lanes {
		out.add(l.outcome)
		l.release()
	}
	return out
}

// split returns the indexes of spans for each of n lanes, in order, and those of a trace
// in one.
func (b *batch) split(n int) [][]int {
	lanes := make([][]int, n)
	for i := range b.inputs {
		id := &b.inputs[i].TraceID
		// Trace ids that are not random may still differ in their first bytes alone.
		at := (binary.BigEndian.Uint64(id[:8])*31 + binary.BigEndian.Uint64(id[8:])) % uint64(n)
		lanes[at] = append(lanes[at], i)
	}
	return lanes
}

// outcome is what became of spans that were not delivered.
type outcome struct {
	later []int // to be sent again, and the last reason
	alone []int // the same, while SGP took others
	cause error
	lost  []int // given up, as retry_on_failure says, and the last reason
	fatal error
}

func (o *outcome) add(other outcome) {
	o.later = append(o.later, other.later...)
	o.alone = append(o.alone, other.alone...)
	o.lost = append(o.lost, other.lost...)
	o.cause, o.fatal = cmp.Or(other.cause, o.cause), cmp.Or(other.fatal, o.fatal)
}

// lane maps spans and sends them, one request after the other.
type lane struct {
	exp   *sgpExporter
	ctx   context.Context
	batch *batch

	items transport.Batch
	index []int // of each item, in the batch
	down  error // why nothing more is sent
	outcome
}

var lanePool = sync.Pool{New: func() any { return new(lane) }}

// maxPooledBytes bounds the buffer that is kept for the next call.
const maxPooledBytes = 8 << 20

func (p *lane) release() {
	items := p.items
	items.Reset()
	*p = lane{items: items, index: p.index[:0]}
	if items.Cap() <= maxPooledBytes {
		lanePool.Put(p)
	}
}

// run maps and sends. Spans are mapped until one does not fit into the request any more;
// then those before it are sent, and it begins the next one.
func (p *lane) run(spans []int) {
	inputs := p.batch.inputs
	w := p.exp.mapper.Writer()
	defer w.Close()
	for _, i := range spans {
		if p.down != nil {
			p.failed(i, p.down)
			continue
		}
		buf, item, err := w.Append(p.items.Buffer(), &inputs[i])
		if err != nil {
			p.exp.unmapped(p.ctx, &inputs[i], err)
			continue
		}
		p.items.Commit(buf, transport.Item{
			TraceID: item.TraceID, ID: item.ID, Name: item.Name, RemoteParent: item.HasRemoteParent,
			ParentFrom: item.ParentFrom, ParentTo: item.ParentTo,
		})
		p.index = append(p.index, i)
		if n := p.items.Len(); n > 1 && (n > p.exp.cfg.MaxRequestItems || p.items.BodySize() > p.exp.client.MaxBodyBytes()) {
			p.send(n - 1)
		}
	}
	p.send(p.items.Len())
}

// send delivers the first n items.
func (p *lane) send(n int) {
	for _, failed := range p.exp.client.Send(p.ctx, &p.items, n, p).Failed {
		if !transport.FailedAlone(failed.Err) {
			p.down = failed.Err // the rest would fail in the same way, and later
		}
		for _, i := range failed.Items {
			p.failed(p.index[i], failed.Err)
		}
	}
	p.items.Drop(n)
	p.index = p.index[:copy(p.index, p.index[n:])]
	if p.down != nil {
		for _, i := range p.index { // the one that did not fit is mapped already
			p.failed(i, p.down)
		}
		p.items.Reset()
		p.index = p.index[:0]
	}
}

// failed notes that span i was not delivered: err is no verdict on it.
func (p *lane) failed(i int, err error) {
	switch {
	case transport.FailedAlone(err):
		p.alone, p.cause = append(p.alone, i), err
	case transport.Retryable(err) || p.exp.isClosing() && !errors.Is(err, transport.ErrPanic):
		p.later, p.cause = append(p.later, i), err
	default:
		p.lost, p.fatal = append(p.lost, i), err
	}
}

// forgetRecords forgets the log records of spans that do not come back, and keeps what those bill
// that do.
func (e *sgpExporter) forgetRecords(b *batch, out outcome) {
	again := make(map[int]bool, len(out.later)+len(out.alone))
	for _, i := range slices.Concat(out.later, out.alone) {
		again[i] = true
	}
	for i := range b.inputs {
		if in := &b.inputs[i]; again[i] {
			e.mapper.ComesAgain(in)
		} else {
			e.records.Take(in.TraceID, in.SpanID)
		}
	}
}

// verdict says what is to be repeated. exporterhelper knows one verdict for a call: where
// some spans are given up and others come back, the first are counted here.
func (e *sgpExporter) verdict(ctx context.Context, td ptrace.Traces, b *batch, out outcome) error {
	switch {
	case len(out.later) == 0 && len(out.lost) == 0:
		return nil
	case len(out.later) == 0:
		if len(out.lost) < td.SpanCount() {
			out.fatal = fmt.Errorf("%d of %d spans: %w", len(out.lost), td.SpanCount(), out.fatal)
		}
		return consumererror.NewPermanent(out.fatal)
	}
	if len(out.lost) > 0 {
		e.givenUp(ctx, len(out.lost), out.fatal)
	}
	if len(out.later) == td.SpanCount() {
		return out.cause
	}
	return consumererror.NewTraces(out.cause, b.choose(td, out.later))
}

// choose returns a copy of some spans of td, in the order of pick.
func (b *batch) choose(td ptrace.Traces, pick []int) ptrace.Traces {
	chosen := ptrace.NewTraces()
	var (
		rs   ptrace.ResourceSpans
		ss   ptrace.ScopeSpans
		last = place{-1, -1}
	)
	for _, i := range pick {
		at := b.places[i]
		from := td.ResourceSpans().At(at.resource)
		if at.resource != last.resource {
			rs = chosen.ResourceSpans().AppendEmpty()
			from.Resource().CopyTo(rs.Resource())
			rs.SetSchemaUrl(from.SchemaUrl())
		}
		if at != last {
			ss = rs.ScopeSpans().AppendEmpty()
			from.ScopeSpans().At(at.scope).Scope().CopyTo(ss.Scope())
			ss.SetSchemaUrl(from.ScopeSpans().At(at.scope).SchemaUrl())
		}
		b.spans[i].CopyTo(ss.Spans().AppendEmpty())
		last = at
	}
	return chosen
}

// Stored implements transport.Sink.
func (*lane) Stored([]int) {}

// Rejected implements transport.Sink.
func (p *lane) Rejected(i int, refused *transport.StatusError) {
	item := p.items.Item(i)
	p.exp.telemetry.rejected(p.ctx, refused.Code)
	p.exp.set.Logger.Error("SGP refuses a span; it is lost, and nothing else with it",
		zap.String("trace_id", item.TraceID), zap.String("span_id", item.ID), zap.String("name", shorten(item.Name)),
		zap.Int("http.response.status_code", refused.Code), zap.String("reason", refused.Reason))
}

// unmapped notes a span that did not become an item.
func (e *sgpExporter) unmapped(ctx context.Context, in *mapping.Input, err error) {
	e.telemetry.lost(ctx, 1, "unencodable")
	e.set.Logger.Error("A span cannot be encoded; it is lost", zap.Stringer("trace_id", in.TraceID),
		zap.Stringer("span_id", in.SpanID), zap.String("name", shorten(in.Name)), zap.Error(err))
}

func (e *sgpExporter) givenUp(ctx context.Context, spans int, err error) {
	reason := "gave_up"
	if errors.Is(err, transport.ErrPanic) {
		reason = "client_panic"
	}
	e.telemetry.lost(ctx, spans, reason)
	e.set.Logger.Error("Spans are given up; others of the batch are sent again", zap.Int("spans", spans), zap.Error(cmp.Or(err, errShutdown)))
}

// maxNameBytes bounds the name of a span in the Collector's log.
const maxNameBytes = 256

func shorten(name string) string { return name[:min(len(name), maxNameBytes)] }
