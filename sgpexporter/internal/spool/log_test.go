package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

var at = time.Unix(1_700_000_000, 0)

func write(trace, id, json string, ends bool) Item {
	phase := uint8(1)
	if ends {
		phase = 2
	}
	return Item{Item: transport.Item{TraceID: trace, ID: id, Name: "name"}, Phase: phase, Ends: ends, At: at, JSON: []byte(json)}
}

func none(uint64) bool { return false }

func open(t *testing.T, dir Dir) *Log {
	t.Helper()
	l, err := Open(dir, Limits{MaxBytes: 1 << 20, MaxAge: time.Hour})
	require.NoError(t, err)
	return l
}

func texts(l *Log) []string {
	all := []string{}
	var seqs []Seq
	for _, c := range l.Claim(at, 1000, 1<<20, none) {
		all, seqs = append(all, string(c.JSON)), append(seqs, c.Seq)
	}
	l.Release(seqs)
	return all
}

func TestLogKeepsWhatAnItemIs(t *testing.T) {
	dir := newMemDir()
	it := write("t", "a", `{"a":1,"parent_id":"p"}`, false)
	it.RemoteParent, it.ParentFrom, it.ParentTo = true, 6, 22
	_, err := open(t, dir).Append([]Item{it})
	require.NoError(t, err)

	got := open(t, dir).Claim(at, 10, 1<<20, none)
	require.Len(t, got, 1)
	assert.Equal(t, it, got[0].Item)
}

func TestLogGivesNothingOfATraceThatIsClaimed(t *testing.T) {
	l := open(t, newMemDir())
	_, err := l.Append([]Item{write("t", "a", "1", true), write("u", "b", "2", true), write("t", "c", "3", true)})
	require.NoError(t, err)

	first := l.Claim(at, 1, 1<<20, none)
	require.Len(t, first, 1)
	assert.Equal(t, []string{"2"}, texts(l))
	l.Release([]Seq{first[0].Seq})
	assert.Equal(t, []string{"1", "2", "3"}, texts(l))
}

func TestLogRemembersWhatRuns(t *testing.T) {
	dir := newMemDir()
	l := open(t, dir)
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "start a", false), write("t", "b", "start b", false)}))
	require.NoError(t, l.AppendWritten([]Item{write("t", "a", "update a", false)}))
	require.NoError(t, l.Ended([]Item{write("t", "b", "", true)}))
	seqs, err := l.Append([]Item{write("t", "c", "start c", false), write("t", "d", "start d", false), write("t", "d", "end d", true)})
	require.NoError(t, err)
	require.NoError(t, l.Delivered(seqs))
	assert.EqualValues(t, 2, l.Stats().Running)

	next := open(t, dir)
	assert.Empty(t, texts(next))
	var left []string
	for _, it := range next.Orphans(10) {
		left = append(left, string(it.JSON))
	}
	assert.Equal(t, []string{"update a", "start c"}, left)
}

func TestLogTruncatedAtEveryByteOfItsLastRecord(t *testing.T) {
	dir := newMemDir()
	_, err := open(t, dir).Append([]Item{write("t", "a", "1", true), write("t", "b", "2", true), write("t", "c", "3", true)})
	require.NoError(t, err)
	whole := dir.files["00000001.seg"].data
	last := itemSize(&Item{Item: transport.Item{TraceID: "t", ID: "c", Name: "name"}, JSON: []byte("3")})
	for cut := 1; cut <= last; cut++ {
		short := newMemDir()
		short.files["00000001.seg"] = &memFile{dir: short, data: whole[:len(whole)-cut]}
		l := open(t, short)
		assert.Equal(t, []string{"1", "2"}, texts(l), "without %d bytes", cut)
		damaged := uint64(1)
		if cut == last {
			damaged = 0
		}
		assert.Equal(t, damaged, l.Stats().Damaged, "without %d bytes", cut)
	}
}

func TestLogRecoversTheRestWhereverABitIsFlipped(t *testing.T) {
	dir := newMemDir()
	_, err := open(t, dir).Append([]Item{write("t", "a", "1", true), write("t", "b", "2", true), write("t", "c", "3", true)})
	require.NoError(t, err)
	whole := dir.files["00000001.seg"].data
	for i := len(fileHeader); i < len(whole); i++ {
		flipped := newMemDir()
		data := append([]byte(nil), whole...)
		data[i] ^= 1 << (i % 8)
		flipped.files["00000001.seg"] = &memFile{dir: flipped, data: data}
		l := open(t, flipped)
		assert.Len(t, texts(l), 2, "byte %d", i)
		assert.EqualValues(t, 1, l.Stats().Damaged, "byte %d", i)
	}
}

func TestLogNoticesABitFlippedWhileItIsOpen(t *testing.T) {
	dir := newMemDir()
	l := open(t, dir)
	_, err := l.Append([]Item{write("t", "a", "1", true), write("t", "b", "2", true)})
	require.NoError(t, err)
	dir.files["00000001.seg"].data[40] ^= 1
	assert.Equal(t, []string{"2"}, texts(l))
	assert.Equal(t, map[string]uint64{"spool_damaged": 1}, l.Stats().Dropped)
}

