//go:build !browser

package integration

import (
	"testing"

	"go.uber.org/goleak"
)

// tests are those of the package.
func tests(m *testing.M) goleak.TestingM { return m }
