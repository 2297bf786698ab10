package sgpexporter

import (
	"fmt"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
)

const (
	// DefaultSpoolMaxBytes is the default of [WithSpoolMaxBytes].
	DefaultSpoolMaxBytes = 1 << 30
	// DefaultSpoolMaxAge is the default of [WithSpoolMaxAge].
	DefaultSpoolMaxAge = 72 * time.Hour
	// minSpoolBytes leaves room for some segments.
	minSpoolBytes = 1 << 20
)

// SpoolMode is when spans go to the spool: see [WithSpoolMode].
type SpoolMode uint8

const (
	// SpoolOnFailure keeps on disk what cannot be delivered for now, once half of a bound
	// of the processor is held, or SGP refuses the key, what comes while all calls take long and five
	// eighths of a bound are held, and what is left when its Shutdown is nearly over. It is
	// the default. A kill -9 loses what is in memory: what came since the last batch was
	// handed over, and, during an outage, up to half of the processor's bounds.
	SpoolOnFailure SpoolMode = iota
	// SpoolAlways has each batch on disk, by fsync, before it is sent. A kill -9 and a
	// loss of power lose what has not been handed over yet: what came in the last 50 ms, which is
	// the longest that a snapshot waits for its batch then, and during an fsync.
	SpoolAlways
)

// String returns "on failure", "always", or "SpoolMode(n)" for a value that is neither.
func (m SpoolMode) String() string {
	switch m {
	case SpoolOnFailure:
		return "on failure"
	case SpoolAlways:
		return "always"
	}
	return fmt.Sprintf("SpoolMode(%d)", uint8(m))
}

// WithSpool keeps spans in files of a directory when they cannot be delivered, and delivers
// them later: when SGP is back, or by the next process with that directory. A relative path is one
// of the working directory of [New]. The directory is made, for
// its owner alone (0700, files 0600), if it does not exist. What is in the spool counts as
// exported by the processor; [Exporter.Stats] tells what becomes of it.
//
// Spans that were written and have not ended are noted there too. After a crash the next
// process asks SGP for them, and writes those without an end as unfinished.
//
// One process owns the directory. Another one with the same makes a subdirectory for itself;
// what it leaves there when it is over is taken over by an owner of the directory. The files hold
// what SGP is sent, prompts and answers too, in the clear; never the API key. The
// directory should be on a local disk.
//
// The default, "", is no spool. When the disk is full, slow or gone, that is reported to the
// global OpenTelemetry error handler, and spans stay in memory as without a spool.
func WithSpool(dir string) Option {
	return func(c *config) { c.spool.dir = dir }
}

// WithSpoolMode says when spans go to the spool. The default is [SpoolOnFailure]. It means
// nothing without [WithSpool].
func WithSpoolMode(mode SpoolMode) Option {
	return func(c *config) { c.spool.mode = mode }
}

// WithSpoolMaxBytes bounds the files of the spool, in bytes. When it is reached STARTs and updates
// that wait go first, then the oldest ENDs; they are counted as "spool_full" in
// [SpoolStats]. The default is [DefaultSpoolMaxBytes], 1 GiB; it must be at least 1 MiB. The index in
// memory takes some 24 bytes for each span in the spool.
func WithSpoolMaxBytes(bytes int64) Option {
	return func(c *config) { c.spool.maxBytes = bytes }
}

// WithSpoolMaxAge bounds how long a span waits in the spool. What is older is dropped, and
// counted as "spool_expired" in [SpoolStats]. The default is [DefaultSpoolMaxAge], 72 hours;
// it must be at least a second.
func WithSpoolMaxAge(age time.Duration) Option {
	return func(c *config) { c.spool.maxAge = age }
}

// spoolConfig is what the options of the spool say.
type spoolConfig struct {
	dir      string
	mode     SpoolMode
	maxBytes int64
	maxAge   time.Duration
	wrap     func(spool.Dir) spool.Dir // tests make a disk that fails
}
