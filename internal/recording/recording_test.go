package recording

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// An agent that runs for two seconds, its model's call of one second with a rename, an
// event and a log record, a server span with a remote parent, and a span that never ends.
// The call ends last in the file.
const (
	otlp = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"schemaUrl":"https://example.com/r",
"scopeSpans":[{"scope":{"name":"agents","version":"v1","attributes":[{"key":"k","value":{"boolValue":true}}]},"schemaUrl":"https://example.com/s","spans":[
{"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0000000000000001","flags":257,"name":"agent","kind":1,
 "startTimeUnixNano":"1000000000","endTimeUnixNano":3000000000,
 "attributes":[{"key":"s","value":{"stringValue":"x"}},{"key":"i","value":{"intValue":"7"}},{"key":"d","value":{"doubleValue":0.5}},
  {"key":"nan","value":{"doubleValue":"NaN"}},{"key":"ss","value":{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}},
  {"key":"mixed","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}},{"key":"bytes","value":{"bytesValue":"AQI="}},
  {"key":"map","value":{"kvlistValue":{"values":[{"key":"m","value":{"intValue":3}}]}}}],"status":{}},
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000003","parentSpanId":"0000000000000009","flags":769,"name":"serve","kind":2,
 "startTimeUnixNano":"1100000000","endTimeUnixNano":"1100000000","status":{"code":1}},
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000002","parentSpanId":"0000000000000001","flags":257,"name":"chat m","kind":3,
 "startTimeUnixNano":"1000000000","endTimeUnixNano":"2000000000",
 "attributes":[{"key":"model","value":{"stringValue":"m"}},{"key":"tokens","value":{"intValue":"12"}},{"key":"meta","value":{"stringValue":"late"}}],
 "events":[{"timeUnixNano":"1500000000","name":"token","attributes":[{"key":"n","value":{"intValue":"1"}}]},{"timeUnixNano":"9000000000","name":"after"}],
 "links":[{"traceId":"11111111111111111111111111111111","spanId":"2222222222222222","flags":1,"attributes":[{"key":"l","value":{"boolValue":false}}]}],
 "status":{"code":2,"message":"no"}}]}]}]}`
	onstart = `[
{"span_id":"0000000000000001","scope":"agents","name_at_start":"agent","attributes_at_onstart":{"i":7,"s":"x"}},
{"span_id":"0000000000000002","parent_id":"0000000000000001","scope":"agents","name_at_start":"chat","attributes_at_onstart":{},
 "attributes_at_5ms":{"meta":"early","model":"m"},"attributes_at_500ms":{"meta":"early","model":"m"},"name_at_500ms":"chat m"},
{"span_id":"0000000000000003","scope":"agents","name_at_start":"serve","attributes_at_onstart":{}},
{"span_id":"0000000000000004","parent_id":"0000000000000001","scope":"agents","name_at_start":"lost","attributes_at_onstart":{"n":1,"f":0.5,"l":["a"],"m":{"k":true}}}]`
	logs = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"scopeLogs":[{"scope":{"name":"agents"},"logRecords":[
{"observedTimeUnixNano":"1600000000","eventName":"gen_ai.choice","severityNumber":9,"severityText":"INFO","body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"hi"}}]}},
 "attributes":[{"key":"gen_ai.system","value":{"stringValue":"x"}}],"flags":1,"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000002"}]}]}]}`
)

func dir(files ...string) fstest.MapFS {
	fs := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		fs[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return fs
}

func whole(t *testing.T) *Recording {
	t.Helper()
	r, err := ReadDir(dir("otlp.json", otlp, "onstart.json", onstart, "logs.json", logs))
	require.NoError(t, err)
	return r
}

// journal is a span processor and a log processor that writes down what it sees.
type journal struct {
	lines []string
	live  []sdktrace.ReadWriteSpan
	ended []sdktrace.ReadOnlySpan
	logs  []sdklog.Record
}

func (j *journal) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	j.lines = append(j.lines, fmt.Sprintf("start %s %s", s.Name(), encode(s.Attributes())))
	j.live = append(j.live, s)
}

func (j *journal) OnEnd(s sdktrace.ReadOnlySpan) {
	j.lines = append(j.lines, fmt.Sprintf("end %s %s", s.Name(), encode(s.Attributes())))
	j.ended = append(j.ended, s)
}

func (j *journal) OnEmit(_ context.Context, r *sdklog.Record) error {
	j.lines = append(j.lines, "record "+r.EventName())
	j.logs = append(j.logs, r.Clone())
	return nil
}

func (*journal) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (*journal) Shutdown(context.Context) error                         { return nil }
func (*journal) ForceFlush(context.Context) error                       { return nil }

func (j *journal) options() []Option {
	return []Option{
		WithTracerProviderOptions(sdktrace.WithSpanProcessor(j)),
		WithLoggerProviderOptions(sdklog.WithProcessor(j)),
	}
}

