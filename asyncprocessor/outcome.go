package asyncprocessor

// outcome says what became of the snapshots of a call: for each that was not delivered
// the ExportError that names it. It is nil when all were.
type outcome []*ExportError

// outcomeOf reads the error of a call with n snapshots: one ExportError or several joined
// ones name those that were not delivered; any other error means that none was.
func outcomeOf(err error, n int) outcome {
	if err == nil {
		return nil
	}
	o := make(outcome, n)
	partial, ok := exportErrors(err)
	if !ok {
		return same(n, &ExportError{Reason: ReasonExportFailed, Err: err})
	}
	for _, e := range partial {
		for _, i := range e.Undelivered {
			if i >= 0 && i < n && o[i] == nil {
				o[i] = e
			}
		}
	}
	return o
}

// panicked is the outcome of a call that panicked.
func panicked(n int, err error) outcome {
	return same(n, &ExportError{Reason: ReasonExporterPanic, Err: err})
}

// same is the outcome of a call of n snapshots that were lost for one reason.
func same(n int, why *ExportError) outcome {
	o := make(outcome, n)
	for i := range o {
		o[i] = why
	}
	return o
}

// of returns why the snapshot at index i was not delivered, nil if it was.
func (o outcome) of(i int) *ExportError {
	if o == nil {
		return nil
	}
	return o[i]
}

// exportErrors returns the ExportErrors that make up err. It reports false when
// some part of err is none, so that nothing can be said of the rest.
func exportErrors(err error) ([]*ExportError, bool) {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this walks the tree itself
		case *ExportError:
			return []*ExportError{e}, e != nil
		case interface{ Unwrap() []error }:
			var all []*ExportError
			for _, part := range e.Unwrap() {
				found, ok := exportErrors(part)
				if !ok {
					return nil, false
				}
				all = append(all, found...)
			}
			return all, len(all) > 0
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil, false
		}
	}
	return nil, false
}
