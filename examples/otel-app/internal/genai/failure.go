package genai

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// NewError returns an error, to be compared with errors.Is, whose error.type on
// a span is errorType.
func NewError(errorType, text string) error { return &typedError{errorType, text} }

type typedError struct{ errorType, text string }

func (e *typedError) Error() string     { return e.text }
func (e *typedError) ErrorType() string { return e.errorType }

// Fail marks a span as failed with err: its status, an exception event, and
// error.type, which is "canceled" or "timeout" for a context that ended, what
// the error's method ErrorType says if it has one, and else its Go type.
func Fail(span trace.Span, err error) {
	errorType := semconv.ErrorType(err)
	switch {
	case errors.Is(err, context.Canceled):
		errorType = semconv.ErrorTypeKey.String("canceled")
	case errors.Is(err, context.DeadlineExceeded):
		errorType = semconv.ErrorTypeKey.String("timeout")
	}
	span.SetAttributes(errorType)
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
}
