//go:build race

package spool

import "time"

// A process under the race detector is ended after so many lines, and has so long for it: it takes
// ten times as long for each span.
const (
	printed   = 400
	timeToEnd = 5 * time.Second
)
