package sgpspan

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RedactSecrets returns a hook that replaces by [Redacted] what is secret by its
// form, wherever [RedactPatterns] looks:
//
//   - keys of well-known services (OpenAI, Anthropic, AWS, GitHub, GitLab, Google,
//     Hugging Face, Slack, Stripe) and JSON Web Tokens;
//   - private keys in PEM;
//   - the credentials after "Bearer" and "Basic";
//   - what is assigned, with = or :, to a name that ends with api_key, access_token,
//     auth_token, secret, secret_key, password, passwd or passphrase, with other
//     separators or none, in upper or lower case.
//
// A secret without such a form, in a field of its own, is for [RedactKeys].
// Unlike a regular expression it costs little on long prompts without secrets.
func RedactSecrets() func(*Span) bool { return redactText(withoutSecrets) }

// RedactEmails returns a hook that replaces e-mail addresses by [Redacted],
// wherever [RedactPatterns] looks.
func RedactEmails() func(*Span) bool { return redactText(withoutEmails) }

// keyTokens matches, within a word of the characters that keys are made of, what
// is a key.
var keyTokens = regexp.MustCompile(`\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{12,}` +
	`|\b(?:AKIA|ASIA)[0-9A-Z]{12,}` +
	`|\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{16,}|\bglpat-[A-Za-z0-9_-]{16,}` +
	`|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{30,}|\bhf_[A-Za-z0-9]{16,}` +
	`|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`)

// shortestKey is the length of the shortest word that keyTokens can match.
const shortestKey = 15

// keyPrefixes are what a match of keyTokens begins with.
var keyPrefixes = []string{
	"sk-", "sk_", "rk-", "rk_", "pk-", "pk_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_",
	"glpat-", "xox", "AIza", "hf_", "eyJ",
}

// hasKeyPrefix spares most words the regular expression.
func hasKeyPrefix(word string) bool {
	for _, prefix := range keyPrefixes {
		if strings.Contains(word, prefix) {
			return true
		}
	}
	return false
}

// secretNames are what the name of a secret ends with, in lower case and without
// separators.
var secretNames = []string{
	"apikey", "accesstoken", "authtoken", "secret", "secretkey", "password", "passwd", "passphrase",
}

// cutter copies a string and leaves parts of it out.
type cutter struct {
	s    string
	out  []byte // nil until something is left out
	done int    // what of s is in out
}

func (c *cutter) redact(from, to int) {
	if from = max(from, c.done); from >= to {
		return
	}
	c.out = append(append(c.out, c.s[c.done:from]...), Redacted...)
	c.done = to
}

func (c *cutter) result() (string, bool) {
	if c.out == nil {
		return c.s, false
	}
	return string(append(c.out, c.s[c.done:]...)), true
}

func withoutSecrets(s string) (string, bool) {
	c := cutter{s: s}
	pem := strings.Index(s, "PRIVATE KEY-----")
	word := 0 // where the word that i is in begins
	for i := 0; i <= len(s); i++ {
		if i < len(s) && isWord[s[i]] {
			continue
		}
		if i-word >= shortestKey && hasKeyPrefix(s[word:i]) {
			for _, at := range keyTokens.FindAllStringIndex(s[word:i], -1) {
				c.redact(word+at[0], word+at[1])
			}
		}
		if i == len(s) {
			break
		}
		switch s[i] {
		case '=', ':':
			from, to := assigned(s, i)
			c.redact(from, to)
		case ' ', '\t':
			from, to := credentials(s, word, i)
			c.redact(from, to)
		}
		word = i + 1
	}
	if pem < 0 {
		return c.result()
	}
	s, _ = c.result()
	return privateKeys.ReplaceAllString(s, Redacted), true
}

var privateKeys = regexp.MustCompile(`(?:-----BEGIN [A-Z ]*)?PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`)

// isWord has the bytes that keys are made of.
var isWord = func() (is [256]bool) {
	for c := range is {
		is[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c == '.'
	}
	return is
}()

// assigned returns where the secret is that is assigned at i, and nothing when
// the name there is not a secret's.
func assigned(s string, i int) (from, to int) {
	end := len(strings.TrimRight(s[:i], " \t\"'`\\"))
	var name [16]byte // its last letters, from the right
	n := 0
	for k := end - 1; k >= 0 && isWord[s[k]] && n < len(name); k-- {
		if c := s[k] | 0x20; 'a' <= c && c <= 'z' {
			n++
			name[len(name)-n] = c
		}
	}
	tail := string(name[len(name)-n:])
	for _, secret := range secretNames {
		if strings.HasSuffix(tail, secret) {
			from = i + 1
			from += len(s[from:]) - len(strings.TrimLeft(s[from:], " \t\"'`\\=:"))
			to = from
			for to < len(s) && strings.IndexByte(" \t\r\n\"'`,;&{}[]()<>\\", s[to]) < 0 {
				to++
			}
			return from, to
		}
	}
	return 0, 0
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

func withoutEmails(s string) (string, bool) {
	c := cutter{s: s}
	for i := strings.IndexByte(s, '@'); i >= 0; {
		from, to := i, i+1
		for from > c.done {
			r, size := utf8.DecodeLastRuneInString(s[c.done:from])
			if !isLocal(r) {
				break
			}
			from -= size
		}
		dot := false
		for to < len(s) {
			r, size := utf8.DecodeRuneInString(s[to:])
			if r == '.' && isDomainNext(s[to+1:]) {
				dot = true
			} else if !isDomain(r) {
				break
			}
			to += size
		}
		for from < i && s[from] == '\'' { // rather a quotation mark
			from++
		}
		if from < i && dot {
			c.redact(from, to)
		}
		next := strings.IndexByte(s[i+1:], '@')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return c.result()
}

func isLocal(r rune) bool {
	return isDomain(r) || strings.ContainsRune("._%+'", r)
}

func isDomain(r rune) bool {
	return r == '-' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

func isDomainNext(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isDomain(r)
}
