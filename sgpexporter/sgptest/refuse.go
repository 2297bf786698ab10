package sgptest

import (
	"encoding/json"
	"fmt"
)

// RefuseItems returns a function for [Server.SetFault] that refuses the requests with an
// item at fault, with the status, and does not say which it is: {"detail": "refused"}.
// Nothing of them is stored.
func RefuseItems(status int, atFault func(item *Span) bool) func(*Request) Fault {
	return refuse(atFault, func([]int) Fault { return Status(status).Body("application/json", `{"detail":"refused"}`) })
}

// RefuseNamed is RefuseItems with an answer that names all items at fault, as the
// framework of SGP's service does:
//
//	{"detail": [{"loc": ["body", "items", 3], "msg": "refused", "type": "value_error"}, …]}
func RefuseNamed(status int, atFault func(item *Span) bool) func(*Request) Fault {
	type location struct {
		Loc  []any  `json:"loc"`
		Msg  string `json:"msg"`
		Type string `json:"type"`
	}
	return refuse(atFault, func(items []int) Fault {
		var detail []location
		for _, i := range items {
			detail = append(detail, location{Loc: []any{"body", "items", i}, Msg: "refused", Type: "value_error"})
		}
		text, _ := json.Marshal(detail) // numbers and words
		return Status(status).Body("application/json", fmt.Sprintf(`{"detail":%s}`, text))
	})
}

func refuse(atFault func(*Span) bool, answer func(items []int) Fault) func(*Request) Fault {
	return func(r *Request) Fault {
		var found []int
		for i := range r.Items {
			if atFault(&r.Items[i]) {
				found = append(found, i)
			}
		}
		if len(found) == 0 {
			return Fault{}
		}
		return answer(found)
	}
}
