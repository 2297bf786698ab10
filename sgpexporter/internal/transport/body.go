package transport

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"sync"
)

// payload is the body of one request: the same bytes for each attempt.
type payload struct {
	parts [3][]byte
	size  int64
	zip   *zipBuffer // what parts lie in, if they are compressed
}

func plainPayload(items []byte) payload {
	return payload{
		parts: [3][]byte{[]byte(bodyPrefix), items, []byte(bodySuffix)},
		size:  int64(len(bodyPrefix) + len(items) + len(bodySuffix)),
	}
}

// gzipPayload compresses. The payload must be released.
func gzipPayload(items []byte) payload {
	zip := zipPool.Get().(*zipBuffer)
	zip.buf.Reset()
	zip.w.Reset(&zip.buf)
	// A bytes.Buffer does not fail.
	_, _ = io.WriteString(zip.w, bodyPrefix)
	_, _ = zip.w.Write(items)
	_, _ = io.WriteString(zip.w, bodySuffix)
	_ = zip.w.Close()
	return payload{
		parts: [3][]byte{zip.buf.Bytes()},
		size:  int64(zip.buf.Len()),
		zip:   zip,
	}
}

func (p *payload) release() {
	if p.zip != nil && p.zip.buf.Cap() <= maxPooledBytes {
		zipPool.Put(p.zip)
	}
	*p = payload{}
}

// maxPooledBytes bounds what a pool keeps, so that one large request does not
// stay in memory.
const maxPooledBytes = 8 << 20

type zipBuffer struct {
	w   *gzip.Writer
	buf bytes.Buffer
}

var zipPool = sync.Pool{New: func() any {
	// The level is known to be valid. Fastest: the point is to save bandwidth,
	// and spans are repetitive enough for any level.
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return &zipBuffer{w: w}
}}

// errReleased is what a read of a body gives after its request is over.
var errReleased = errors.New("transport: body read after its request ended")

// lease lends a payload to the bodies of one attempt. net/http may still read a
// body after it has returned an answer or an error; the lease ends that, so that
// the buffer below can be used again.
type lease struct {
	mu    sync.Mutex
	parts [3][]byte // none once it is over
	over  bool
}

func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts, l.over = [3][]byte{}, true
}

// open returns a body that reads the payload from its beginning.
func (l *lease) open() (io.ReadCloser, error) { return &body{lease: l}, nil }

// body reads a payload. Several may be open on one lease: net/http opens
// another to send a request again on a new connection, or after a redirect.
type body struct {
	lease     *lease
	part, off int // guarded by lease.mu
	closed    bool
}

func (b *body) Read(p []byte) (n int, err error) {
	b.lease.mu.Lock()
	defer b.lease.mu.Unlock()
	if b.lease.over || b.closed {
		return 0, errReleased
	}
	for n < len(p) && b.part < len(b.lease.parts) {
		copied := copy(p[n:], b.lease.parts[b.part][b.off:])
		n += copied
		b.off += copied
		if b.off == len(b.lease.parts[b.part]) {
			b.part, b.off = b.part+1, 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) Close() error {
	b.lease.mu.Lock()
	defer b.lease.mu.Unlock()
	b.closed = true
	return nil
}
