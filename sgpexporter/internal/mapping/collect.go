package mapping

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// place is where an attribute stands among those of the span and of its events, plus
// one; 0 is nowhere.
type place uint32

// mark says what has become of an attribute.
type mark uint8

const (
	markTaken   mark = 1 << iota // it is something else than metadata
	markContent                  // it says what a model was asked or has answered
)

// payload is an attribute that becomes a part of the input or the output.
type payload struct {
	key *key
	at  place
}

// classify looks up the keys of the span's own attributes, once.
func (in *Input) classify() {
	if in.classified {
		return
	}
	in.classified = true
	// Of a key that is set twice the last counts. The SDK sees to that, but not all do.
	in.Attributes = distinct(in.Attributes)
	in.keys = slices.Grow(in.keys[:0], len(in.Attributes))
	for i := range in.Attributes {
		id := keyOf(string(in.Attributes[i].Key))
		in.keys = append(in.keys, id)
		if id > 0 {
			in.roles |= 1 << keyTable[id-1].role
		}
	}
}

// collect looks once at every attribute of the span and of its GenAI events and
// remembers those that mean something to the mapping.
func (sc *scratch) collect(in *Input, lifted map[attribute.Key]string) {
	in.classify()
	sc.attrs, sc.events = in.Attributes, sc.eventsOf(in)
	total := len(sc.attrs)
	for i := range sc.events {
		total += len(sc.events[i].Attributes)
	}
	sc.marks = resized(sc.marks, total)
	for i, id := range in.keys {
		kv, at := &sc.attrs[i], place(i+1)
		switch {
		case id > 0:
			k := &keyTable[id-1]
			sc.consider(k, id, kv, at)
			if id.content(&kv.Value) {
				sc.mark(at, markContent)
			}
		case id == metadataKey:
			sc.lifts = append(sc.lifts, lift{string(kv.Key[len(metadataPrefix):]), at})
		case id < 0:
			sc.flat = append(sc.flat, flatAttr{list: int(-id - 1), at: at, kv: kv})
			sc.mark(at, markContent)
		}
		if lifted != nil {
			if name, ok := lifted[kv.Key]; ok {
				sc.lifts = append(sc.lifts, lift{name, at})
			}
		}
	}
	at := place(len(sc.attrs))
	for i := range sc.events {
		sc.collectEvent(&sc.events[i], at)
		at += place(len(sc.events[i].Attributes))
	}
}

