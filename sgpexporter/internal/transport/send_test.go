//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSendIsOneRequest(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	assert.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), batchOf("a", "b", "c"), 3, rec))
	assert.Equal(t, []string{`{"items":["a","b","c"]}`}, s.bodies)
	assert.Empty(t, rec.parts, "of a whole batch the sink hears nothing")
	assert.Equal(t, Result{}, c.Send(t.Context(), batchOf(), 0, rec))
	assert.Len(t, s.bodies, 1)
}

func TestSendOnlyTheFirst(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	c.Send(t.Context(), batchOf("a", "b", "c"), 2, rec)
	assert.Equal(t, []string{`{"items":["a","b"]}`}, s.bodies)
}

func TestSendAfterContextEnded(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := c.Send(ctx, batchOf("a", "b"), 2, rec)
	assert.Equal(t, []int{0, 1}, undelivered(result))
	require.ErrorIs(t, errOf(result), context.Canceled)
	assert.True(t, Retryable(errOf(result)))
	require.EqualError(t, errOf(result), "not sent: the context of the call has ended: context canceled")
	assert.Equal(t, "canceled", ErrorType(errOf(result)))
	assert.Empty(t, s.bodies)
}

// A server that does not say which item it refuses: log2(n/2) requests, one for the
// culprit itself and one for the rest of its part, beside the one that any batch costs and
// the two parts.
func TestUnnamedCulprit(t *testing.T) {
	for _, code := range []int{400, 409, 422} {
		for n, most := range map[int]int{1: 1, 2: 3, 3: 5, 8: 7, 100: 11, 512: 13} {
			for _, at := range []int{0, n / 3, n - 1} {
				t.Run(fmt.Sprintf("%d/%d of %d", code, at, n), func(t *testing.T) {
					all := names(n)
					s := &server{answer: refuseThose(code, all[at])}
					c, rec := newTestClient(t, s)
					require.Empty(t, c.Send(t.Context(), batchOf(all...), n, rec).Failed)
					assert.LessOrEqual(t, len(s.bodies), most)
					assert.Equal(t, slices.Delete(slices.Clone(all), at, at+1), stored(s))
					require.Len(t, rec.rejected, 1)
					require.Contains(t, rec.rejected, at)
					assert.Equal(t, code, rec.rejected[at].Code)
					assert.Equal(t, "bad item", rec.rejected[at].Reason)
				})
			}
		}
	}
}

// A culprit that the server names by its place costs two requests more when nothing can
// be left out of it, since it was in the first one.
func TestNamedCulprit(t *testing.T) {
	for name, body := range map[string]string{
		"by a location": `{"detail":[{"loc":["body","items",%d,"id"],"msg":"bad item","type":"value_error"}]}`,
		"by a text":     `{"detail":"items[%d].id: bad item"}`,
	} {
		t.Run(name, func(t *testing.T) {
			all := names(512)
			s := &server{}
			s.answer = func(_ int, request string) *http.Response {
				if at := slices.Index(itemsOf(request), all[300]); at >= 0 {
					return replyWith(422, fmt.Sprintf(body, at), "Content-Type", "application/json")
				}
				return reply(200)
			}
			c, rec := newTestClient(t, s)
			require.Empty(t, c.Send(t.Context(), batchOf(all...), 512, rec).Failed)
			assert.Len(t, s.bodies, 2)
			assert.Len(t, rec.rejected, 1)
			assert.Contains(t, rec.rejected, 300)
			assert.Equal(t, slices.Delete(slices.Clone(all), 300, 301), stored(s))
		})
	}
}

// A place that is none, or that the server invents, costs nothing that is not at fault.
func TestNonsenseIsNoName(t *testing.T) {
	for _, body := range []string{
		`{"detail":"items[512] items[-1] items[9999]"}`,
		`{"detail":[{"loc":["body","items","x"],"msg":"m"},{"loc":["body","items"]},{"loc":["items",-1]},{"loc":7}]}`,
		`{"input":{"items":[{"loc":["items",0],"detail":"items[0]"}]}}`,
	} {
		all := names(4)
		s := &server{answer: func(_ int, request string) *http.Response {
			if slices.Contains(itemsOf(request), all[2]) {
				return replyWith(422, body, "Content-Type", "application/json")
			}
			return reply(200)
		}}
		c, rec := newTestClient(t, s)
		require.Empty(t, c.Send(t.Context(), batchOf(all...), 4, rec).Failed)
		assert.Equal(t, []string{all[0], all[1], all[3]}, stored(s))
		assert.Len(t, rec.rejected, 1)
	}
}

