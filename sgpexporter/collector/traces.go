package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

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
	ctx, cancel := e.closingContext(ctx)
	defer cancel()
	p := pushes.Get().(*push)
	p.exp, p.ctx, p.batch = e, ctx, e.read(td)
	defer p.release()
	p.run()
	return p.err(td)
}

// push is one call of pushTraces.
type push struct {
	exp   *sgpExporter
	ctx   context.Context
	batch *batch

	items transport.Batch
	index []int // of each item, in the batch
	down  error // why nothing more is sent
	later []int // spans that are to be sent again, and the last reason
	cause error
	lost  []int // spans that retry_on_failure gave up, and the last reason
	fatal error
}

var pushes = sync.Pool{New: func() any { return new(push) }}

// maxPooledBytes bounds the buffer that is kept for the next call.
const maxPooledBytes = 8 << 20

func (p *push) release() {
	p.batch.release()
	items := p.items
	items.Reset()
	*p = push{items: items, index: p.index[:0], later: p.later[:0], lost: p.lost[:0]}
	if items.Cap() <= maxPooledBytes {
		pushes.Put(p)
	}
}

// run maps and sends. Spans are mapped until one does not fit into the request any more;
// then those before it are sent, and it begins the next one.
func (p *push) run() {
	inputs := p.batch.inputs
	for i := range inputs {
		inputs[i].Records = p.exp.records.Peek(inputs[i].TraceID, inputs[i].SpanID)
	}
	w := p.exp.mapper.Writer()
	defer w.Close()
	w.Observe(inputs)
	for i := range inputs {
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
	p.forget()
}

// send delivers the first n items.
func (p *push) send(n int) {
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
func (p *push) failed(i int, err error) {
	if transport.Retryable(err) || p.exp.isClosing() && !errors.Is(err, transport.ErrPanic) {
		p.later, p.cause = append(p.later, i), err
	} else {
		p.lost, p.fatal = append(p.lost, i), err
	}
}

// forget forgets the log records of spans that do not come back, and keeps what those bill
// that do.
func (p *push) forget() {
	again := make(map[int]bool, len(p.later))
	for _, i := range p.later {
		again[i] = true
	}
	for i := range p.batch.inputs {
		if in := &p.batch.inputs[i]; again[i] {
			p.exp.mapper.ComesAgain(in)
		} else {
			p.exp.records.Take(in.TraceID, in.SpanID)
		}
	}
}

// err says what is to be repeated. exporterhelper knows one verdict for a call: where
// some spans are given up and others come back, the first are counted here.
func (p *push) err(td ptrace.Traces) error {
	switch {
	case len(p.later) == 0 && len(p.lost) == 0:
		return nil
	case len(p.later) == 0:
		if len(p.lost) < td.SpanCount() {
			p.fatal = fmt.Errorf("%d of %d spans: %w", len(p.lost), td.SpanCount(), p.fatal)
		}
		return consumererror.NewPermanent(p.fatal)
	}
	if len(p.lost) > 0 {
		p.exp.givenUp(p.ctx, len(p.lost), p.fatal)
	}
	if len(p.later) == td.SpanCount() {
		return p.cause
	}
	return consumererror.NewTraces(p.cause, p.batch.choose(td, p.later))
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
func (*push) Stored([]int) {}

// Rejected implements transport.Sink.
func (p *push) Rejected(i int, refused *transport.StatusError) {
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
