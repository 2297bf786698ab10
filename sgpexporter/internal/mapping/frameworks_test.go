package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// replayed is what the spans of a recording were, read by the getters.
type replayed struct {
	t testing.TB
	m *Mapper

	starts  map[trace.SpanID]*Input
	ends    []*Input // in the order of the ends
	running []*Input // each span as it was half a second after its start, if it ran so long
	records map[trace.SpanID][]Record
	live    map[trace.SpanID]sdktrace.ReadOnlySpan
	now     time.Time
}

func (r *replayed) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	in := new(Input)
	require.NoError(r.t, r.m.FromSpan(in, PhaseStart, s))
	in.EndTime = time.Time{}
	r.starts[in.SpanID] = in
	r.live[in.SpanID] = s
}

func (r *replayed) OnEnd(s sdktrace.ReadOnlySpan) {
	in := new(Input)
	require.NoError(r.t, r.m.FromSpan(in, PhaseEnd, s))
	in.Records = r.records[in.SpanID]
	r.ends = append(r.ends, in)
	delete(r.live, in.SpanID)
}

func (*replayed) Shutdown(context.Context) error   { return nil }
func (*replayed) ForceFlush(context.Context) error { return nil }

// tick makes an update of each span that runs for half a second now.
func (r *replayed) tick(d time.Duration) {
	r.now = r.now.Add(d)
	for id, s := range r.live {
		if age := r.now.Sub(s.StartTime()); age >= 500*time.Millisecond {
			in := new(Input)
			require.NoError(r.t, r.m.FromSpan(in, PhaseUpdate, s))
			in.WrittenAt = r.now
			in.Records = r.records[in.SpanID]
			r.running = append(r.running, in)
			delete(r.live, id)
		}
	}
}

// logs keeps the log records of a replay.
type logs struct{ *replayed }

func (logs) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (l logs) OnEmit(_ context.Context, r *sdklog.Record) error {
	if record, ok := logrecords.FromSDK(r); ok {
		l.records[r.SpanID()] = append(l.records[r.SpanID()], record)
	}
	return nil
}

func replay(t testing.TB, f frameworks.Framework) *replayed {
	t.Helper()
	rec, err := f.Recording()
	require.NoError(t, err)
	r := &replayed{
		t: t, m: New(Config{}), starts: map[trace.SpanID]*Input{}, records: map[trace.SpanID][]Record{},
		live: map[trace.SpanID]sdktrace.ReadOnlySpan{}, now: testStart,
	}
	require.NoError(t, rec.Replay(t.Context(), recording.WithStart(testStart), recording.WithPace(r.tick),
		recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(r), sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{
			AttributeValueLengthLimit: -1, AttributeCountLimit: -1, EventCountLimit: -1, LinkCountLimit: -1,
			AttributePerEventCountLimit: -1, AttributePerLinkCountLimit: -1,
		})),
		recording.WithLoggerProviderOptions(sdklog.WithProcessor(logs{r}))))
	return r
}

// byStart returns inputs in the order of their starts, as a batch has ENDs whose
// STARTs were in it too.
func byStart(inputs []*Input) []*Input {
	sorted := slices.Clone(inputs)
	slices.SortStableFunc(sorted, func(a, b *Input) int { return a.StartTime.Compare(b.StartTime) })
	return sorted
}

// mapAll maps inputs one after the other, or, as a batch, observed together before.
func mapAll(t testing.TB, cfg Config, inputs []*Input, together bool) map[trace.SpanID]string {
	t.Helper()
	w := New(cfg).Writer()
	defer w.Close()
	copies := make([]Input, len(inputs))
	for i, in := range inputs {
		copies[i] = *in
	}
	if together {
		w.Observe(copies)
	}
	items := map[trace.SpanID]string{}
	for i := range copies {
		out, _, err := w.Append(nil, &copies[i])
		require.NoError(t, err)
		items[copies[i].SpanID] = string(out)
	}
	return items
}

// send stores items on a server, and holds that it finds no fault.
func send(t testing.TB, server *sgptest.Server, items []string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPut, "/v5/spans/batch", strings.NewReader(`{"items":[`+strings.Join(items, ",")+`]}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", "key")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.Empty(t, server.Violations())
}

// What SGP gets of each framework is in testdata/frameworks, and what is billed is
// what the models used, in whatever order the spans are mapped.
func TestFrameworks(t *testing.T) {
	for _, f := range frameworks.All {
		t.Run(f.Name, func(t *testing.T) {
			r := replay(t, f)
			ended, batch := r.ends, byStart(r.ends)
			items := mapAll(t, Config{}, batch, true)
			var golden bytes.Buffer
			var all []string
			traces := map[string]bool{}
			for _, in := range batch {
				all = append(all, items[in.SpanID])
				traces[in.TraceID.String()] = true
				require.NoError(t, json.Indent(&golden, []byte(items[in.SpanID]), "", "  "))
				golden.WriteByte('\n')
			}
			file := filepath.Join("testdata", "frameworks", f.Name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, golden.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), golden.String())

			server := sgptest.NewUnstartedServer()
			defer server.Close()
			send(t, server, all)
			var billed frameworks.Tokens
			for id := range traces {
				u := server.BilledUsage(id)
				billed.Input += u.InputTokens
				billed.Output += u.OutputTokens
				billed.Cached += u.CachedInputTokens
				assert.Zero(t, u.Aggregates)
			}
			if f.Used.Cached == 0 {
				billed.Cached = 0 // the recording does not say
			}
			assert.Equal(t, f.Used, billed)

			oneByOne := mapAll(t, Config{}, ended, false)
			backwards := mapAll(t, Config{}, backward(batch), true)
			for id := range items {
				assert.Equal(t, at(decode(t, items[id]), "output"), at(decode(t, oneByOne[id]), "output"), "one by one")
				assert.Equal(t, at(decode(t, items[id]), "output"), at(decode(t, backwards[id]), "output"), "backwards")
			}
		})
	}
}

func backward(inputs []*Input) []*Input {
	inputs = slices.Clone(inputs)
	slices.Reverse(inputs)
	return inputs
}

// contents are what the models and tools of the recordings were asked and answered.
var contents = []string{
	"oslo", "and in atlantis?", "please fail", "use get_weather", "7 degrees", "sum up", "say one thing", "i will look", "capital of norway",
	"2+2", "for context:", "[tool prompt]", "hello",
}

// Without content nothing of it is left, in no write of any framework: not in input and
// output, nor in attributes, events and log records.
func TestFrameworksWithoutContent(t *testing.T) {
	for _, f := range frameworks.All {
		t.Run(f.Name, func(t *testing.T) {
			r := replay(t, f)
			var starts []*Input
			for _, in := range r.starts {
				starts = append(starts, in)
			}
			there := 0
			for _, inputs := range [][]*Input{starts, r.running, r.ends} {
				for _, item := range mapAll(t, Config{}, inputs, true) {
					for _, text := range contents {
						there += strings.Count(strings.ToLower(item), text)
					}
				}
				for _, item := range mapAll(t, Config{WithoutContent: true}, inputs, true) {
					accepted(t, item)
					for _, text := range contents {
						assert.NotContains(t, strings.ToLower(item), text)
					}
				}
			}
			if f.Name != "temporal" && f.Name != "mcp-go" {
				assert.NotZero(t, there, "nothing to look for")
			}
		})
	}
}
