package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

var (
	// ErrUnauthorized is what an answer of 401 or 403 matches.
	ErrUnauthorized = errors.New("SGP refuses the API key")
	// ErrNotSGP is what a 200 matches whose Content-Type is not JSON.
	ErrNotSGP = errors.New("not an SGP endpoint")
	// ErrRedirected is what a redirect matches that is not followed.
	ErrRedirected = errors.New("redirected to where spans are not sent")
	// ErrPanic is what a panic of the application's HTTP client or key source
	// matches.
	ErrPanic = errors.New("the HTTP client or the source of the API key panicked")
)

// StatusError is an answer that says no.
type StatusError struct {
	// Code is the HTTP status code.
	Code int
	// Reason is what the server wrote, in one line of bounded length; "" if it
	// wrote nothing that can be shown.
	Reason string
	// RetryAfter is how long the server asks to wait, 0 if it does not.
	RetryAfter time.Duration
	// URL is what was asked, if the answer says that it is not the place for
	// spans (404 or 405).
	URL string
}

// Error says which status it was, the server's reason, and what to check if the
// place was wrong.
func (e *StatusError) Error() string {
	text := "SGP answered " + strconv.Itoa(e.Code)
	if name := http.StatusText(e.Code); name != "" {
		text += " " + name
	}
	if e.URL != "" {
		text += " for PUT " + e.URL
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.URL != "" {
		text += "; check WithBaseURL or SGP_CLIENT_BASE_URL; it must not contain /v5"
	}
	return text
}

// Is makes ErrUnauthorized and ErrRedirected match.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden
	case ErrRedirected:
		return e.Code >= 300 && e.Code < 400
	}
	return false
}

// AboutItems says whether the answer is about what was sent: without the item
// at fault the request would have been accepted.
func (e *StatusError) AboutItems() bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// transient says whether the same request may be accepted later. 501 and 505
// say that the server will never know this kind of request.
func (e *StatusError) transient() bool {
	return e.Code == http.StatusTooManyRequests || e.Code >= 500 &&
		e.Code != http.StatusNotImplemented && e.Code != http.StatusHTTPVersionNotSupported
}

// unansweredError is a request that got no answer, or a key that could not be
// had: both may be different the next time.
type unansweredError struct {
	kind string // as ErrorType names it
	err  error
}

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// transient splits the errors after which the same request is sent again from
// those that end it, and returns how long the server asks to wait.
func transient(err error) (wait time.Duration, ok bool) {
	var status *StatusError
	if errors.As(err, &status) {
		return status.RetryAfter, status.transient()
	}
	var unanswered *unansweredError
	return 0, errors.As(err, &unanswered)
}

// ErrorType names err in the manner of the error.type attribute: the status code
// of the answer, or one of a few words.
func ErrorType(err error) string {
	var (
		status     *StatusError
		unanswered *unansweredError
	)
	switch {
	case errors.As(err, &status):
		return strconv.Itoa(status.Code)
	case errors.Is(err, ErrNotSGP):
		return "not_sgp_endpoint"
	case errors.Is(err, ErrPanic):
		return "panic"
	case errors.As(err, &unanswered):
		return unanswered.kind
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "_OTHER"
}

// gaveUp is err after which no more attempts are made, and why not.
func gaveUp(err error, attempts int, since time.Time, why any) error {
	var spent string
	if attempts > 1 {
		spent = fmt.Sprintf(" after %d attempts in %s", attempts, time.Since(since).Round(time.Millisecond))
	}
	if cause, ok := why.(error); ok {
		return fmt.Errorf("gave up%s, %w; the last failure: %w", spent, cause, err)
	}
	return fmt.Errorf("gave up%s, %v; the last failure: %w", spent, why, err)
}

// ended says why ctx is over, so that both its error and its cause match.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, err)
}
