package sgpspan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestIndexSpecialFindsTheFirst(t *testing.T) {
	for n := range 20 {
		for _, special := range []byte{'"', '\\', 0, 0x1f, 0x80, 0xff} {
			s := strings.Repeat("!", n) + string([]byte{special}) + `"\` + strings.Repeat("~", 9)
			assert.Equal(t, n, indexSpecial(s, false), "%q", s)
			if special >= 0x80 {
				assert.Equal(t, n+1, indexSpecial(s, true), "%q", s)
			}
		}
	}
	assert.Equal(t, 9, indexSpecial("\x7f !#[]^~a", false))
}

func TestCutString(t *testing.T) {
	assert.Equal(t, "abc", cutString("abc", 3))
	assert.Equal(t, "ab", cutString("abc", 2))
	assert.Equal(t, "a", cutString("aé", 2))
	assert.Equal(t, "a", cutString("a😀", 4))
	assert.Equal(t, "a😀", cutString("a😀b", 5))
	assert.Equal(t, "\x80\x80\x80", cutString("\x80\x80\x80\x80\x80", 3))
	assert.Equal(t, "", cutString("😀", 1))
}
