package spool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	segmentSuffix   = ".seg"
	temporarySuffix = ".tmp"
)

func segmentName(id uint32) string { return fmt.Sprintf("%08x%s", id, segmentSuffix) }

// segmentID reads the name of a segment. It reports false for another file.
func segmentID(name string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 8 {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 16, 32)
	return uint32(id), err == nil
}

// state is what is still to be done with a record.
type state uint8

const (
	gone    state = iota
	pending       // to be delivered
	claimed       // being delivered
	written       // delivered; the last state of a span that runs
)

// entry is a record of an item in the index. It has no pointers, so that an index of a
// million does not burden the garbage collector.
type entry struct {
	trace  uint64 // a hash of the trace id
	offset uint32
	size   uint32
	number uint32
	state  state
	ends   bool
}

// segment is a file of records.
type segment struct {
	id        uint32
	size      int64
	entries   []entry // in order
	count     uint32  // of records, for the next one's number
	live      int     // entries that are not gone
	liveBytes int64
	waiting   int   // entries that are pending or claimed
	first     int64 // the time of its first item, in nanoseconds
	newest    int64 // the time of its newest item
}

func (s *segment) name() string { return segmentName(s.id) }

// find returns the entry of a record, nil if there is none any more.
func (s *segment) find(number uint32) *entry {
	if i := s.place(number); i >= 0 {
		return &s.entries[i]
	}
	return nil
}

// place returns where the entry of a record is, -1 if there is none any more.
func (s *segment) place(number uint32) int {
	if len(s.entries) == 0 || number < s.entries[0].number {
		return -1
	}
	// It is in this place, unless records before it were removed.
	if i := int(number - s.entries[0].number); i < len(s.entries) && s.entries[i].number == number {
		return i
	}
	i, found := slices.BinarySearchFunc(s.entries, number, func(e entry, n uint32) int { return int(e.number) - int(n) })
	if !found {
		return -1
	}
	return i
}
