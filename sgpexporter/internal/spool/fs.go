package spool

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is one directory of files. Names have no path.
type Dir interface {
	// List returns the names of the files.
	List() ([]string, error)
	// Create makes a new file for appending. It is an error if there is one of that name.
	Create(name string) (File, error)
	// ReadFile returns all of a file.
	ReadFile(name string) ([]byte, error)
	// Open opens a file for reading.
	Open(name string) (Reader, error)
	// Exists reports whether there is a file of that name.
	Exists(name string) bool
	// Rename gives a file another name, in the place of any file that has it.
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes creations, renames and removals last beyond a loss of power.
	Sync() error
}

// Reader is a file that is read.
type Reader interface {
	io.ReaderAt
	io.Closer
}

// File is a file that is appended to.
type File interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// osDir is a directory of the operating system.
type osDir struct{ path string }

func (d osDir) name(name string) string { return filepath.Join(d.path, name) }

func (d osDir) List() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d osDir) Create(name string) (File, error) {
	return os.OpenFile(d.name(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
}

func (d osDir) ReadFile(name string) ([]byte, error) { return os.ReadFile(d.name(name)) }

func (d osDir) Open(name string) (Reader, error) { return os.Open(d.name(name)) }

func (d osDir) Exists(name string) bool {
	_, err := os.Lstat(d.name(name))
	return !errors.Is(err, fs.ErrNotExist)
}

func (d osDir) Rename(from, to string) error { return os.Rename(d.name(from), d.name(to)) }
func (d osDir) Remove(name string) error     { return os.Remove(d.name(name)) }

func (d osDir) Sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
