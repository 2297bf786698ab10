// Package spool holds the proofs of what the spool of package sgpexporter survives: processes
// that are killed, that have no time to end, and disks that are full. They are tests.
package spool
