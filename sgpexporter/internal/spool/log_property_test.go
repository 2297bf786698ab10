package spool

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestLogSurvivesACrashAtEveryWrite drives a Log with random work, on a disk that is full now and then, ends its
// process or its machine's power at a random write, and looks at what the next one finds: what is to be
// delivered, in its order, and which spans ran, with their last write.
func TestLogSurvivesACrashAtEveryWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir := newMemDir()
		m := newModel()
		limits := Limits{MaxBytes: 1 << 30, MaxAge: time.Hour}
		for range rapid.IntRange(1, 3).Draw(t, "lives") {
			l, err := Open(dir, limits)
			require.NoError(t, err)
			l.limits.MaxBytes = 64 << 10 // segments of 4 KiB, and no bound
			dir.left = rapid.IntRange(0, 80).Draw(t, "crash")
			end(t, l, m, dir)
			work(t, l, m, dir)
			powerLost := rapid.Bool().Draw(t, "power lost")
			dir = dir.reboot(powerLost, func(n int) int { return rapid.IntRange(0, n).Draw(t, "kept") })
			l, err = Open(dir, limits)
			require.NoError(t, err)
			checkItems(t, l, m, powerLost)
			checkRunning(t, l, m, powerLost)
		}
	})
}

// end ends some of the spans that a process before left running: as unfinished, or as SGP has an end of them.
func end(t *rapid.T, l *Log, m *model, dir *memDir) {
	for _, it := range l.Orphans(rapid.IntRange(0, 5).Draw(t, "orphans")) {
		if rapid.Bool().Draw(t, "has an end") {
			m.ended(span{it.TraceID, it.ID}, l.Ended([]Item{it}) == nil)
			continue
		}
		m.next++
		it.Ends, it.JSON = true, []byte(rapid.SampledFrom([]string{"", "x"}).Draw(t, "json"))
		it.JSON = append([]byte(strconv.Itoa(m.next)+":"), it.JSON...)
		appended(l, m, dir, []Item{it})
	}
}

func appended(l *Log, m *model, dir *memDir, items []Item) {
	_, err := l.Append(items)
	if err != nil {
		if dir.left == 0 {
			m.wrote(items, false)
		}
		return
	}
	m.wrote(items, true)
	for _, it := range items {
		trace := m.trace(it.TraceID)
		trace.appended = append(trace.appended, number(it))
	}
}

// work does random things until the crash, or for some time.
func work(t *rapid.T, l *Log, m *model, dir *memDir) {
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		if l.stats.Bytes > 40<<10 {
			return // the bound is another test's
		}
		switch rapid.IntRange(0, 8).Draw(t, "step") {
		case 0, 1, 2:
			appended(l, m, dir, m.items(t, false))
		case 3: // spans that run are written
			items := m.items(t, true)
			if err := l.AppendWritten(items); err == nil || dir.left == 0 {
				m.wrote(items, err == nil)
			}
		case 4: // the END of one was
			if running := m.running(func(span) bool { return true }); len(running) > 0 {
				key := rapid.SampledFrom(running).Draw(t, "ended")
				m.ended(key, l.Ended([]Item{write(key.trace, key.id, "", true)}) == nil)
			}
		case 5: // fsync
			if l.Sync() == nil {
				m.synced()
			}
		case 6: // deliver
			claims := l.Claim(time.Unix(1000, 0), rapid.IntRange(1, 5).Draw(t, "most"), 1<<20, none)
			var seqs []Seq
			for _, c := range claims {
				seqs = append(seqs, c.Seq)
				m.trace(c.TraceID).delivered[number(c.Item)] = true
			}
			if l.Delivered(seqs) == nil {
				for _, c := range claims {
					m.trace(c.TraceID).settled[number(c.Item)] = true
				}
			}
		case 7: // a disk that is full for a while
			dir.full = !dir.full
		case 8: // a second is over
			l.Tidy(time.Unix(1000, 0))
		}
		if dir.left == 0 {
			return
		}
		require.Equal(t, m.waiting(), l.Stats().Items)
		running := m.running(func(span) bool { return true })
		require.EqualValues(t, len(running), l.Stats().Running)
		for _, key := range running {
			require.True(t, l.Runs(key.trace, key.id))
		}
	}
}

// checkItems holds what a Log finds to be delivered against what was confirmed.
func checkItems(t *rapid.T, l *Log, m *model, powerLost bool) {
	found := map[string][]int{}
	claims := l.Claim(time.Unix(1000, 0), 1<<20, 1<<30, none)
	var seqs []Seq
	for _, c := range claims {
		found[c.TraceID] = append(found[c.TraceID], number(c.Item))
		seqs = append(seqs, c.Seq)
	}
	l.Release(seqs)
	for id, trace := range m.traces {
		want := trace.appended
		if powerLost {
			want = trace.durable
		}
		for _, n := range want {
			if !trace.delivered[n] && !slices.Contains(found[id], n) {
				t.Fatalf("item %d of %s was confirmed and is lost: %v", n, id, found[id])
			}
		}
	}
	for id, numbers := range found {
		trace := m.trace(id)
		for _, n := range numbers {
			if trace.settled[n] && !powerLost {
				t.Fatalf("item %d of %s was delivered, and comes again after a kill", n, id)
			}
			if !slices.Contains(trace.appended, n) && !m.attempted(id, n) {
				t.Fatalf("item %d of %s was not to be delivered", n, id)
			}
		}
		if !slices.IsSorted(numbers) {
			t.Fatalf("%s is out of order: %v", id, numbers)
		}
	}
	// What is there now is what the next life has, and delivers again.
	for id, trace := range m.traces {
		*trace = traceModel{
			appended: slices.Clone(found[id]), durable: slices.Clone(found[id]), delivered: map[int]bool{}, settled: map[int]bool{},
		}
	}
}

// checkRunning holds which spans a Log says ran, with their last write, against what was confirmed.
func checkRunning(t *rapid.T, l *Log, m *model, powerLost bool) {
	orphans := map[span]int{}
	for _, it := range l.Orphans(1 << 20) {
		orphans[span{it.TraceID, it.ID}] = number(it)
	}
	require.Len(t, orphans, int(l.Stats().Running))
	for key, s := range m.spans {
		n, runs := orphans[key]
		fits := func(state spanState) bool { return state.runs == runs && (!runs || state.n == n) }
		i := slices.IndexFunc(s.possible(powerLost), fits)
		if i < 0 {
			t.Fatalf("%v runs: %v, write %d, and should be one of %v", key, runs, n, s.possible(powerLost))
		}
		s.found(s.possible(powerLost)[i])
		delete(orphans, key)
	}
	require.Empty(t, orphans, "spans that nobody wrote")
}