func TestSeveralCulprits(t *testing.T) {
	all := names(64)
	s := &server{answer: refuseThose(422, all[3], all[4], all[60])}
	c, rec := newTestClient(t, s)
	require.Empty(t, c.Send(t.Context(), batchOf(all...), 64, rec).Failed)
	good := slices.DeleteFunc(slices.Clone(all), func(item string) bool {
		return item == all[3] || item == all[4] || item == all[60]
	})
	assert.Equal(t, good, stored(s))
	assert.Len(t, rec.rejected, 3)
}

func TestAllBadIsBounded(t *testing.T) {
	all := names(100)
	s := &server{answer: refuseThose(422, all...)}
	c, rec := newTestClient(t, s)
	result := c.Send(t.Context(), batchOf(all...), 100, rec)
	require.Empty(t, result.Failed)
	assert.Equal(t, 422, result.LastStatus)
	assert.LessOrEqual(t, len(s.bodies), 800)
	assert.Len(t, rec.rejected, 100)
}

// A key that is refused in the middle ends the batch where it stands; an attempt that
// the retries allow no more of, too.
func TestSendStopsAtOtherFailures(t *testing.T) {
	all := names(8)
	s := &server{}
	s.answer = func(n int, _ string) *http.Response {
		switch n {
		case 1:
			return replyWith(422, "")
		case 2:
			return reply(200)
		}
		return replyWith(503, "")
	}
	c, rec := newTestClient(t, s, func(cfg *Config) { cfg.Retry.Enabled = false })
	result := c.Send(t.Context(), batchOf(all...), 8, rec)
	assert.Equal(t, []int{4, 5, 6, 7}, undelivered(result))
	assert.Equal(t, [][]int{{0, 1, 2, 3}}, rec.parts)
	assert.Equal(t, 503, result.LastStatus)
	assert.False(t, Retryable(errOf(result)))
	assert.Len(t, s.bodies, 3)
	assert.Empty(t, rec.rejected)
}

// encodedSpan makes an item that could be a span's.
func encodedSpan(trace, id, parent string, remote bool) (string, Item) {
	item := Item{TraceID: trace, ID: id, Name: "name of " + id, RemoteParent: remote}
	text := `{"trace_id":"` + trace + `","id":"` + id + `"`
	if parent != "" {
		item.ParentFrom = len(text)
		text += `,"parent_id":"` + parent + `"`
		item.ParentTo = len(text)
	}
	return text + `,"name":"n","input":{"prompt":"<p>"},"output":{"text":"o","usage":{"input_tokens":7}},` +
		`"metadata":{"__source__":"otel-go","attributes":{"a":1}}}`, item
}

func spans(add func(func(trace, id, parent string, remote bool))) *Batch {
	b := new(Batch)
	add(func(trace, id, parent string, remote bool) {
		text, item := encodedSpan(trace, id, parent, remote)
		b.Commit(append(b.Buffer(), text...), item)
	})
	return b
}

type sentSpan struct {
	ID       string         `json:"id"`
	TraceID  string         `json:"trace_id"`
	ParentID string         `json:"parent_id"`
	Input    map[string]any `json:"input"`
	Output   map[string]any `json:"output"`
	Metadata map[string]any `json:"metadata"`
}

func spansOf(body string) []sentSpan {
	var v struct{ Items []sentSpan }
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		panic("a request that is not JSON: " + body)
	}
	return v.Items
}

// foreignParents answers 409, and does not say for which item.
func foreignParents(parents ...string) func(int, string) *http.Response {
	return func(_ int, body string) *http.Response {
		for _, span := range spansOf(body) {
			if slices.Contains(parents, span.ParentID) {
				return replyWith(409, `{"detail":"a parent belongs to another trace"}`, "Content-Type", "application/json")
			}
		}
		return reply(200)
	}
}

