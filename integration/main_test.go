package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/integration/internal/producer"
	"github.com/otelsgp/otelsgp/internal/testenv"
)

// exampleProgram is the path of the example, built from what is in the tree.
var exampleProgram string

func TestMain(m *testing.M) {
	if os.Getenv(producer.EnvConfig) != "" {
		os.Exit(producer.Main())
	}
	testenv.Clear()
	folder, err := os.MkdirTemp("", "integration")
	if err == nil {
		exampleProgram, err = buildExample(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(tests(m),
		// toxiproxy leaves these behind where a toxic ends a connection.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.Cleanup(func(code int) {
			_ = os.RemoveAll(folder)
			os.Exit(code)
		}))
}

// buildExample builds the example, which is a module of its own, in its folder,
// with the race detector if that is on here.
func buildExample(folder string) (string, error) {
	program := filepath.Join(folder, "otel-app")
	command := exec.Command("go", "build", fmt.Sprintf("-race=%t", raceDetector), "-o", program, ".")
	command.Dir = filepath.Join("..", "examples", "otel-app")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the example: %w\n%s", err, out)
	}
	return program, nil
}
