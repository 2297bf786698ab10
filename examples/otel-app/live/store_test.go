package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUpsertCompletedWins(t *testing.T) {
	page := New(nil)
	s := wireSpan{trace: "t", id: "a", name: "work", end: 2 * time.Second}
	page.Ingest(s.started())
	assert.Equal(t, 1, traceOf(t, page, "t").Running)

	page.Ingest(s.item())
	page.Ingest(s.started()) // a late START changes nothing
	got := traceOf(t, page, "t")
	assert.Equal(t, 0, got.Running)
	assert.Equal(t, 1, got.Spans)
	assert.Equal(t, epoch.UnixMicro(), got.Start)
	assert.Equal(t, epoch.Add(2*time.Second).UnixMicro(), got.End)
}

func TestUpsertLaterEndReplaces(t *testing.T) {
	page := New(nil)
	s := wireSpan{trace: "t", id: "a", name: "work", end: time.Second, err: "no"}
	page.Ingest(s.item())
	s.err, s.name = "", "work again"
	page.Ingest(s.item())
	got := traceOf(t, page, "t")
	assert.Equal(t, "work again", got.Name)
	assert.Zero(t, got.Errors)
}

func TestSpanIDsAreOfTheirTrace(t *testing.T) {
	page := New(nil)
	page.Ingest(wireSpan{trace: "t1", id: "a", name: "one"}.item(), wireSpan{trace: "t2", id: "a", name: "two"}.item())
	assert.Equal(t, "one", traceOf(t, page, "t1").Name)
	assert.Equal(t, "two", traceOf(t, page, "t2").Name)
}

func TestTraceIsNamedByRootThenByEarliest(t *testing.T) {
	page := New(nil)
	page.Ingest(wireSpan{trace: "t", id: "c", parent: "b", name: "late child", start: 2 * time.Second}.item())
	assert.Equal(t, "late child", traceOf(t, page, "t").Name)
	page.Ingest(wireSpan{trace: "t", id: "b", parent: "a", name: "early child", start: time.Second}.item())
	assert.Equal(t, "early child", traceOf(t, page, "t").Name)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "root", start: 3 * time.Second}.item())
	assert.Equal(t, "root", traceOf(t, page, "t").Name)
}

func TestTokensCountModelCallsOnce(t *testing.T) {
	page := New(nil)
	page.Ingest(items(askTrace("t", "How?", epoch))...)
	got := traceOf(t, page, "t")
	// 412+1180+1313 and 58+96+258: the calls, without the agents' roll-ups.
	assert.Equal(t, usage{Input: 2905, Output: 412, Total: 3317, Cost: 0.0128}, round(got.Usage))
	assert.Equal(t, 1, got.Errors)
	assert.Equal(t, 15, got.Spans)
	assert.Equal(t, "How?", got.Preview)

	page.Ingest(items(askTrace("t", "How?", epoch))...) // again: replaced, not added
	assert.Equal(t, float64(3317), traceOf(t, page, "t").Usage.Total)
}

func round(u usage) usage {
	u.Cost = float64(int(u.Cost*1e6+0.5)) / 1e6
	return u
}

func TestBoundOfSpansForgetsLeastRecentlyChangedTraces(t *testing.T) {
	page := New(nil, WithMaxSpans(4))
	for _, trace := range []string{"t1", "t2", "t3"} {
		page.Ingest(wireSpan{trace: trace, id: "a", name: trace}.item())
	}
	page.Ingest(wireSpan{trace: "t1", id: "b", name: "more"}.item()) // t2 is the oldest now
	page.Ingest(wireSpan{trace: "t4", id: "a", name: "t4"}.item())
	assert.ElementsMatch(t, []string{"t1", "t3", "t4"}, traceIDs(page))
}

func TestBoundOfTraces(t *testing.T) {
	page := New(nil, WithMaxTraces(2))
	for _, trace := range []string{"t1", "t2", "t3"} {
		page.Ingest(wireSpan{trace: trace, id: "a", name: trace}.item())
	}
	assert.ElementsMatch(t, []string{"t2", "t3"}, traceIDs(page))
}

func TestTraceThatFillsTheBoundKeepsItsFirstSpans(t *testing.T) {
	page := New(nil, WithMaxSpans(3))
	page.Ingest(manySpans("big", 5)...)
	got := traceOf(t, page, "big")
	assert.Equal(t, 3, got.Spans)
	assert.Equal(t, 2, got.Refused)
	// What is there can still end.
	page.Ingest(wireSpan{trace: "big", id: "s1", parent: "root", name: "renamed", end: time.Second}.item())
	assert.Equal(t, "renamed", page.store.span("big", "s1").item.Name)
}

