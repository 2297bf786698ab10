package asyncprocessor

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// spanMethods is all of sdktrace.ReadOnlySpan that can be asked.
var spanMethods = []string{
	"Attributes", "ChildSpanCount", "DroppedAttributes", "DroppedEvents", "DroppedLinks", "EndTime", "Events",
	"InstrumentationLibrary", "InstrumentationScope", "Links", "Name", "Parent", "Resource", "SpanContext",
	"SpanKind", "StartTime", "Status",
}

// When this fails, the SDK has a method that nobody here has thought about: state.go has to read it, and
// what tracetest.SpanStub says of it must hold for STARTs and updates.
func TestReadOnlySpanHasNoMethodThatIsNotHandled(t *testing.T) {
	var found []string
	for m := range reflect.TypeFor[sdktrace.ReadOnlySpan]().Methods() {
		found = append(found, m.Name)
	}
	assert.ElementsMatch(t, append([]string{"private"}, spanMethods...), found)
}

// Snapshots are spans of the SDK's own tracetest package: each method that the SDK's interface has, of a later SDK
// too, answers without the live span.
func TestSnapshotsAnswerEveryMethod(t *testing.T) {
	start := startState{name: "a", more: &startMore{}}
	live := tracetest.SpanStub{}.Snapshot()
	for name, span := range map[string]sdktrace.ReadOnlySpan{
		"START":  start.snapshot(live),
		"UPDATE": readRunning(live, nil).Snapshot(),
	} {
		for m := range reflect.TypeFor[sdktrace.ReadOnlySpan]().Methods() {
			if m.Name != "private" {
				assert.NotPanics(t, func() { reflect.ValueOf(span).MethodByName(m.Name).Call(nil) }, "%s: %s", name, m.Name)
			}
		}
	}
}
