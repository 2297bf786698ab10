package asyncprocessor

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// heartbeats is after how many intervals a span that has not changed is written again.
const heartbeats = 6

// runningState is a running span as it is now: an update. Its links are those of the START, since
// later ones are shared with the application.
type runningState struct {
	startSpan
	size        int
	fingerprint uint64
	end         time.Time // not zero if it ended by now
}

// readRunning reads the state of a span. start is its START, as it was delivered.
func readRunning(live sdktrace.ReadOnlySpan, start *startSpan) *runningState {
	more := &startMore{events: ownEvents(live.Events()), links: start.Links(), status: live.Status()}
	s := &runningState{
		startSpan: startSpan{constants: start.constants, name: live.Name(), attrs: live.Attributes(), more: more},
		end:       live.EndTime(),
	}
	s.size = startBytes + len(s.name) + attrsSize(s.attrs) + eventsSize(more.events) + linksSize(more.links) +
		len(more.status.Description) + traceStateSize(start.spanContext.TraceState())
	s.fingerprint = fingerprint(&s.startSpan)
	return s
}

var fingerprintSeed = maphash.MakeSeed()

// fingerprint is a hash of what can change of a running span. Events are only ever added: their number
// and the last one stand for all.
func fingerprint(s *startSpan) uint64 {
	attrs := attribute.NewHasher()
	for i := range s.attrs {
		attrs.Write(s.attrs[i])
	}
	changes := struct {
		name   string
		attrs  attribute.Distinct
		status sdktrace.Status
		events int
		last   string
		lastAt time.Time
	}{name: s.name, attrs: attrs.Distinct(), status: s.Status(), events: len(s.Events())}
	if changes.events > 0 {
		last := s.Events()[changes.events-1]
		changes.last, changes.lastAt = last.Name, last.Time
	}
	return maphash.Comparable(fingerprintSeed, changes)
}

// endedState is the last state of a running span, with an end.
type endedState struct{ *runningState }

func (s endedState) EndTime() time.Time { return s.end }

// writeStates writes spans that are due again, if they have changed, or were written six intervals ago.
// Those longest unwritten come first, as many as may be read, and within the budget of a pass. Those that ended
// though no END of them came, since it was refused for want of room, are written as unfinished.
func (d *dispatcher) writeStates(due []liveSpan, reads int, now time.Duration) {
	slices.SortFunc(due, func(a, b liveSpan) int { return cmp.Compare(a.writtenAt, b.writtenAt) })
	d.pass.budget = min(d.pass.budget+float64(d.cfg.updateBudget)*passInterval.Seconds(), float64(d.cfg.updateBudget))
	for i := range due {
		s := &due[i]
		if s.closes {
			d.queue.offerState(s, PhaseUnfinished, readRunning(s.live, &s.record.start))
			continue
		}
		if d.pass.budget <= 0 || reads == 0 {
			continue
		}
		reads--
		s.record.readAt = now
		state := readRunning(s.live, &s.record.start)
		changed := state.fingerprint != s.fingerprint || now-s.writtenAt >= heartbeats*d.cfg.updateInterval
		if changed && state.end.IsZero() && d.queue.offerState(s, PhaseUpdate, state) {
			d.pass.budget -= float64(state.size)
		}
	}
}

// unfinished writes, once all else is delivered, what still runs as unfinished, and what ended by now
// as ended. It reports whether there is more to deliver now.
func (d *dispatcher) unfinished() (more bool) {
	if !d.cfg.unfinished || d.wroteUnfinished {
		return false
	}
	d.wroteUnfinished = true
	defer func() { _ = recover() }() // a span that is not the SDK's: the rest is left
	var spans []liveSpan
	for part := range numParts {
		spans = d.queue.liveSpans(spans, part, func(r *item) bool { return r.tracked && r.written })
	}
	for i := range spans {
		phase, state := PhaseEnd, readRunning(spans[i].live, &spans[i].record.start)
		if state.end.IsZero() {
			phase, state.end = PhaseUnfinished, time.Now()
		}
		more = d.queue.offerState(&spans[i], phase, state) || more
	}
	return more
}

// offerState offers the state of a running span, if it still runs, nothing of it is held, and there is
// room: half of the bounds for an update, three quarters for what ends a span, all of them at Shutdown.
func (q *queue) offerState(s *liveSpan, phase Phase, state *runningState) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	r := s.record
	known := q.traces.find(r.key)
	if r.live != s.live || q.abandoned || known == nil || known.state != settled {
		return false
	}
	e := &entry{span: state, key: r.key, bytes: bounded(state.size), phase: phase}
	with := q.bounds.held().plus(e.amount())
	if phase == PhaseUpdate {
		if q.closed || !with.within(q.bounds.half) {
			return false
		}
		r.fingerprint = state.fingerprint
	} else {
		if !q.closed && !with.within(q.bounds.startsBelow) {
			return false
		}
		e.span = endedState{state}
	}
	q.accept(e)
	return true
}

// readStarts reads what is still to be read of the STARTs in a batch that is about to leave. Those of
// tracked spans that still run and have changed are replaced by updates: a viewer sees at once
// what is known by now.
func (q *queue) readStarts(b *batch) {
	for _, s := range b.starts {
		constants := readConstants(s.live)
		q.mu.Lock()
		s.record.start.fix(constants)
		q.mu.Unlock()
		if s.first {
			q.firstWrite(b, s)
		}
	}
	clear(b.starts) // what the spans get later is not this call's to keep
}

func (q *queue) firstWrite(b *batch, s startRead) {
	before, state := fingerprint(&s.record.start), readRunning(s.live, &s.record.start)
	q.mu.Lock()
	defer q.mu.Unlock()
	s.record.fingerprint = before
	if state.fingerprint != before && state.end.IsZero() && q.cfg.startPolicy == StartCoalesced {
		q.replaceStart(b, s, state)
	}
}

// replaceStart makes an update take the place of a START that is with the exporter already.
func (q *queue) replaceStart(b *batch, s startRead, state *runningState) {
	it := b.items[s.index]
	if q.abandoned || it == nil {
		return
	}
	more := amount{0, uint64(max(0, state.size-int(it.bytes)))}
	if !q.bounds.held().plus(more).within(q.bounds.half) || b.bytes+more.bytes > uint64(q.cfg.maxBatchBytes) {
		return
	}
	q.bounds.add(more)
	q.sorted = q.sorted.plus(more)
	it.bytes += uint32(more.bytes)
	it.trace.exporting = it.trace.exporting.plus(more)
	b.bytes += more.bytes
	q.counts.coalesced++
	it.phase, it.span = PhaseUpdate, state
	it.record.fingerprint = state.fingerprint
	b.snapshots[s.index] = Snapshot{Phase: PhaseUpdate, Span: it.span}
}
