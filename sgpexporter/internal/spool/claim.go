package spool

import (
	"errors"
	"fmt"
	"time"
)

// Claimed is an item that is being delivered.
type Claimed struct {
	Item
	Seq Seq
}

// Claim takes the oldest items that are to be delivered, up to a number and a size of
// their JSON, but at least one. It leaves out traces of which items are claimed already,
// and those that resting names, by a hash that stands for the trace. Each is to be given
// to Delivered, Drop or Release.
func (l *Log) Claim(now time.Time, most int, mostBytes int, resting func(trace uint64) bool) []Claimed {
	var claims []Claimed
	var mine map[uint64]bool
	size := 0
	for _, s := range l.segments {
		if s.waiting == 0 {
			continue
		}
		for i := range s.entries {
			e := &s.entries[i]
			if e.state != pending || l.claims[e.trace] > 0 && !mine[e.trace] || resting(e.trace) {
				continue
			}
			if len(claims) > 0 && (len(claims) == most || size+int(e.size) > mostBytes) {
				return claims
			}
			seq := seqOf(s.id, e.number)
			it, err := l.read(s, e)
			if errors.Is(err, errDamaged) {
				l.drop(s, e, DropDamaged)
				continue
			}
			if err != nil {
				return claims // the disk fails for now
			}
			if now.Sub(it.At) > l.limits.MaxAge {
				l.drop(s, e, DropExpired)
				continue
			}
			l.set(s, e, claimed)
			if mine == nil {
				mine = make(map[uint64]bool)
			}
			mine[e.trace] = true
			claims = append(claims, Claimed{it, seq})
			size += int(e.size)
		}
	}
	return claims
}

// Check returns ErrRemoved if the files are not there any more.
func (l *Log) Check() error {
	for _, s := range l.segments {
		if s.waiting == 0 {
			continue
		}
		if !l.dir.Exists(s.name()) {
			return fmt.Errorf("%w: %s", ErrRemoved, s.name())
		}
		break
	}
	return nil
}

// Hold claims items that were just appended, for the caller to deliver. It leaves out, and
// returns as false, those that have others of their trace before them.
func (l *Log) Hold(seqs []Seq) []bool {
	held := make([]bool, len(seqs))
	own := make(map[uint64]int)
	for _, seq := range seqs {
		own[l.find(seq).trace]++
	}
	for i, seq := range seqs {
		s := l.segmentOf(seq)
		e := s.find(seq.number())
		if l.index.waits(e.trace) == own[e.trace] {
			l.set(s, e, claimed)
			held[i] = true
		}
	}
	return held
}

// Release says that items were not delivered for now.
func (l *Log) Release(seqs []Seq) {
	l.changed = l.changed || len(seqs) > 0
	for _, seq := range seqs {
		if s := l.segmentOf(seq); s != nil {
			if e := s.find(seq.number()); e != nil && e.state == claimed {
				l.set(s, e, pending)
			}
		}
	}
}

// Hash returns what stands for a trace in Claim.
func (l *Log) Hash(trace string) uint64 { return l.index.trace(trace) }

// drop gives an item up. No mark is written: it would be dropped again after a crash.
func (l *Log) drop(s *segment, e *entry, reason string) {
	seq := seqOf(s.id, e.number)
	if key, ok := l.spanOf[seq]; ok {
		l.forget(key)
	}
	if e.state == pending || e.state == claimed {
		l.stats.Dropped[reason]++
	}
	l.set(s, e, gone)
}
