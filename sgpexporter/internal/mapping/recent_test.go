package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRecentForgetsTheOldestHalf(t *testing.T) {
	r := recent[string, int]{limit: 2}
	r.put("a", 1)
	r.put("b", 2)
	r.put("b", 3) // takes no room
	r.put("c", 4) // a and b are old now
	r.put("a", 5) // and a is young again
	for key, want := range map[string]int{"a": 5, "b": 3, "c": 4} {
		got, ok := r.get(key)
		assert.True(t, ok && got == want, key)
	}
	r.put("d", 6) // a and c are old, b is forgotten
	_, ok := r.get("b")
	assert.False(t, ok)
	assert.EqualValues(t, 1, r.forgotten)
}
