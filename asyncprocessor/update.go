package asyncprocessor

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
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
	span        startSpan
	size        int
	fingerprint uint64
	end         time.Time // not zero if it ended by now
}

// readRunning reads the state of the span of a record. what is its START, as it was delivered.
func readRunning(live sdktrace.ReadOnlySpan, start *startSpan) *runningState {
	s := &runningState{span: startSpan{constants: start.constants, name: live.Name(), attrs: live.Attributes()}}
	more := &startMore{events: ownEvents(live.Events()), status: live.Status()}
	if start.more != nil {
		more.links = start.more.links
	}
	s.span.more = more
	s.end = live.EndTime()
	s.size = startBytes + len(s.span.name) + attrsSize(s.span.attrs) + eventsSize(more.events) + linksSize(more.links) +
		len(more.status.Description) + traceStateSize(start.constants.spanContext.TraceState())
	s.fingerprint = fingerprint(&s.span)
	return s
}

var fingerprintSeed = maphash.MakeSeed()

// fingerprint is a hash of what can change of a running span. Events are only ever added: their number
// and the last one stand for all.
func fingerprint(s *startSpan) uint64 {
	var h maphash.Hash
	h.SetSeed(fingerprintSeed)
	number := func(n uint64) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		_, _ = h.Write(b[:])
	}
	text := func(s string) {
		number(uint64(len(s)))
		_, _ = h.WriteString(s)
	}
	text(s.name)
	for i := range s.attrs {
		text(string(s.attrs[i].Key))
		switch v := s.attrs[i].Value; v.Type() {
		case attribute.STRING:
			text(v.AsString())
		case attribute.INT64:
			number(uint64(v.AsInt64()))
		case attribute.FLOAT64:
			number(math.Float64bits(v.AsFloat64()))
		default:
			text(v.String())
		}
	}
	status, events := s.Status(), s.Events()
	number(uint64(status.Code))
	text(status.Description)
	number(uint64(len(events)))
	if len(events) > 0 {
		last := events[len(events)-1]
		text(last.Name)
		number(uint64(last.Time.UnixNano()))
	}
	return h.Sum64()
}

// minReads is how many running spans a pass may read, however few there are.
const minReads = 256

// writeUpdates writes those of the running spans again that are due: they have changed since they
// were written an interval ago, or six intervals ago. Those longest unwritten come first, within the
// budget of a pass. Each is read once an interval, and a pass reads its share of all of them: so reading is
// spread over the interval, also of spans that started together.
func (d *dispatcher) writeUpdates(spans []liveSpan, now time.Duration) {
	interval := d.cfg.updateInterval
	if interval == 0 || !d.queue.bounds.amount().within(d.queue.half) {
		return
	}
	passes := uint32(max(1, interval/passInterval))
	due := func(s *liveSpan) bool {
		return s.tracked && s.written && now-s.writtenAt >= interval &&
			(s.record.readIn == 0 || d.pass.number-s.record.readIn >= passes)
	}
	slices.SortFunc(spans, func(a, b liveSpan) int { return cmp.Compare(a.writtenAt, b.writtenAt) })
	d.pass.budget = min(d.pass.budget+float64(d.cfg.updateBudget)*passInterval.Seconds(), float64(d.cfg.updateBudget))
	reads := max(minReads, d.queue.trackedNow()/int(passes)+1)
	for i := range spans {
		s := &spans[i]
		if !due(s) {
			continue
		}
		if d.pass.budget <= 0 || reads == 0 {
			return
		}
		reads--
		s.record.readIn = d.pass.number
		state := readRunning(s.live, s.start)
		if state.end.IsZero() && (state.fingerprint != s.fingerprint || now-s.writtenAt >= heartbeats*interval) &&
			d.queue.update(s, state) {
			d.pass.budget -= float64(state.size)
		}
	}
}

// closeEnded writes those spans as unfinished that have ended, though no END of them came: it was
// refused for want of room. A pass later none can be on its way any more.
func (d *dispatcher) closeEnded(spans []liveSpan) {
	for i := range spans {
		if s := &spans[i]; s.written && !s.live.EndTime().IsZero() {
			d.queue.closeEnded(s, readRunning(s.live, s.start))
		}
	}
}

