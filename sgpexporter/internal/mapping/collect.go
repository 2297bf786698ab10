package mapping

import (
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// collect looks once at every attribute of the span and of its GenAI events and
// remembers those that mean something to the mapping.
func (sc *scratch) collect(s *Input) {
	sc.attrs, sc.events = distinct(s.Attributes), distinctEvents(s.Events)
	total := len(sc.attrs)
	for i := range sc.events {
		total += len(sc.events[i].Attributes)
	}
	sc.taken = resized(sc.taken, total)
	for i := range sc.attrs {
		kv := &sc.attrs[i]
		if r := roleOf(string(kv.Key)); r != roleNone {
			// Of a key that is set twice, the last counts.
			sc.found[r] = uint32(i + 1)
			sc.hasPayload = sc.hasPayload || r >= firstPayload
		} else if list := flatListOf(string(kv.Key)); list >= 0 {
			sc.flat = append(sc.flat, flatAttr{list: list, mark: i + 1, kv: kv})
		}
	}
	mark := len(sc.attrs)
	for i := range sc.events {
		sc.collectEvent(&sc.events[i], mark)
		mark += len(sc.events[i].Attributes)
	}
}

func resized(s []bool, n int) []bool {
	if cap(s) < n {
		return make([]bool, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// collectEvent remembers what an event adds to the span's own attributes. mark
// is the place of its first attribute among the marks.
func (sc *scratch) collectEvent(event *sdktrace.Event, mark int) {
	exception := isException(event.Name)
	if !exception && !strings.HasPrefix(event.Name, "gen_ai.") {
		return
	}
	if isMessage(event.Name) {
		sc.messages = append(sc.messages, messageEvent{event: event, mark: mark})
		return
	}
	for i := range event.Attributes {
		kv := &event.Attributes[i]
		r := roleOf(string(kv.Key))
		at := uint32(mark + i + 1)
		switch {
		case r == roleExceptionType || r == roleExceptionText:
			if exception {
				sc.found[r] = at // the last exception is the one that ended the span
			}
		case r == roleOperation || r >= firstUsage && r <= lastUsage ||
			r >= firstGenAIPayload && r <= lastGenAIPayload:
			sc.hasPayload = sc.hasPayload || r >= firstPayload
			if !sc.has(r) {
				sc.found[r] = at
			} else if sc.attr(r).Value == kv.Value && r != roleOperation {
				sc.takeMark(mark + i) // said on the span already
			}
		}
	}
}

// isException reports whether an event of that name describes an exception.
func isException(event string) bool {
	return event == "exception" || event == "gen_ai.client.operation.exception"
}
