package transport

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"1":                              time.Second,
		" 17 ":                           17 * time.Second,
		"59":                             59 * time.Second,
		"60":                             time.Minute,
		"61":                             time.Minute,
		"86400":                          time.Minute,
		"99999999999999999999":           time.Minute,
		"-1":                             0,
		"1.5":                            0,
		"soon":                           0,
		"Sun, 01 Mar 2026 12:00:20 GMT":  20 * time.Second,
		"Sunday, 01-Mar-26 12:00:20 GMT": 20 * time.Second, // RFC 850
		"Sun Mar  1 12:00:20 2026":       20 * time.Second, // asctime
		"Sun, 01 Mar 2026 11:59:00 GMT":  0,
		"Mon, 02 Mar 2026 12:00:00 GMT":  time.Minute,
		"Sun, 01 Mar 9999 12:00:00 GMT":  time.Minute,
		"Sun, 01 Mar 2026 12:00:20":      0,
	} {
		assert.Equal(t, want, ParseRetryAfter(value, now), "%q", value)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-3", "1e9", "Sun, 01 Mar 2026 12:00:20 GMT", "９", "\x00"} {
		f.Add(seed, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, value string, unix int64) {
		got := ParseRetryAfter(value, time.Unix(unix, 0))
		if got < 0 || got > MaxRetryAfter {
			t.Fatalf("ParseRetryAfter(%q) = %v", value, got)
		}
	})
}
