package sgpexporter_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// mountSmall mounts a file system of 256 KiB, where this process may.
func mountSmall(t *testing.T) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Log(err)
		return "", false
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	return dir, true
}
