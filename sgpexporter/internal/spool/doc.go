// Package spool keeps encoded spans on disk until they are delivered, and remembers
// which spans were written and have not ended.
//
//	fs.go        the directory, behind an interface that a test replaces
//	directory.go one process owns a directory; a second gets a subdirectory
//	record.go    a record: marker, length, CRC-32C, bytes
//	segment.go   a file of records, and the index of it that is held in memory
//	log.go       the segments in order: append, and what that does to the index
//	write.go     writes to the last segment, and makes it durable
//	recover.go   reads what another process has left, damaged or not
//	read.go      reads records that are to be delivered, some at once
//	claim.go     takes the oldest records to be delivered, keeping the order of traces
//	settle.go    notes what became of them
//	room.go      keeps the log within its bounds of bytes and age
//	index.go     tells from any goroutine which traces wait and which spans run
//	spool.go     the goroutine that owns a Log
//	task.go      what others ask of it, with one fsync for all that wait
//
// A [Log] is not safe for concurrent use and starts no goroutine; a [Spool] is, and does.
package spool
