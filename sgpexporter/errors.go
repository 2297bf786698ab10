package sgpexporter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// What [New] returns. All that is wrong is reported at once: the error may match
// several of these.
var (
	// ErrMissingAPIKey: neither [WithAPIKey], [WithAPIKeySource] nor
	// SGP_API_KEY gives a key.
	ErrMissingAPIKey = errors.New("sgpexporter: no API key: set SGP_API_KEY, or use WithAPIKey or WithAPIKeySource")
	// ErrInvalidAPIKey: the key holds characters that cannot stand in a header.
	ErrInvalidAPIKey = errors.New("sgpexporter: the API key holds characters that cannot stand in a header")
	// ErrInvalidBaseURL: the base URL cannot be used. It must be absolute, http
	// or https, with a port from 1 to 65535 if it has one, and without credentials,
	// query and fragment.
	ErrInvalidBaseURL = errors.New("sgpexporter: invalid base URL")
	// ErrInvalidOption: an option's value is out of its range. The error names
	// the option.
	ErrInvalidOption = errors.New("sgpexporter: invalid option")
)

// ErrInvalidEnvironment is matched by what is reported to the global
// OpenTelemetry error handler when a variable of the environment cannot be used.
// The default is used instead. A bad SGP_CLIENT_BASE_URL or SGP_API_KEY is no
// such case: [New] fails.
var ErrInvalidEnvironment = errors.New("sgpexporter: invalid value in the environment")

// ErrPlainHTTP is matched by the warning, to the global OpenTelemetry error
// handler, that the base URL is plain http to a host that is not loopback.
var ErrPlainHTTP = errors.New("sgpexporter: the API key and all spans are sent in the clear")

// What [Exporter.ExportSnapshots] returns, and the warnings that it hands to
// [asyncprocessor.Warn], may match these.
var (
	// ErrShutdown: the call came after [Exporter.Shutdown].
	ErrShutdown = errors.New("sgpexporter: the exporter is shut down")
	// ErrDisabled: DISABLE_SCALE_TRACING is set, or the Exporter is nil.
	ErrDisabled = errors.New("sgpexporter: export is disabled")
	// ErrUnknownPhase: the snapshot's Phase is none that the Exporter knows.
	ErrUnknownPhase = errors.New("sgpexporter: unknown phase of a snapshot")
	// ErrUnauthorized: SGP answered 401 or 403.
	ErrUnauthorized = transport.ErrUnauthorized
	// ErrRedirected: the answer is a redirect that is not followed. 301, 302
	// and 303 never are, 307 and 308 only within the origin.
	ErrRedirected = transport.ErrRedirected
	// ErrNotSGP: the answer is not SGP's: a success whose Content-Type is not JSON,
	// as of a proxy's login page, or a 4xx with a page in HTML.
	ErrNotSGP = transport.ErrNotSGP
	// ErrClientPanic: the HTTP client of [WithHTTPClient], or the function of
	// [WithAPIKeySource], panicked.
	ErrClientPanic = transport.ErrPanic
)

// Reasons under which an [asyncprocessor.Processor] counts snapshots that the
// Exporter did not deliver, besides [asyncprocessor.ReasonRejected] and
// [asyncprocessor.ReasonExportFailed].
const (
	// ReasonUnauthorized: SGP refuses the API key.
	ReasonUnauthorized asyncprocessor.DropReason = "unauthorized"
	// ReasonFiltered: a hook of [WithSpanHook] dropped the span.
	ReasonFiltered = asyncprocessor.ReasonFiltered
	// ReasonHookPanic: a hook of [WithSpanHook] panicked.
	ReasonHookPanic asyncprocessor.DropReason = "hook_panic"
	// ReasonUnencodable: mapping or encoding the span panicked. It does not happen
	// with spans of the SDK, but can with a ReadOnlySpan of another make, or none.
	ReasonUnencodable asyncprocessor.DropReason = "unencodable"
	// ReasonUnknownPhase: the snapshot's Phase is none that the Exporter knows.
	ReasonUnknownPhase asyncprocessor.DropReason = "unknown_phase"
	// ReasonDisabled: the Exporter is nil, or DISABLE_SCALE_TRACING was set when
	// it was made. Only who calls ExportSnapshots itself sees it: asyncprocessor.New
	// makes a Processor of such an Exporter that counts nothing.
	ReasonDisabled asyncprocessor.DropReason = "disabled"
)

// RejectedError says that SGP refused a span for good. It names the span and does
// not show its payload, as far as that can be told in what the server wrote.
type RejectedError struct {
	// TraceID, SpanID and Name are the span's, as they were sent; a long name
	// is cut to 128 bytes.
	TraceID, SpanID, Name string
	// Phase tells which write of the span it was.
	Phase asyncprocessor.Phase
	// StatusCode is that of the answer: 400, 409, 413 or 422.
	StatusCode int
	// Reason is what the server wrote, in one line of at most 256 bytes; "" if
	// it gave none. An ellipsis stands for what it repeats of the request: JSON in a
	// text, and any 12 letters and digits in a row of a value that was sent.
	Reason string
}

// Error names the span and gives the server's reason.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("sgpexporter: SGP rejected the %s of span %q (id %s, trace %s): %v",
		e.Phase, e.Name, e.SpanID, e.TraceID, &transport.StatusError{Code: e.StatusCode, Reason: e.Reason})
}

// maxNameBytes bounds a span's name in an error.
const maxNameBytes = 128

// shorten bounds what a message repeats of a text.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
