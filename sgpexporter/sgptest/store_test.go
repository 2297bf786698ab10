package sgptest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// start and end are the two writes of a span, name tells one write from another.
func start(trace, id, name string) string {
	return `{"trace_id":"` + trace + `","id":"` + id + `","name":"` + name + `","start_timestamp":"2026-01-02T03:04:05Z"}`
}

func end(trace, id, name string) string {
	return `{"trace_id":"` + trace + `","id":"` + id + `","name":"` + name +
		`","start_timestamp":"2026-01-02T03:04:05Z","end_timestamp":"2026-01-02T03:04:06.5Z"}`
}

// names are the names of the stored spans as trace/id=name.
func names(spans []sgptest.Span) []string {
	list := []string{}
	for _, s := range spans {
		name := s.TraceID + "/" + s.ID + "=" + s.Name
		if !s.Completed() {
			name += " running"
		}
		list = append(list, name)
	}
	return list
}

func TestUpsert(t *testing.T) {
	older := sgptest.WithOlderStore()
	for _, tt := range []struct {
		name     string
		opts     []sgptest.Option
		requests [][]string
		want     []string
	}{
		{"START, END", nil, [][]string{{start("t", "a", "1")}, {end("t", "a", "2")}}, []string{"t/a=2"}},
		{"START, START: the later", nil, [][]string{{start("t", "a", "1")}, {start("t", "a", "2")}}, []string{"t/a=2 running"}},
		{"END, END: the later", nil, [][]string{{end("t", "a", "1")}, {end("t", "a", "2")}}, []string{"t/a=2"}},
		{"END, START: completed wins", nil, [][]string{{end("t", "a", "1")}, {start("t", "a", "2")}}, []string{"t/a=1"}},
		{"END, START, END", nil, [][]string{{end("t", "a", "1")}, {start("t", "a", "2")}, {end("t", "a", "3")}}, []string{"t/a=3"}},
		{"repeated in a request: the last", nil, [][]string{{end("t", "a", "1"), start("t", "b", "x"), start("t", "a", "2")}},
			[]string{"t/a=2 running", "t/b=x running"}},
		{"one id in two traces", nil, [][]string{{start("t", "a", "1"), end("u", "a", "2")}}, []string{"t/a=1 running", "u/a=2"}},
		{"first-stored order", nil, [][]string{{start("t", "b", "1")}, {start("u", "c", "2"), start("t", "a", "3")}, {end("t", "b", "4")}},
			[]string{"t/b=4", "u/c=2 running", "t/a=3 running"}},
		{"older: START, END", []sgptest.Option{older}, [][]string{{start("t", "a", "1")}, {end("t", "a", "2")}}, []string{"t/a=2"}},
		{"older: END, START: the last wins", []sgptest.Option{older}, [][]string{{end("t", "a", "1")}, {start("t", "a", "2")}},
			[]string{"t/a=2 running"}},
		{"older: one id in two traces: the last", []sgptest.Option{older}, [][]string{{end("t", "a", "1")}, {start("u", "a", "2")}},
			[]string{"u/a=2 running"}},
		{"older: one id in two traces in one request", []sgptest.Option{older}, [][]string{{end("t", "a", "1"), start("u", "a", "2")}},
			[]string{"u/a=2 running"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t, tt.opts...)
			for _, request := range tt.requests {
				mustPut(t, srv, request...)
			}
			assert.Equal(t, tt.want, names(srv.Spans()))
		})
	}
}

func TestEchoIsWhatIsStored(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, end("t", "a", "1"))
	status, body := put(t, srv, items(start("t", "b", "x"), start("t", "a", "2"), start("t", "b", "y")))
	assert.Equal(t, 200, status)
	assert.Equal(t, items(end("t", "a", "1"), start("t", "b", "y")), body)
}

func TestOlderStoreReplacesAcrossTraces(t *testing.T) {
	srv := newServer(t, sgptest.WithOlderStore())
	mustPut(t, srv, end("t", "a", "1"))
	mustPut(t, srv, end("u", "a", "2"))
	assert.Empty(t, srv.Trace("t"))
	_, ok := srv.Span("t", "a")
	assert.False(t, ok)
	got, ok := srv.Span("u", "a")
	require.True(t, ok)
	assert.Equal(t, "2", got.Name)
	require.Len(t, srv.Violations(), 1)
	assert.Equal(t, sgptest.IDInTwoTraces, srv.Violations()[0].Kind)
}

