package sgpexporter_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// reported runs f with a Processor in front of an Exporter, wired as by default, in a
// bubble, shuts the Processor down, and returns what the error handler was told.
func reported(t *testing.T, server []sgptest.Option, f func(*testing.T, *sgptest.Server, *asyncprocessor.Processor), opts ...sgpexporter.Option) []string {
	var told []string
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newRefused(t, append(server, sgptest.WithInMemoryNetwork()), opts...)
		errs := sgpexporter.Handled(t)
		proc := asyncprocessor.New(exp)
		f(t, srv, proc)
		_ = proc.Shutdown(context.Background())
		synctest.Wait()
		for _, err := range errs.All() {
			told = append(told, err.Error())
		}
	})
	return told
}

func offer(proc *asyncprocessor.Processor, from, to int) {
	for n := from; n <= to; n++ {
		proc.OnEnd(span(n))
	}
}

func TestCulpritIsReportedOnceWithAProcessor(t *testing.T) {
	told := reported(t, nil, func(t *testing.T, srv *sgptest.Server, proc *asyncprocessor.Processor) {
		reject(srv, 422, "span 3")
		offer(proc, 1, 8)
		require.ErrorIs(t, proc.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		time.Sleep(time.Hour)
		assert.Equal(t, map[asyncprocessor.DropReason]uint64{"rejected": 1}, proc.Stats().DroppedBy)
		assert.Equal(t, uint64(7), proc.Stats().Exported)
	})
	assert.Equal(t, []string{
		`sgpexporter: SGP rejected the END of span "span 3" (id 0000000000000003, trace 00000000000000000000000000000001): ` +
			"SGP answered 422 Unprocessable Entity: no good",
	}, told)
}

// Culprits that are too many to be named one by one are in one line of the
// processor's, and none is in both.
func TestCulpritsThatAreNotNamedAreReportedByTheProcessor(t *testing.T) {
	told := reported(t, nil, func(t *testing.T, srv *sgptest.Server, proc *asyncprocessor.Processor) {
		var names []string
		for n := 1; n <= 15; n++ {
			names = append(names, fmt.Sprintf("span %d", n))
		}
		reject(srv, 422, names...)
		offer(proc, 1, 20)
		require.ErrorIs(t, proc.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		time.Sleep(time.Hour)
	})
	require.Len(t, told, 11)
	for i, line := range told[:10] {
		assert.Contains(t, line, fmt.Sprintf(`sgpexporter: SGP rejected the END of span "span %d" `, i+1))
	}
	assert.Contains(t, told[10], "asyncprocessor: 5 snapshots not delivered (rejected): "+
		`sgpexporter: SGP rejected the END of span "span 11" (`)
	assert.NotContains(t, told[10], `"span 10"`)
}

// refusedFor offers a span every ten seconds while SGP refuses the key.
func refusedFor(proc *asyncprocessor.Processor, d time.Duration) {
	for n := range int(d / (10 * time.Second)) {
		offer(proc, n+1, n+1)
		time.Sleep(10 * time.Second)
	}
}

// A key that stays refused is told of at once and then once a minute, with what it
// has cost by then, and what is left of that at the end.
func TestRefusedKeyIsReportedOnceAMinuteWithAProcessor(t *testing.T) {
	told := reported(t, []sgptest.Option{sgptest.WithAPIKey("another")}, func(t *testing.T, _ *sgptest.Server, proc *asyncprocessor.Processor) {
		offer(proc, 1, 5)
		require.ErrorIs(t, proc.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		time.Sleep(5 * time.Second)
		refusedFor(proc, 150*time.Second)
		assert.Equal(t, map[asyncprocessor.DropReason]uint64{"unauthorized": 20}, proc.Stats().DroppedBy)
	})
	const why = "SGP answered 403 Forbidden: x-api-key: is not valid; check that the API key (from WithAPIKey; or set SGP_API_KEY) " +
		"is valid for the base URL http://sgptest.invalid (from WithBaseURL; or set SGP_CLIENT_BASE_URL) and may write to the account"
	assert.Equal(t, []string{
		"sgpexporter: no spans are delivered: " + why,
		"sgpexporter: SGP has refused the API key for 1m0s, at the cost of 11 snapshots: " + why,
		"sgpexporter: SGP has refused the API key for 2m0s, at the cost of 17 snapshots: " + why,
		"sgpexporter: SGP has refused the API key for 2m35s, at the cost of 20 snapshots: " + why,
	}, told)
}

// What was lost is told within the minute also when nothing follows it.
func TestRefusedKeyIsReportedWhenTrafficEnds(t *testing.T) {
	told := reported(t, []sgptest.Option{sgptest.WithAPIKey("another")}, func(t *testing.T, srv *sgptest.Server, proc *asyncprocessor.Processor) {
		refusedFor(proc, 20*time.Second)
		srv.SetAPIKey(key)
		time.Sleep(2 * time.Minute)
		offer(proc, 1, 1)
		time.Sleep(2 * time.Minute)
		assert.Equal(t, uint64(1), proc.Stats().Exported)
		srv.SetAPIKey("yet another")
		refusedFor(proc, 10*time.Second)
	})
	require.Len(t, told, 3)
	assert.Contains(t, told[0], "sgpexporter: no spans are delivered: ")
	assert.Contains(t, told[1], "sgpexporter: SGP has refused the API key for 1m0s, at the cost of 2 snapshots: ")
	assert.Contains(t, told[2], "sgpexporter: no spans are delivered: ", "it is another refusal")
}

// A key that is accepted and refused in turns does not flood the log.
func TestKeyRefusedNowAndThenIsReportedOnceAMinute(t *testing.T) {
	told := reported(t, nil, func(t *testing.T, srv *sgptest.Server, proc *asyncprocessor.Processor) {
		srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
			if r.Items[0].Name == "span 2" {
				return sgptest.Status(403)
			}
			return sgptest.Fault{}
		})
		for range 20 {
			offer(proc, 1, 1)
			require.NoError(t, proc.ForceFlush(t.Context()))
			offer(proc, 2, 2)
			require.ErrorIs(t, proc.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
			time.Sleep(5 * time.Second)
		}
	})
	require.Len(t, told, 3)
	assert.Contains(t, told[0], "sgpexporter: no spans are delivered: ")
	assert.Contains(t, told[1], "sgpexporter: SGP has refused the API key for 1m0s, at the cost of 12 snapshots: ")
	assert.Contains(t, told[2], "sgpexporter: SGP has refused the API key for 1m40s, at the cost of 20 snapshots: ")
}

// While a key source is asked again nothing is lost and nothing more is told; what
// the end of the retries costs is.
func TestRotatingKeyThatStaysRefusedIsReported(t *testing.T) {
	told := reported(t, []sgptest.Option{sgptest.WithAPIKey("another")}, func(_ *testing.T, _ *sgptest.Server, proc *asyncprocessor.Processor) {
		offer(proc, 1, 1)
		time.Sleep(6 * time.Minute)
	}, sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { return key, nil }))
	require.Len(t, told, 2)
	assert.Contains(t, told[0], "sgpexporter: no spans are delivered: SGP answered 403")
	assert.Contains(t, told[1], "sgpexporter: SGP has refused the API key for ")
	assert.Contains(t, told[1], ", at the cost of 1 snapshot: gave up after ")
	assert.Contains(t, told[1], "; check that the API key (from WithAPIKeySource;")
}

// The mark on what is returned says what the error handler was told, for whoever
// calls the Exporter without a Processor.
func TestReportedLossesAreMarked(t *testing.T) {
	srv, exp := newExporter(t, nil)
	sgpexporter.Handled(t)
	srv.Inject(sgptest.Status(422), sgptest.Status(403), sgptest.Status(404))
	assert.True(t, lost(t, exp.ExportSnapshots(t.Context(), ends(1))).Reported)
	assert.True(t, lost(t, exp.ExportSnapshots(t.Context(), ends(1))).Reported)
	assert.False(t, lost(t, exp.ExportSnapshots(t.Context(), ends(1))).Reported)
}

// A call that outlives the Exporter tells of its loss by what it returns.
func TestLossAfterShutdownIsNotMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey("another"), sgptest.WithInMemoryNetwork()},
			sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { return key, nil }))
		errs := sgpexporter.Handled(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() { result <- exp.ExportSnapshots(ctx, ends(1)) }()
		time.Sleep(30 * time.Second)
		assert.Error(t, exp.Shutdown(t.Context()))
		cancel()
		assert.False(t, lost(t, <-result).Reported)
		time.Sleep(time.Hour)
		assert.Len(t, errs.All(), 1)
	})
}
