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
//   - the credentials after "Bearer" and "Basic", and the password in a URL's
//     "user:password@";
//   - what is assigned, with = or :, to a name that ends with api_key, access_key,
//     access_token, auth_token, refresh_token, secret_token, session_token, secret,
//     secret_key, password, passwd or passphrase, with other separators or none, in
//     upper or lower case. In quotes that is all up to the closing one, else one word;
//   - all texts and numbers in a field whose key, or whose attribute, has such a name or
//     that of a header with credentials (Authorization, Cookie and the like), at any
//     depth; likewise what stands as a value beside such a name, in
//     {"name": …, "value": …}, and after a flag of a command or a header in a list.
//
// A secret without such a form or name is for [RedactKeys].
// Unlike a regular expression it costs little on long prompts without secrets.
func RedactSecrets() func(*Span) bool { return redactText(withoutSecrets, namesSecretField) }

// RedactEmails returns a hook that replaces e-mail addresses by [Redacted],
// wherever [RedactPatterns] looks.
func RedactEmails() func(*Span) bool { return redactText(withoutEmails, nil) }

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
			if from == to {
				from, to = urlPassword(s, i)
			}
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
