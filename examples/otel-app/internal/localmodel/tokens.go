package localmodel

import "unicode"

// The most runes of a token: longer words, and longer runs of marks and spaces,
// are several.
const (
	maxWord  = 8
	maxMarks = 3
)

// tokenize cuts a text into pieces much as models do: a word with the space
// before it, or a run of marks or spaces. Put together they are the text.
func tokenize(text string) []string {
	var tokens []string
	start, runes := 0, 0
	word, space := false, false // the token has a letter or digit; is of spaces
	for i, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		var goesOn bool
		switch {
		case word:
			goesOn = letter && runes < maxWord
		case letter:
			goesOn = text[start:i] == " "
		default:
			goesOn = runes < maxMarks && unicode.IsSpace(r) == space
		}
		if i > 0 && !goesOn {
			tokens = append(tokens, text[start:i])
			start, runes, word = i, 0, false
		}
		runes++
		word, space = word || letter, unicode.IsSpace(r)
	}
	if start < len(text) {
		tokens = append(tokens, text[start:])
	}
	return tokens
}

// countTokens is the number of tokens in a text.
func countTokens(text string) int { return len(tokenize(text)) }
