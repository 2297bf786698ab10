package sgptest

import (
	"encoding/json"
	"fmt"
)

// Rejection is why the server refused a request, whole: nothing of it was
// stored. It is an error, and it is the body of the answer, as JSON:
//
//	{"detail": "items[3].end_timestamp: precedes start_timestamp", "item": 3, "field": "end_timestamp"}
//
// "item" and "field" are left out where the request as a whole is at fault. The
// detail never repeats a payload.
type Rejection struct {
	// Status is the HTTP status of the answer, 4xx.
	Status int
	// Item is the index in "items" of the first item at fault, or -1.
	Item int
	// Field is the name of the field or header at fault, or "".
	Field string
	// Reason says in a few words what is wrong.
	Reason string

	// kind is the violation that the rejection counts as.
	kind ViolationKind
}

// Detail is the place and the reason, as the answer gives it.
func (r *Rejection) Detail() string {
	switch {
	case r.Item >= 0 && r.Field != "":
		return fmt.Sprintf("items[%d].%s: %s", r.Item, r.Field, r.Reason)
	case r.Item >= 0:
		return fmt.Sprintf("items[%d]: %s", r.Item, r.Reason)
	case r.Field != "":
		return r.Field + ": " + r.Reason
	}
	return r.Reason
}

// Error is the status and the detail.
func (r *Rejection) Error() string {
	return fmt.Sprintf("%d: %s", r.Status, r.Detail())
}

// MarshalJSON gives the body of the answer.
func (r *Rejection) MarshalJSON() ([]byte, error) {
	body := struct {
		Detail string `json:"detail"`
		Item   *int   `json:"item,omitempty"`
		Field  string `json:"field,omitempty"`
	}{Detail: r.Detail(), Field: r.Field}
	if r.Item >= 0 {
		body.Item = &r.Item
	}
	return json.Marshal(body)
}

// reject refuses the request as a whole.
func reject(status int, field, reason string) *Rejection {
	return &Rejection{Status: status, Item: -1, Field: field, Reason: reason, kind: Rejected}
}

// rejectItem refuses the request for what one item holds.
func rejectItem(status, item int, field, reason string) *Rejection {
	return &Rejection{Status: status, Item: item, Field: field, Reason: reason, kind: Rejected}
}
