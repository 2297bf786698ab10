package spool

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small returns a Log with segments of 4 KiB.
func small(t *testing.T, dir Dir) *Log {
	t.Helper()
	l, err := Open(dir, Limits{MaxBytes: 64 << 10, MaxAge: time.Hour})
	require.NoError(t, err)
	return l
}

// powerLost is a directory after a loss of power: nothing is there that was not made durable.
func powerLost(dir *memDir) *memDir { return dir.reboot(true, func(int) int { return 0 }) }

// The last durable state of a span that runs is not removed before the newer one is durable.
func TestARecordDoesNotGoBeforeWhatTookItsPlaceIsDurable(t *testing.T) {
	dir := newMemDir()
	l := small(t, dir)
	long := strings.Repeat("x", 3000)
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "first "+long, false)}))
	require.NoError(t, l.Sync())
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "second "+long, false)}))
	l.Tidy(at)
	assert.Len(t, dir.files, 1, "the first segment is removed")

	after := small(t, powerLost(dir))
	found := after.Orphans(10)
	require.Len(t, found, 1)
	assert.Equal(t, "second "+long, string(found[0].JSON))
}

// A write that fails in a segment without records of its own does not cost the marks in it.
func TestAFailedWriteDoesNotCostMarks(t *testing.T) {
	dir := newMemDir()
	l := small(t, dir)
	long := strings.Repeat("x", 3900)
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", long, false), write("t", "b", "b", false)}))
	require.NoError(t, l.AppendWritten([]Item{write("t", "c", long, false)}))
	require.NoError(t, l.Sync())
	require.NoError(t, l.Ended([]Item{write("t", "c", "", true), write("t", "b", "", true)}))
	dir.full = true
	_, err := l.Append([]Item{write("t", "d", "d", true)})
	require.ErrorIs(t, err, errDisk)
	require.NoError(t, l.Sync())

	after := small(t, powerLost(dir))
	found := after.Orphans(10)
	require.Len(t, found, 1)
	assert.Equal(t, "a", found[0].ID)
}

// What could not be made durable when nobody had asked for it is told to the next who asks.
func TestSyncTellsOfAnEarlierFailure(t *testing.T) {
	dir := newMemDir()
	l := small(t, dir)
	long := strings.Repeat("x", 3000)
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "first "+long, false)}))
	require.NoError(t, l.Sync())
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "second "+long, false)}))
	dir.volatile = true
	l.Tidy(at)
	assert.Len(t, dir.files, 2, "the first segment stays")
	dir.volatile = false
	require.ErrorIs(t, l.Sync(), errDisk)
	require.NoError(t, l.Sync())
	assert.Len(t, small(t, powerLost(dir)).Orphans(10), 1)
}
