//go:build plan9 && windows

package http

// NowhereToBeFound is for a system that does not exist.
func NowhereToBeFound() {}