func encode(attributes []attribute.KeyValue) string {
	set := attribute.NewSet(attributes...)
	return set.Encoded(attribute.DefaultEncoder())
}

func TestReplayIsInTheOrderOfTheTimes(t *testing.T) {
	var j journal
	require.NoError(t, whole(t).Replay(t.Context(), j.options()...))
	assert.Equal(t, []string{
		"start agent i=7,s=x",
		"start chat ",
		"start serve ",
		"end serve ",
		`start lost f=0.5,l=["a"],m={"k":true},n=1`,
		"record gen_ai.choice",
		"end chat m meta=late,model=m,tokens=12",
		`end agent bytes=AQI=,d=0.5,i=7,map={"m":3},mixed=["a",1],nan=NaN,s=x,ss=["a","b"]`,
	}, j.lines)
}

func TestReplayedSpanIsTheRecordedOne(t *testing.T) {
	var j journal
	require.NoError(t, whole(t).Replay(t.Context(), j.options()...))
	require.Len(t, j.ended, 3)
	chat, agent, serve := j.ended[1], j.ended[2], j.ended[0]

	assert.Equal(t, "0102030405060708090a0b0c0d0e0f10", chat.SpanContext().TraceID().String())
	assert.Equal(t, "0000000000000002", chat.SpanContext().SpanID().String())
	assert.True(t, chat.SpanContext().IsSampled())
	assert.Equal(t, "0000000000000001", chat.Parent().SpanID().String())
	assert.False(t, chat.Parent().IsRemote())
	assert.Equal(t, int64(1000000000), chat.StartTime().UnixNano())
	assert.Equal(t, int64(2000000000), chat.EndTime().UnixNano())
	assert.Equal(t, "client", chat.SpanKind().String())
	assert.Equal(t, "Error", chat.Status().Code.String())
	assert.Equal(t, "no", chat.Status().Description)
	require.Len(t, chat.Events(), 2)
	assert.Equal(t, "token", chat.Events()[0].Name)
	assert.Equal(t, int64(1500000000), chat.Events()[0].Time.UnixNano())
	assert.Equal(t, "n=1", encode(chat.Events()[0].Attributes))
	assert.Equal(t, int64(9000000000), chat.Events()[1].Time.UnixNano())
	require.Len(t, chat.Links(), 1)
	assert.Equal(t, "2222222222222222", chat.Links()[0].SpanContext.SpanID().String())
	assert.Equal(t, "l=false", encode(chat.Links()[0].Attributes))

	assert.Equal(t, "agents", agent.InstrumentationScope().Name)
	assert.Equal(t, "v1", agent.InstrumentationScope().Version)
	assert.Equal(t, "https://example.com/s", agent.InstrumentationScope().SchemaURL)
	scope := agent.InstrumentationScope()
	assert.Equal(t, "k=true", encode(scope.Attributes.ToSlice()))
	assert.Equal(t, "service.name=svc", agent.Resource().Encoded(attribute.DefaultEncoder()))
	assert.Equal(t, "https://example.com/r", agent.Resource().SchemaURL())
	assert.False(t, agent.Parent().IsValid())
	assert.Equal(t, 2, agent.ChildSpanCount())

	assert.Equal(t, "0000000000000009", serve.Parent().SpanID().String())
	assert.True(t, serve.Parent().IsRemote())
	assert.Equal(t, "Ok", serve.Status().Code.String())
}

func TestSpanThatNeverEndedRuns(t *testing.T) {
	var j journal
	require.NoError(t, whole(t).Replay(t.Context(), j.options()...))
	require.Len(t, j.live, 4)
	lost := j.live[3]
	assert.Equal(t, "lost", lost.Name())
	assert.True(t, lost.EndTime().IsZero())
	assert.Equal(t, int64(1100000001), lost.StartTime().UnixNano(), "right after the span before it")
	assert.Equal(t, "0102030405060708090a0b0c0d0e0f10", lost.SpanContext().TraceID().String())
	assert.Equal(t, "0000000000000001", lost.Parent().SpanID().String())
	assert.Equal(t, "agents", lost.InstrumentationScope().Name)
}

func TestLogRecordIsTheRecordedOne(t *testing.T) {
	var j journal
	require.NoError(t, whole(t).Replay(t.Context(), j.options()...))
	require.Len(t, j.logs, 1)
	r := j.logs[0]
	assert.Equal(t, "gen_ai.choice", r.EventName())
	assert.Equal(t, "0102030405060708090a0b0c0d0e0f10", r.TraceID().String())
	assert.Equal(t, "0000000000000002", r.SpanID().String())
	assert.True(t, r.TraceFlags().IsSampled())
	assert.True(t, r.Timestamp().IsZero())
	assert.Equal(t, int64(1600000000), r.ObservedTimestamp().UnixNano())
	assert.Equal(t, `{"content":"hi"}`, r.Body().String())
	assert.Equal(t, 1, r.AttributesLen())
	assert.Equal(t, "INFO", r.SeverityText())
	assert.Equal(t, "INFO", r.Severity().String())
	assert.Equal(t, "service.name=svc", r.Resource().Encoded(attribute.DefaultEncoder()))
}

