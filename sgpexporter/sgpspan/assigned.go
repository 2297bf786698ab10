package sgpspan

import "strings"

// secretNames are what the name of a secret ends with, in lower case and without
// separators.
var secretNames = []string{
	"apikey", "accesskey", "accesstoken", "authtoken", "refreshtoken", "secrettoken", "sessiontoken",
	"secret", "secretkey", "password", "passwd", "passphrase",
}

// headerNames are what the name of a header ends with whose value is a credential.
var headerNames = []string{"authorization", "cookie"}

// namesSecretField reports whether a field with a name holds a secret. In text it is
// the scheme after an Authorization header that tells where the secret is.
func namesSecretField(name string) bool { return namesSecret(name) || namesHeader(name) }

// namesHeader reports whether name is that of a header with a credential, or an
// attribute of one.
func namesHeader(name string) bool {
	for _, header := range headerNames {
		if n := len(name) - len(header); n >= 0 && strings.EqualFold(name[n:], header) {
			return true
		}
	}
	return false
}

// endings are the last three letters of all of them, by which most names are told
// apart at once.
const endings = "key ken ret ord swd ase"

// namesSecret reports whether s ends with the name of a secret.
func namesSecret(s string) bool {
	var name [16]byte // its last letters, from the right
	n := 0
	for k := len(s) - 1; k >= 0 && n < len(name); k-- {
		if !isWord[s[k]] && (s[k] != ' ' || k == 0 || !isWord[s[k-1]]) {
			break
		}
		if c := s[k] | 0x20; 'a' <= c && c <= 'z' {
			n++
			name[len(name)-n] = c
			if n == 3 && !strings.Contains(endings, string(name[len(name)-3:])) {
				return false
			}
		}
	}
	for _, secret := range secretNames {
		if strings.HasSuffix(string(name[len(name)-n:]), secret) {
			return true
		}
	}
	return false
}

const quotes = "\"'`"

// assigned returns where the secret is that is assigned at i, and nothing when
// the name there is not a secret's.
func assigned(s string, i int) (from, to int) {
	name := strings.TrimRight(s[:i], " \t\\"+quotes)
	if !namesSecret(name) {
		return 0, 0
	}
	from = skip(s, i+1, " \t=:>")
	open := skip(s, from, "\\")
	if open < len(s) && strings.IndexByte(quotes, s[open]) >= 0 {
		inQuotes := strings.ContainsAny(s[len(name):i], quotes)
		return quoted(s, open, open-from, inQuotes)
	}
	from, to = open, open
	for to < len(s) && strings.IndexByte(" \t\r\n\"'`,;&{}[]()<>\\", s[to]) < 0 {
		to++
	}
	return from, to
}

// skip returns the first index from i on whose byte is none of chars.
func skip(s string, i int, chars string) int {
	for i < len(s) && strings.IndexByte(chars, s[i]) >= 0 {
		i++
	}
	return i
}

// quoted returns what stands between the quote at open, escaped with so many
// backslashes, and the one that closes it: the next that is escaped as often, which
// in JSON in JSON may be more than once. Where none does, it is all of the line.
// nameToo says that the name was in quotes, so that this one cannot be the end of a
// text with the name in it.
func quoted(s string, open, escapes int, nameToo bool) (from, to int) {
	from = open + 1
	if from == len(s) || !nameToo && strings.IndexByte(" \t\r\n,;:)]}", s[from]) >= 0 {
		return 0, 0
	}
	if after := skip(s, from, s[open:from]); after > from { // a quote that is doubled, or three
		if after == from+1 && (after == len(s) || !isWord[s[after]]) {
			return 0, 0 // nothing between two quotes
		}
		from = after
	}
	for to = from; ; to++ {
		next := strings.IndexByte(s[to:], s[open])
		if next < 0 {
			break
		}
		to += next
		n := to - len(strings.TrimRight(s[from:to], "\\")) - from // backslashes before it
		if n <= escapes || (n-escapes)%(2*(escapes+1)) == 0 {
			return from, to - min(n, escapes)
		}
	}
	if end := strings.IndexByte(s[from:], '\n'); end >= 0 {
		return from, from + end
	}
	return from, len(s)
}

// urlPassword returns where the password is in a URL whose scheme ends at i, and
// nothing when there is none.
func urlPassword(s string, i int) (from, to int) {
	if i == 0 || !isWord[s[i-1]] || !strings.HasPrefix(s[i:], "://") {
		return 0, 0
	}
	authority := s[i+3:]
	if end := strings.IndexAny(authority, " \t\r\n\"'`<>\\/?#"); end >= 0 {
		authority = authority[:end]
	}
	at := strings.LastIndexByte(authority, '@')
	colon := strings.IndexByte(authority, ':')
	if colon < 0 || colon > at {
		return 0, 0
	}
	return i + 3 + colon + 1, i + 3 + at
}

// credentials returns where the credentials are that follow the word from word
// to i, and nothing when that is no scheme of authentication.
func credentials(s string, word, i int) (from, to int) {
	scheme := s[word:i]
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "basic") {
		return 0, 0
	}
	from = i
	for from < len(s) && (s[from] == ' ' || s[from] == '\t') {
		from++
	}
	to = from
	for to < len(s) && (isWord[s[to]] || strings.IndexByte("~+/=", s[to]) >= 0) {
		to++
	}
	if to-from < 8 {
		return 0, 0
	}
	return from, to
}