func TestSpanAndTrace(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, start("t", "a", "1"), start("u", "a", "2"), end("t", "b", "3"))
	assert.Equal(t, []string{"t/a=1 running", "t/b=3"}, names(srv.Trace("t")))
	assert.Empty(t, srv.Trace("x"))
	got, ok := srv.Span("u", "a")
	require.True(t, ok)
	assert.Equal(t, "2", got.Name)
	_, ok = srv.Span("u", "b")
	assert.False(t, ok)
}

func TestSpanIsDecoded(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, `{"trace_id":"t","id":"a","name":"n\n\u00e9","start_timestamp":"2026-01-02T03:04:05.000000001Z",`+
		`"end_timestamp":"2026-01-02T04:04:07+01:00","parent_id":"p","group_id":"g","type":"COMPLETION","status":"ERROR",`+
		`"input":{"messages":[{"role":"user","content":"hi \ud83d\ude00"}]},"output":{},"metadata":{"n":1.5,"t":true,"z":null,"big":12345678901234567890},`+
		`"application_variant_id":"v","application_interaction_id":"i",`+
		`"obs_trace_id":"0123456789abcdef0123456789abcdef","obs_span_id":"0123456789abcdef"}`)
	got := srv.Spans()[0]
	assert.Equal(t, "n\né", got.Name)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 1, time.UTC), got.StartTimestamp.UTC())
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 7, 0, time.UTC), got.EndTimestamp.UTC())
	assert.Equal(t, 1999999999*time.Nanosecond, got.Duration())
	assert.True(t, got.Completed())
	assert.Equal(t, "p", got.ParentID)
	assert.Equal(t, "g", got.GroupID)
	assert.Equal(t, "COMPLETION", got.Type)
	assert.Equal(t, "ERROR", got.Status)
	assert.Equal(t, map[string]any{"messages": []any{map[string]any{"role": "user", "content": "hi 😀"}}}, got.Input)
	assert.Equal(t, map[string]any{}, got.Output)
	assert.Equal(t, map[string]any{"n": 1.5, "t": true, "z": nil, "big": 12345678901234567890.0}, got.Metadata)
	assert.Nil(t, got.Expected)
	assert.Equal(t, "v", got.ApplicationVariantID)
	assert.Equal(t, "i", got.ApplicationInteractionID)
	assert.Equal(t, "0123456789abcdef0123456789abcdef", got.ObsTraceID)
	assert.Equal(t, "0123456789abcdef", got.ObsSpanID)
	assert.Zero(t, sgptest.Span{StartTimestamp: got.StartTimestamp}.Duration(), "in progress")
}

