package spool

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hangingDir makes files whose writes wait until release is closed.
type hangingDir struct {
	Dir
	release chan struct{}
}

func (d *hangingDir) Create(name string) (File, error) {
	<-d.release
	return d.Dir.Create(name)
}

// What the disk did not do in time is undone when it has done it: its caller keeps the items.
func TestWhatIsGivenUpIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var reports int
		s := Start(Config{
			Path: t.TempDir(), Limits: Limits{MaxBytes: 1 << 20, MaxAge: time.Hour}, Report: func(error) { reports++ },
			Wrap: func(files Dir) Dir { return &hangingDir{files, release} },
		})
		var seqs []Seq
		try := func() error {
			return s.Try(t.Context(), false, func(l *Log) (err error) {
				seqs, err = l.Append([]Item{write("t", "a", "1", true)})
				return err
			}, func(l *Log) { l.Withdraw(seqs) })
		}
		begin := time.Now()
		require.ErrorIs(t, try(), ErrSlow)
		assert.Equal(t, time.Second, time.Since(begin))
		time.Sleep(time.Second)
		begin = time.Now()
		require.ErrorIs(t, try(), ErrSlow)
		assert.Zero(t, time.Since(begin), "nobody waits for a disk that hangs")
		assert.Equal(t, 1, reports)
		close(release)
		synctest.Wait()
		assert.Zero(t, s.Stats().Items)
		assert.Zero(t, s.Stats().Stored)
		require.NoError(t, try())
		assert.Equal(t, int64(1), s.Stats().Items)
		require.NoError(t, s.Close(t.Context()))
	})
}
