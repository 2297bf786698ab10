package asyncprocessor

// outcome says what became of the snapshots of a call: why none was delivered, or by index why
// some were not.
type outcome struct {
	none *ExportError
	some map[int]*ExportError
}

// outcomeOf reads the error of a call: one ExportError or several joined
// ones name those that were not delivered; any other error means that none was.
func outcomeOf(err error) (o outcome) {
	if err == nil {
		return o
	}
	partial, ok := exportErrors(err)
	if !ok {
		o.none = &ExportError{Reason: ReasonExportFailed, Err: err}
		return o
	}
	o.some = make(map[int]*ExportError)
	for _, e := range partial {
		for _, i := range e.Undelivered {
			if o.some[i] == nil {
				o.some[i] = e
			}
		}
	}
	return o
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