func TestStartTimestampIsPartOfTheIdentity(t *testing.T) {
	at := func(start string) string {
		return `{"trace_id":"t","id":"a","name":"n","start_timestamp":"` + start + `"}`
	}
	first := at("2026-01-02T03:04:05.1Z")
	const answer = `{"detail":"items[%d].start_timestamp: is not that of the span's earlier write","item":%[1]d,"field":"start_timestamp"}`

	t.Run("in another request", func(t *testing.T) {
		srv := newServer(t)
		mustPut(t, srv, first)
		mustPut(t, srv, at("2026-01-02T04:04:05.100+01:00")) // the same instant
		status, body := put(t, srv, items(at("2026-01-02T03:04:05.100000001Z")))
		assert.Equal(t, 422, status)
		assert.Equal(t, fmt.Sprintf(answer, 0), body)
		assert.Equal(t, "2026-01-02T03:04:05.1Z", srv.Spans()[0].StartTimestamp.UTC().Format(time.RFC3339Nano))
		require.Len(t, srv.Violations(), 1)
		assert.Equal(t, sgptest.StartTimestampChanged, srv.Violations()[0].Kind)
		assert.ErrorContains(t, srv.CheckOrder(), "start_timestamp_changed")
	})
	t.Run("in the same request", func(t *testing.T) {
		srv := newServer(t)
		status, body := put(t, srv, items(first, at("2026-01-02T03:04:06Z")))
		assert.Equal(t, 422, status)
		assert.Equal(t, fmt.Sprintf(answer, 1), body)
	})
	t.Run("lenient", func(t *testing.T) {
		srv := newServer(t, sgptest.WithLenient())
		mustPut(t, srv, first)
		mustPut(t, srv, at("2026-01-02T03:04:06Z"))
		assert.Equal(t, "2026-01-02T03:04:06Z", srv.Spans()[0].StartTimestamp.Format(time.RFC3339Nano))
		require.Len(t, srv.Violations(), 1)
		v := srv.Violations()[0]
		assert.Equal(t, sgptest.StartTimestampChanged, v.Kind)
		assert.Equal(t, uint64(2), v.Write.Seq)
		assert.Equal(t, uint64(1), v.Earlier.Seq)
	})
	t.Run("lenient, on another UTC day: a second row", func(t *testing.T) {
		srv := newServer(t, sgptest.WithLenient())
		mustPut(t, srv, `{"trace_id":"t","id":"a","name":"1","start_timestamp":"2026-01-02T23:59:59Z","output":{"usage":{"input_tokens":1}}}`)
		mustPut(t, srv, `{"trace_id":"t","id":"a","name":"2","start_timestamp":"2026-01-03T00:30:00+01:00","output":{"usage":{"input_tokens":2}}}`)
		assert.Equal(t, []string{"t/a=2 running"}, names(srv.Spans()), "the offset does not make another day")
		mustPut(t, srv, `{"trace_id":"t","id":"a","name":"3","start_timestamp":"2026-01-03T00:00:00Z","output":{"usage":{"input_tokens":4}}}`)
		mustPut(t, srv, `{"trace_id":"t","id":"a","name":"4","start_timestamp":"2026-01-02T01:00:00Z","output":{"usage":{"input_tokens":8}}}`)
		assert.Equal(t, []string{"t/a=4 running", "t/a=3 running"}, names(srv.Spans()), "each write goes to its day's row")
		assert.Equal(t, sgptest.Usage{InputTokens: 12, Calls: 2}, srv.BilledUsage("t"))
		assert.Equal(t, 2, srv.Stats().Spans)
		newest, _ := srv.Span("t", "a")
		assert.Equal(t, "3", newest.Name)
		assert.Len(t, srv.Violations(), 3)
		srv.Reset()
		assert.Empty(t, srv.Spans())
	})
	t.Run("lenient, on another UTC day in the older store: one row", func(t *testing.T) {
		srv := newServer(t, sgptest.WithLenient(), sgptest.WithOlderStore())
		mustPut(t, srv, first)
		mustPut(t, srv, at("2026-01-09T03:04:05Z"))
		assert.Len(t, srv.Spans(), 1)
	})
	t.Run("another trace's in the older store", func(t *testing.T) {
		srv := newServer(t, sgptest.WithOlderStore())
		mustPut(t, srv, first)
		mustPut(t, srv, `{"trace_id":"u","id":"a","name":"n","start_timestamp":"2027-01-02T03:04:05Z"}`)
		assert.Equal(t, []string{"u/a=n running"}, names(srv.Spans()))
	})
}

func TestMaxSpansForgetsTheTraceNotWrittenForLongest(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxSpans(4))
	mustPut(t, srv, start("t", "a", "1"), start("u", "x", "2"), start("u", "b", "3"))
	mustPut(t, srv, end("t", "a", "4"))
	mustPut(t, srv, start("v", "a", "5"))
	assert.Equal(t, []string{"t/a=4", "u/x=2 running", "u/b=3 running", "v/a=5 running"}, names(srv.Spans()))
	mustPut(t, srv, start("v", "b", "6"))
	assert.Equal(t, []string{"t/a=4", "v/a=5 running", "v/b=6 running"}, names(srv.Spans()), "u, whole")
	assert.Equal(t, uint64(2), srv.Stats().Evicted)
	assert.Empty(t, srv.Trace("u"))
	mustPut(t, srv, ids("w", "c", "x")) // a parent in another trace, if x were known
	assert.Equal(t, 4, srv.Stats().Spans)
}

func TestMaxSpansOfOneTraceForgetsItsOldest(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxSpans(2))
	mustPut(t, srv, start("t", "a", "1"), start("t", "b", "2"), start("t", "c", "3"))
	assert.Equal(t, []string{"t/b=2 running", "t/c=3 running"}, names(srv.Spans()))
	assert.Equal(t, []string{"t/b=2 running", "t/c=3 running"}, names(srv.Trace("t")))
}

