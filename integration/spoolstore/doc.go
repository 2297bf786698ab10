// Package spoolstore measures bbolt, the store that the spool does not use, under the work of the spool. The
// spool's own log has the same benchmark in sgpexporter/internal/spool; docs/spool.md compares them.
package spoolstore
