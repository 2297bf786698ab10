package asyncprocessor

import "slices"

// outcome says what became of the snapshots of a call: why none was delivered, or by index why
// some were not.
type outcome struct {
	none *ExportError
	some map[int]*ExportError
}

// outcomeOf reads the error of a call: one ExportError or several joined
// ones name those that were not delivered; any other error means that none was.
func outcomeOf(err error) outcome {
	o := outcome{some: make(map[int]*ExportError)}
	if err != nil && !o.read(err) {
		o.none = &ExportError{Reason: ReasonExportFailed, Err: err}
	}
	return o
}

// read adds what an error says. It reports false when some part of it is no ExportError, so that nothing can be said
// of the rest.
func (o *outcome) read(err error) bool {
	switch e := err.(type) { //nolint:errorlint // this walks the tree itself
	case *ExportError:
		if e == nil {
			return false
		}
		for _, i := range e.Undelivered {
			if o.some[i] == nil {
				o.some[i] = e
			}
		}
		return true
	case interface{ Unwrap() []error }:
		all := e.Unwrap()
		return len(all) > 0 && !slices.ContainsFunc(all, func(part error) bool { return !o.read(part) })
	case interface{ Unwrap() error }:
		return o.read(e.Unwrap())
	default:
		return false
	}
}

// panicked is the outcome of a call that panicked.
func panicked(err error) outcome {
	return outcome{none: &ExportError{Reason: ReasonExporterPanic, Err: err}}
}

// of returns why the snapshot at index i was not delivered, nil if it was.
func (o outcome) of(i int) *ExportError {
	if o.none != nil {
		return o.none
	}
	return o.some[i]
}
