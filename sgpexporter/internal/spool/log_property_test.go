package spool

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// model is what a test knows of a Log: of each trace, by the number of each item, which
// were confirmed, and which were delivered.
type model struct {
	next      int
	durable   map[string][]int // confirmed by Sync
	appended  map[string][]int // confirmed by Append
	delivered map[string]map[int]bool
	settled   map[int]bool // Delivered said that this is on disk
}

func number(it Item) (n int) {
	_, _ = fmt.Sscanf(string(it.JSON), "%d:", &n)
	return n
}

// TestLogSurvivesACrashAtEveryWrite drives a Log with random work, ends its process or its
// machine's power at a random write, and looks at what the next one finds.
func TestLogSurvivesACrashAtEveryWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir := newMemDir()
		m := &model{durable: map[string][]int{}, appended: map[string][]int{}, delivered: map[string]map[int]bool{}, settled: map[int]bool{}}
		limits := Limits{MaxBytes: 1 << 30, MaxAge: time.Hour}
		for life := range rapid.IntRange(1, 3).Draw(t, "lives") {
			l, err := Open(dir, limits)
			require.NoError(t, err)
			l.limits.MaxBytes = 64 << 10 // segments of 4 KiB, and no bound
			power := rapid.Bool().Draw(t, "power")
			check(t, l, m, life > 0 && power)
			l.limits.MaxBytes = 64 << 10
			dir.left = rapid.IntRange(0, 60).Draw(t, "crash")
			work(t, l, m, dir)
			powerLost := rapid.Bool().Draw(t, "power lost")
			dir = dir.reboot(powerLost, func(n int) int { return rapid.IntRange(0, n).Draw(t, "kept") })
			l, err = Open(dir, limits)
			require.NoError(t, err)
			check(t, l, m, powerLost)
		}
	})
}

// work does random things until the crash, or for some time.
func work(t *rapid.T, l *Log, m *model, dir *memDir) {
	confirmed := map[string][]int{}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0, 1, 2: // append
			var items []Item
			for range rapid.IntRange(1, 4).Draw(t, "items") {
				m.next++
				trace := fmt.Sprintf("trace%d", rapid.IntRange(0, 2).Draw(t, "trace"))
				items = append(items, Item{
					Item: transport.Item{TraceID: trace, ID: fmt.Sprintf("span%d", m.next)}, Ends: true, Phase: 2,
					At: time.Unix(1000, 0), JSON: fmt.Appendf(nil, "%d:%0*d", m.next, rapid.IntRange(1, 900).Draw(t, "size"), 0),
				})
			}
			if l.stats.Bytes > 40<<10 {
				return // the bound is another test's
			}
			if _, err := l.Append(items); err != nil {
				break
			}
			for _, it := range items {
				m.appended[it.TraceID] = append(m.appended[it.TraceID], number(it))
				confirmed[it.TraceID] = append(confirmed[it.TraceID], number(it))
			}
		case 3: // fsync
			if l.Sync() == nil {
				for trace, numbers := range confirmed {
					m.durable[trace] = append(m.durable[trace], numbers...)
				}
				clear(confirmed)
			}
		case 4: // deliver
			claims := l.Claim(time.Unix(1000, 0), rapid.IntRange(1, 5).Draw(t, "most"), 1<<20, func(uint64) bool { return false })
			var seqs []Seq
			for _, c := range claims {
				seqs = append(seqs, c.Seq)
				if m.delivered[c.TraceID] == nil {
					m.delivered[c.TraceID] = map[int]bool{}
				}
				m.delivered[c.TraceID][number(c.Item)] = true
			}
			if l.Delivered(seqs) == nil {
				for _, c := range claims {
					m.settled[number(c.Item)] = true
				}
			}
		case 5: // a disk that is full for a while
			dir.full = !dir.full
		}
		if dir.left == 0 {
			return
		}
	}
}

// check holds what a Log finds against what was confirmed.
func check(t *rapid.T, l *Log, m *model, powerLost bool) {
	found := map[string][]int{}
	claims := l.Claim(time.Unix(1000, 0), 1<<20, 1<<30, func(uint64) bool { return false })
	var seqs []Seq
	for _, c := range claims {
		found[c.TraceID] = append(found[c.TraceID], number(c.Item))
		seqs = append(seqs, c.Seq)
	}
	l.Release(seqs)
	want := m.appended
	if powerLost {
		want = m.durable
	}
	for trace, numbers := range want {
		for _, n := range numbers {
			if !m.delivered[trace][n] && !slices.Contains(found[trace], n) {
				t.Fatalf("item %d of %s was confirmed and is lost: %v", n, trace, found[trace])
			}
		}
	}
	for trace, numbers := range found {
		for _, n := range numbers {
			if m.settled[n] && !powerLost {
				t.Fatalf("item %d of %s was delivered, and comes again after a kill", n, trace)
			}
		}
		if !slices.IsSorted(numbers) {
			t.Fatalf("%s is out of order: %v", trace, numbers)
		}
	}
	if powerLost { // what comes again is delivered again
		clear(m.settled)
	}
	// What is there now is what the next life has.
	for trace := range m.appended {
		m.appended[trace] = slices.Clone(found[trace])
		m.durable[trace] = slices.Clone(found[trace])
	}
}
