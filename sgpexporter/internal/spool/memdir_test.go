package spool

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
)

var (
	errCrash = errors.New("the machine is off")
	errDisk  = errors.New("no space left on device")
)

// memDir is a directory in memory that can lose power, or its process, at any write.
type memDir struct {
	files   map[string]*memFile
	durable map[string]*memFile // what the directory holds after a loss of power
	left    int                 // writes until the crash; negative: none comes
	full    bool                // writes fail
	// volatile: nothing can be made durable.
	volatile bool
}

type memFile struct {
	dir    *memDir
	data   []byte
	synced int // bytes that survive a loss of power
}

func newMemDir() *memDir {
	return &memDir{files: map[string]*memFile{}, durable: map[string]*memFile{}, left: -1}
}

// step counts a write. It fails from the crash on.
func (d *memDir) step() error {
	if d.left == 0 {
		return errCrash
	}
	if d.left > 0 {
		d.left--
	}
	return nil
}

// reboot returns the directory after the process was killed, or after a loss of power, when of
// what was not made durable a part is there that keep says.
func (d *memDir) reboot(power bool, keep func(n int) int) *memDir {
	after := newMemDir()
	from := d.files
	if power {
		from = d.durable
	}
	names := make([]string, 0, len(from))
	for name := range from {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := from[name]
		size := len(f.data)
		if power {
			size = f.synced + keep(len(f.data)-f.synced)
		}
		copied := &memFile{dir: after, data: slices.Clone(f.data[:size]), synced: size}
		after.files[name], after.durable[name] = copied, copied
	}
	return after
}

func (d *memDir) List() ([]string, error) {
	var names []string
	for name := range d.files {
		names = append(names, name)
	}
	return names, nil
}

func (d *memDir) Create(name string) (File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	if d.files[name] != nil {
		return nil, fs.ErrExist
	}
	f := &memFile{dir: d}
	d.files[name] = f
	return f, nil
}

func (d *memDir) ReadFile(name string) ([]byte, error) {
	f := d.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(f.data), nil
}

func (d *memDir) Open(name string) (Reader, error) {
	f := d.files[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return f, nil
}

func (d *memDir) Exists(name string) bool { return d.files[name] != nil }

func (d *memDir) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (d *memDir) Remove(name string) error {
	if err := d.step(); err != nil {
		return err
	}
	if d.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.files, name)
	return nil
}

func (d *memDir) Sync() error {
	if err := d.step(); err != nil {
		return err
	}
	clear(d.durable)
	for name, f := range d.files {
		d.durable[name] = f
	}
	return nil
}

func (f *memFile) Write(p []byte) (int, error) {
	err := f.dir.step()
	if err == nil && f.dir.full {
		err = errDisk
	}
	if err != nil {
		f.data = append(f.data, p[:len(p)/2]...) // a torn write
		return len(p) / 2, err
	}
	f.data = append(f.data, p...)
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.dir.step(); err != nil {
		return err
	}
	f.data = f.data[:size]
	f.synced = min(f.synced, len(f.data))
	return nil
}

func (f *memFile) ReadAt(p []byte, offset int64) (int, error) {
	return bytes.NewReader(f.data).ReadAt(p, offset)
}

func (f *memFile) Sync() error {
	if err := f.dir.step(); err != nil {
		return err
	}
	if f.dir.volatile {
		return errDisk
	}
	f.synced = len(f.data)
	return nil
}

func (f *memFile) Close() error { return nil }
