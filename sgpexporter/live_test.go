package sgpexporter_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// The tables of docs/in-flight.md are what these tests see: go test ./sgpexporter -run TestLive -update writes them anew.
var update = flag.Bool("update", false, "write the tables of docs/in-flight.md anew")

// holdInFlight holds that a part of docs/in-flight.md, between two comments, is want.
func holdInFlight(t *testing.T, part, want string) {
	t.Helper()
	const document = "../docs/in-flight.md"
	begin, end := "<!-- "+part+", made by the tests -->\n", "<!-- end of "+part+" -->\n"
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found, part)
	got, after, found := strings.Cut(rest, end)
	require.True(t, found, part)
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(before+begin+want+end+after), 0o644))
		return
	}
	assert.Equal(t, want, got)
}

// An agent of twenty minutes, in each way: what a viewer sees of it at moments, and when its process is killed.
func TestLiveViewOfAnAgentOfTwentyMinutes(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| | second 1 | minute 5 | at the end | kill -9 at minute 12, seen at minute 20 |\n|---|---|---|---|---|\n")
	for _, way := range liveWays() {
		var second1, minute5, end, killed string
		synctest.Test(t, func(t *testing.T) {
			r := startLive(t, way)
			truth := r.agent()
			time.Sleep(time.Second)
			second1 = r.shows(truth)
			time.Sleep(5*time.Minute - time.Second)
			minute5 = r.shows(truth)
			<-truth.over
			require.NoError(t, r.proc.Shutdown(t.Context()))
			end = r.shows(truth)
			require.NoError(t, r.exp.Shutdown(t.Context()))
		})
		synctest.Test(t, func(t *testing.T) {
			r := startLive(t, way)
			truth := r.agent()
			time.Sleep(12 * time.Minute)
			next := r.kill()
			time.Sleep(8 * time.Minute)
			killed = r.showsAfterKill()
			<-truth.over
			_ = r.proc.Shutdown(t.Context()) // it reaches nobody any more
			_ = r.exp.Shutdown(t.Context())
			if next != nil {
				require.NoError(t, next.Shutdown(t.Context()))
			}
		})
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", way.name, second1, minute5, end, killed)
	}
	b.WriteString("\n")
	holdInFlight(t, "the view", b.String())
}

// agent replays an agent with tools that lasts twenty minutes.
func (r *liveRun) agent() *truth {
	framework := frameworks.All[5]
	require.Equal(r.t, "eino-apmplus", framework.Name)
	all, err := framework.Recording()
	require.NoError(r.t, err)
	one := all.OfTrace(all.TraceIDs()[3])
	require.Equal(r.t, 7, one.Spans())
	truth := &truth{over: make(chan struct{})}
	go func() {
		defer close(truth.over)
		assert.NoError(r.t, one.Replay(r.t.Context(), recording.WithPace(time.Sleep), recording.WithStart(time.Now()),
			recording.WithStretch(630.2), recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(truth), sdktrace.WithSpanProcessor(r.proc))))
		assert.Equal(r.t, 20*time.Minute, time.Since(r.began).Round(time.Second))
	}()
	return truth
}

// truth is a processor that counts what there is to be seen.
type truth struct {
	started, ended atomic.Int64
	over           chan struct{}
}

func (t *truth) OnStart(context.Context, sdktrace.ReadWriteSpan) { t.started.Add(1) }
func (t *truth) OnEnd(sdktrace.ReadOnlySpan)                     { t.ended.Add(1) }
func (*truth) Shutdown(context.Context) error                    { return nil }
func (*truth) ForceFlush(context.Context) error                  { return nil }

