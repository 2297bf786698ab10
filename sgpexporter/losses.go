package sgpexporter

import (
	"fmt"
	"slices"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// losses gathers the snapshots of one call that were not delivered, by what is to be
// said of them.
type losses struct{ groups []loss }

type loss struct {
	reason    asyncprocessor.DropReason
	errorType string // for metrics
	retryable bool
	indexes   []int
	errs      []error // the first few
}

// maxErrs bounds the causes that one error holds.
const maxErrs = 8

// add adds snapshot i to the losses of one kind.
func (l *losses) add(i int, kind loss, err error) {
	for g := range l.groups {
		if group := &l.groups[g]; group.reason == kind.reason && group.retryable == kind.retryable {
			group.indexes = append(group.indexes, i)
			if len(group.errs) < maxErrs && group.errs[len(group.errs)-1].Error() != err.Error() {
				group.errs = append(group.errs, err)
			}
			return
		}
	}
	kind.indexes, kind.errs = []int{i}, []error{err}
	l.groups = append(l.groups, kind)
}

// err returns what ExportSnapshots returns.
func (l *losses) err() error {
	errs := make([]error, len(l.groups))
	for g := range l.groups {
		errs[g] = l.groups[g].err()
	}
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return &causes{errs: errs}
}

func (l *loss) err() *asyncprocessor.ExportError {
	slices.Sort(l.indexes)
	cause := l.errs[0]
	if len(l.errs) > 1 {
		cause = &causes{errs: l.errs, more: len(l.indexes) - len(l.errs)}
	}
	return &asyncprocessor.ExportError{Undelivered: l.indexes, Reason: l.reason, Err: cause, Retryable: l.retryable}
}

// causes is errors.Join in one line.
type causes struct {
	errs []error
	more int // that are not kept
}

func (c *causes) Error() string {
	text := c.errs[0].Error()
	for _, err := range c.errs[1:] {
		text += "; " + err.Error()
	}
	if c.more > 0 {
		text += fmt.Sprintf("; and %d more", c.more)
	}
	return text
}

func (c *causes) Unwrap() []error { return c.errs }

// none says that no snapshot was delivered.
func none(snapshots []asyncprocessor.Snapshot, reason asyncprocessor.DropReason, err error) error {
	all := make([]int, len(snapshots))
	for i := range all {
		all[i] = i
	}
	return &asyncprocessor.ExportError{Undelivered: all, Reason: reason, Err: err}
}