// A parent that a caller made up costs three requests once, and none later.
func TestRefusedRemoteParentIsLeftOut(t *testing.T) {
	s := &server{answer: foreignParents("evil0001")}
	c, rec := newTestClient(t, s)
	batch := spans(func(add func(trace, id, parent string, remote bool)) {
		for i := range 100 {
			add("t1", fmt.Sprintf("a%07d", i), "a0000000", false)
		}
		add("t2", "b0000001", "evil0001", true)
		add("t2", "b0000002", "b0000001", false)
	})
	require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), batch, 102, rec))
	require.Len(t, s.bodies, 3)
	assert.Len(t, spansOf(s.bodies[1]), 100, "without the suspect, and what is behind it")
	last := spansOf(s.bodies[2])
	require.Len(t, last, 2)
	assert.Empty(t, last[0].ParentID)
	assert.Equal(t, []any{"parent_id: left out, the server refused evil0001"}, last[0].Metadata["otel_sgp_notes"])
	assert.Equal(t, map[string]any{"prompt": "<p>"}, last[0].Input, "the rest stays")
	assert.Equal(t, "b0000001", last[1].ParentID)
	assert.Empty(t, rec.rejected)

	end := spans(func(add func(trace, id, parent string, remote bool)) { add("t2", "b0000001", "evil0001", true) })
	require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), end, 1, rec))
	require.Len(t, s.bodies, 4)
	assert.Empty(t, spansOf(s.bodies[3])[0].ParentID)
	other := spans(func(add func(trace, id, parent string, remote bool)) { add("t3", "b0000001", "evil0002", true) })
	require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), other, 1, rec))
	assert.Equal(t, "evil0002", spansOf(s.bodies[4])[0].ParentID)
}

func TestRefusedParentIsLeftOutWhereTheServerNamesTheSpan(t *testing.T) {
	s := &server{}
	foreign := foreignParents("a0000009")
	s.answer = func(n int, body string) *http.Response {
		if resp := foreign(n, body); resp.StatusCode == http.StatusOK {
			return resp
		}
		return replyWith(409, `{"detail":"span a0000050: parent a0000009 is of another trace"}`, "Content-Type", "application/json")
	}
	c, rec := newTestClient(t, s)
	batch := spans(func(add func(trace, id, parent string, remote bool)) {
		for i := range 100 {
			if i == 50 {
				add("t1", "a0000050", "a0000009", false)
				continue
			}
			add("t1", fmt.Sprintf("b%07d", i), "b0000000", false)
		}
	})
	require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), batch, 100, rec))
	assert.Len(t, s.bodies, 2)
	assert.Empty(t, spansOf(s.bodies[1])[50].ParentID)
}

// What SGP refuses a span for is mostly in its payload: without it the span still ends,
// and is billed.
func TestRefusedPayloadIsLeftOut(t *testing.T) {
	for _, code := range []int{413, 422} {
		s := &server{answer: func(_ int, body string) *http.Response {
			for _, span := range spansOf(body) {
				if span.ID == "b0000001" && span.Input != nil {
					return replyWith(code, `{"detail":"no"}`, "Content-Type", "application/json")
				}
			}
			return reply(200)
		}}
		c, rec := newTestClient(t, s)
		batch := spans(func(add func(trace, id, parent string, remote bool)) {
			add("t1", "a0000001", "", false)
			add("t2", "b0000001", "", false)
			add("t3", "c0000001", "", false)
		})
		require.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), batch, 3, rec))
		assert.Empty(t, rec.rejected)
		var sent []sentSpan
		for i, body := range s.bodies {
			if s.codes[i] == 200 {
				sent = append(sent, spansOf(body)...)
			}
		}
		require.Len(t, sent, 3)
		for _, span := range sent {
			if span.ID != "b0000001" {
				assert.NotEmpty(t, span.Input)
				continue
			}
			assert.Empty(t, span.Input)
			assert.Equal(t, map[string]any{"usage": map[string]any{"input_tokens": 7.0}}, span.Output)
			assert.Equal(t, map[string]any{"__source__": "otel-go", "otel_sgp_notes": []any{
				fmt.Sprintf("input, output, attributes: left out, the server refused the span with %d %s", code, http.StatusText(code)),
			}}, span.Metadata)
		}
	}
}

