package asyncprocessor

import (
	"math/bits"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// The sizes on which the speed of the hot path rests, on a 64-bit machine. A field
// too many would cost without failing anything else.
func TestMemoryLayout(t *testing.T) {
	if bits.UintSize != 64 {
		t.Skip("the layout is made for 64-bit machines")
	}
	const line = 64
	var l lane
	assert.Zero(t, unsafe.Sizeof(l)%(2*line), "cores fetch them in pairs")
	for _, l := range newTestQueue(t, maxLanes).lanes {
		assert.Zero(t, uintptr(unsafe.Pointer(l))%line, "begins on a cache line")
	}
	assert.Equal(t, uintptr(line), unsafe.Offsetof(l.granted), "what every append touches comes before")
	assert.Equal(t, uintptr(line/2), unsafe.Sizeof(entry{}))
	assert.Equal(t, uintptr(line), unsafe.Sizeof(startSpan{}))
	var d dispatcher
	assert.LessOrEqual(t, unsafe.Sizeof(d.shards.states), uintptr(64<<10), "a part of a core's second cache")
	assert.LessOrEqual(t, unsafe.Sizeof(places{}), uintptr(128<<10))
	assert.LessOrEqual(t, unsafe.Sizeof(chunk{}), uintptr(1024))
	assert.LessOrEqual(t, unsafe.Sizeof([blockSize]node{}), uintptr(4096))
	assert.LessOrEqual(t, unsafe.Sizeof(slab{}), uintptr(1024))
}
