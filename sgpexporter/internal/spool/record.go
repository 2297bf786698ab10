package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// A segment begins with fileHeader, whose last byte is the version of the format. A record
// is recordMarker, the length of its payload, the CRC-32C of length and payload (4
// bytes each, little endian), and the payload. The marker is there to find the next
// record behind a damaged one.
var (
	fileHeader   = []byte("SGPSPOL\x01")
	recordMarker = []byte{0xf5, 'R', 0xa7, 'S'}
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
)

const (
	recordHeader = 12
	// maxRecord bounds what the length of a record is believed.
	maxRecord = 256 << 20
)

// The kinds of payload.
const (
	kindItem  = 1
	kindMarks = 2
)

// The flags of an item.
const (
	flagWritten = 1 << iota // it was delivered, or is with the caller: it is here for the time after a crash
	flagEnds
	flagRemoteParent
)

// Item is one write of a span, as it goes to SGP.
type Item struct {
	transport.Item
	// Phase is the number of the asyncprocessor.Phase.
	Phase uint8
	// Ends says that the span does not run any more after this write.
	Ends bool
	// At is the time of the write.
	At time.Time
	// JSON is the item as it is sent.
	JSON []byte
}

// Seq names a record: the segment's number above, the record's number in it below. A later
// record has a greater one.
type Seq uint64

func seqOf(segment, n uint32) Seq { return Seq(segment)<<32 | Seq(n) }
func (s Seq) segment() uint32     { return uint32(s >> 32) }
func (s Seq) number() uint32      { return uint32(s) }
func itemSize(it *Item) int {
	return recordHeader + 39 + len(it.TraceID) + len(it.ID) + len(it.Name) + len(it.JSON)
}
func appendU32(b []byte, v int) []byte { return binary.LittleEndian.AppendUint32(b, uint32(v)) }

// mark is what became of an earlier record.
type mark struct {
	seq  Seq
	what uint8
}

const (
	// markGone: the record is needed no more.
	markGone = 1
	// markWritten: it was delivered, and is kept as the last state of a span that runs.
	markWritten = 2
)

// appendRecord appends a record whose payload is what fill appends.
func appendRecord(b []byte, fill func([]byte) []byte) []byte {
	at := len(b)
	b = append(b, recordMarker...)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = fill(b)
	binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)-at-recordHeader))
	binary.LittleEndian.PutUint32(b[at+8:], checksum(b[at:]))
	return b
}

// checksum returns the CRC of a whole record.
func checksum(record []byte) uint32 {
	return crc32.Update(crc32.Checksum(record[4:8], castagnoli), castagnoli, record[recordHeader:])
}

func appendItem(b []byte, n uint32, it *Item, written bool) []byte {
	return appendRecord(b, func(b []byte) []byte {
		var flags byte
		if written {
			flags |= flagWritten
		}
		if it.Ends {
			flags |= flagEnds
		}
		if it.RemoteParent {
			flags |= flagRemoteParent
		}
		b = append(b, kindItem, it.Phase, flags)
		b = binary.LittleEndian.AppendUint32(b, n)
		b = binary.LittleEndian.AppendUint64(b, uint64(it.At.UnixNano()))
		for _, v := range [...]int{it.ParentFrom, it.ParentTo, len(it.TraceID), len(it.ID), len(it.Name), 0} {
			b = appendU32(b, v)
		}
		b = append(append(append(b, it.TraceID...), it.ID...), it.Name...)
		return append(b, it.JSON...)
	})
}

func appendMarks(b []byte, marks []mark) []byte {
	return appendRecord(b, func(b []byte) []byte {
		b = append(b, kindMarks)
		for _, m := range marks {
			b = append(binary.LittleEndian.AppendUint64(b, uint64(m.seq)), m.what)
		}
		return b
	})
}

// record is one that was read. Its strings and JSON are parts of the buffer that was read.
type record struct {
	kind    uint8
	offset  int // of the whole record
	size    int
	number  uint32
	item    Item
	written bool
	marks   []mark
}

// readRecord reads the record at the beginning of b. It reports false if there is none
// that is whole.
func readRecord(b []byte) (r record, ok bool) {
	if len(b) < recordHeader+1 || !bytes.Equal(b[:4], recordMarker) {
		return r, false
	}
	length := int(binary.LittleEndian.Uint32(b[4:]))
	if length > maxRecord || recordHeader+length > len(b) {
		return r, false
	}
	b = b[:recordHeader+length]
	if checksum(b) != binary.LittleEndian.Uint32(b[8:]) {
		return r, false
	}
	r.size = len(b)
	p := b[recordHeader:]
	switch r.kind = p[0]; r.kind {
	case kindItem:
		return r, r.readItem(p)
	case kindMarks:
		for p = p[1:]; len(p) >= 9; p = p[9:] {
			r.marks = append(r.marks, mark{Seq(binary.LittleEndian.Uint64(p)), p[8]})
		}
		return r, len(p) == 0
	}
	return r, true // of a later version of this package: left alone
}

func (r *record) readItem(p []byte) bool {
	if len(p) < 39 {
		return false
	}
	flags := p[2]
	r.item.Phase, r.item.Ends, r.item.RemoteParent = p[1], flags&flagEnds != 0, flags&flagRemoteParent != 0
	r.written = flags&flagWritten != 0
	r.number = binary.LittleEndian.Uint32(p[3:])
	r.item.At = time.Unix(0, int64(binary.LittleEndian.Uint64(p[7:])))
	var v [6]int
	for i := range v {
		v[i] = int(binary.LittleEndian.Uint32(p[15+4*i:]))
	}
	rest := p[39:]
	if v[2]+v[3]+v[4] > len(rest) {
		return false
	}
	for i, s := range [...]*string{&r.item.TraceID, &r.item.ID, &r.item.Name} {
		*s, rest = string(rest[:v[2+i]]), rest[v[2+i]:]
	}
	r.item.JSON = rest
	r.item.ParentFrom, r.item.ParentTo = v[0], v[1]
	return v[0] <= v[1] && v[1] <= len(rest)
}

// scan calls found for each whole record of a segment's bytes, and returns how many
// stretches of it hold none, a torn record at the end included.
func scan(b []byte, found func(record)) (damaged int) {
	for at := len(fileHeader); at < len(b); {
		if r, ok := readRecord(b[at:]); ok {
			r.offset = at
			found(r)
			at += r.size
			continue
		}
		damaged++
		at = next(b, at+1)
	}
	return damaged
}

// next returns where the next whole record begins, from an offset on.
func next(b []byte, from int) int {
	for from < len(b) {
		i := bytes.Index(b[from:], recordMarker)
		if i < 0 {
			break
		}
		if _, ok := readRecord(b[from+i:]); ok {
			return from + i
		}
		from += i + 1
	}
	return len(b)
}
