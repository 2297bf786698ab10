package sgptest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Fault is what the server does with one request besides or instead of
// answering it as SGP does. The zero value is no fault: in a script it lets a
// request through. Make one with a function such as [Status] or [Hang], and
// change it with its methods, which return the changed copy:
//
//	sgptest.Status(503).Header("Retry-After", "1").Times(3)
//	sgptest.ResetConnection().Stored()
//
// A fault comes before everything else that is checked, authentication too.
type Fault struct {
	kind    faultKind
	delay   time.Duration
	stored  bool
	times   int
	status  int
	header  http.Header
	body    string
	keep    int
	release <-chan struct{}
}

type faultKind uint8

const (
	faultNone faultKind = iota
	faultStatus
	faultReset
	faultTruncate
	faultHang
	faultLater
)

// Latency answers as SGP does, after d. Nothing is stored before d is over, nor
// if the client gives up before that.
func Latency(d time.Duration) Fault { return Fault{delay: d} }

// Status answers with a status and the body {"detail":"injected"}. Nothing is
// stored. The code must be a final one, 200 to 599.
func Status(code int) Fault {
	return Fault{kind: faultStatus, status: code, header: http.Header{}, body: `{"detail":"injected"}`}
}

// HTML answers 200 with a page, as a proxy or a login page that stands before
// SGP does. Nothing is stored.
func HTML() Fault { return Page(http.StatusOK) }

// Page answers with a status and a page in HTML, as a proxy does in SGP's place. Nothing
// is stored.
func Page(code int) Fault {
	return Status(code).Body("text/html; charset=utf-8", "<!doctype html><title>"+http.StatusText(code)+"</title>")
}

// HugeHeaders answers with a status and a header of n bytes. Nothing is stored.
func HugeHeaders(code, n int) Fault {
	return Status(code).Header("X-Padding", strings.Repeat("x", n))
}

// Redirect answers with a 3xx code and a Location. Nothing is stored.
func Redirect(code int, location string) Fault {
	return Status(code).Header("Location", location)
}

// ResetConnection ends the connection with a TCP reset and without an answer.
// Nothing is stored, unless it is [Fault.Stored]. A connection that is not TCP,
// or has more than one request on it (HTTP/2), ends in its own way: with a
// close, or with a reset of the stream.
func ResetConnection() Fault { return Fault{kind: faultReset} }

// Truncate does as SGP does, but breaks the connection when n bytes of the
// answer's body have been sent: its status and Content-Length are those of the
// whole.
func Truncate(n int) Fault { return Fault{kind: faultTruncate, keep: n} }

// Hang gives no answer until the client gives up or the server is closed.
// Nothing is stored, unless it is [Fault.Stored].
func Hang() Fault { return Fault{kind: faultHang} }

// EffectLater gives no answer until the client gives up, and then stores what
// the request asked for: at once if release is nil, otherwise when it is closed
// or receives. So a request that the client has abandoned takes effect after
// later ones. If the server is closed before, it has no effect. [Request].Stored
// tells when it had.
func EffectLater(release <-chan struct{}) Fault { return Fault{kind: faultLater, release: release} }

// After makes the fault wait for d before it does anything. If the client gives
// up before that, the request has no effect.
func (f Fault) After(d time.Duration) Fault {
	f.delay += d
	return f
}

// Stored makes the request take effect before the fault: what is lost is only
// the answer. It is for Status and what is made of it, ResetConnection and Hang.
func (f Fault) Stored() Fault {
	f.stored = true
	return f
}

// Header adds a header to the answer of a Status.
func (f Fault) Header(key, value string) Fault {
	f.header = f.header.Clone()
	if f.header == nil {
		f.header = http.Header{}
	}
	f.header.Add(key, value)
	return f
}

// Body sets the body of a Status, and its Content-Type.
func (f Fault) Body(contentType, body string) Fault {
	f.header = f.header.Clone()
	if f.header == nil {
		f.header = http.Header{}
	}
	f.header.Set("Content-Type", contentType)
	f.body = body
	return f
}

// Times makes the fault good for n requests of a script instead of one. With
// less than 1 it is left out.
func (f Fault) Times(n int) Fault {
	f.times = n
	if n < 1 {
		f.times = -1 // 0 is a fault on which Times was not called
	}
	return f
}

// String names the fault, as in [Request].Fault: "" for none, or, for instance,
// "status 503", "hang, stored".
func (f Fault) String() string {
	var s string
	switch f.kind {
	case faultNone:
		if f.delay > 0 {
			return fmt.Sprintf("latency %v", f.delay)
		}
		return ""
	case faultStatus:
		s = fmt.Sprintf("status %d", f.status)
	case faultReset:
		s = "reset"
	case faultTruncate:
		s = fmt.Sprintf("truncate to %d bytes", f.keep)
	case faultHang:
		s = "hang"
	case faultLater:
		s = "effect later"
	}
	if f.stored {
		s += ", stored"
	}
	if f.delay > 0 {
		s += fmt.Sprintf(", after %v", f.delay)
	}
	return s
}
