package transport

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// KeySource gives the API key.
type KeySource func(context.Context) (string, error)

// StaticKey is the source of a key that does not change. A key is kept in a
// closure and never in a field, so that nothing that prints structs finds it.
func StaticKey(key string) KeySource {
	return func(context.Context) (string, error) { return key, nil }
}

// keyring remembers the key that its source gave until the server refuses it.
type keyring struct {
	source  KeySource
	current atomic.Pointer[string]
	asking  chan struct{} // one place: the source is asked once at a time
}

func newKeyring(source KeySource) *keyring {
	return &keyring{source: source, asking: make(chan struct{}, 1)}
}

// get returns the key, and asks the source if there is none yet.
func (k *keyring) get(ctx context.Context) (string, error) {
	if key := k.current.Load(); key != nil {
		return *key, nil
	}
	return k.replace(ctx, "")
}

// replace returns a key for the one that was refused. When another request has
// replaced it in the meantime that is the one, else the source is asked.
func (k *keyring) replace(ctx context.Context, refused string) (string, error) {
	select {
	case k.asking <- struct{}{}:
		defer func() { <-k.asking }()
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for the API key: %w", context.Cause(ctx))
	}
	if key := k.current.Load(); key != nil && *key != refused {
		return *key, nil
	}
	key, err := k.source(ctx)
	if err == nil {
		key = strings.TrimSpace(key)
		err = CheckKey(key)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && errors.Is(err, ctx.Err()) {
		err = cause // it says whose time was over
	}
	if err != nil {
		return "", fmt.Errorf("the source of the API key failed: %w", scrubError(scrubError(err, refused), k.inUse()))
	}
	k.current.Store(&key)
	return key, nil
}

// inUse returns the key that is sent at present, "" when there is none yet.
func (k *keyring) inUse() string {
	if key := k.current.Load(); key != nil {
		return *key
	}
	return ""
}

var errBadKey = errors.New("the API key is empty or holds characters that cannot stand in a header")

// CheckKey says whether key can be sent. Its error does not show the key.
func CheckKey(key string) error {
	if key == "" || !ValidHeaderValue(key) {
		return errBadKey
	}
	return nil
}

// ValidHeaderValue says whether s can stand in a header (RFC 9110, section 5.5).
func ValidHeaderValue(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// minScrubbed is the length from which a key is looked for in texts. Removing
// a shorter one would make them unreadable and protect nothing.
const minScrubbed = 4

const scrubbed = "[API key]"

// scrub removes the key from a text that came from outside: a server that
// repeats it, or an HTTP client that puts requests in its errors.
func scrub(text, key string) string {
	if len(key) < minScrubbed {
		return text
	}
	for _, spelling := range spellings(key) {
		text = strings.ReplaceAll(text, spelling, scrubbed)
	}
	return text
}

var percentCode = regexp.MustCompile("%[0-9A-F]{2}")

// spellings returns the ways in which a text may write the key: as it is, quoted as
// by Go and in JSON, and percent-encoded; and if it is not ASCII, each of them also
// of what a server makes of it that takes headers for Latin-1, or repairs them. A key
// that needs no escaping has one.
func spellings(key string) []string {
	latin1 := make([]rune, len(key))
	for i := range len(key) {
		latin1[i] = rune(key[i])
	}
	var all []string
	for _, read := range []string{key, string(latin1), string([]rune(key))} {
		asJSON, _ := json.Marshal(read) // a string cannot fail
		query, path := url.QueryEscape(read), url.PathEscape(read)
		all = append(all, read, unquoted(strconv.Quote(read)), unquoted(strconv.QuoteToASCII(read)), unquoted(string(asJSON)),
			query, percentCode.ReplaceAllStringFunc(query, strings.ToLower),
			path, percentCode.ReplaceAllStringFunc(path, strings.ToLower))
	}
	// The longest first: a shorter one may be part of it.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(all)
}

func unquoted(s string) string { return s[1 : len(s)-1] }

// scrubError is err, or an error with the same text but for the key. The
// cause is cut off then, since it would still show it.
func scrubError(err error, key string) error {
	text := err.Error()
	if clean := scrub(text, key); clean != text {
		return errors.New(clean)
	}
	return err
}
