package transport

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxReasonBytes bounds a server's reason in an error.
	maxReasonBytes = 256
	// maxErrorBody bounds what is read of an answer for its reason.
	maxErrorBody = 64 << 10
	// maxBodyTime bounds how long an answer's body is read. A connection that is
	// slower is given up: a new one costs less than the traces that wait.
	maxBodyTime = time.Second
	// drainSlack is what may be drained on top of twice the request.
	drainSlack = 64 << 10
)

// judge says what an answer means; nil is success. The key and what was sent in items
// are kept out of the error.
//
// A success does not depend on the body: the upsert is done when the server
// says 200, a body that is cut off changes nothing about it, and SGP documents no
// failure of single items in it. That an
// answer is SGP's is told by its Content-Type: a proxy's login page is HTML. An
// answer that has none is believed.
func judge(resp *http.Response, key string, items []byte) error {
	code := resp.StatusCode
	contentType := resp.Header.Get("Content-Type")
	success := code >= 200 && code < 300
	if success && (contentType == "" || isJSON(contentType)) {
		return nil
	}
	asked := resp.Request.URL
	status := &StatusError{
		Code:       code,
		RetryAfter: ParseRetryAfter(resp.Header.Get("Retry-After"), time.Now()),
		URL:        shorten(scrub(origin(asked)+asked.EscapedPath(), key)),
	}
	switch {
	case code == http.StatusSwitchingProtocols: // its body is the connection, from which nothing may come
	case code >= 300 && code < 400:
		status.Reason = shorten(scrub(redirectReason(resp), key))
	case success || isPage(contentType):
		status.ContentType = shorten(scrub(contentType, key))
	default:
		var said string
		said, status.culprits = readReason(resp, contentType)
		status.Reason = withoutPayload(shorten(scrub(said, key)), items)
	}
	return status
}

// isPage says whether an answer is for people: HTML.
func isPage(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType == "text/html" || mediaType == "application/xhtml+xml"
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil && mediaType == "" {
		return false
	}
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

func redirectReason(resp *http.Response) string {
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || location.Host == "" {
		return "a redirect that is not followed"
	}
	return "a redirect to " + origin(resp.Request.URL.ResolveReference(location)) +
		" that is not followed"
}

// readReason returns what the server wrote, as far as it is fit to be shown, and what it
// names as being at fault.
func readReason(resp *http.Response, contentType string) (string, *culprits) {
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		// Accept-Encoding was ours, so net/http leaves this to us.
		unzipped, err := gzip.NewReader(resp.Body)
		if err != nil {
			return "", nil
		}
		from = unzipped
	}
	// What was read until an error is better than nothing.
	body, _ := io.ReadAll(io.LimitReader(from, maxErrorBody))
	body = bytes.TrimSpace(body)
	switch {
	case isJSON(contentType) || bytes.HasPrefix(body, []byte("{")): // also what calls itself text
		return jsonReason(body, 0), readCulprits(body)
	case strings.Contains(resp.Status, string(body)):
		return "", nil // only the status once more
	}
	text, _, cut := strings.Cut(string(body), "{")
	if cut { // into JSON, which is rather what was sent than a reason
		text += "…"
	}
	return text, nil
}

// jsonReason picks the messages out of an error in JSON, in the shapes that web
// frameworks give it: {"detail": "…"}, {"error": {"message": "…"}},
// {"detail": [{"loc": ["body", "items", 3, "id"], "msg": "…", "input": …}]}. All
// else is left out, since validators repeat the payload.
func jsonReason(raw json.RawMessage, depth int) string {
	const maxDepth, maxMessages = 4, 3
	if depth > maxDepth {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if depth == 0 {
			return "" // no known shape
		}
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var messages []string
		for _, element := range list[:min(len(list), maxMessages)] {
			if message := jsonReason(element, depth+1); message != "" {
				messages = append(messages, message)
			}
		}
		return strings.Join(messages, "; ")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	for _, name := range messageNames {
		if message := jsonReason(object[name], depth+1); message != "" {
			return location(object["loc"]) + message
		}
	}
	return ""
}

// location returns the place that a validator names, "body.items.3.id: ".
func location(raw json.RawMessage) string {
	var steps []any
	if json.Unmarshal(raw, &steps) != nil || len(steps) == 0 {
		return ""
	}
	names := make([]string, len(steps))
	for i, step := range steps {
		names[i] = fmt.Sprint(step)
	}
	return strings.Join(names, ".") + ": "
}

// shorten makes one line of bounded length of a text.
func shorten(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(text) <= maxReasonBytes {
		return text
	}
	cut := maxReasonBytes
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

var drainPool = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// drain reads what is left of an answer, so that its connection is used again.
// The server's echo is as large as the request; of more than twice that, or after
// maxBodyTime, the connection is given up instead. What is read is not kept.
func drain(body io.Reader, requestBytes int64) {
	buf := drainPool.Get().(*[32 << 10]byte)
	defer drainPool.Put(buf)
	for left := 2*requestBytes + drainSlack; left > 0; {
		n, err := body.Read(buf[:])
		left -= int64(n)
		if err != nil {
			return // the end, or a body that is cut off: the answer is known
		}
	}
}
