package sgpexporter_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// sent replays a recording through both processors and an exporter with opts, and returns
// the server and all bytes that it was sent, with JSON in JSON as it reads once opened.
func sent(t *testing.T, framework frameworks.Framework, opts ...sgpexporter.Option) (*sgptest.Server, string) {
	t.Helper()
	srv, exp := newExporter(t, nil, opts...)
	replayTo(t, framework, exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
	var all strings.Builder
	for _, request := range srv.Requests() {
		var body any
		require.NoError(t, json.Unmarshal(request.Body, &body))
		for _, text := range texts(body, nil) {
			all.WriteString(text + "\n")
		}
	}
	return srv, all.String()
}

// texts appends the texts and keys in v, and in what is JSON in them.
func texts(v any, all []string) []string {
	switch v := v.(type) {
	case string:
		all = append(all, v)
		var inner any
		if trimmed := strings.TrimSpace(v); (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")) && json.Unmarshal([]byte(v), &inner) == nil {
			all = texts(inner, all)
		}
	case []any:
		for _, e := range v {
			all = texts(e, all)
		}
	case map[string]any:
		for key, e := range v {
			all = texts(e, append(all, key))
		}
	}
	return all
}

// sentences are the sentences that models and tools were asked and have answered: texts in
// input and output with a space. What the errors say is not among them.
func sentences(srv *sgptest.Server) []string {
	var found, elsewhere []string
	for _, s := range srv.Spans() {
		for _, text := range slices.Concat(texts(s.Input, nil), texts(s.Output, nil)) {
			if strings.Contains(strings.TrimSpace(text), " ") && !json.Valid([]byte(text)) {
				found = append(found, text)
			}
		}
		if text, ok := s.Metadata["error_message"].(string); ok {
			elsewhere = append(elsewhere, text)
		}
		// What describes a tool stands beside its name, too.
		attributes, _ := s.Metadata["attributes"].(map[string]any)
		for _, key := range []string{"gen_ai.tool.description", "gen_ai.agent.description"} {
			if text, ok := attributes[key].(string); ok {
				elsewhere = append(elsewhere, text)
			}
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(sentence string) bool {
		return slices.ContainsFunc(elsewhere, func(text string) bool { return strings.Contains(text, sentence) })
	})
}

// Of what models and tools were asked and answered nothing is sent without content: each
// sentence that SGP gets otherwise is looked for in all that was sent.
func TestNothingThatWasSaidIsSentWithoutContent(t *testing.T) {
	for _, framework := range frameworks.All {
		t.Run(framework.Name, func(t *testing.T) {
			srv, everything := sent(t, framework)
			all := sentences(srv)
			if framework.Name == "mcp-go" || framework.Name == "temporal" {
				assert.Empty(t, all)
				return
			}
			assert.NotEmpty(t, all)
			for _, sentence := range all {
				assert.Contains(t, everything, sentence)
			}
			for name, option := range map[string]sgpexporter.Option{
				"option": sgpexporter.WithoutContent(), "hook": sgpexporter.WithSpanHook(sgpspan.RedactContent()),
			} {
				srv, left := sent(t, framework, option)
				for _, sentence := range all {
					assert.NotContains(t, left, sentence, name)
				}
				assert.Equal(t, framework.Used, frameworks.Billed(srv), "usage stays")
			}
		})
	}
}
