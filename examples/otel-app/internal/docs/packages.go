package docs

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// skipped are the folders of GOROOT/src that hold no documentation for users of
// the standard library. syscall is frozen, and only lists the system's names.
var skipped = []string{"cmd", "vendor", "internal", "testdata", "syscall"}

// listPackages returns the import paths of the folders below src that can hold
// a public package.
func listPackages(src string) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(src, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir() || path == src:
			return nil
		case slices.Contains(skipped, entry.Name()) || strings.HasPrefix(entry.Name(), "_"):
			return fs.SkipDir
		}
		rel, err := filepath.Rel(src, path)
		paths = append(paths, filepath.ToSlash(rel))
		return err
	})
	return paths, err
}
