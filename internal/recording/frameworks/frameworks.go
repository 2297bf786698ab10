// Package frameworks has recordings of Go agent frameworks. They were made with models
// that were faked, and so used a known number of tokens; testdata/README.md says what is peculiar in each.
package frameworks

import (
	"embed"
	"io/fs"

	"github.com/otelsgp/otelsgp/internal/recording"
)

//go:embed testdata
var testdata embed.FS

// Framework is one framework's recording.
type Framework struct {
	// Name is the framework's name, and that of the folder in testdata.
	Name string
	// Version is what was recorded, and its version.
	Version string
	// Used is what its models really used.
	Used Tokens
	// Unreported is what they used besides, without a word of it in the spans.
	Unreported bool
}

// Tokens are counts of tokens over all traces of a recording.
type Tokens struct {
	Input  int64
	Output int64
	// Cached is the part of Input that a cache served.
	Cached int64
}

// All are the recordings, by name.
var All = []Framework{
	{Name: "adk", Version: "google/adk-go 2.2", Used: Tokens{Input: 420, Output: 40, Cached: 320}},
	{Name: "adk-nocapture", Version: "the same, contents not captured", Used: Tokens{Input: 420, Output: 40, Cached: 320}},
	{Name: "adk-workflow", Version: "the same, a workflow", Used: Tokens{Input: 150, Output: 11, Cached: 128}},
	{Name: "agent-framework-go", Version: "microsoft/agent-framework-go", Used: Tokens{Input: 840, Output: 80, Cached: 640}},
	{Name: "braintrust", Version: "Braintrust Go SDK 0.1", Used: Tokens{Input: 1070, Output: 123, Cached: 576}},
	{Name: "eino-apmplus", Version: "cloudwego/eino 0.7.36, APMPlus callback", Used: Tokens{Input: 660, Output: 76}},
	{Name: "genkit", Version: "firebase/genkit go 1.4.0", Used: Tokens{Input: 390, Output: 47, Cached: 256}},
	{Name: "langsmith-go", Version: "langsmith-go 0.25", Used: Tokens{Input: 950, Output: 105, Cached: 640}},
	{Name: "mcp-go", Version: "mark3labs/mcp-go, its otel"},
	{Name: "openinference", Version: "OpenInference Go", Used: Tokens{Input: 400, Output: 47, Cached: 256}, Unreported: true},
	{Name: "openllmetry", Version: "go-openllmetry 0.1.2", Used: Tokens{Input: 270, Output: 29}},
	{Name: "temporal", Version: "Temporal SDK 1.51, contrib opentelemetry", Used: Tokens{Input: 240, Output: 36}},
	{Name: "trpc-agent-go", Version: "trpc-agent-go", Used: Tokens{Input: 690, Output: 69, Cached: 512}},
}

// Files are those of the recording: otlp.json, onstart.json, and logs.json where there are
// log records.
func (f Framework) Files() (fs.FS, error) { return fs.Sub(testdata, "testdata/"+f.Name) }

// Recording reads the recording.
func (f Framework) Recording() (*recording.Recording, error) {
	dir, err := f.Files()
	if err != nil {
		return nil, err
	}
	return recording.ReadDir(dir)
}
