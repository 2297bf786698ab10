package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/format"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

const (
	// vetTimeout bounds one go vet, which has to compile what the example
	// imports if the build cache is empty.
	vetTimeout = 90 * time.Second
	// maxProblemBytes bounds what is told of go vet's output.
	maxProblemBytes = 1000
)

// ExampleError says why an example was found wrong.
type ExampleError struct {
	// Command is "gofmt" or "go vet".
	Command string
	// Problem is what it said, without the paths of temporary files.
	Problem string
}

// ErrorType is error.type.
func (e *ExampleError) ErrorType() string { return "example_rejected" }

// Error gives the command and what it said.
func (e *ExampleError) Error() string { return e.Command + ": " + e.Problem }

// CheckExample returns the tool check_example: it formats a program as gofmt
// does and runs go vet on it, in a temporary module. The program is not run.
func CheckExample(provider trace.TracerProvider) Tool {
	checker := checker{tracer: provider.Tracer(scope)}
	return Tool{
		Name:        "check_example",
		Description: "Checks a whole Go program, package main: gofmt and go vet. It is compiled but not run, and may import the standard library only.",
		Parameters: `{"type":"object","properties":{
			"code":{"type":"string","description":"the program"}
		},"required":["code"]}`,
		Run: func(ctx context.Context, arguments json.RawMessage) (string, error) {
			args, err := Arguments[struct {
				Code string `json:"code"`
			}](arguments)
			if err != nil {
				return "", err
			}
			formatted, err := checker.format(ctx, args.Code)
			if err != nil {
				return "", err
			}
			if err := checker.vet(ctx, formatted); err != nil {
				return "", err
			}
			return genai.JSON(map[string]any{"ok": true, "changed_by_gofmt": string(formatted) != args.Code}), nil
		},
	}
}

type checker struct{ tracer trace.Tracer }

// format formats a program. It refuses cgo, with which to compile a program is
// to run what it says: it comes from a model.
func (c checker) format(ctx context.Context, code string) ([]byte, error) {
	_, span := c.tracer.Start(ctx, "gofmt")
	defer span.End()
	formatted, err := format.Source([]byte(code))
	if err != nil {
		err = &ExampleError{Command: "gofmt", Problem: err.Error()}
	} else if strings.Contains(code, `"C"`) {
		err = &ExampleError{Command: "gofmt", Problem: "the example may not use cgo"}
	}
	if err != nil {
		genai.Fail(span, err)
		return nil, err
	}
	return formatted, nil
}

// vet runs go vet, in a span as the semantic conventions for command line
// programs have it. Nothing is downloaded.
func (c checker) vet(ctx context.Context, code []byte) (err error) {
	args := []string{"go", "vet", "."}
	ctx, span := c.tracer.Start(ctx, "go vet", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.ProcessExecutableName("go"), semconv.ProcessCommandArgs(args...)))
	defer func() {
		if err != nil {
			genai.Fail(span, err)
		}
		span.End()
	}()
	dir, err := os.MkdirTemp("", "otel-app-example-")
	if err != nil {
		return fmt.Errorf("make a directory for the example: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	for name, content := range map[string][]byte{"go.mod": []byte(goMod()), "example.go": code} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return fmt.Errorf("write the example: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, vetTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOTOOLCHAIN=local", "PWD="+dir)
	output, err := command.CombinedOutput()
	if command.ProcessState != nil {
		span.SetAttributes(semconv.ProcessPID(command.ProcessState.Pid()), semconv.ProcessExitCode(command.ProcessState.ExitCode()))
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("go vet: %w", ctx.Err())
	case errors.As(err, &exit):
		return &ExampleError{Command: "go vet", Problem: problem(output)}
	}
	return fmt.Errorf("run go vet: %w", err)
}

// goMod is the example's go.mod. Its language is the one of this program.
func goMod() string {
	text := "module example\n"
	if lang := version.Lang(runtime.Version()); lang != "" {
		text += "\ngo " + strings.TrimPrefix(lang, "go") + "\n"
	}
	return text
}

// problem is go vet's output without its headings.
func problem(output []byte) string {
	var lines []string
	for line := range bytes.Lines(output) {
		text := strings.TrimPrefix(strings.TrimSpace(string(line)), "vet: ")
		if text != "" && !strings.HasPrefix(text, "#") {
			lines = append(lines, strings.TrimPrefix(text, "./"))
		}
	}
	return shorten(strings.Join(lines, "; "), maxProblemBytes)
}
