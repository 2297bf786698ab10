//go:build !linux

package sgpexporter_test

import "testing"

// mountSmall: see the one of Linux.
func mountSmall(*testing.T) (dir string, ok bool) { return "", false }