// shows says what a viewer sees now, of what there is.
func (r *liveRun) shows(truth *truth) string {
	synctest.Wait()
	over, running, typed, input, group := 0, 0, 0, 0, 0
	for _, s := range r.rows() {
		if s.Completed() {
			over++
			continue
		}
		running++
		typed += count(s.Type != "STANDALONE")
		input += count(len(s.Input) > 0)
		group += count(s.GroupID != "")
	}
	text := fmt.Sprintf("%d of %d over", over, truth.ended.Load())
	if runs := truth.started.Load() - truth.ended.Load(); runs > 0 {
		text += fmt.Sprintf(", %d of %d running", running, runs)
		if running > 0 {
			text += fmt.Sprintf(": type %d, input %d, conversation %d; last written %s ago", typed, input, group, r.lastWritten())
		}
	}
	return text
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// lastWritten is how long ago the row of a running span was written for the last time, of the one for which that is longest.
func (r *liveRun) lastWritten() time.Duration {
	var longest time.Duration
	for _, s := range r.rows() {
		if !s.Completed() {
			longest = max(longest, time.Since(s.Writes[len(s.Writes)-1].Time))
		}
	}
	return longest.Round(time.Second)
}

// kill ends what the process does, as far as anybody can see. With a spool the next process starts.
func (r *liveRun) kill() (next *sgpexporter.Exporter) {
	const nextAccount = "next"
	r.srv.SetFault(func(request *sgptest.Request) sgptest.Fault {
		if request.Header.Get("x-selected-account-id") == nextAccount {
			return sgptest.Fault{}
		}
		return sgptest.ResetConnection()
	})
	if r.dir == "" {
		return nil
	}
	next, err := sgpexporter.New(sgpexporter.WithBaseURL(r.srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithAccountID(nextAccount),
		sgpexporter.WithHTTPClient(r.srv.Client()), sgpexporter.WithSpool(spoolOf(r.t, r.dir)))
	require.NoError(r.t, err)
	return next
}

// showsAfterKill says what a viewer sees when the process is gone.
func (r *liveRun) showsAfterKill() string {
	synctest.Wait()
	over, closed, running, heartbeats := 0, 0, 0, 0
	for _, s := range r.rows() {
		switch _, beats := s.Metadata["heartbeat"]; {
		case s.Status == "CANCELED":
			closed++
		case s.Completed():
			over++
		default:
			running++
			heartbeats += count(beats)
		}
	}
	text := fmt.Sprintf("%d over", over)
	switch {
	case closed > 0:
		text += fmt.Sprintf(", %d closed as unfinished by the next process", closed)
	case running == 0:
		text += ", nothing of those that ran"
	case heartbeats == running:
		text += fmt.Sprintf(", %d running without a heartbeat for %s: gone", running, r.lastWritten())
	default:
		text += fmt.Sprintf(", %d running for ever", running)
	}
	return text
}

// What is sent of many short spans, and of one of twenty minutes.
func TestLiveCost(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| | 1,000 short spans: requests | kB | one span of 20 minutes: requests | kB |\n|---|---|---|---|---|\n")
	for _, way := range liveWays() {
		fmt.Fprintf(&b, "| %s |", way.name)
		for _, work := range []func(trace.Tracer){shortSpans, longSpan} {
			synctest.Test(t, func(t *testing.T) {
				r := startLive(t, way)
				work(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.proc), sdktrace.WithIDGenerator(&idsInSequence{})).Tracer("live"))
				require.NoError(t, r.proc.Shutdown(t.Context()))
				require.NoError(t, r.exp.Shutdown(t.Context()))
				requests, bytes := r.cost()
				fmt.Fprintf(&b, " %d | %.0f |", requests, float64(bytes)/1000)
			})
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	holdInFlight(t, "the cost", b.String())
}

// shortSpans makes 1,000 spans of 5 ms, one every 10.3 ms: so that none starts just when a batch leaves.
func shortSpans(tracer trace.Tracer) {
	for i := range 1000 {
		_, span := tracer.Start(context.Background(), "chat", trace.WithAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.Int("n", i)))
		span.SetAttributes(attribute.String("gen_ai.request.model", "model"), attribute.String("gen_ai.input.messages", question))
		time.Sleep(5 * time.Millisecond)
		span.SetAttributes(attribute.Int("gen_ai.usage.input_tokens", 100), attribute.Int("gen_ai.usage.output_tokens", 10))
		span.End()
		time.Sleep(5300 * time.Microsecond)
	}
}

// longSpan makes one span that changes every minute.
func longSpan(tracer trace.Tracer) {
	_, span := tracer.Start(context.Background(), "invoke_agent", trace.WithAttributes(attribute.String("gen_ai.operation.name", "invoke_agent")))
	span.SetAttributes(attribute.String("gen_ai.input.messages", question), attribute.String("gen_ai.conversation.id", "conversation"))
	for step := range 20 {
		time.Sleep(time.Minute)
		span.SetAttributes(attribute.Int("step", step))
	}
	span.End()
}

const question = `[{"role":"user","parts":[{"type":"text","content":"What is the weather in Paris?"}]}]`

// idsInSequence makes ids by counting.
type idsInSequence struct{ last uint16 }

func (g *idsInSequence) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	g.last++
	id := trace.TraceID{14: byte(g.last >> 8), 15: byte(g.last)}
	return id, g.NewSpanID(ctx, id)
}