// What is refused without its payload too is rejected, and named once.
func TestSpanThatIsRefusedAnyway(t *testing.T) {
	s := &server{answer: func(int, string) *http.Response {
		return replyWith(422, `{"detail":"no"}`, "Content-Type", "application/json")
	}}
	c, rec := newTestClient(t, s)
	batch := spans(func(add func(trace, id, parent string, remote bool)) { add("t1", "a0000001", "", false) })
	require.Empty(t, c.Send(t.Context(), batch, 1, rec).Failed)
	assert.Len(t, s.bodies, 2)
	require.Contains(t, rec.rejected, 0)
	assert.Equal(t, "no", rec.rejected[0].Reason)
}

func TestRewriteOfWhatIsNoSpan(t *testing.T) {
	for _, item := range []string{`"a"`, `[]`, `null`, `{}`, `{"metadata":7}`} {
		assert.Nil(t, reduced([]byte(item), 422), item)
		assert.Nil(t, detached([]byte(item)), item)
	}
	assert.JSONEq(t, `{"metadata":{"otel_sgp_notes":["a","parent_id: left out, the server refused p<"]}}`,
		string(detached([]byte(`{"parent_id":"p<","metadata":{"otel_sgp_notes":["a"]}}`))))
}

func TestRememberedSpansAreBounded(t *testing.T) {
	var r spanSet
	assert.True(t, r.empty())
	for i := range 5000 {
		r.add(spanOf{"t", fmt.Sprint(i)})
		r.add(spanOf{"t", fmt.Sprint(i)})
	}
	assert.Len(t, r.known, 4096)
	assert.False(t, r.has(spanOf{"t", "903"}))
	assert.True(t, r.has(spanOf{"t", "904"}))
	assert.True(t, r.has(spanOf{"t", "4999"}))
	assert.False(t, r.has(spanOf{"u", "4999"}))
}

func TestTooLargeTeachesTheSize(t *testing.T) {
	s := &server{}
	s.answer = func(_ int, body string) *http.Response {
		if len(body) > 100<<10 {
			return replyWith(413, "<html>nginx</html>", "Content-Type", "text/html")
		}
		return reply(200)
	}
	c, rec := newTestClient(t, s)
	b := new(Batch)
	for range 200 {
		item, _ := json.Marshal(string(make([]byte, 166))) // \u0000: 998 bytes
		b.Commit(append(b.Buffer(), item...), Item{TraceID: "t"})
	}
	require.Equal(t, 4<<20, c.MaxBodyBytes())
	require.Empty(t, c.Send(t.Context(), b, b.Len(), rec).Failed)
	assert.Len(t, s.bodies, 3)
	assert.Empty(t, rec.rejected)
	assert.Equal(t, 99_905, c.MaxBodyBytes(), "half of what was refused")

	// What one item alone was refused for says little about the rest.
	big, _ := json.Marshal(string(make([]byte, 100<<10/6+1000)))
	alone := new(Batch)
	alone.Commit(big, Item{TraceID: "t"})
	require.Empty(t, c.Send(t.Context(), alone, 1, rec).Failed)
	assert.Contains(t, rec.rejected, 0)
	assert.Equal(t, 99_905, c.MaxBodyBytes())
}

func TestLearnedSizeRecovers(t *testing.T) {
	s := &server{answer: func(n int, _ string) *http.Response {
		if n == 1 {
			return replyWith(413, "")
		}
		return reply(200)
	}}
	c, rec := newTestClient(t, s, func(cfg *Config) { cfg.MaxBytes = 30 << 10 })
	require.Empty(t, c.Send(t.Context(), batchOf("a", "b"), 2, rec).Failed)
	require.Equal(t, 16<<10, c.MaxBodyBytes())
	for range 997 {
		require.Empty(t, c.Send(t.Context(), batchOf("a"), 1, rec).Failed)
	}
	assert.Equal(t, 16<<10, c.MaxBodyBytes())
	require.Empty(t, c.Send(t.Context(), batchOf("a"), 1, rec).Failed)
	assert.Equal(t, 30<<10, c.MaxBodyBytes())
}
