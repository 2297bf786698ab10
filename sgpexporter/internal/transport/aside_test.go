//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusingSpans answers 422 to requests with one of the spans, as long as it has its payload if
// payload is set, and does not say which it was.
func refusingSpans(payload bool, ids ...string) func(int, string) *http.Response {
	return func(_ int, body string) *http.Response {
		for _, span := range spansOf(body) {
			if slices.Contains(ids, span.ID) && (!payload || span.Input != nil) {
				return replyWith(422, `{"detail":"no"}`, "Content-Type", "application/json")
			}
		}
		return reply(200)
	}
}

// ofTraces is 8 traces of 4 spans: t3 has a3, b3 and c3 in it, below b3, and d3.
func ofTraces() *Batch {
	return spans(func(add func(trace, id, parent string, remote bool)) {
		for n := range 8 {
			trace := fmt.Sprint("t", n)
			add(trace, fmt.Sprint("a", n), "", false)
			add(trace, fmt.Sprint("b", n), fmt.Sprint("a", n), false)
			add(trace, fmt.Sprint("c", n), fmt.Sprint("b", n), false)
			add(trace, fmt.Sprint("d", n), fmt.Sprint("a", n), false)
		}
	})
}

func idsOf(body string) (ids []string) {
	for _, span := range spansOf(body) {
		ids = append(ids, span.ID)
	}
	return ids
}

// What goes without its payload is sent when all others are through, together, and with
// what is below it: no other span waits for it.
func TestAlteredItemsAreSentTogether(t *testing.T) {
	s := &server{answer: refusingSpans(true, "b3", "d5", "b6")}
	c, rec := newTestClient(t, s)
	require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), ofTraces(), 32, rec))
	assert.Empty(t, rec.rejected)
	last := s.bodies[len(s.bodies)-1]
	assert.Equal(t, []string{"b3", "c3", "d5", "b6", "c6"}, idsOf(last))
	for _, span := range spansOf(last) {
		assert.Equal(t, span.ID[0] == 'c', span.Input != nil, span.ID)
	}
	assert.Equal(t, []int{13, 14, 23, 25, 26}, rec.parts[len(rec.parts)-1], "all others were told before")
	var before int
	for _, part := range rec.parts[:len(rec.parts)-1] {
		before += len(part)
	}
	assert.Equal(t, 27, before)
}

// What is refused without its payload too is found at once among them, and those of the
// next batch are not tried together.
func TestAlteredItemsThatAreRefused(t *testing.T) {
	s := &server{answer: refusingSpans(false, "b3", "b6")}
	c, rec := newTestClient(t, s)
	require.Empty(t, c.Send(t.Context(), ofTraces(), 32, rec).Failed)
	assert.Len(t, rec.rejected, 2)
	end := s.bodies[len(s.bodies)-4:]
	assert.Equal(t, []string{"b3", "c3", "b6", "c6"}, idsOf(end[0]))
	assert.ElementsMatch(t, [][]string{{"b3"}, {"b6"}}, [][]string{idsOf(end[1]), idsOf(end[2])})
	assert.Equal(t, []string{"c3", "c6"}, idsOf(end[3]), "what is below a span that is lost goes on")
	first := len(s.bodies)

	require.Empty(t, c.Send(t.Context(), ofTraces(), 32, rec).Failed)
	assert.Len(t, s.bodies, 2*first-1)
	s.answer = refusingSpans(true, "b3", "b6") // its payload is all that is wrong now
	for range 2 {
		require.Empty(t, c.Send(t.Context(), ofTraces(), 32, rec).Failed)
	}
	assert.Equal(t, []string{"b3", "c3", "b6", "c6"}, idsOf(s.bodies[len(s.bodies)-1]), "together again")
}
