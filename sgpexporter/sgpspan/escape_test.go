package sgpspan

import (
	"encoding/json"
	"strings"
	"testing"

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

// TestAppendStringOfEveryLength holds each length of what is left of a word, with and
// without room in the buffer.
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
