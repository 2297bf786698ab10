package sgpspan

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// id encodes an id after the text before it.
func (e *encoding) id(dst []byte, before, field, id string) []byte {
	dst = append(dst, before...)
	if len(id) <= MaxIDBytes && indexSpecial(id, false) == len(id) {
		return append(append(append(dst, '"'), id...), '"')
	}
	short, how := repairID(id)
	if how != "" {
		e.noteAt(field, how)
	}
	dst, _ = appendString(dst, short)
	return dst
}

// repairID returns an id that the API takes, and how it was repaired if it was.
func repairID(id string) (repaired, how string) {
	clean := strings.ToValidUTF8(strings.ReplaceAll(id, "\x00", "\uFFFD"), "\uFFFD")
	switch {
	case len(id) > MaxIDBytes:
		how = "shortened to a prefix and a hash, had " + strconv.Itoa(len(id)) + " bytes"
	case clean != id:
		how = "had NUL or bytes that are not UTF-8, replaced and made unique with a hash"
	default:
		return id, ""
	}
	sum := sha256.Sum256([]byte(id))
	prefix := cutString(clean, MaxIDBytes-1-idHashDigits)
	return prefix + "~" + hex.EncodeToString(sum[:idHashDigits/2]), how
}

// repairKey returns a key of at most so many bytes that JSON can hold, with a hash of
// what it was: two keys never become one.
func repairKey(key string, most int) string {
	clean := strings.ToValidUTF8(strings.ReplaceAll(key, "\x00", "\uFFFD"), "\uFFFD")
	sum := sha256.Sum256([]byte(key))
	return cutString(clean, most-1-keyHashDigits) + "~" + hex.EncodeToString(sum[:keyHashDigits/2])
}

func (e *encoding) times(dst []byte, s *Span) []byte {
	start := e.clamp("start_timestamp", s.Start)
	dst = append(dst, `,"start_timestamp":"`...)
	at := len(dst)
	dst = append(AppendTime(dst, start), '"')
	if s.End.IsZero() {
		return dst
	}
	end := e.clamp("end_timestamp", s.End)
	if end.Before(start) {
		e.noteAt("end_timestamp", "was before start_timestamp and is set to it, was "+
			end.Format(time.RFC3339Nano))
		end = start
	}
	dst = append(dst, `,"end_timestamp":"`...)
	if end.Unix() == start.Unix() { // most spans are short, and calendars costly
		dst = append(dst, dst[at:at+len("2006-01-02T15:04:05")]...)
		return append(appendFraction(dst, end.Nanosecond()), '"')
	}
	return append(AppendTime(dst, end), '"')
}

// clamp returns t in UTC, by the wall clock, within the range that can be
// written.
func (e *encoding) clamp(field string, t time.Time) time.Time {
	t = t.UTC()
	switch seconds := t.Unix(); {
	case seconds < minTime.Unix():
		e.outOfRange(field, t)
		return minTime
	case seconds > maxTime.Unix():
		e.outOfRange(field, t)
		return maxTime
	}
	return t
}

func (e *encoding) outOfRange(field string, t time.Time) {
	e.noteAt(field, "out of range, was "+strconv.FormatInt(t.Unix(), 10)+" s from 1970")
}

// AppendTime appends t, in UTC, as the encoding of a span has it: RFC 3339 with
// as many digits of the second's fraction as it takes, at most nine. Only years
// from 0 to 9999 have such a form.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(dst, time.RFC3339Nano)
	}
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(dst, '-'), int(month))
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	return appendFraction(dst, t.Nanosecond())
}

// appendFraction appends the fraction of a second and the zone.
func appendFraction(dst []byte, nanos int) []byte {
	if nanos > 0 {
		millis, micros := nanos/1_000_000, nanos/1_000%1_000
		dst = appendThree(append(dst, '.'), millis)
		dst = appendThree(appendThree(dst, micros), nanos%1_000)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'Z')
}

func appendThree(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }
