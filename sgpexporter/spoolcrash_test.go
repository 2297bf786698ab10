package sgpexporter_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// known is what a test knows of a span. Handed over is what ExportSnapshots or KeepSnapshots said is delivered.
type known struct {
	trace      byte
	n          int
	runs       bool // its START was offered, and its END was not
	handedOver bool // a write of it was
	noted      bool // likewise, while the disk was well
	ended      bool // its END was handed over
	mayHaveEnd bool // its END may be there, as the process was killed meanwhile or nothing was answered
}

// shift is a process with a spool, and the queue in front of it: what failed for now goes back to its head.
type shift struct {
	exporter *sgpexporter.Exporter
	disk     *sgpexporter.Disk
	waiting  []asyncprocessor.Snapshot
	of       []*known // of what waits
	spans    []*known
	full     bool
}

// step is one thing that happens to it.
type step struct {
	kind  int
	keep  bool // by KeepSnapshots
	share int  // of what waits, in percent
	ms    int
	news  []news
}

// news is a snapshot that comes: of the pick-th span that runs, or of a new one.
type news struct {
	known, ends bool
	pick, trace int
}

func drawSteps(t *rapid.T) []step {
	one := rapid.Custom(func(t *rapid.T) news {
		return news{
			known: rapid.Bool().Draw(t, "known"), ends: rapid.Bool().Draw(t, "ends"),
			pick: rapid.IntRange(0, 9).Draw(t, "pick"), trace: rapid.IntRange(1, 4).Draw(t, "trace"),
		}
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			kind: rapid.IntRange(0, 6).Draw(t, "kind"), keep: rapid.Bool().Draw(t, "keep"),
			share: rapid.IntRange(1, 100).Draw(t, "share"), ms: rapid.IntRange(0, 3000).Draw(t, "ms"),
			news: rapid.SliceOfN(one, 1, 5).Draw(t, "news"),
		}
	}), 1, 25).Draw(t, "steps")
}

// Spool and replay, in a process that is killed at a random write of its disk, which may be full before that, while
// SGP comes and goes. Whatever was handed over is at SGP when the next process is through, in its last
// state; no span runs there; and no START came after the END of its span, but for one that is written again.
func TestWhatWasHandedOverSurvivesAKillAtEveryWrite(t *testing.T) {
	sgpexporter.Handled(t)
	root := t.TempDir()
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		dir := filepath.Join(root, strconv.Itoa(checks))
		mode := rapid.SampledFrom(spoolModes).Draw(t, "mode")
		crash := rapid.IntRange(0, 60).Draw(t, "crash")
		steps := drawSteps(t)
		rapid.SyncTest(t, func(t *rapid.T) {
			srv := sgptest.NewServer(sgptest.WithInMemoryNetwork(), sgptest.WithMaxRequests(0), sgptest.WithLatency(20*time.Millisecond))
			defer srv.Close()
			s := &shift{disk: new(sgpexporter.Disk)}
			s.disk.CrashAfter(crash)
			s.exporter = newLife(t, srv, dir, mode, s.disk)
			s.work(srv, steps)
			s.disk.CrashAfter(-1)
			_ = s.exporter.Shutdown(t.Context()) // the dead process writes and sends nothing any more

			srv.SetFault(nil)
			next := newLife(t, srv, dir, mode, new(sgpexporter.Disk))
			for begin := time.Now(); time.Since(begin) < time.Hour; time.Sleep(100 * time.Millisecond) {
				if st := next.Stats().Spool; st.Open && st.Items == 0 && st.Running == 0 {
					break
				}
			}
			left := next.Stats().Spool
			_ = next.Shutdown(t.Context())
			if left.Items > 0 || left.Running > 0 {
				t.Fatalf("the next process is not through: %+v", left)
			}
			for _, k := range s.spans {
				k.check(t, srv)
			}
		})
		_ = os.RemoveAll(dir)
	})
}

// mortal is the network of a process whose disk may crash it.
type mortal struct {
	http.RoundTripper
	disk *sgpexporter.Disk
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.disk.Crashed() {
		return nil, errors.New("the process is dead")
	}
	return m.RoundTripper.RoundTrip(r)
}

func newLife(t *rapid.T, srv *sgptest.Server, dir string, mode sgpexporter.SpoolMode, disk *sgpexporter.Disk) *sgpexporter.Exporter {
	client := *srv.Client()
	client.Transport = &mortal{client.Transport, disk}
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(&client),
		sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
	require.NoError(t, err)
	return exp
}

