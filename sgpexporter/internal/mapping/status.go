package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// descriptionSource is what the OpenTelemetry specification calls a status
// description where it has to be an attribute.
const descriptionSource = "otel.status_description"

// status sets the status of a span that has ended, and what the metadata says of
// an error. An exception event alone is no error: the application may have dealt
// with it.
func (sc *scratch) status(in *Input) {
	s := &in.Status
	failed := s.Code == codes.Error || s.Code == codes.Unset && sc.has(roleErrorType)
	if in.Phase == PhaseUnfinished && in.EndTime.IsZero() && s.Code == codes.Unset && !failed {
		sc.span.Status = sgpspan.StatusCanceled
		return
	}
	if !failed {
		sc.span.Status = sgpspan.StatusSuccess
		return
	}
	sc.errorFields = sc.newObject(3)
	if sc.canceled(s) {
		sc.span.Status = sgpspan.StatusCanceled
	} else {
		sc.span.Status = sgpspan.StatusError
		sc.errorFields = append(sc.errorFields, sgpspan.Field{Key: "error", Value: sgpspan.BoolValue(true)})
	}
	switch {
	case sc.has(roleErrorType):
		sc.errorField("error_type", roleErrorType)
	case sc.has(roleExceptionType):
		sc.errorField("error_type", roleExceptionType)
	}
	switch {
	case s.Description != "":
		sc.errorFields = append(sc.errorFields, sgpspan.Field{
			Key: "error_message", Source: descriptionSource, Value: sgpspan.StringValue(s.Description),
		})
	case sc.has(roleExceptionText):
		sc.errorField("error_message", roleExceptionText)
	case sc.has(roleErrorMessage):
		sc.errorField("error_message", roleErrorMessage)
	}
}

func (sc *scratch) errorField(key string, r role) {
	kv := sc.attr(r)
	sc.errorFields = append(sc.errorFields, sgpspan.Field{
		Key: key, Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value),
	})
}

// canceled reports whether the error is that the caller gave up.
func (sc *scratch) canceled(s *sdktrace.Status) bool {
	if strings.HasSuffix(s.Description, "context canceled") {
		return true
	}
	if text, ok := sc.text(roleExceptionText); ok && strings.HasSuffix(text, "context canceled") {
		return true
	}
	for _, r := range [...]role{roleGRPCStatus, roleRPCStatus} {
		if !sc.has(r) {
			continue
		}
		switch v := sc.attr(r).Value; v.Type() {
		case attribute.INT64:
			return v.AsInt64() == 1
		case attribute.STRING:
			text := v.AsString()
			return text == "1" || strings.EqualFold(text, "CANCELLED") || strings.EqualFold(text, "CANCELED")
		}
	}
	return false
}