func TestBoundOfBytes(t *testing.T) {
	big := func(trace, id string, n int) json.RawMessage {
		return wireSpan{trace: trace, id: id, name: id, end: time.Second, input: object{"text": strings.Repeat("x", n)}}.item()
	}
	page := New(nil, WithMaxBytes(11_000))
	page.Ingest(big("t1", "a", 4000), big("t2", "a", 4000))
	assert.ElementsMatch(t, []string{"t1", "t2"}, traceIDs(page))

	page.Ingest(big("t3", "a", 4000))
	assert.ElementsMatch(t, []string{"t2", "t3"}, traceIDs(page))
	assert.LessOrEqual(t, page.store.bytes, int64(11_000))

	// A span that is too large alone is kept without its payloads, and pushes nobody out.
	page.Ingest(big("t3", "b", 50_000))
	assert.ElementsMatch(t, []string{"t2", "t3"}, traceIDs(page))
	s := page.store.span("t3", "b")
	require.NotNil(t, s)
	assert.True(t, s.bare)
	assert.Empty(t, s.item.Input)

	// A trace that fills the bound alone goes on without payloads.
	for i := range 2 {
		page.Ingest(big("t3", fmt.Sprintf("c%d", i), 3000))
	}
	assert.ElementsMatch(t, []string{"t3"}, traceIDs(page))
	assert.False(t, page.store.span("t3", "c0").bare)
	assert.True(t, page.store.span("t3", "c1").bare)
	assert.LessOrEqual(t, page.store.bytes, int64(11_000))
}

func TestAccountsBalanceAfterEverythingIsForgotten(t *testing.T) {
	page := New(nil, WithMaxTraces(1))
	for i := range 50 {
		page.Ingest(items(askTrace(fmt.Sprintf("t%d", i), "q", epoch))...)
	}
	assert.Equal(t, 15, page.store.spans)
	assert.Equal(t, page.store.traces["t49"].bytes, page.store.bytes)
	var sum int64
	for _, s := range page.store.all() {
		sum += s.size()
	}
	assert.Equal(t, sum, page.store.bytes)
}

func TestSinceTellsWhatChanged(t *testing.T) {
	page := New(nil, WithMaxTraces(2))
	page.Ingest(wireSpan{trace: "t1", id: "a", name: "a"}.item(), wireSpan{trace: "t2", id: "a", name: "a"}.item())
	first := page.store.since(0, "t1")
	assert.True(t, first.reset)
	require.Len(t, first.traces, 2)
	require.Len(t, first.spans, 1)

	none := page.store.since(first.seq, "t1")
	assert.Equal(t, delta{seq: first.seq}, none)

	page.Ingest(wireSpan{trace: "t1", id: "b", name: "b"}.item(), wireSpan{trace: "t3", id: "a", name: "a"}.item())
	next := page.store.since(first.seq, "t1")
	assert.False(t, next.reset)
	assert.Equal(t, []string{"t2"}, next.removed)
	require.Len(t, next.traces, 2)
	require.Len(t, next.spans, 1)
	assert.Equal(t, "b", next.spans[0].item.ID)
}

func TestSinceStartsOverForAReaderThatWasAwayTooLong(t *testing.T) {
	page := New(nil, WithMaxTraces(1))
	page.Ingest(wireSpan{trace: "first", id: "a", name: "a"}.item())
	early := page.store.since(0, "").seq
	for i := range maxRemovals + 2 {
		page.Ingest(wireSpan{trace: fmt.Sprintf("t%d", i), id: "a", name: "a"}.item())
	}
	assert.Len(t, page.store.gone, 1024)
	d := page.store.since(early, "")
	assert.True(t, d.reset)
	assert.Len(t, d.traces, 1)
	assert.Empty(t, d.removed)
}

func TestIngestConcurrentSafe(t *testing.T) {
	page := New(nil, WithMaxSpans(500))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				page.Ingest(items(askTrace(fmt.Sprintf("t%d-%d", g, i), "q", epoch))...)
				page.store.since(uint64(i), "t0-0")
			}
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, page.store.spans, 500)
	assert.Len(t, page.store.all(), page.store.spans)
}

func traceOf(t *testing.T, p *Page, id string) summary {
	t.Helper()
	for _, s := range p.store.since(0, "").traces {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no trace %s", id)
	return summary{}
}

func traceIDs(p *Page) []string {
	var ids []string
	for _, s := range p.store.since(0, "").traces {
		ids = append(ids, s.ID)
	}
	return ids
}
