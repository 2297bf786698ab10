package transport

import (
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func bodyOf(t *testing.T, b *Batch, lo, hi int) string {
	t.Helper()
	p := plainPayload(b.run(lo, hi))
	l := &lease{parts: p.parts}
	r, err := l.open()
	require.NoError(t, err)
	got, err := io.ReadAll(iotest.OneByteReader(r))
	require.NoError(t, err)
	assert.EqualValues(t, len(got), p.size)
	assert.Equal(t, len(got), b.size(lo, hi))
	return string(got)
}

func TestBatchBodies(t *testing.T) {
	b := batchOf("a", "bb", "ccc")
	assert.Equal(t, 3, b.Len())
	assert.Equal(t, `{"items":["a","bb","ccc"]}`, bodyOf(t, b, 0, 3))
	assert.Equal(t, `{"items":["a"]}`, bodyOf(t, b, 0, 1))
	assert.Equal(t, `{"items":["bb","ccc"]}`, bodyOf(t, b, 1, 3))
	assert.Equal(t, 26, b.BodySize())
}

func TestBatchDrop(t *testing.T) {
	b := batchOf("a", "bb", "ccc")
	b.Drop(2)
	assert.Equal(t, 1, b.Len())
	assert.Equal(t, `{"items":["ccc"]}`, bodyOf(t, b, 0, 1))
	b.Commit(append(b.Buffer(), `"d"`...), Item{})
	assert.Equal(t, `{"items":["ccc","d"]}`, bodyOf(t, b, 0, 2))
	b.Drop(2)
	assert.Equal(t, 0, b.Len())
	assert.Empty(t, b.Buffer())
	assert.Equal(t, 12, b.BodySize())
}

func TestBatchResetKeepsMemory(t *testing.T) {
	b := batchOf(strings.Repeat("a", 1000))
	kept := b.Cap()
	b.Reset()
	assert.Equal(t, 0, b.Len())
	assert.Equal(t, kept, b.Cap())
}

// What was appended and not committed must not show.
func TestBatchIgnoresUncommitted(t *testing.T) {
	b := batchOf("a")
	_ = append(b.Buffer(), `"half`...)
	b.Commit(append(b.Buffer(), `"b"`...), Item{})
	assert.Equal(t, `{"items":["a","b"]}`, bodyOf(t, b, 0, 2))
}

func TestLeaseEndsReading(t *testing.T) {
	l := &lease{parts: plainPayload([]byte(`"a"`)).parts}
	first, _ := l.open()
	second, _ := l.open()
	buf := make([]byte, 5)
	n, err := first.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, 5, n)

	require.NoError(t, second.Close())
	_, err = second.Read(buf)
	assert.ErrorIs(t, err, errReleased)

	l.end()
	_, err = first.Read(buf)
	assert.ErrorIs(t, err, errReleased)
}

// net/http may read on while the attempt is over and the buffer is in use again.
func TestLeaseConcurrentSafe(t *testing.T) {
	buf := []byte(strings.Repeat("a", 1<<16))
	l := &lease{parts: [3][]byte{buf}}
	var reading sync.WaitGroup
	started := make(chan struct{})
	reading.Go(func() {
		r, _ := l.open()
		p := make([]byte, 16)
		close(started)
		for {
			if _, err := r.Read(p); err != nil {
				return
			}
		}
	})
	<-started
	l.end()
	for i := range buf {
		buf[i] = 'b' // -race sees it if a Read is still at it
	}
	reading.Wait()
}