// work goes through steps, until the crash.
func (s *shift) work(srv *sgptest.Server, steps []step) {
	var down atomic.Bool
	srv.SetFault(func(*sgptest.Request) sgptest.Fault {
		if down.Load() {
			return sgptest.Status(http.StatusServiceUnavailable)
		}
		return sgptest.Fault{}
	})
	for _, st := range steps {
		switch st.kind {
		case 0, 1:
			s.offer(st.news)
			s.call(st)
		case 2:
			s.call(st)
		case 3:
			down.Store(!down.Load())
		case 4:
			if s.full = !s.full; s.full {
				s.disk.Fail(syscall.ENOSPC)
			} else {
				s.disk.Fail(nil)
			}
		default:
			time.Sleep(time.Duration(st.ms) * time.Millisecond)
		}
		if s.disk.Crashed() {
			return
		}
	}
}

// offer adds snapshots: of spans that begin, change, end, or are seen when they have ended.
func (s *shift) offer(all []news) {
	for _, x := range all {
		running := slices.DeleteFunc(slices.Clone(s.spans), func(k *known) bool { return !k.runs })
		phase := end
		var k *known
		if x.known && len(running) > 0 {
			if k = running[x.pick%len(running)]; !x.ends {
				phase = asyncprocessor.PhaseUpdate
			}
		} else {
			k = &known{trace: byte(x.trace), n: len(s.spans) + 1}
			s.spans = append(s.spans, k)
			if !x.ends {
				phase = start
			}
		}
		k.runs = phase != end
		s.waiting, s.of = append(s.waiting, snapshot(phase, k.n, inTrace(k.trace))), append(s.of, k)
	}
}

// call hands over some of what waits, as the processor would.
func (s *shift) call(st step) {
	n := (len(s.waiting)*st.share + 99) / 100
	snapshots, of := slices.Clone(s.waiting[:n]), slices.Clone(s.of[:n])
	hand := s.exporter.ExportSnapshots
	if st.keep {
		hand = s.exporter.KeepSnapshots
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	err := hand(ctx, snapshots)
	cancel()
	failed := undelivered(err)
	var waiting []asyncprocessor.Snapshot
	var waits []*known
	for i, k := range of {
		isEnd := snapshots[i].Phase == end
		switch {
		case s.disk.Crashed():
			k.mayHaveEnd = k.mayHaveEnd || isEnd
		case failed[i]:
			k.mayHaveEnd = k.mayHaveEnd || isEnd
			waiting, waits = append(waiting, snapshots[i]), append(waits, k)
		default:
			k.handedOver = true
			k.noted = k.noted || !s.full
			k.ended = k.ended || isEnd
		}
	}
	s.waiting, s.of = append(waiting, s.waiting[n:]...), append(waits, s.of[n:]...)
}

// undelivered returns what an error of the Exporter says is not delivered.
func undelivered(err error) map[int]bool {
	all := map[int]bool{}
	switch x := err.(type) {
	case *asyncprocessor.ExportError:
		for _, i := range x.Undelivered {
			all[i] = true
		}
	case interface{ Unwrap() []error }:
		for _, part := range x.Unwrap() {
			maps.Copy(all, undelivered(part))
		}
	}
	return all
}

// check holds what SGP has of a span against what is known of it.
func (k *known) check(t *rapid.T, srv *sgptest.Server) {
	about := snapshot(end, k.n, inTrace(k.trace)).Span.SpanContext()
	stored, found := srv.Span(about.TraceID().String(), about.SpanID().String())
	if !found {
		require.False(t, k.handedOver, "span %d was handed over and is lost", k.n)
		return
	}
	last := stored.Writes[len(stored.Writes)-1]
	switch {
	case k.ended:
		require.True(t, stored.Completed() && last.Completed, "span %d has ended, and runs", k.n)
		require.Equal(t, "SUCCESS", stored.Status, "the END of span %d was overwritten", k.n)
	case k.noted && !k.mayHaveEnd:
		require.Equal(t, "CANCELED", stored.Status, "span %d ran when the process was killed", k.n)
	case k.noted:
		require.True(t, last.Completed, "span %d runs", k.n)
	}
	first := slices.IndexFunc(stored.Writes, func(w sgptest.Write) bool { return w.Completed })
	begin := slices.IndexFunc(stored.Writes, func(w sgptest.Write) bool { return !w.Completed })
	if first >= 0 && begin >= 0 {
		require.Less(t, begin, first, "the START of span %d came after its END", k.n)
	}
}
