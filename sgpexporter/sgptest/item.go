package sgptest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// maxIDLength is the SGP API's limit of an id: in characters, and where the newer
// store is primary in bytes too.
const maxIDLength = 256

// itemParser decodes and checks one item.
type itemParser struct {
	parser
	rules rules
	index int

	span Span
	seen map[string]bool
}

// parse reads the item to its end, whatever it finds, and returns the first
// fault.
func (p *itemParser) parse() (rejected *Rejection) {
	start := p.pos
	if p.peek() != '{' {
		p.value()
		return p.reject("", "must be an object")
	}
	p.seen = make(map[string]bool, 16)
	p.members(func(name string) {
		if r := p.member(name); rejected == nil {
			rejected = r
		}
	})
	if rejected == nil {
		rejected = p.complete()
	}
	p.span.Raw = p.data[start:p.pos:p.pos]
	p.span.Repaired = p.repaired
	p.span.duplicate = p.duplicate
	return rejected
}

func (p *itemParser) reject(field, reason string) *Rejection {
	return rejectItem(http.StatusUnprocessableEntity, p.index, field, reason)
}

// member reads one member of the item.
func (p *itemParser) member(name string) (rejected *Rejection) {
	decode, known := fields[name]
	switch {
	case !known && !p.rules.lenient:
		p.value()
		return p.reject(shorten(name), "is not a field of a span")
	case !known:
		p.value()
	case p.peek() == 'n' && !p.rules.lenient:
		p.value()
		return p.reject(name, "is null; an absent field is left out")
	case p.peek() == 'n':
		p.value()
		return nil
	case p.seen[name] && !p.rules.lenient:
		p.value()
		return p.reject(name, "is given twice")
	default:
		rejected = decode(p, name)
	}
	if p.seen[name] {
		p.parser.duplicate = name
	}
	p.seen[name] = true
	if p.err != nil && rejected == nil {
		rejected = p.reject(name, p.err.Error())
	}
	return rejected
}

// complete checks what the fields are together, and makes an id where there is
// none.
func (p *itemParser) complete() *Rejection {
	for _, field := range []string{"trace_id", "name", "start_timestamp"} {
		if !p.seen[field] {
			return p.reject(field, "is required")
		}
	}
	if p.seen["end_timestamp"] && p.span.EndTimestamp.Before(p.span.StartTimestamp) {
		return p.reject("end_timestamp", "precedes start_timestamp")
	}
	if p.seen["obs_span_id"] && !p.seen["obs_trace_id"] && !p.rules.olderStore {
		return p.reject("obs_span_id", "needs obs_trace_id")
	}
	if !p.seen["id"] {
		p.span.ID, p.span.madeID = rand.Text(), true
	}
	return nil
}

// fields are the fields of an item, each with what reads its value.
var fields = map[string]func(p *itemParser, field string) *Rejection{
	"id":        func(p *itemParser, f string) *Rejection { return p.id(f, &p.span.ID) },
	"trace_id":  func(p *itemParser, f string) *Rejection { return p.id(f, &p.span.TraceID) },
	"parent_id": func(p *itemParser, f string) *Rejection { return p.id(f, &p.span.ParentID) },
	"group_id":  func(p *itemParser, f string) *Rejection { return p.id(f, &p.span.GroupID) },
	"name":      func(p *itemParser, f string) *Rejection { return p.string(f, &p.span.Name) },
	"application_variant_id": func(p *itemParser, f string) *Rejection {
		return p.string(f, &p.span.ApplicationVariantID)
	},
	"application_interaction_id": func(p *itemParser, f string) *Rejection {
		return p.string(f, &p.span.ApplicationInteractionID)
	},
	"start_timestamp": func(p *itemParser, f string) *Rejection { return p.timestamp(f, &p.span.StartTimestamp) },
	"end_timestamp":   func(p *itemParser, f string) *Rejection { return p.timestamp(f, &p.span.EndTimestamp) },
	"type":            func(p *itemParser, f string) *Rejection { return p.enum(f, &p.span.Type, spanTypes) },
	"status":          func(p *itemParser, f string) *Rejection { return p.enum(f, &p.span.Status, spanStatuses) },
	"input":           func(p *itemParser, f string) *Rejection { return p.payload(f, &p.span.Input) },
	"output":          func(p *itemParser, f string) *Rejection { return p.payload(f, &p.span.Output) },
	"metadata":        func(p *itemParser, f string) *Rejection { return p.payload(f, &p.span.Metadata) },
	"expected":        func(p *itemParser, f string) *Rejection { return p.payload(f, &p.span.Expected) },
	"obs_trace_id":    func(p *itemParser, f string) *Rejection { return p.hex(f, &p.span.ObsTraceID, 32) },
	"obs_span_id":     func(p *itemParser, f string) *Rejection { return p.hex(f, &p.span.ObsSpanID, 16) },
}

// string reads a string in which damage is repaired.
func (p *itemParser) string(field string, to *string) *Rejection {
	if p.peek() != '"' {
		p.value()
		return p.reject(field, "must be a string")
	}
	s, damaged := p.text()
	p.repaired = p.repaired || damaged
	*to = s
	return nil
}

// id reads a string in which damage is refused: repaired, it would be another id.
func (p *itemParser) id(field string, to *string) *Rejection {
	if p.peek() != '"' {
		p.value()
		return p.reject(field, "must be a string")
	}
	s, damaged := p.text()
	switch {
	case damaged:
		return rejectItem(http.StatusBadRequest, p.index, field, "has a NUL or invalid UTF-8")
	case s == "":
		return p.reject(field, "is empty")
	case utf8.RuneCountInString(s) > maxIDLength:
		return p.reject(field, fmt.Sprintf("has %d characters, more than %d", utf8.RuneCountInString(s), maxIDLength))
	case len(s) > maxIDLength && !p.rules.olderStore:
		return rejectItem(http.StatusBadRequest, p.index, field, fmt.Sprintf("has %d bytes, more than %d", len(s), maxIDLength))
	}
	*to = s
	return nil
}

func (p *itemParser) timestamp(field string, to *time.Time) *Rejection {
	var s string
	if r := p.string(field, &s); r != nil {
		return r
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !rfc3339.MatchString(s) {
		return p.reject(field, "is not an RFC 3339 timestamp")
	}
	*to = t
	return nil
}

// rfc3339 is the syntax of RFC 3339, section 5.6, with T and Z in upper case.
// time.Parse alone takes more: a comma for the point, hours of one digit, and
// offsets beyond a day.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func (p *itemParser) enum(field string, to *string, values map[string]bool) *Rejection {
	if r := p.string(field, to); r != nil {
		return r
	}
	if !values[*to] {
		return p.reject(field, fmt.Sprintf("has no value %q", shorten(*to)))
	}
	return nil
}

// hex reads the id of an observability span, which the older store accepts and ignores.
func (p *itemParser) hex(field string, to *string, digits int) *Rejection {
	if p.rules.olderStore {
		p.value()
		p.span.ignored = true
		return nil
	}
	if r := p.string(field, to); r != nil {
		return r
	}
	if len(*to) != digits || strings.Trim(*to, "0123456789abcdef") != "" {
		return p.reject(field, fmt.Sprintf("must be %d lowercase hexadecimal digits", digits))
	}
	return nil
}

func (p *itemParser) payload(field string, to *map[string]any) *Rejection {
	if p.peek() != '{' {
		p.value()
		return p.reject(field, "must be an object")
	}
	*to = p.object()
	return nil
}