// With time.Sleep for its pace a replay takes the recorded time.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		began := time.Now().UTC()
		require.NoError(t, whole(t).Replay(t.Context(), append(j.options(), WithPace(time.Sleep), WithStart(began))...))
		assert.Equal(t, 2*time.Second, time.Since(began))
		assert.Equal(t, began.Add(time.Second), j.ended[1].EndTime(), "all times are moved")
		assert.Equal(t, began.Add(500*time.Millisecond), j.ended[1].Events()[0].Time)
		assert.Equal(t, began.Add(600*time.Millisecond), j.logs[0].ObservedTimestamp())
	})
}

func TestStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		began := time.Now().UTC()
		require.NoError(t, whole(t).Replay(t.Context(),
			append(j.options(), WithPace(time.Sleep), WithStart(began), WithStretch(600))...))
		assert.Equal(t, 20*time.Minute, time.Since(began))
		assert.Equal(t, began.Add(20*time.Minute), j.ended[2].EndTime())
		assert.Equal(t, began.Add(5*time.Minute), j.ended[1].Events()[0].Time)
		assert.Equal(t, began.Add(6*time.Minute), j.logs[0].ObservedTimestamp())
	})
}

// What a framework sets right after Start does not come later because the span lasts longer.
func TestWhatIsSetRightAfterStartIsNotStretched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var waits []time.Duration
		began := time.Now().UTC()
		require.NoError(t, whole(t).Replay(t.Context(), append(j.options(), WithStart(began), WithStretch(600), WithPace(func(wait time.Duration) {
			time.Sleep(wait)
			if wait > 0 {
				waits = append(waits, wait)
			}
		}))...))
		assert.Equal(t, 5*time.Millisecond, waits[0])
		assert.Equal(t, 20*time.Minute, time.Since(began))
	})
}

func TestOfTrace(t *testing.T) {
	r := whole(t)
	one := r.OfTrace(r.TraceIDs()[0])
	assert.Equal(t, 4, one.Spans())
	assert.Equal(t, r.Records(), one.Records())
	assert.Zero(t, r.OfTrace(trace.TraceID{9}).Spans())
}

func TestReadOneRequestALine(t *testing.T) {
	other := strings.ReplaceAll(otlp, "000000000000000", "f00000000000000")
	r, err := Read(strings.NewReader(otlp + "\n" + other + "\n"))
	require.NoError(t, err)
	assert.Equal(t, 6, r.Spans())
	_, err = Read(strings.NewReader(otlp + "\n{"))
	assert.ErrorContains(t, err, "unexpected EOF")
	_, err = Read(strings.NewReader(""))
	assert.ErrorContains(t, err, "EOF")
}

func TestReplayOfNothing(t *testing.T) {
	r, err := Read(strings.NewReader(`{}`))
	require.NoError(t, err)
	assert.NoError(t, r.Replay(t.Context()))
}

// Whoever looks in between sees a span as it was then.
func TestSpanChangesAsItWasSeenTo(t *testing.T) {
	var (
		j     journal
		now   time.Duration
		seen  []string
		looks = []time.Duration{4 * time.Millisecond, 6 * time.Millisecond, 499 * time.Millisecond, 501 * time.Millisecond, 1100 * time.Millisecond}
	)
	look := func(wait time.Duration) {
		for now += wait; len(looks) > 0 && looks[0] < now; looks = looks[1:] {
			chat := j.live[1]
			seen = append(seen, fmt.Sprintf("%v %s %s %d", looks[0], chat.Name(), encode(chat.Attributes()), len(chat.Events())))
		}
	}
	require.NoError(t, whole(t).Replay(t.Context(), append(j.options(), WithPace(look))...))
	assert.Equal(t, []string{
		"4ms chat  0",
		"6ms chat meta=early,model=m 0",
		"499ms chat meta=early,model=m 0",
		"501ms chat m meta=early,model=m 1",
		"1.1s chat m meta=late,model=m,tokens=12 2",
	}, seen)
}

func TestReplayStopsWithItsContext(t *testing.T) {
	var j journal
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	err := whole(t).Replay(ctx, append(j.options(), WithPace(func(time.Duration) {
		if steps++; steps == 3 {
			cancel()
		}
	}))...)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Len(t, j.lines, 2)
}

