package sgptest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Write is one item of a request that took effect.
type Write struct {
	// Seq counts the writes over the server's life, from 1, in the order in
	// which they took effect. The items of one request have consecutive numbers,
	// in the order of the request.
	Seq uint64
	// Request is the Seq of the [Request], Item the index in it.
	Request uint64
	Item    int
	// Time is when it took effect.
	Time time.Time

	TraceID, ID, ParentID string
	// Completed says whether the item had an end: an END, in this project's
	// terms, otherwise a START.
	Completed bool
	// Applied says whether the item became the stored state. It did not if it
	// was repeated later in the request, or was in progress when the span had
	// already been completed.
	Applied bool
	// Late says that the request took effect after its client had given up
	// ([EffectLater]).
	Late bool
}

func (w Write) String() string {
	phase := "START"
	if w.Completed {
		phase = "END"
	}
	return fmt.Sprintf("write %d (request %d, item %d): %s of span %q in trace %q",
		w.Seq, w.Request, w.Item, phase, w.ID, w.TraceID)
}

// ViolationKind is what a [Violation] is about.
type ViolationKind string

const (
	// Rejected: a request that the server itself refused, with a 4xx. A status
	// that was injected is no violation.
	Rejected ViolationKind = "rejected"
	// StartTimestampChanged: a write whose start_timestamp is not that of the
	// span's earlier writes. It is refused with 422, but for [WithLenient].
	StartTimestampChanged ViolationKind = "start_timestamp_changed"
	// StartAfterEnd: a write in progress of a span that a write before it had
	// completed. In the older store it leaves the span running for ever. A START
	// that its END follows in the same request is none, since of repeated ids
	// the last counts: a request that is sent again after its answer was lost
	// does no harm.
	StartAfterEnd ViolationKind = "start_after_end"
	// ChildBeforeParent: a child that was written before its parent's START.
	ChildBeforeParent ViolationKind = "child_before_parent"
	// ChildBeforeParentEnd: a child that was written before its parent's END,
	// and no START of the parent was. It is usual where STARTs are not sent, or
	// this one was refused.
	ChildBeforeParentEnd ViolationKind = "child_before_parent_end"
	// IDInTwoTraces: an id that was written in two traces, in the older store,
	// where the second write replaces the first.
	IDInTwoTraces ViolationKind = "id_in_two_traces"
	// DuplicateName: an object in an item that gives one name twice. The server
	// keeps the last, so something is lost.
	DuplicateName ViolationKind = "duplicate_name"
)

// Violation is something that a client did and should not have done. It is an
// error.
type Violation struct {
	Kind ViolationKind
	// Write is the write at fault, Earlier the one that it is at odds with. Both
	// are zero when nothing was written.
	Write, Earlier Write
	// Rejection is the answer, if the request was refused, and Request its Seq.
	Rejection *Rejection
	Request   uint64
	// Name is the name that was given twice, if the kind is DuplicateName.
	Name string
}

func (v Violation) Error() string {
	switch {
	case v.Rejection != nil:
		return fmt.Sprintf("sgptest: %s: request %d was answered %v", v.Kind, v.Request, v.Rejection)
	case v.Kind == DuplicateName:
		return fmt.Sprintf("sgptest: %s: %v: %q", v.Kind, v.Write, shorten(v.Name))
	}
	return fmt.Sprintf("sgptest: %s: %v, after %v", v.Kind, v.Write, v.Earlier)
}

// Unwrap gives the [Rejection], if there is one.
func (v Violation) Unwrap() error {
	if v.Rejection == nil {
		return nil
	}
	return v.Rejection
}

// judgeOrder returns what is wrong with a write of item, whose span e is, nil if
// it is not known yet. It must be called before the write is noted.
// counts is false if the span is repeated later in the request.
func (st *store) judgeOrder(e *entry, write Write, item *Span, counts bool) []Violation {
	var violations []Violation
	add := func(kind ViolationKind, earlier Write) {
		violations = append(violations, Violation{Kind: kind, Write: write, Earlier: earlier, Request: write.Request})
	}
	known := e != nil && e.span.TraceID == write.TraceID
	if known {
		earlier := e.span.Writes
		if !item.StartTimestamp.Equal(e.span.StartTimestamp) {
			add(StartTimestampChanged, earlier[len(earlier)-1])
		}
		if e.end != nil && counts && !write.Completed {
			add(StartAfterEnd, *e.end)
		}
	}
	if e != nil && !known {
		add(IDInTwoTraces, e.span.Writes[len(e.span.Writes)-1])
	}
	if t := st.traces[write.TraceID]; t != nil && !known {
		if child, ok := t.orphans[write.ID]; ok {
			kind := ChildBeforeParent
			if write.Completed {
				kind = ChildBeforeParentEnd
			}
			add(kind, child)
			delete(t.orphans, write.ID)
		}
	}
	if item.duplicate != "" {
		add(DuplicateName, Write{})
		violations[len(violations)-1].Name = item.duplicate
	}
	return violations
}

// noteOrphan remembers a child that was written before its parent, and says
// whether it had to.
func (st *store) noteOrphan(t *trace, write Write) bool {
	parent := st.get(write.TraceID, write.ParentID)
	if write.ParentID == "" || (parent != nil && parent.trace == t) {
		return false
	}
	if _, known := t.orphans[write.ParentID]; known {
		return false
	}
	t.orphans[write.ParentID] = write
	return true
}

// maxViolations bounds what Violations returns; Stats counts on.
const maxViolations = 1000

// Violations returns what clients did against the contract or the order that it
// needs, in the order in which it was seen: the first 1,000, [Stats] has the
// full count. It judges what is stored: after an eviction (see [WithMaxSpans]),
// a span that was forgotten counts as new, so a violation can be missed or, for
// a child of a forgotten parent, reported wrongly.
func (s *Server) Violations() []Violation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// CheckOrder is [Server.Check] for the violations of order: all kinds but [Rejected]
// and [DuplicateName], and those in except.
//
// A test whose client sends no STARTs, or drops some, excepts
// [ChildBeforeParentEnd].
func (s *Server) CheckOrder(except ...ViolationKind) error {
	return s.Check(append(slices.Clone(except), Rejected, DuplicateName)...)
}

// Check returns an error that joins the violations of all kinds but those in except:
// a test whose client was to keep to the contract ends with it. Its parts match
// [Violation] with errors.As. It is nil if there are none. A [Write] that is Late
// is left out: no client can order what it has given up.
func (s *Server) Check(except ...ViolationKind) error {
	var errs []error
	for _, v := range s.Violations() {
		if !v.Write.Late && !slices.Contains(except, v.Kind) {
			errs = append(errs, v)
		}
	}
	return errors.Join(errs...)
}

// Writes returns all writes of the spans that are stored, in the order in which
// they took effect.
func (s *Server) Writes() []Write {
	var writes []Write
	for _, span := range s.Spans() {
		writes = append(writes, span.Writes...)
	}
	slices.SortFunc(writes, func(a, b Write) int { return int(a.Seq) - int(b.Seq) })
	return writes
}
