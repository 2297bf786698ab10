package sgptest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// maxItems is the SGP API's limit of one request.
const maxItems = 1000

// rules are what differs between deployments in the judgement of a body.
type rules struct {
	lenient    bool
	olderStore bool
}

// judge decodes a request's body and checks all that can be told from the body
// alone. Of several faults it reports one: the number of items before all else,
// then the first in the order of the body.
func judge(body []byte, rules rules) ([]Span, *Rejection) {
	if !json.Valid(body) {
		var ignored any
		return nil, reject(http.StatusBadRequest, "", fmt.Sprintf("not JSON: %v", json.Unmarshal(body, &ignored)))
	}
	e := envelope{parser: parser{data: body}, rules: rules}
	if e.peek() != '{' {
		return nil, reject(http.StatusUnprocessableEntity, "", "the body must be an object")
	}
	e.members(e.member)
	switch {
	case !e.seen:
		e.fault(reject(http.StatusUnprocessableEntity, "items", "is required"))
	case e.count > maxItems:
		e.rejected = reject(http.StatusUnprocessableEntity, "items",
			fmt.Sprintf("has %d items, more than %d", e.count, maxItems))
	}
	if e.rejected != nil {
		return nil, e.rejected
	}
	return e.spans, nil
}

// envelope decodes {"items": [SPAN, …]}.
type envelope struct {
	parser
	rules    rules
	seen     bool
	count    int
	spans    []Span
	rejected *Rejection
}

// fault keeps the first rejection.
func (e *envelope) fault(r *Rejection) {
	if e.rejected == nil {
		e.rejected = r
	}
}

func (e *envelope) member(name string) {
	if name != "items" {
		if !e.rules.lenient {
			e.fault(reject(http.StatusUnprocessableEntity, shorten(name), "is not a field of the request"))
		}
		e.value()
		return
	}
	if e.seen && !e.rules.lenient {
		e.fault(reject(http.StatusUnprocessableEntity, "items", "is given twice"))
	}
	e.seen, e.count, e.spans = true, 0, nil
	if e.peek() != '[' {
		e.fault(reject(http.StatusUnprocessableEntity, "items", "must be an array"))
		e.value()
		return
	}
	e.elements(func(index int) {
		e.count++
		if e.rejected != nil {
			e.value() // only to count the rest
			return
		}
		item := itemParser{parser: parser{data: e.data, pos: e.pos}, rules: e.rules, index: index}
		e.fault(item.parse())
		e.pos = item.pos
		e.spans = append(e.spans, item.span)
	})
}

// shorten makes a text from the request short enough to be repeated in an answer.
func shorten(s string) string {
	const limit = 64
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}