// update offers an update of a running span, if it still runs, nothing of it is held, and there is
// room to spare.
func (q *queue) update(s *liveSpan, state *runningState) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	known := q.stillRuns(s)
	a := amount{1, uint64(state.size)}
	if known == nil || q.closed || !q.bounds.amount().plus(a).within(q.half) {
		return false
	}
	s.record.fingerprint = state.fingerprint
	q.offerMade(known, PhaseUpdate, &state.span, state.size)
	return true
}

// stillRuns returns what is known of a span that a pass has read, if it still runs and nothing of it
// waits or is with the exporter.
func (q *queue) stillRuns(s *liveSpan) *item {
	if s.record.live != s.live || q.abandoned {
		return nil
	}
	known := q.traces.of(s.record.key.trace).spans.find(s.record.key.span)
	if known == nil || known.state != settled {
		return nil
	}
	return known
}

// offerMade offers a snapshot that the processor made itself. known is the latest of its span.
func (q *queue) offerMade(known *item, phase Phase, span sdktrace.ReadOnlySpan, size int) {
	e := &entry{span: span, key: known.key, bytes: bounded(size), phase: phase}
	q.bounds.add(e.amount())
	q.put(e, q.now())
}

func (q *queue) closeEnded(s *liveSpan, state *runningState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	known := q.stillRuns(s)
	size := amount{1, uint64(state.size)}
	if known == nil || q.closed || !q.bounds.amount().plus(size).within(q.startsBelow) {
		return
	}
	if !s.record.endSeen {
		s.record.endSeen = true
		return
	}
	q.offerMade(known, PhaseUnfinished, state.ended(), state.size)
}

// ended is the state as a span that ended.
func (s *runningState) ended() sdktrace.ReadOnlySpan {
	return &endedState{startSpan: &s.span, end: s.end}
}

// endedState is the last state of a running span, with an end.
type endedState struct {
	*startSpan
	end time.Time
}

func (s *endedState) EndTime() time.Time { return s.end }

// firstWrite replaces STARTs in a batch that is about to leave with updates, if their spans are tracked,
// still run and have changed since: a viewer sees at once what is known by now. It is called by the
// export.
func (q *queue) firstWrite(b *batch) {
	for _, s := range b.starts {
		if s.record == nil {
			continue // not tracked
		}
		print := fingerprint(s.start)
		state := readRunning(s.live, s.start)
		q.mu.Lock()
		s.record.fingerprint = print
		if state.fingerprint != print && state.end.IsZero() && q.cfg.startPolicy == StartCoalesced {
			q.replaceStart(b, s, state)
		}
		q.mu.Unlock()
	}
}

// replaceStart makes an update take the place of a START that is with the exporter already.
func (q *queue) replaceStart(b *batch, s startRead, state *runningState) {
	it := b.items[s.index]
	if q.abandoned || it == nil {
		return
	}
	more := amount{0, uint64(max(0, state.size-int(it.bytes)))}
	if !q.bounds.amount().plus(more).within(q.half) || b.bytes+more.bytes > uint64(q.cfg.maxBatchBytes) {
		return
	}
	q.bounds.add(more)
	it.bytes += uint32(more.bytes)
	it.trace.exporting = it.trace.exporting.plus(more)
	b.bytes += more.bytes
	q.counts.coalesced++
	it.phase, it.span = PhaseUpdate, &state.span
	it.record.fingerprint = state.fingerprint
	b.snapshots[s.index] = Snapshot{Phase: PhaseUpdate, Span: it.span}
}

// writeUnfinished writes all spans that still run as unfinished, those that ended by now as ended,
// when everything else is delivered. It reports whether there were any.
func (d *dispatcher) writeUnfinished() bool {
	q := d.queue
	spans := q.runningSpans()
	for i := range spans {
		s := &spans[i]
		state := readRunning(s.live, s.start)
		phase := PhaseEnd
		if state.end.IsZero() {
			phase = PhaseUnfinished
		}
		q.mu.Lock()
		if known := q.stillRuns(s); known != nil {
			q.offerMade(known, phase, state.ended(), state.size)
		}
		q.mu.Unlock()
	}
	return len(spans) > 0
}

// runningSpans returns the tracked spans whose START was delivered.
func (q *queue) runningSpans() (spans []liveSpan) {
	for part := range numParts {
		spans = q.liveSpans(spans, part, func(r *item) bool { return r.tracked && r.written })
	}
	return spans
}

func (q *queue) trackedNow() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.tracked
}
