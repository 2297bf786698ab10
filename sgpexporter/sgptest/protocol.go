package sgptest

import (
	"bytes"
	"compress/gzip"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// spansPath is where spans are written, under the base URL.
const spansPath = "/v5/spans/batch"

// checkPath refuses what is no request of the SGP API that this server knows.
func checkPath(r *http.Request) *Rejection {
	method := http.MethodPut
	switch r.URL.Path {
	case spansPath:
	case searchPath:
		method = http.MethodPost
	default:
		return reject(http.StatusNotFound, "", "no such path")
	}
	if r.Method != method {
		return reject(http.StatusMethodNotAllowed, "", "the method must be "+method)
	}
	return nil
}

// checkProtocol judges what is not the body.
func (s *Server) checkProtocol(r *http.Request) *Rejection {
	if rejected := checkPath(r); rejected != nil {
		return rejected
	}
	s.mu.Lock()
	want := s.apiKey
	s.mu.Unlock()
	switch key := r.Header.Get("x-api-key"); {
	case key == "":
		return reject(http.StatusUnauthorized, "x-api-key", "is missing")
	case want != "" && subtle.ConstantTimeCompare([]byte(key), []byte(want)) == 0:
		return reject(http.StatusForbidden, "x-api-key", "is not valid")
	case s.cfg.accountID != "" && r.Header.Get("x-selected-account-id") != s.cfg.accountID:
		return reject(http.StatusForbidden, "x-selected-account-id", "is missing or not an account of this key")
	}
	if rejected := checkContentType(r.Header.Get("Content-Type")); rejected != nil {
		return rejected
	}
	switch contentEncoding(r) {
	case "", "identity", "gzip":
		return nil
	}
	return reject(http.StatusUnsupportedMediaType, "Content-Encoding", "must be gzip or absent")
}

func contentEncoding(r *http.Request) string {
	return strings.ToLower(r.Header.Get("Content-Encoding"))
}

func checkContentType(value string) *Rejection {
	mediaType, params, err := mime.ParseMediaType(value)
	if charset := params["charset"]; err != nil || mediaType != "application/json" ||
		(charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return reject(http.StatusUnsupportedMediaType, "Content-Type", "must be application/json")
	}
	return nil
}

// maxDrainBytes bounds what is read of a body that is too large, so that its
// client has written all of it and reads the 413 instead of a broken connection.
const maxDrainBytes = 256 << 20

var errTooLarge = errors.New("too large")

// readBody reads a body to its end and decompresses it. limit is in bytes, for
// the body as it is sent and as it is decompressed; there is none if it is not
// positive. err says that the body did not come whole.
func readBody(r *http.Request, limit int64) (body []byte, wireBytes int64, rejected *Rejection, err error) {
	body, err = readLimited(r.Body, limit)
	wireBytes = int64(len(body))
	if errors.Is(err, errTooLarge) {
		drained, _ := io.CopyN(io.Discard, r.Body, maxDrainBytes)
		return nil, wireBytes + drained, tooLarge(limit), nil
	}
	if err != nil || contentEncoding(r) != "gzip" {
		return body, wireBytes, nil, err
	}
	switch body, err = gunzip(body, limit); {
	case errors.Is(err, errTooLarge):
		return nil, wireBytes, tooLarge(limit), nil
	case err != nil:
		return nil, wireBytes, reject(http.StatusBadRequest, "Content-Encoding", "the body is not gzip"), nil
	}
	return body, wireBytes, nil, nil
}

func tooLarge(limit int64) *Rejection {
	return reject(http.StatusRequestEntityTooLarge, "", fmt.Sprintf("the body has more than %d bytes", limit))
}

func gunzip(wire []byte, limit int64) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	return readLimited(zr, limit)
}

// readLimited reads all of r. If that is more than limit it returns what it has
// read and errTooLarge.
func readLimited(r io.Reader, limit int64) ([]byte, error) {
	if limit <= 0 {
		return io.ReadAll(r)
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errTooLarge
	}
	return b, err
}
