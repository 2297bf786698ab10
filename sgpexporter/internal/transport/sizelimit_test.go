package transport

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSizeLimit(t *testing.T) {
	var l sizeLimit
	l.init(1<<20, growAfter)
	l.refused(1<<20, 10)
	assert.EqualValues(t, 512<<10, l.get())
	l.refused(1<<20, 10) // a request of before
	assert.EqualValues(t, 512<<10, l.get())
	l.refused(300<<10, 1)
	assert.EqualValues(t, 300<<10-1, l.get())
	l.refused(100, 2)
	assert.EqualValues(t, 16<<10, l.get(), "the least")

	for range 999 {
		l.stored()
	}
	assert.EqualValues(t, 16<<10, l.get())
	l.stored()
	assert.EqualValues(t, 32<<10, l.get())
	for range 6_000 {
		l.stored()
	}
	assert.EqualValues(t, 1<<20, l.get(), "never above what is configured")

	var small sizeLimit
	small.init(1000, growAfter)
	small.refused(1000, 2)
	assert.EqualValues(t, 1000, small.get(), "never raised by a 413")
}
