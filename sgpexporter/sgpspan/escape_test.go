package sgpspan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestAppendString(t *testing.T) {
	for _, tc := range []struct {
		in, want string
		repaired bool
	}{
		{``, `""`, false},
		{`plain text, longer than eight bytes`, `"plain text, longer than eight bytes"`, false},
		{"quote \" backslash \\ slash /", `"quote \" backslash \\ slash /"`, false},
		{"line\nreturn\rtab\t", `"line\nreturn\rtab\t"`, false},
		{"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"", false},
		{"héllo wörld, 世界 😀", `"héllo wörld, 世界 😀"`, false},
		{"nul \x00 in", "\"nul \uFFFD in\"", true},
		{"bad \xff\xfe and é", "\"bad \uFFFD\uFFFD and é\"", true},
		{"é and then \xc3", "\"é and then \uFFFD\"", true},
		{"a true \uFFFD", "\"a true \uFFFD\"", false},
	} {
		out, repaired := appendString([]byte("x"), tc.in)
		assert.Equal(t, "x"+tc.want, string(out))
		assert.Equal(t, tc.repaired, repaired, tc.in)
	}
}

// TestAppendStringOfEveryLength holds each way through the words and what is left
// of one, with and without room in the buffer.
func TestAppendStringOfEveryLength(t *testing.T) {
	for n := range 70 {
		plain := strings.Repeat("a", n)
		for _, tc := range [][2]string{
			{plain, `"` + plain + `"`},
			{plain + "\n", `"` + plain + `\n"`},
			{"\x01" + plain, `"\u0001` + plain + `"`},
			{plain + "é" + plain, `"` + plain + "é" + plain + `"`},
			{strings.Repeat("\x02", n), `"` + strings.Repeat(`\u0002`, n) + `"`},
			{strings.Repeat("\"", n) + "世界", `"` + strings.Repeat(`\"`, n) + `世界"`},
		} {
			for _, room := range []int{0, 10, 1000} {
				out, repaired := appendString(append(make([]byte, 0, room), "x"...), tc[0])
				assert.Equal(t, "x"+tc[1], string(out))
				assert.False(t, repaired)
			}
		}
	}
}

// TestAppendStringGrows holds that escapes find room wherever the buffer ends.
func TestAppendStringGrows(t *testing.T) {
	for n := range 700 {
		for _, tail := range []string{"", "a", "12345678901234567"} {
			out, _ := appendString(nil, strings.Repeat("\"", n)+tail)
			if want := `"` + strings.Repeat(`\"`, n) + tail + `"`; string(out) != want {
				t.Fatalf("%d quotes and %q became %q", n, tail, out)
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\xff\"\\\n é 世界 \u2028")
	f.Add(strings.Repeat("世界，\n", 9) + "\xed\xa0\x80世" + strings.Repeat("敏捷的\xe4\xbd", 9))
	f.Fuzz(func(t *testing.T, s string) {
		out, repaired := appendString(nil, s)
		var got string
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(string([]rune(s)), "\x00", "\uFFFD") // []rune makes U+FFFD of each bad byte
		if got != want || repaired != (want != s) {
			t.Fatalf("%q became %q, repaired %v", s, got, repaired)
		}
	})
}

// Of all runes, and of all three bytes that are none.
func TestThreeByteRunes(t *testing.T) {
	for lead := 0xE0; lead <= 0xEF; lead++ {
		for second := range 256 {
			for _, third := range []byte{0, 0x7F, 0x80, 0xBF, 0xC0, 0xFF} {
				three := string([]byte{byte(lead), byte(second), third})
				want := 0
				if utf8.ValidString(three) && lead != 0xE0 && lead != 0xED {
					want = 3
				}
				assert.Equal(t, want, threeByteRunes(three), "%x", three)
				assert.Equal(t, 3+want, threeByteRunes("世"+three+"xx"), "%x", three)
				if want > 0 {
					assert.Equal(t, 6, threeByteRunes(three+"界x"), "%x", three)
				} else {
					assert.Zero(t, threeByteRunes(three+"界xx"), "%x", three)
				}
			}
		}
	}
	assert.Equal(t, 9, threeByteRunes("敏捷的é"))
	assert.Zero(t, threeByteRunes("é敏"))
	assert.Zero(t, threeByteRunes(""))
}

// FuzzAppendWordsStaysWithinItsRoom holds what the checks that it does without would:
// it writes nothing before or beyond the room that it is given, and claims no more.
func FuzzAppendWordsStaysWithinItsRoom(f *testing.F) {
	for _, s := range []string{strings.Repeat("\x01", 64), strings.Repeat(`a"`, 40), strings.Repeat("plain text\n", 20), strings.Repeat("\x00é", 30), strings.Repeat("12345678"+strings.Repeat("\x01", 8), 9)} {
		for _, room := range []int{0, wordsRoom - 1, wordsRoom, wordsRoom + 1, 200, 1000} {
			f.Add(s, uint16(room), true)
			f.Add(s, uint16(room), false)
		}
	}
	f.Fuzz(func(t *testing.T, s string, room uint16, onlyASCII bool) {
		const canary = 0xA5
		memory := bytes.Repeat([]byte{canary}, 64+int(room)+64)
		out := memory[64 : 64+int(room) : 64+int(room)]
		var notASCII uint64
		if onlyASCII {
			notASCII = highBits
		}
		read, written, nul := appendWords(out, s, notASCII)
		if read > len(s) || written > len(out) {
			t.Fatalf("read %d of %d, wrote %d of %d", read, len(s), written, len(out))
		}
		if rest := bytes.Trim(memory[:64], "\xA5"); len(rest) > 0 {
			t.Fatalf("wrote %q before its room", rest)
		}
		if rest := bytes.Trim(memory[64+int(room):], "\xA5"); len(rest) > 0 {
			t.Fatalf("wrote %q beyond its room", rest)
		}
		var want []byte
		for _, c := range []byte(s[:read]) {
			switch {
			case c == 0:
				want = append(want, "\uFFFD"...)
			case c == '"' || c == '\\':
				want = append(want, '\\', c)
			case c < ' ' && strings.IndexByte("\n\t\r\b\f", c) >= 0:
				want = append(want, '\\', "ntrbf"[strings.IndexByte("\n\t\r\b\f", c)])
			case c < ' ':
				want = fmt.Appendf(want, `\u%04x`, c)
			default:
				want = append(want, c)
			}
		}
		if !bytes.Equal(want, out[:written]) || nul != strings.Contains(s[:read], "\x00") {
			t.Fatalf("%q became %q, NUL %v", s[:read], out[:written], nul)
		}
	})
}
