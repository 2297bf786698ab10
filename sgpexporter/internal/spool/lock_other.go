//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package spool

import (
	"errors"
	"os"
)

// lock fails: this system has no lock that ends with the process.
func lock(string) (*os.File, error) { return nil, errors.ErrUnsupported }
