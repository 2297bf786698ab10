package spoolstore

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
)

const (
	items = 512
	size  = 1100
)

var bucket = []byte("items")

// queue is a queue in a database.
type queue struct {
	db   *bbolt.DB
	next uint64
}

func open(b *testing.B, path string) *queue {
	b.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(b, err)
	require.NoError(b, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	}))
	return &queue{db: db}
}

// step deletes the oldest items, up to a number, which have been read, and adds a batch: all of it durable by one transaction.
func (q *queue) step(deliver int, batch [][]byte) (delivered int, err error) {
	err = q.db.Update(func(tx *bbolt.Tx) error {
		all := tx.Bucket(bucket)
		all.FillPercent = 1 // keys only grow
		c := all.Cursor()
		var read int
		for key, value := c.First(); key != nil && delivered < deliver; key, value = c.First() {
			read += len(append([]byte(nil), value...))
			if err := c.Delete(); err != nil {
				return err
			}
			delivered++
		}
		for _, value := range batch {
			q.next++
			if err := all.Put(binary.BigEndian.AppendUint64(nil, q.next), value); err != nil {
				return err
			}
		}
		return nil
	})
	return delivered, err
}

// bbolt under the work of the spool: batches of 512 items of 1,100 bytes, each durable before the next. Repeat
// with:
//
//	cd integration && go test ./spoolstore -run '^$' -bench Bbolt -benchtime 500x
func BenchmarkBbolt(b *testing.B) {
	batch := make([][]byte, items)
	for i := range batch {
		batch[i] = make([]byte, size)
		for k := range batch[i] {
			batch[i][k] = byte(rand.Uint32())
		}
	}
	b.Run("each batch is delivered", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "db")
		q := open(b, path)
		before := cpu()
		for b.Loop() {
			_, err := q.step(items, batch)
			require.NoError(b, err)
		}
		report(b, cpu()-before, path)
		require.NoError(b, q.db.Close())
	})
	b.Run("an outage, then all is delivered", func(b *testing.B) {
		path := filepath.Join(b.TempDir(), "db")
		q := open(b, path)
		before := cpu()
		for b.Loop() {
			_, err := q.step(0, batch)
			require.NoError(b, err)
		}
		for {
			delivered, err := q.step(items, nil)
			require.NoError(b, err)
			if delivered == 0 {
				break
			}
		}
		report(b, cpu()-before, path)
		require.NoError(b, q.db.Close())
	})
}

// report tells what an item cost, and how large the file is in the end.
func report(b *testing.B, used time.Duration, path string) {
	b.Helper()
	b.ReportMetric(float64(b.N*items)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(used)/float64(b.N*items), "cpu-ns/item")
	info, err := os.Stat(path)
	require.NoError(b, err)
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB-left")
}

// cpu is what the process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
