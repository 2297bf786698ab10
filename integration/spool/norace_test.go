//go:build !race

package spool

import "time"

// A process is ended after so many lines, and has so long for it.
const (
	printed   = 2000
	timeToEnd = time.Second
)
