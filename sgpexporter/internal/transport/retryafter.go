package transport

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// MaxRetryAfter is the longest that a server can make a request wait through
// Retry-After. A longer wish is cut to it: a server that is back early should
// not find its spans minutes late, and one that is not answers again.
const MaxRetryAfter = time.Minute

// ParseRetryAfter reads the value of a Retry-After header: whole seconds or an
// HTTP date (RFC 9110, section 10.2.3). The result is in [0, MaxRetryAfter], and
// 0 for a value that is neither, or a date that has passed.
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if isDigits(value) {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(MaxRetryAfter/time.Second) {
			return MaxRetryAfter // too many digits is a long time too
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), MaxRetryAfter)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