func TestLogLeavesForeignFilesAlone(t *testing.T) {
	dir := newMemDir()
	dir.files["00000001.seg"] = &memFile{dir: dir, data: []byte("SGPSPOL\x02 of a later version")}
	dir.files["notes.txt"] = &memFile{dir: dir, data: []byte("mine")}
	l := open(t, dir)
	_, err := l.Append([]Item{write("t", "a", "1", true)})
	require.NoError(t, err)
	assert.Equal(t, []string{"00000001.seg"}, l.Foreign())
	assert.Equal(t, "SGPSPOL\x02 of a later version", string(dir.files["00000001.seg"].data))
	assert.Equal(t, "mine", string(dir.files["notes.txt"].data))
	assert.Equal(t, []string{"1"}, texts(l))
}

// fill appends a START and an END of one trace after the other, of some 500 bytes each.
func fill(t *testing.T, l *Log, n int) {
	t.Helper()
	for i := range n {
		_, err := l.Append([]Item{
			write(fmt.Sprint(i), "a", fmt.Sprintf("start %d%s", i, strings.Repeat(".", 430)), false),
			write(fmt.Sprint(i), "a", fmt.Sprintf("end %d%s", i, strings.Repeat(".", 430)), true),
		})
		require.NoError(t, err)
	}
}

func TestLogDropsStartsFirstAndThenTheOldestEnds(t *testing.T) {
	l, err := Open(newMemDir(), Limits{MaxBytes: 64 << 10, MaxAge: time.Hour})
	require.NoError(t, err)
	fill(t, l, 100) // 100 kB
	stats := l.Stats()
	assert.LessOrEqual(t, stats.Bytes, int64(64<<10))
	assert.Equal(t, uint64(200), uint64(stats.Items)+stats.Dropped["spool_full"])
	ends := map[string]bool{}
	for _, text := range texts(l) {
		if strings.HasPrefix(text, "end") {
			ends[strings.Trim(text, ".")] = true
		}
	}
	assert.Len(t, ends, 100)

	fill(t, l, 200)
	stats = l.Stats()
	assert.LessOrEqual(t, stats.Bytes, int64(64<<10))
	assert.Equal(t, uint64(600), uint64(stats.Items)+stats.Dropped["spool_full"])
}

func TestLogKeepsTheNewestEnds(t *testing.T) {
	l, err := Open(newMemDir(), Limits{MaxBytes: 64 << 10, MaxAge: time.Hour})
	require.NoError(t, err)
	fill(t, l, 1000)
	found := texts(l)
	assert.Contains(t, strings.Trim(found[len(found)-1], "."), "end 999")
	assert.Greater(t, len(found), 60)
}

func TestLogDropsWhatIsTooOld(t *testing.T) {
	l := open(t, newMemDir())
	_, err := l.Append([]Item{write("t", "a", "1", true)})
	require.NoError(t, err)
	assert.Empty(t, l.Claim(at.Add(time.Hour+1), 10, 1<<20, none))
	assert.Equal(t, map[string]uint64{"spool_expired": 1}, l.Stats().Dropped)
}

func TestLogGoesOnAfterTheDiskWasFull(t *testing.T) {
	dir := newMemDir()
	l := open(t, dir)
	_, err := l.Append([]Item{write("t", "a", "1", true)})
	require.NoError(t, err)
	dir.full = true
	_, err = l.Append([]Item{write("t", "b", "2", true)})
	require.ErrorIs(t, err, errDisk)
	dir.full = false
	_, err = l.Append([]Item{write("t", "c", "3", true)})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "3"}, texts(open(t, dir)))
}

// When a mark finds no room on the disk, none of a later record of its span is written before it: after a crash the START of
// a span that has ended would be sent again, alone.
func TestMarksAreWrittenInOrderAfterTheDiskWasFull(t *testing.T) {
	dir := newMemDir()
	l := open(t, dir)
	seqs, err := l.Append([]Item{write("t", "a", "START", false), write("t", "a", "UPDATE", false)})
	require.NoError(t, err)
	dir.full = true
	require.ErrorIs(t, l.Delivered(seqs[:1]), errDisk)
	dir.full = false
	end, err := l.Append([]Item{write("t", "a", "END", true)})
	require.NoError(t, err)
	assert.Equal(t, []string{"START", "UPDATE", "END"}, texts(open(t, dir)), "so far all are repeated")
	require.NoError(t, l.Delivered([]Seq{seqs[1], end[0]}))
	assert.Empty(t, texts(open(t, dir)))
}