func resized(s []mark, n int) []mark {
	if cap(s) < n {
		return make([]mark, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// consider remembers the attribute at a place, whose key is k.
func (sc *scratch) consider(k *key, id keyID, kv *attribute.KeyValue, at place) {
	if k.typ != "" && (sc.markType == "" || id < sc.markTypeBy) {
		sc.markType, sc.markTypeBy = k.typ, id
	}
	if k.role >= numSingle {
		if k.role == rolePayload {
			sc.payloads = append(sc.payloads, payload{k, at})
		}
		return
	}
	n := 0.0
	if k.isCount() {
		if n = number(&kv.Value); n < 0 {
			return
		}
	} else if !sc.usable(k, kv) {
		return
	}
	better := sc.found[k.role] == 0 || id < sc.foundBy[k.role]
	if k.isCount() && sc.found[k.role] != 0 {
		// Zero says nothing beside a count.
		if known := sc.counts[k.role-firstCount]; min(known, n) == 0 && known != n {
			better = n > known
		}
	}
	if better {
		sc.found[k.role], sc.foundBy[k.role] = at, id
		if k.isCount() {
			sc.counts[k.role-firstCount], sc.counted = n, true
		}
	}
}

// usable reports whether kv can play its role; another attribute may, where it
// cannot.
func (sc *scratch) usable(k *key, kv *attribute.KeyValue) bool {
	switch k.role {
	case roleType:
		if kv.Value.Type() == attribute.STRING {
			if _, ok := sgpspan.ParseType(kv.Value.AsString()); ok {
				return true
			}
		}
		sc.note(k.name + ": not a type of SGP, ignored")
		return false
	case roleUsageRule:
		text := ""
		if kv.Value.Type() == attribute.STRING {
			text = kv.Value.AsString()
		}
		switch text {
		case usageOfTurn, usageOfCall, usageOfNone:
			return true
		}
		sc.note(k.name + ": not turn, call or none, ignored")
		return false
	case roleGroup, roleWeakGroup, roleVariant, roleInteraction:
		return kv.Value.Type() == attribute.STRING && kv.Value.AsString() != ""
	case roleErrorType, roleErrorMessage:
		return kv.Value.Type() != attribute.STRING || kv.Value.AsString() != ""
	}
	return true
}

// eventsOf returns the span's events and its log records, in the order of their times.
func (sc *scratch) eventsOf(in *Input) []sdktrace.Event {
	events := distinctEvents(in.Events)
	if len(in.Records) == 0 {
		return events
	}
	sc.joined = append(sc.joined[:0], events...)
	for i := range in.Records {
		sc.joined = append(sc.joined, recordEvent(&in.Records[i]))
	}
	slices.SortStableFunc(sc.joined, func(a, b sdktrace.Event) int { return a.Time.Compare(b.Time) })
	return sc.joined
}

// recordEvent returns a record as the event of the span that it would have been before
// records took the place of events.
func recordEvent(r *Record) sdktrace.Event {
	attrs := r.Attributes
	switch r.Body.Type() {
	case attribute.EMPTY:
	case attribute.MAP:
		attrs = append(attrs[:len(attrs):len(attrs)], r.Body.AsMap()...)
	default:
		attrs = append(attrs[:len(attrs):len(attrs)], attribute.KeyValue{Key: recordBody, Value: r.Body})
	}
	return sdktrace.Event{Name: r.EventName, Time: r.Time, Attributes: distinct(attrs)}
}

// recordBody is what the body of a record that is no map is called among its
// attributes.
const recordBody = "body"

// isOfBody reports whether an attribute of a record is its body, or a field of it: all
// attributes of the conventions have a namespace.
func isOfBody(key attribute.Key) bool { return !strings.Contains(string(key), ".") }

// collectEvent remembers what an event adds to the span's own attributes. before is
// the place of the attribute before its first.
func (sc *scratch) collectEvent(event *sdktrace.Event, before place) {
	exception := isException(event.Name)
	if !exception && !strings.HasPrefix(event.Name, "gen_ai.") {
		if sc.hooks { // which may go by it
			for i := range event.Attributes {
				if keyOf(string(event.Attributes[i].Key)).content(&event.Attributes[i].Value) {
					sc.mark(before+place(i+1), markContent)
				}
			}
		}
		return
	}
	if isMessage(event.Name) {
		sc.messages = append(sc.messages, messageEvent{event: event, before: before})
		for i := range event.Attributes {
			sc.mark(before+place(i+1), markContent)
		}
		return
	}
	if event.Name == evaluationEvent {
		sc.evaluations = append(sc.evaluations, messageEvent{event: event, before: before})
	}
	for i := range event.Attributes {
		kv, at := &event.Attributes[i], before+place(i+1)
		id := keyOf(string(kv.Key))
		if id.content(&kv.Value) || !exception && isOfBody(kv.Key) {
			sc.mark(at, markContent)
		}
		if id <= 0 {
			continue
		}
		switch k := &keyTable[id-1]; k.role {
		case roleExceptionType, roleExceptionText, roleExceptionStack:
			if exception {
				sc.found[k.role] = at // the last exception is the one that ended the span
			}
		case rolePayload:
			if own := sc.payloadOf(k); own == 0 {
				sc.payloads = append(sc.payloads, payload{k, at})
			} else if sc.attr(own).Value == kv.Value {
				sc.mark(at, markTaken) // said on the span already
			}
		case roleOperation, roleInputTokens, roleOutputTokens, roleCachedTokens, roleReasoningTokens, roleTotalTokens, roleCost:
			if own := sc.found[k.role]; own == 0 || k.isCount() && sc.counts[k.role-firstCount] == 0 {
				sc.consider(k, id, kv, at)
			} else if k.role != roleOperation && sc.attr(own).Value == kv.Value {
				sc.mark(at, markTaken)
			}
		}
	}
}

// payloadOf returns the place of the payload with key k.
func (sc *scratch) payloadOf(k *key) place {
	for _, p := range sc.payloads {
		if p.key == k {
			return p.at
		}
	}
	return 0
}

// isException reports whether an event of that name describes an exception.
func isException(event string) bool {
	return event == "exception" || event == "gen_ai.client.operation.exception"
}

// has reports whether the span has an attribute with role r.
func (sc *scratch) has(r role) bool { return sc.found[r] != 0 }

// attr returns the attribute at a place.
func (sc *scratch) attr(at place) *attribute.KeyValue {
	i := int(at) - 1
	if i < len(sc.attrs) {
		return &sc.attrs[i]
	}
	i -= len(sc.attrs)
	for k := range sc.events {
		attrs := sc.events[k].Attributes
		if i < len(attrs) {
			return &attrs[i]
		}
		i -= len(attrs)
	}
	panic("mapping: a place without its attribute")
}

// text returns the string that the attribute with role r has for its value.
func (sc *scratch) text(r role) (string, bool) {
	if !sc.has(r) {
		return "", false
	}
	kv := sc.attr(sc.found[r])
	if kv.Value.Type() != attribute.STRING {
		return "", false
	}
	return kv.Value.AsString(), true
}

// take marks the attribute at a place as one that metadata need not repeat.
func (sc *scratch) take(at place) { sc.mark(at, markTaken) }

func (sc *scratch) mark(at place, m mark) {
	sc.marks[at-1] |= m
	sc.anyMarked = true
}
