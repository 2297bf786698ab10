package delivery

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
)

// What [Health.Last] returns besides status codes.
const (
	NoAnswer = -1 // nobody is there, or does not answer in time
	NotSGP   = -2 // the answer is a success but no JSON, as of a proxy's login page
)

// Health is how the last request was answered. The zero value is ready, and safe
// for concurrent use.
type Health struct{ last atomic.Int64 }

// Last returns the last answer's status code, [NoAnswer] or [NotSGP]; 0 before there
// is any.
func (h *Health) Last() int { return int(h.last.Load()) }

func (h *Health) note(answer *http.Response, err error) {
	switch {
	case errors.Is(err, context.Canceled): // the program ends; SGP has no part in it
	case err != nil:
		h.last.Store(NoAnswer)
	case answer.StatusCode == http.StatusOK && !isJSON(answer):
		h.last.Store(NotSGP)
	default:
		h.last.Store(int64(answer.StatusCode))
	}
}

// isJSON says whether an answer may be SGP's. As the exporter does, it believes one
// without a Content-Type.
func isJSON(answer *http.Response) bool {
	kind := answer.Header.Get("Content-Type")
	return kind == "" || strings.Contains(kind, "json")
}