func TestMaxBytesBoundsSpansAndRequests(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxBytes(10_000))
	for i := range 50 {
		mustPut(t, srv, start("t"+strings.Repeat("x", i%3), fmt.Sprint(i), strings.Repeat("n", 1000)))
		stats := srv.Stats()
		require.LessOrEqual(t, stats.Bytes, int64(10_000))
		require.NotZero(t, stats.Spans)
		var kept int
		for _, r := range srv.Requests() {
			kept += len(r.Body)
		}
		require.LessOrEqual(t, kept, 10_000)
	}
	assert.Equal(t, uint64(50), srv.Requests()[len(srv.Requests())-1].Seq)
	status, _ := put(t, srv, items(start("t", "large", strings.Repeat("n", 20_000))))
	assert.Equal(t, 200, status)
	assert.Empty(t, srv.Spans(), "larger than all of it")
	assert.Zero(t, srv.Stats().Bytes)
}

// A span that is written without end must not outgrow the bound either.
func TestMaxBytesCountsWrites(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxBytes(4_000))
	for range 100 {
		mustPut(t, srv, start("t", "a", "n"))
		require.LessOrEqual(t, srv.Stats().Bytes, int64(4_000))
		require.Less(t, len(srv.Writes()), 40)
	}
}

func TestMaxRequests(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxRequests(2))
	for i := range 3 {
		mustPut(t, srv, start("t", fmt.Sprint(i), "n"))
	}
	requests := srv.Requests()
	require.Len(t, requests, 2)
	assert.Equal(t, uint64(2), requests[0].Seq)
	assert.Equal(t, uint64(3), requests[1].Seq)
	assert.Len(t, srv.Spans(), 3)

	none := newServer(t, sgptest.WithMaxRequests(0))
	mustPut(t, none, minimal)
	assert.Empty(t, none.Requests())
	assert.Equal(t, uint64(1), none.Stats().Requests)
}

func TestWithoutRecordingJudgesAndCounts(t *testing.T) {
	srv := newServer(t, sgptest.WithoutRecording())
	body := items(end("t", "a", "1"), start("t", "b", "2"))
	status, answer := put(t, srv, body)
	assert.Equal(t, 200, status)
	assert.Equal(t, body, answer)
	mustPut(t, srv, start("t", "a", "3")) // nothing is known of the END
	status, _ = put(t, srv, items(ids("t", "a", "a")))
	assert.Equal(t, 409, status)
	assert.Empty(t, srv.Spans())
	assert.Empty(t, srv.Requests())
	assert.Empty(t, srv.Writes())
	assert.Equal(t, sgptest.Stats{Requests: 3, Stored: 2, Items: 3, Rejected: 1, Violations: 1}, srv.Stats())
	srv.Inject(sgptest.Status(503))
	status, _ = put(t, srv, body)
	assert.Equal(t, 503, status)
}

func TestReset(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, end("t", "a", "1"))
	mustPut(t, srv, start("t", "a", "2"))
	srv.Inject(sgptest.Status(503))
	srv.Reset()
	assert.Empty(t, srv.Spans())
	assert.Empty(t, srv.Requests())
	assert.Empty(t, srv.Violations())
	assert.Empty(t, srv.Writes())
	status, _ := put(t, srv, items(minimal))
	assert.Equal(t, 503, status, "faults stay")
	mustPut(t, srv, ids("u", "b", "a")) // t's a is forgotten
	assert.Equal(t, uint64(4), srv.Requests()[1].Seq)
	assert.Equal(t, uint64(3), srv.Writes()[0].Seq)
}

func TestLongIDsInTheOlderStore(t *testing.T) {
	srv := newServer(t, sgptest.WithOlderStore())
	mustPut(t, srv, ids("t", strings.Repeat("é", 256), ""))
	status, body := put(t, srv, items(ids("t", strings.Repeat("é", 257), "")))
	assert.Equal(t, 422, status)
	assert.Equal(t, field("id", "has 257 characters, more than 256"), body)
}

func TestOlderStoreIgnoresObservabilityIDs(t *testing.T) {
	srv := newServer(t, sgptest.WithOlderStore())
	status, body := put(t, srv, items(span(`,"obs_span_id":"not even hexadecimal"`)))
	assert.Equal(t, 200, status)
	assert.Equal(t, items(rewritten), body)
	mustPut(t, srv, span(`,"obs_trace_id":"0123456789abcdef0123456789abcdef","obs_span_id":"0123456789abcdef"`))
	assert.Empty(t, srv.Spans()[0].ObsTraceID)
	assert.Empty(t, srv.Spans()[0].ObsSpanID)
}

// rewritten is minimal in the order in which the server writes fields.
const rewritten = `{"id":"a","trace_id":"t","name":"n","start_timestamp":"2026-01-02T03:04:05Z"}`
