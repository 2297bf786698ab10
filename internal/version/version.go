// Package version has the version of this module, for instrumentation scopes and the
// User-Agent header.
package version

// Version is what the next release is, or the last one was, tagged with, without
// the v.
const Version = "0.1.0"