func (g *idsInSequence) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	g.last++
	return trace.SpanID{6: byte(g.last >> 8), 7: byte(g.last)}
}

// Of the recorded spans that ran for half a second or longer: how many show what they are before they end.
func TestLiveViewOfRecordings(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| of those that ran for 0.5 s or longer | spans | shown while they ran | type | input | conversation |\n|---|---|---|---|---|---|\n")
	for _, row := range []struct {
		name string
		opts []asyncprocessor.Option
	}{
		{"STARTs alone, as the spans were in OnStart", []asyncprocessor.Option{
			asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways), asyncprocessor.WithUpdateInterval(0)}},
		// What a span is known to have had after 500 ms it may have got in the instant before: it does not count here.
		{"with the defaults", []asyncprocessor.Option{asyncprocessor.WithBatchTimeout(asyncprocessor.DefaultBatchTimeout - time.Millisecond)}},
	} {
		var spans, shown, typed, input, group int
		for _, framework := range frameworks.All {
			synctest.Test(t, func(t *testing.T) {
				r := startLive(t, liveWay{processor: func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor {
					return asyncprocessor.New(exp, row.opts...)
				}})
				rec, err := framework.Recording()
				require.NoError(t, err)
				require.NoError(t, rec.Replay(t.Context(), recording.WithPace(time.Sleep), recording.WithStart(time.Now()),
					recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(r.proc)),
					recording.WithLoggerProviderOptions(sdklog.WithProcessor(r.exp.LogProcessor()))))
				require.NoError(t, r.proc.Shutdown(t.Context()))
				live := r.showedLive()
				for _, s := range r.rows() {
					if s.Duration() < 500*time.Millisecond {
						continue
					}
					saw := live[s.ID]
					spans, shown = spans+1, shown+count(saw.shown)
					typed, input, group = typed+count(saw.typed), input+count(saw.input), group+count(saw.group)
				}
			})
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", row.name, spans, shown, typed, input, group)
	}
	b.WriteString("\n")
	holdInFlight(t, "the recordings", b.String())
}

// showed is what a viewer saw of a span while it ran.
type showed struct{ shown, typed, input, group bool }

func (r *liveRun) showedLive() map[string]showed {
	all := map[string]showed{}
	for _, request := range r.srv.Requests() {
		for _, s := range request.Items {
			if s.Completed() {
				continue
			}
			saw := all[s.ID]
			all[s.ID] = showed{true, saw.typed || s.Type != "" && s.Type != "STANDALONE", saw.input || len(s.Input) > 0, saw.group || s.GroupID != ""}
		}
	}
	return all
}
