package spool

// Delivered says that items were delivered, or refused for good: they are not to be sent
// again. The last state of a span that runs is kept.
func (l *Log) Delivered(seqs []Seq) error {
	l.stats.Delivered += l.settle(seqs)
	return l.flushMarks()
}

// Drop says that items are not to be sent, for a reason.
func (l *Log) Drop(seqs []Seq, reason string) error {
	if n := l.settle(seqs); n > 0 {
		l.stats.Dropped[reason] += n
	}
	return l.flushMarks()
}

// Withdraw takes items back that were appended and not made durable: the caller keeps them.
func (l *Log) Withdraw(seqs []Seq) {
	for _, seq := range seqs {
		if key, ok := l.spanOf[seq]; ok {
			l.forget(key)
		}
	}
	l.stats.Stored -= l.settle(seqs)
	_ = l.flushMarks()
}

// settle ends the waiting of records, and adds the marks of it to those that are to be written.
func (l *Log) settle(seqs []Seq) (settled uint64) {
	l.changed = true // what waits behind them
	var marks []mark
	for _, seq := range seqs {
		s := l.segmentOf(seq)
		if s == nil {
			continue
		}
		e := s.find(seq.number())
		if e == nil || e.state != pending && e.state != claimed {
			continue
		}
		settled++
		if key, ok := l.spanOf[seq]; ok && l.running[key] == seq {
			l.set(s, e, written)
			marks = append(marks, mark{seq, markWritten})
			continue
		}
		l.set(s, e, gone)
		marks = append(marks, mark{seq, markGone})
	}
	l.mark(marks)
	return settled
}

// Ended says that spans have ended, as SGP knows: what is kept of them, and what waits, is
// needed no more.
func (l *Log) Ended(items []Item) error {
	var marks []mark
	over := make(map[span]bool, len(items))
	traces := make(map[uint64]bool)
	for i := range items {
		key := span{items[i].TraceID, items[i].ID}
		seq, ok := l.running[key]
		if !ok {
			continue
		}
		l.forget(key)
		if e := l.find(seq); e != nil && e.state == written {
			l.set(l.segmentOf(seq), e, gone)
			marks = append(marks, mark{seq, markGone})
		}
		if hash := l.index.trace(key.trace); l.index.waits(hash) > 0 {
			over[key], traces[hash] = true, true
		}
	}
	if len(over) > 0 {
		marks = append(marks, l.settleWaiting(over, traces)...)
	}
	l.mark(marks)
	return l.flushMarks()
}

// settleWaiting counts all that waits of spans, which are of some traces, as delivered.
func (l *Log) settleWaiting(over map[span]bool, traces map[uint64]bool) (marks []mark) {
	for _, s := range l.segments {
		for i := range s.entries {
			e := &s.entries[i]
			if e.state != pending || !traces[e.trace] {
				continue
			}
			if it, err := l.read(s, e); err == nil && over[span{it.TraceID, it.ID}] {
				l.set(s, e, gone)
				l.stats.Delivered++
				marks = append(marks, mark{seqOf(s.id, e.number), markGone})
			}
		}
	}
	return marks
}

// mark adds marks to those that are to be written.
func (l *Log) mark(marks []mark) {
	if len(marks) > 0 {
		l.marks = appendMarks(l.marks, marks)
	}
}

// flushMarks writes the marks. When that fails they go before the next ones: a replay after a crash repeats
// writes, in order, and never the START of a span whose END has a mark.
func (l *Log) flushMarks() error {
	defer l.collect()
	if len(l.marks) == 0 {
		return nil
	}
	if l.current == nil {
		if err := l.roll(); err != nil {
			return err
		}
	}
	err := l.write(l.marks)
	if err == nil {
		l.marks = l.marks[:0]
	}
	return err
}
