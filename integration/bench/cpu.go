package main

import (
	"syscall"
	"time"
)

// cpuTime returns the process's CPU time so far, user and system.
func cpuTime() time.Duration {
	u := rusage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rusage returns what the process has used so far.
func rusage() syscall.Rusage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fail(err)
	}
	return u
}
