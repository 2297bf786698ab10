package mapping

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// descriptionSource is what the OpenTelemetry specification calls a status
// description where it has to be an attribute.
const descriptionSource = "otel.status_description"

// status sets the status of a span that has ended, and what the metadata says of
// an error. An exception event alone is no error: the application may have dealt
// with it.
func (sc *scratch) status(in *Input) {
	code, failed := sc.failed(in)
	switch {
	case failed:
	case in.Phase == PhaseUnfinished && in.EndTime.IsZero() && in.Status.Code == codes.Unset:
		sc.span.Status = sgpspan.StatusCanceled
		return
	default:
		sc.span.Status = sgpspan.StatusSuccess
		return
	}
	sc.errors = sc.newObject(3)
	if sc.canceled(in) {
		sc.span.Status = sgpspan.StatusCanceled
	} else {
		sc.span.Status = sgpspan.StatusError
		sc.errors = append(sc.errors, sgpspan.Field{Key: "error", Value: sgpspan.BoolValue(true)})
	}
	switch {
	case sc.has(roleErrorType):
		sc.errorField("error_type", roleErrorType)
	case sc.has(roleExceptionType):
		sc.errorField("error_type", roleExceptionType)
	case code != roleNone:
		kv := sc.attr(sc.found[code])
		n, _ := statusCode(kv.Value)
		sc.errors = append(sc.errors, sgpspan.Field{Key: "error_type", Source: string(kv.Key), Value: sgpspan.StringValue(strconv.FormatInt(n, 10))})
	}
	switch {
	case in.Status.Description != "":
		sc.errors = append(sc.errors, sgpspan.Field{
			Key: "error_message", Source: descriptionSource, Value: sgpspan.StringValue(in.Status.Description),
		})
	case sc.has(roleExceptionText):
		sc.errorField("error_message", roleExceptionText)
	case sc.has(roleErrorMessage):
		sc.errorField("error_message", roleErrorMessage)
	}
}

func (sc *scratch) errorField(key string, r role) {
	kv := sc.attr(sc.found[r])
	sc.errors = append(sc.errors, sgpspan.Field{
		Key: key, Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value),
	})
}

// failed reports whether the span failed, and which status code alone says so.
func (sc *scratch) failed(in *Input) (code role, failed bool) {
	switch {
	case in.Status.Code == codes.Error, sc.panicked(in):
		return roleNone, true
	case in.Status.Code == codes.Ok:
		return roleNone, false
	case sc.has(roleErrorType):
		return roleNone, true
	}
	// Many instrumentations leave the status unset.
	if sc.has(roleHTTPStatus) {
		n, ok := statusCode(sc.attr(sc.found[roleHTTPStatus]).Value)
		if ok && (in.Kind == trace.SpanKindServer && n >= 500 || in.Kind == trace.SpanKindClient && n >= 400) {
			return roleHTTPStatus, true
		}
	}
	if sc.has(roleGRPCStatus) {
		n, ok := statusCode(sc.attr(sc.found[roleGRPCStatus]).Value)
		if ok && (in.Kind == trace.SpanKindServer && isServerFault(n) || in.Kind == trace.SpanKindClient && n != 0) {
			return roleGRPCStatus, true
		}
	}
	return roleNone, false
}

// panicked reports whether the SDK has recorded a panic: it does so with a stack, when
// the span has its end already.
func (sc *scratch) panicked(in *Input) bool {
	if !sc.has(roleExceptionStack) || in.EndTime.IsZero() {
		return false
	}
	for i := range in.Events { // a record can tell of anything that comes after the span
		event := &in.Events[i]
		if isException(event.Name) && !event.Time.Before(in.EndTime) && hasKey(event.Attributes, "exception.stacktrace") {
			return true
		}
	}
	return false
}

func statusCode(v attribute.Value) (int64, bool) {
	switch v.Type() {
	case attribute.INT64:
		return v.AsInt64(), true
	case attribute.STRING:
		n, err := strconv.ParseInt(v.AsString(), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// isServerFault reports whether a gRPC status is the server's fault, by the semantic
// conventions of gRPC: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
// UNAVAILABLE, DATA_LOSS.
func isServerFault(grpcStatus int64) bool {
	switch grpcStatus {
	case 2, 4, 12, 13, 14, 15:
		return true
	}
	return false
}

// canceled reports whether the error is that the caller gave up. A status description
// says what it is; only without one do others.
func (sc *scratch) canceled(in *Input) bool {
	if d := in.Status.Description; d != "" {
		return isCanceled(d)
	}
	if text, ok := sc.text(roleExceptionText); ok && isCanceled(text) {
		return true
	}
	if sc.has(roleGRPCStatus) && isCanceledCode(sc.attr(sc.found[roleGRPCStatus]).Value) {
		return true
	}
	return sc.has(roleRPCStatus) && sc.isGRPC() && isCanceledCode(sc.attr(sc.found[roleRPCStatus]).Value)
}

func isCanceled(text string) bool {
	return strings.HasSuffix(text, "context canceled") || strings.Contains(text, "code = Canceled")
}

// isGRPC reports whether rpc.response.status_code can be gRPC's.
func (sc *scratch) isGRPC() bool {
	if system, ok := sc.text(roleRPCSystem); ok {
		return system == "grpc"
	}
	return !sc.has(roleJSONRPC)
}

func isCanceledCode(v attribute.Value) bool {
	switch v.Type() {
	case attribute.INT64:
		return v.AsInt64() == 1
	case attribute.STRING:
		text := v.AsString()
		return text == "1" || strings.EqualFold(text, "CANCELLED") || strings.EqualFold(text, "CANCELED")
	}
	return false
}
