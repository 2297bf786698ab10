package sgpexporter

import (
	"errors"
	"fmt"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// losses gathers the snapshots of one call that were not delivered, by reason, and
// those apart of which the error handler was told.
type losses struct{ groups []loss }

type loss struct {
	reason    asyncprocessor.DropReason
	errorType string // for metrics
	reported  bool
	indexes   []int
	errs      []error // the first few
}

// maxErrs bounds the causes that one error holds.
const maxErrs = 8

func (l *losses) add(i int, reason asyncprocessor.DropReason, errorType string, err error, reported bool) {
	for g := range l.groups {
		if group := &l.groups[g]; group.reason == reason && group.reported == reported {
			group.indexes = append(group.indexes, i)
			if len(group.errs) < maxErrs && !errors.Is(group.errs[len(group.errs)-1], err) {
				group.errs = append(group.errs, err)
			}
			return
		}
	}
	l.groups = append(l.groups, loss{reason: reason, errorType: errorType, reported: reported, indexes: []int{i}, errs: []error{err}})
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
	cause := l.errs[0]
	if len(l.errs) > 1 {
		cause = &causes{errs: l.errs, more: len(l.indexes) - len(l.errs)}
	}
	return &asyncprocessor.ExportError{Undelivered: l.indexes, Reason: l.reason, Err: cause, Reported: l.reported}
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
