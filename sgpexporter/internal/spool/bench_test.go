package spool

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// The log under the work of the spool, as integration/spoolstore has it with bbolt: batches of 512 items of
// 1,100 bytes, each durable before the next. Repeat with:
//
//	go test ./sgpexporter/internal/spool -run '^$' -bench Log -benchtime 500x
func BenchmarkLog(b *testing.B) {
	const items, size = 512, 1100
	batch := make([]Item, items)
	for i := range batch {
		json := make([]byte, size)
		for k := range json {
			json[k] = byte(rand.Uint32())
		}
		batch[i] = Item{Item: transport.Item{TraceID: fmt.Sprintf("%032x", i), ID: fmt.Sprintf("%016x", i)}, Ends: true, At: time.Now(), JSON: json}
	}
	appendBatch := func(b *testing.B, l *Log) {
		_, err := l.Append(batch)
		require.NoError(b, err)
		require.NoError(b, l.Sync())
	}
	deliver := func(b *testing.B, l *Log) int {
		claimed := l.Claim(time.Now(), items, 1<<30, func(uint64) bool { return false })
		seqs := make([]Seq, len(claimed))
		for i := range claimed {
			seqs[i] = claimed[i].Seq
		}
		require.NoError(b, l.Delivered(seqs))
		return len(seqs)
	}
	limits := Limits{MaxBytes: 1 << 40, MaxAge: time.Hour}

	b.Run("each batch is delivered", func(b *testing.B) {
		dir := b.TempDir()
		l, err := Open(osDir{dir}, limits)
		require.NoError(b, err)
		before := cpu()
		for b.Loop() {
			appendBatch(b, l)
			require.Equal(b, items, deliver(b, l))
		}
		report(b, items, cpu()-before, dir)
		require.NoError(b, l.Close())
	})
	b.Run("an outage, then all is delivered", func(b *testing.B) {
		dir := b.TempDir()
		l, err := Open(osDir{dir}, limits)
		require.NoError(b, err)
		before := cpu()
		for b.Loop() {
			appendBatch(b, l)
		}
		for deliver(b, l) > 0 {
		}
		report(b, items, cpu()-before, dir)
		require.NoError(b, l.Close())
	})
}

// report tells what an item cost, and how large the files are in the end.
func report(b *testing.B, items int, used time.Duration, dir string) {
	b.ReportMetric(float64(b.N*items)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(used)/float64(b.N*items), "cpu-ns/item")
	var size int64
	require.NoError(b, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		size += info.Size()
		return err
	}))
	b.ReportMetric(float64(size)/(1<<20), "MiB-left")
}

// cpu is what the process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
