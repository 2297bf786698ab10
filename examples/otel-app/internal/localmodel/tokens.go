package localmodel

import "unicode"

// maxTokenRunes bounds a token: longer words are several.
const maxTokenRunes = 6

// tokenize cuts a text into pieces as a model emits them: a word with the space
// before it, cut up if it is long, or a mark. Put together they are the text.
func tokenize(text string) []string {
	var (
		tokens []string
		start  int
		runes  int
		word   bool
	)
	for i, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		// A token goes on within a word, within white space, and from white
		// space into a word.
		goesOn := runes > 0 && runes < maxTokenRunes && (letter || (unicode.IsSpace(r) && !word))
		if i > 0 && !goesOn {
			tokens = append(tokens, text[start:i])
			start, runes = i, 0
		}
		runes++
		word = letter || !unicode.IsSpace(r)
	}
	if start < len(text) {
		tokens = append(tokens, text[start:])
	}
	return tokens
}

// countTokens is the number of tokens in a text.
func countTokens(text string) int { return len(tokenize(text)) }
