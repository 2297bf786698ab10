package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	// ErrUnauthorized is what SGP's 401 or 403 matches. A proxy's, with an HTML page,
	// matches ErrNotSGP instead.
	ErrUnauthorized = errors.New("SGP refuses the API key")
	// ErrNotSGP is what an answer matches whose body is not SGP's: a 200 or a 403 with
	// an HTML page, say.
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
	// URL is what was asked.
	URL string
	// ContentType is that of the answer if it is a page, for people and not for
	// clients; else "".
	ContentType string

	culprits *culprits // what the answer names; nil if nothing
}

// Error says which status it was, the server's reason, and, where SGP would not answer
// like this, who did and what to check.
func (e *StatusError) Error() string {
	text := strconv.Itoa(e.Code)
	if name := http.StatusText(e.Code); name != "" {
		text += " " + name
	}
	if !e.Foreign() {
		text = "SGP answered " + text
		if e.Reason != "" {
			text += ": " + e.Reason
		}
		return text
	}
	text = e.URL + " answered PUT with " + text
	if e.ContentType != "" {
		text += " and a page (" + e.ContentType + ")"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	text += "; SGP would not: check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL)"
	if base, _ := strings.CutSuffix(e.URL, "/v5/spans/batch"); strings.Contains(base, "/v5") {
		text += ", which must not contain /v5,"
	}
	return text + " and what stands between it and this process"
}

// Foreign says that SGP would not answer like this where spans are written: it is
// another server's or a proxy's answer, or SGP is being rolled out.
func (e *StatusError) Foreign() bool {
	switch e.Code {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusMisdirectedRequest,
		http.StatusProxyAuthRequired, http.StatusNetworkAuthenticationRequired:
		return true
	}
	return e.Code < 400 || e.ContentType != "" && !e.overload() && !e.AboutItems()
}

// overload says that a proxy may answer so in SGP's name.
func (e *StatusError) overload() bool {
	return e.Code == http.StatusTooManyRequests || e.Code >= 500
}

// Is makes ErrUnauthorized, ErrNotSGP and ErrRedirected match.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.ContentType == "" && (e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden)
	case ErrNotSGP:
		return e.ContentType != "" && e.Foreign() && (e.Code < 300 || e.Code >= 400)
	case ErrRedirected:
		return e.Code >= 300 && e.Code < 400
	}
	return false
}

// AboutItems says whether the answer is about what was sent: without the item
// at fault the request would have been accepted. Every other answer means "not now".
func (e *StatusError) AboutItems() bool {
	switch e.Code {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return e.ContentType == ""
	case http.StatusRequestEntityTooLarge:
		return true // a proxy's limit is a limit too
	}
	return false
}

// aboutItems returns the answer that err is, if it is about the items.
func aboutItems(err error) *StatusError {
	var status *StatusError
	if errors.As(err, &status) && status.AboutItems() {
		return status
	}
	return nil
}

// isInternal says that err is SGP's 500: what a span may be the cause of, other than a 503.
func isInternal(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code == http.StatusInternalServerError && !status.Foreign()
}

// unansweredError is a request that got no answer, or a key that could not be had.
type unansweredError struct {
	kind string // as ErrorType names it
	err  error
}

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// laterError is a failure after which the same items may be sent again: time ran out
// before SGP was back, or the request failed alone while others passed.
type laterError struct{ err error }

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// Retryable says that err is a failure for now: what was not delivered is worth sending
// again. It is false for a panic, when the RetryConfig allows no more attempts, and at
// the end of the process for a key that is refused or an address that never was SGP's.
func Retryable(err error) bool {
	var later *laterError
	return errors.As(err, &later)
}

// FailedAlone says that err is of a request that failed for now again and again while
// SGP took others: what else there is need not wait for it.
func FailedAlone(err error) bool { return errors.Is(err, errAlone) }

// asked returns how long the server asks to wait.
func asked(err error) time.Duration {
	var status *StatusError
	if errors.As(err, &status) {
		return status.RetryAfter
	}
	return 0
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
		if status.Code < 300 {
			return "not_sgp_endpoint"
		}
		return strconv.Itoa(status.Code)
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

// ended says why ctx is over, so that both its error and its cause match. A cause of its
// own says whose time it was.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch {
	case cause == err: //nolint:errorlint // there is no other cause
		return fmt.Errorf("the context of the call has ended: %w", err)
	case errors.Is(cause, err):
		return cause
	}
	return fmt.Errorf("%w: %w", cause, err)
}
