package main

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// wrapWriter breaks lines of prose at a width as they are written, at spaces.
// What stands between lines that begin with ``` is code and stays as it is.
// Close writes what is left.
type wrapWriter struct {
	w     io.Writer
	width int

	word   []byte // what was written since the last space
	column int    // in runes, without word
	space  bool   // a space is owed before word
	code   bool   // between fences
}

// Write implements io.Writer.
func (t *wrapWriter) Write(text []byte) (int, error) {
	for i, b := range text {
		if b != '\n' && (b != ' ' || t.code) {
			t.word = append(t.word, b)
			continue
		}
		fence := t.column == 0 && !t.space && bytes.HasPrefix(t.word, []byte("```"))
		if err := t.flush(); err != nil {
			return i, err
		}
		t.space = b == ' '
		if b == '\n' {
			t.code = t.code != fence
			t.column = 0
			if _, err := t.w.Write([]byte{b}); err != nil {
				return i, err
			}
		}
	}
	return len(text), nil
}

// Close writes the last word.
func (t *wrapWriter) Close() error { return t.flush() }

// flush writes the word, on a new line if it does not fit.
func (t *wrapWriter) flush() error {
	length := utf8.RuneCount(t.word)
	out := t.word
	if t.space {
		if length > 0 && !t.code && t.column > 0 && t.column+1+length > t.width {
			out, t.column = append([]byte{'\n'}, out...), 0
		} else {
			out, length = append([]byte{' '}, out...), length+1
		}
	}
	t.column += length
	t.word, t.space = t.word[:0], false
	_, err := t.w.Write(out)
	return err
}
