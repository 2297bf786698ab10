package transport

import (
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects bounds how often one request is redirected.
const maxRedirects = 5

// redirectPolicy returns the CheckRedirect of the client. A redirect that is not
// followed is the answer, and an error that says so.
//
// 301, 302 and 303 are never followed: net/http would turn the PUT into a GET
// without a body, get a 200 for it, and all spans would look delivered. 307 and
// 308 keep method and body, and are followed to the same origin (RFC 6454:
// scheme, host and port): the key, which goes along in a header that net/http
// does not know to be secret, never reaches another host.
//
// next is the application's own policy, which may refuse more.
func redirectPolicy(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		status := 0
		if req.Response != nil {
			status = req.Response.StatusCode
		}
		if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect {
			return http.ErrUseLastResponse
		}
		if len(via) > maxRedirects || !sameOrigin(req.URL, via[0].URL) {
			return http.ErrUseLastResponse
		}
		if next != nil && next(req, via) != nil {
			return http.ErrUseLastResponse
		}
		return nil
	}
}

// readable is a RoundTripper that takes a Location which is no URL off an answer.
// Because of it net/http would give an error instead of the answer, like one of a
// connection, and the request would be sent again and again.
type readable struct{ next http.RoundTripper }

func (r readable) RoundTrip(req *http.Request) (*http.Response, error) {
	next := r.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err == nil && resp != nil {
		if _, bad := req.URL.Parse(resp.Header.Get("Location")); bad != nil {
			resp.Header.Del("Location")
		}
	}
	return resp, err
}

func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) &&
		strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch strings.ToLower(u.Scheme) {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// origin is the part of a URL that an error may show: no path, query or
// credentials.
func origin(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}