// One file has no states: a span starts with all that it has.
func TestReadOneFile(t *testing.T) {
	r, err := Read(strings.NewReader(otlp))
	require.NoError(t, err)
	assert.Equal(t, 3, r.Spans())
	assert.Equal(t, 0, r.Records())
	var j journal
	require.NoError(t, r.Replay(t.Context(), j.options()...))
	assert.Contains(t, j.lines, "start chat m meta=late,model=m,tokens=12")
	require.Len(t, r.TraceIDs(), 1)
	assert.Equal(t, "0102030405060708090a0b0c0d0e0f10", r.TraceIDs()[0].String())

	_, err = ReadFile("no such file")
	assert.ErrorContains(t, err, "no such file")
}

// A parent and its child that start and end in one instant, the child first in the file,
// and as if it came from another process; and a span that ended 2 ms after its start.
func TestReplayOfWhatHappensAtOnce(t *testing.T) {
	r, err := ReadDir(dir("otlp.json", `{"resourceSpans":[{"scopeSpans":[{"spans":[
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000002","parentSpanId":"0000000000000001","flags":769,"name":"child",
 "startTimeUnixNano":"1000000000","endTimeUnixNano":"1000000000"},
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000001","flags":257,"name":"parent",
 "startTimeUnixNano":"1000000000","endTimeUnixNano":"1000000000"},
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0000000000000003","flags":257,"name":"short",
 "startTimeUnixNano":"1000000000","endTimeUnixNano":"1002000000","attributes":[{"key":"d","value":{"doubleValue":2}}]}]}]}]}`,
		"onstart.json", `[{"span_id":"0000000000000001","name_at_start":"parent"},{"span_id":"0000000000000002","name_at_start":"child"},
{"span_id":"0000000000000003","name_at_start":"short","attributes_at_5ms":{"d":2}}]`))
	require.NoError(t, err)
	var (
		j     journal
		total time.Duration
	)
	require.NoError(t, r.Replay(t.Context(), append(j.options(), WithPace(func(d time.Duration) { total += d }))...))
	assert.Equal(t, []string{"start parent ", "start short ", "start child ", "end child ", "end parent ", "end short d=2"}, j.lines)
	assert.Equal(t, 2*time.Millisecond, total, "nothing happens after the end")
	assert.True(t, j.ended[0].Parent().IsRemote())
	assert.Zero(t, j.ended[1].ChildSpanCount(), "of a child in another process nothing is known")
	assert.Equal(t, attribute.FLOAT64, j.ended[2].Attributes()[0].Value.Type())
}

func TestSpansOfEachResourceHaveIt(t *testing.T) {
	other := strings.ReplaceAll(otlp, "svc", "svc2")
	other = strings.ReplaceAll(strings.ReplaceAll(other, `"0102`, `"ff02`), "000000000000000", "f00000000000000")
	r, err := Read(strings.NewReader(`{"resourceSpans":[` + resourceSpans(otlp) + "," + resourceSpans(other) + `]}`))
	require.NoError(t, err)
	var j journal
	require.NoError(t, r.Replay(t.Context(), j.options()...))
	services := map[string]int{}
	for _, s := range j.ended {
		services[s.Resource().Encoded(attribute.DefaultEncoder())]++
	}
	assert.Equal(t, map[string]int{"service.name=svc": 3, "service.name=svc2": 3}, services)
}

func resourceSpans(otlp string) string {
	return strings.TrimSuffix(strings.TrimPrefix(otlp, `{"resourceSpans":[`), "]}")
}

func TestWhatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"no spans":        {dir("onstart.json", "[]"), "otlp.json"},
		"no starts":       {dir("otlp.json", "{}"), "onstart.json"},
		"not JSON":        {dir("otlp.json", "{"), "otlp.json: unexpected EOF"},
		"not JSON starts": {dir("otlp.json", "{}", "onstart.json", "{}"), "onstart.json: json: cannot unmarshal"},
		"not JSON logs":   {dir("otlp.json", "{}", "onstart.json", "[]", "logs.json", "["), "logs.json: unexpected EOF"},
		"an id":           {dir("otlp.json", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"n","traceId":"01"}]}]}]}`), `span "n": traceId "01"`},
		"no id":           {dir("otlp.json", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"n"}]}]}]}`), `span "n": no traceId or spanId`},
		"a number":        {dir("otlp.json", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}`), "invalid syntax"},
		"an orphan": {dir("otlp.json", "{}", "onstart.json", `[{"span_id":"01","name_at_start":"n","parent_id":"02"}]`),
			`span "n": never ended, and its parent "02" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadDir(tt.files)
			require.Error(t, err)
			assert.Contains(t, err.Error(), tt.want)
		})
	}
	failing := errors.New("broken pipe")
	_, err := Read(errReader{failing})
	assert.ErrorIs(t, err, failing)
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
