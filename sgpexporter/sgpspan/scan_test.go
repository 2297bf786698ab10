package sgpspan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScanJSON(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		ok         bool
		want       rawInfo
	}{
		{"object", `{"a":1,"b":[true,false,null]}`, true, rawInfo{longest: 1, depth: 2}},
		{"space", "[ 1 ,\t2\r\n]", true, rawInfo{depth: 1}},
		{"empty containers", `[{},[]]`, true, rawInfo{depth: 2}},
		{"string", `"abcdef"`, true, rawInfo{longest: 6}},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9"`, true, rawInfo{longest: 22}},
		{"surrogate pair", `"\ud83d\ude00"`, true, rawInfo{longest: 12}},
		{"half a pair", `"\ud83d"`, true, rawInfo{longest: 6, dirty: true}},
		{"high and no low", `"\ud83d\u0041"`, true, rawInfo{longest: 12, dirty: true}},
		{"low alone", `"\ude00"`, true, rawInfo{longest: 6, dirty: true}},
		{"NUL", `"\u0000"`, true, rawInfo{longest: 6, dirty: true}},
		{"UTF-8", `"héé"`, true, rawInfo{longest: 5}},
		{"not UTF-8", "\"h\xff\"", true, rawInfo{longest: 2, dirty: true}},
		{"UTF-8, then not", "[\"é\",\"\xc3\"]", true, rawInfo{longest: 2, depth: 1, dirty: true}},
		{"numbers", `[-0,0.5,1e10,1E-7,-12.5e+3]`, true, rawInfo{depth: 1}},
		{"long exponent", `1e400`, true, rawInfo{dirty: true}},
		{"as deep as may be", strings.Repeat("[", 128) + strings.Repeat("]", 128), true, rawInfo{depth: 128}},

		{"too deep", strings.Repeat("[", 129) + strings.Repeat("]", 129), false, rawInfo{}},
		{"empty", ``, false, rawInfo{}},
		{"cut object", `{"a":`, false, rawInfo{}},
		{"cut array", `[1,`, false, rawInfo{}},
		{"cut string", `"abc`, false, rawInfo{}},
		{"cut escape", `"abc\`, false, rawInfo{}},
		{"cut unicode", `"\u00`, false, rawInfo{}},
		{"no escape", `"\x"`, false, rawInfo{}},
		{"control character", "\"a\nb\"", false, rawInfo{}},
		{"comma at the end", `[1,]`, false, rawInfo{}},
		{"no comma", `[1 2]`, false, rawInfo{}},
		{"no colon", `{"a" 1}`, false, rawInfo{}},
		{"number for a key", `{1:1}`, false, rawInfo{}},
		{"wrong bracket", `[1}`, false, rawInfo{}},
		{"Python", `{'a': None}`, false, rawInfo{}},
		{"leading zero", `01`, false, rawInfo{}},
		{"no digits", `-`, false, rawInfo{}},
		{"no fraction", `1.`, false, rawInfo{}},
		{"no exponent", `1e`, false, rawInfo{}},
		{"two values", `1 2`, false, rawInfo{}},
		{"NaN", `NaN`, false, rawInfo{}},
		{"word", `nul`, false, rawInfo{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			info, ok := scanJSON(tc.text)
			assert.Equal(t, tc.ok, ok)
			if tc.ok {
				assert.Equal(t, tc.want, info)
			}
		})
	}
}

func FuzzScanJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.5e-3,"x\u00e9\n",null,true]}`, `"\ud83d\ude00\ud83d"`, `[[[]]]`, `{"a":1,}`, "\"\xff\"", `1e400`, ` 1`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		info, ok := scanJSON(text)
		want := json.Valid([]byte(text)) && strings.Trim(text, " \t\r\n") == text
		if want && !ok && strings.Count(text, "[")+strings.Count(text, "{") > MaxJSONDepth {
			return // too deep for this package
		}
		if ok != want {
			t.Fatalf("scanJSON says %v, encoding/json says %v", ok, want)
		}
		if !ok || info.dirty {
			return
		}
		// What is not dirty must be as its string spells it, to any reader.
		v := parseJSON(text, info, MaxJSONDepth)
		out, notes := Encoder{MaxDepth: MaxJSONDepth}.AppendValue(nil, "x", &v)
		if len(notes) > 0 {
			t.Fatalf("clean text had repairs: %q", notes)
		}
		assertSameJSON(t, text, string(out))
	})
}
