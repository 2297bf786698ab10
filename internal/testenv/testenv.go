// Package testenv keeps the settings of a developer's shell out of the tests.
package testenv

import (
	"os"
	"strings"
)

// Clear unsets what configures the library and the SDK. It is called before any test runs.
func Clear() {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch prefix, _, _ := strings.Cut(name, "_"); prefix {
		case "SGP", "AGENTEX", "AGENT", "ACP", "DISABLE", "OTEL":
			_ = os.Unsetenv(name) // it fails for names that no environment has
		}
	}
}
