package mapping

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// HookPanicError is what Append returns when a hook has panicked.
type HookPanicError struct {
	// Value is what the hook panicked with. It can hold what the span held.
	Value any
	// Stack is the stack of the panic.
	Stack []byte
}

// Error names the cause. Of a panic value that is no runtime error it names the
// type alone: the value may hold what the span held.
func (e *HookPanicError) Error() string {
	return "sgpexporter: a span hook panicked" + cause(e.Value)
}

// Unwrap returns the panic's value when it is a runtime error.
func (e *HookPanicError) Unwrap() error { return runtimeError(e.Value) }

// PanicError is what FromSpan returns when reading a span has panicked, as a
// ReadOnlySpan that is not the SDK's own can, and Append when mapping one has.
type PanicError struct {
	// Item is what was known of the span by then.
	Item Item
	// Value is the panic's. It can hold what the span held.
	Value any
	// Stack is the stack of the panic.
	Stack []byte
}

// Error names the span and the cause, like [HookPanicError.Error].
func (e *PanicError) Error() string {
	return fmt.Sprintf("sgpexporter: mapping the %s of a span (id %s, trace %s) panicked%s",
		e.Item.Phase, orUnknown(e.Item.ID), orUnknown(e.Item.TraceID), cause(e.Value))
}

// Unwrap returns the panic's value when it is a runtime error.
func (e *PanicError) Unwrap() error { return runtimeError(e.Value) }

// panicked is called where reading or mapping in was recovered from v.
func (m *Mapper) panicked(in *Input, v any) error {
	return &PanicError{Item: m.itemOf(in), Value: v, Stack: debug.Stack()}
}

func cause(v any) string {
	if err := runtimeError(v); err != nil {
		return ": " + err.Error()
	}
	return fmt.Sprintf(" with a %T", v)
}

func runtimeError(v any) error {
	err, _ := v.(runtime.Error)
	return err
}

func orUnknown(id string) string {
	if id == "" {
		return "unknown"
	}
	return id
}