func TestLogMakesRoomOnAFullDiskByWhatWasDelivered(t *testing.T) {
	dir := newMemDir()
	l := open(t, dir)
	seqs, err := l.Append([]Item{write("t", "a", "1", true), write("t", "b", "2", true)})
	require.NoError(t, err)
	dir.full = true
	require.ErrorIs(t, l.Delivered(seqs[:1]), errDisk)
	assert.Len(t, dir.files, 1)
	require.ErrorIs(t, l.Delivered(seqs[1:]), errDisk)
	assert.Empty(t, dir.files)
	assert.Zero(t, l.Stats().Bytes)
}

// What is kept for the time after a crash takes the place of nothing that is to be delivered.
func TestLogDropsNothingForWhatRuns(t *testing.T) {
	l, err := Open(newMemDir(), Limits{MaxBytes: 64 << 10, MaxAge: time.Hour})
	require.NoError(t, err)
	for n := 0; err == nil; n++ {
		_, err = l.Append([]Item{write("t", fmt.Sprint(n), strings.Repeat("x", 1000), true)})
		require.NoError(t, err)
		if l.Stats().Dropped[DropFull] > 0 {
			break
		}
	}
	items, dropped := l.Stats().Items, l.Stats().Dropped[DropFull]
	for n := range 100 {
		if err = l.AppendWritten([]Item{write("u", fmt.Sprint(n), strings.Repeat("x", 1000), false)}); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, ErrFull)
	assert.Equal(t, items, l.Stats().Items)
	assert.Equal(t, dropped, l.Stats().Dropped[DropFull])
}

// What cannot be taken over whole, as the disk is full, is not taken over twice.
func TestLogTakesNothingTwice(t *testing.T) {
	left, disk := newMemDir(), newMemDir()
	limits := Limits{MaxBytes: 64 << 10, MaxAge: time.Hour}
	other, err := Open(left, limits)
	require.NoError(t, err)
	for n := range 10 {
		_, err := other.Append([]Item{write("t", fmt.Sprint(n), strings.Repeat("x", 1000), true)})
		require.NoError(t, err)
	}
	require.NoError(t, other.Close())
	require.Len(t, left.files, 4)

	l, err := Open(disk, limits)
	require.NoError(t, err)
	for disk.left = 3; l.take(left) != nil; disk.left = 6 {
		require.LessOrEqual(t, l.Stats().Items, int64(10))
	}
	assert.Equal(t, int64(10), l.Stats().Items)
	assert.Equal(t, uint64(10), l.Stats().Recovered)
	assert.Empty(t, left.files)
}

func TestLogDeletesSegmentsThatAreDelivered(t *testing.T) {
	dir := newMemDir()
	l, err := Open(dir, Limits{MaxBytes: 64 << 10, MaxAge: time.Hour})
	require.NoError(t, err)
	require.NoError(t, l.AppendWritten([]Item{write("running", "a", "start", false)}))
	for range 100 {
		seqs, err := l.Append([]Item{write("t", "b", strings.Repeat("x", 1000), true)})
		require.NoError(t, err)
		require.NoError(t, l.Delivered(seqs))
		l.Tidy(at)
	}
	assert.LessOrEqual(t, len(dir.files), 5)
	assert.Len(t, open(t, dir).Orphans(10), 1)
}

// What is asked for at once is bounded in memory, too, and comes in the end.
func TestOrphansAreBoundedInBytes(t *testing.T) {
	dir := newMemDir()
	limits := Limits{MaxBytes: 1 << 30, MaxAge: time.Hour}
	l, err := Open(dir, limits)
	require.NoError(t, err)
	for n := range 20 {
		require.NoError(t, l.AppendWritten([]Item{write("t", fmt.Sprint(n), strings.Repeat("x", 1<<20), false)}))
	}
	require.NoError(t, l.Close())
	l, err = Open(dir, limits)
	require.NoError(t, err)
	for left := 20; left > 0; {
		some := l.Orphans(250)
		require.NotEmpty(t, some)
		require.LessOrEqual(t, len(some), 4)
		require.NoError(t, l.Ended(some))
		left -= len(some)
	}
	assert.Empty(t, l.Orphans(250))
}

func TestDirectoryOfTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spool")
	limits := Limits{MaxBytes: 1 << 20, MaxAge: time.Hour}
	first, err := own(path)
	require.NoError(t, err)
	second, err := own(path)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(path, "instance-1"), second.path)
	l2, err := Open(second, limits)
	require.NoError(t, err)
	_, err = l2.Append([]Item{write("t", "a", "1", true)})
	require.NoError(t, err)
	require.NoError(t, l2.AppendWritten([]Item{write("t", "b", "2", false)}))

	l1, err := Open(first, limits)
	require.NoError(t, err)
	require.NoError(t, first.adopt(l1))
	assert.Empty(t, texts(l1)) // the second process lives

	second.release()
	require.NoError(t, first.adopt(l1))
	assert.Equal(t, []string{"1"}, texts(l1))
	assert.Len(t, l1.Orphans(10), 1)
	_, err = os.Stat(second.path)
	assert.ErrorIs(t, err, os.ErrNotExist)
	first.release()

	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(path, "00000001.seg"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
