package docs

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoSources says that there is no standard library under a GOROOT.
var ErrNoSources = errors.New("no Go standard library sources")

// FindGOROOT returns the GOROOT whose sources are to be indexed: dir if it is
// not empty, else what `go env GOROOT` says, else the one that the program was
// built with. It wraps [ErrNoSources] if there are no sources in it.
func FindGOROOT(ctx context.Context, dir string) (string, error) {
	if dir == "" {
		if out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output(); err == nil {
			dir = strings.TrimSpace(string(out))
		}
	}
	if dir == "" {
		dir = build.Default.GOROOT
	}
	if _, err := os.Stat(filepath.Join(dir, "src", "net", "http", "request.go")); err != nil {
		return "", fmt.Errorf("%w in %q: install Go, or name a GOROOT with -goroot", ErrNoSources, dir)
	}
	return dir, nil
}
