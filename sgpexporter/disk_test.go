package sgpexporter

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
)

// Disk stands between a spool and its files, and fails as it is told to.
type Disk struct {
	mu     sync.Mutex // guards what follows
	err    error
	delay  time.Duration
	hangs  context.Context // until it ends
	writes int
	last   int  // the number of the write at which the process is killed, 0 for none
	dead   bool // it was killed
}

// WithDisk puts d between the spool and its files.
func WithDisk(d *Disk) Option {
	return func(c *config) {
		c.spool.wrap = func(files spool.Dir) spool.Dir { return &faultyDir{files, d} }
	}
}

// Fail makes each write fail; nil ends that.
func (d *Disk) Fail(err error) { d.mu.Lock(); defer d.mu.Unlock(); d.err = err }

// Slow makes each write take so long.
func (d *Disk) Slow(delay time.Duration) { d.mu.Lock(); defer d.mu.Unlock(); d.delay = delay }

// Hang makes each write wait until release is called.
func (d *Disk) Hang() (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangs, release = context.WithCancel(context.Background())
	return release
}

// CrashAfter kills the process at the write after the next n: of that a part is written, and from then on nothing.
func (d *Disk) CrashAfter(n int) { d.mu.Lock(); defer d.mu.Unlock(); d.last = d.writes + n + 1 }

// Crashed reports whether that has happened.
func (d *Disk) Crashed() bool { d.mu.Lock(); defer d.mu.Unlock(); return d.dead }

var errCrash = errors.New("the process is dead")

// Writes is how many writes were asked for.
func (d *Disk) Writes() int { d.mu.Lock(); defer d.mu.Unlock(); return d.writes }

// write is asked before anything is changed.
func (d *Disk) write() error {
	d.mu.Lock()
	d.writes++
	err, delay, hangs := d.err, d.delay, d.hangs
	if d.last > 0 && d.writes >= d.last {
		err, d.dead = errCrash, true
	}
	d.mu.Unlock()
	time.Sleep(delay)
	if hangs != nil {
		<-hangs.Done()
	}
	return err
}

// wait waits while the disk hangs.
func (d *Disk) wait() {
	d.mu.Lock()
	hangs := d.hangs
	d.mu.Unlock()
	if hangs != nil {
		<-hangs.Done()
	}
}

type faultyDir struct {
	spool.Dir
	disk *Disk
}

// List is the first thing that is done with a directory.
func (d *faultyDir) List() ([]string, error) {
	d.disk.wait()
	return d.Dir.List()
}

func (d *faultyDir) Create(name string) (spool.File, error) {
	if err := d.disk.write(); err != nil {
		return nil, err
	}
	f, err := d.Dir.Create(name)
	return &faultyFile{f, d.disk}, err
}

func (d *faultyDir) Rename(from, to string) error {
	if err := d.disk.write(); err != nil {
		return err
	}
	return d.Dir.Rename(from, to)
}

func (d *faultyDir) Remove(name string) error {
	if err := d.disk.write(); err != nil {
		return err
	}
	return d.Dir.Remove(name)
}

type faultyFile struct {
	spool.File
	disk *Disk
}

func (f *faultyFile) Write(p []byte) (int, error) {
	dead := f.disk.Crashed()
	if err := f.disk.write(); err != nil {
		if dead {
			return 0, err
		}
		n, _ := f.File.Write(p[:len(p)/3]) // a full disk takes a part
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultyFile) Truncate(size int64) error {
	if f.disk.Crashed() {
		return errCrash
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.disk.write(); err != nil {
		return err
	}
	return f.File.Sync()
}
