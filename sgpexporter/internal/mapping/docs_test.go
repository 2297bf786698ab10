package mapping

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
)

const docs = "../../../docs/"

// holdTable holds that the table in a document, between two comments, is want.
func holdTable(t *testing.T, document, want string) {
	t.Helper()
	const begin, end = "<!-- The table is made by the tests. -->\n", "<!-- end of the table -->\n"
	text, err := os.ReadFile(docs + document)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	got, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(docs+document, []byte(before+begin+want+end+after), 0o644))
		return
	}
	assert.Equal(t, want, got)
}

// The table of frameworks is what SGP gets of their recordings.
func TestDocsOfFrameworks(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| recording | of | spans | type | input | output | tokens billed | tokens used | group | errors | live: type | live: input | live: group |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range frameworks.All {
		r := replay(t, f)
		n := len(r.ends)
		ended := tally(t, mapAll(t, Config{}, byStart(r.ends), true))
		live := tally(t, mapAll(t, Config{}, r.running, true))
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %d / %d | %d / %d | %s | %d | %s | %s | %s |\n", f.Name, f.Version, n,
			of(ended.typed, n), of(ended.input, n), of(ended.output, n), ended.in, ended.out, f.Used.Input, f.Used.Output,
			of(ended.group, n), ended.errors, of(live.typed, len(r.running)), of(live.input, len(r.running)), of(live.group, len(r.running)))
		assert.Equal(t, f.Used.Input, ended.in)
		assert.Equal(t, f.Used.Output, ended.out)
	}
	b.WriteString("\n")
	holdTable(t, "frameworks.md", b.String())
}

func of(n, all int) string {
	switch {
	case all == 0 || n == 0:
		return "–"
	case n == all:
		return "all"
	}
	return fmt.Sprintf("%d of %d", n, all)
}

type counted struct {
	typed, input, output, group, errors int
	in, out                             int64
}

// tally counts what items have.
func tally(t *testing.T, items map[trace.SpanID]string) (c counted) {
	for _, text := range items {
		item := decode(t, text)
		add := func(n *int, there bool) {
			if there {
				*n++
			}
		}
		output, _ := at(item, "output").(map[string]any)
		usage := output["usage"]
		delete(output, "usage")
		delete(output, "reported_usage")
		add(&c.typed, at(item, "type") != "STANDALONE")
		add(&c.input, at(item, "input") != nil)
		add(&c.output, len(output) > 0)
		add(&c.group, at(item, "group_id") != nil)
		add(&c.errors, at(item, "status") == "ERROR")
		c.in += tokens(usage, "input_tokens")
		c.out += tokens(usage, "output_tokens")
	}
	return c
}

func tokens(usage any, key string) (n int64) {
	if at(usage, key) != nil {
		_, _ = fmt.Sscan(fmt.Sprint(at(usage, key)), &n)
	}
	return n
}

// The tables of dialects are those of the code.
func TestDocsOfDialects(t *testing.T) {
	var b strings.Builder
	for _, d := range dialects {
		fmt.Fprintf(&b, "\n## %s\n\n| attribute | becomes |\n|---|---|\n", d.name)
		for i := range d.keys {
			fmt.Fprintf(&b, "| `%s` | %s |\n", d.keys[i].name, d.keys[i].becomes())
		}
		for _, l := range d.lists {
			name := l.prefix + "N."
			if l.item != "" {
				name += l.item + "."
			}
			fmt.Fprintf(&b, "| `%s*%s` | `%s.%s`%s |\n", name, l.suffix, sideName(l.side), l.field, map[bool]string{true: "; left out beside it"}[l.again])
		}
	}
	b.WriteString("\n")
	holdTable(t, "dialects.md", b.String())
}

func sideName(s side) string {
	return map[side]string{sideInput: "input", sideOutput: "output", sideOfMemory: "input"}[s]
}

// becomes says what becomes of an attribute.
func (k *key) becomes() string {
	text := map[role]string{
		roleType: "`type`", roleOperation: "`type`, by what was done", roleKind: "`type`, by the kind", roleKindObject: "`type`, by its `type`", roleWorkflow: "`type` CUSTOM, of a node",
		roleGroup: "`group_id`", roleWeakGroup: "`group_id`, where no span of the trace has another", roleVariant: "`application_variant_id`", roleInteraction: "`application_interaction_id`",
		roleExpected: "`expected`", roleErrorType: "`metadata.error_type`", roleErrorMessage: "`metadata.error_message`", roleHTTPStatus: "`status`", roleGRPCStatus: "`status`",
		roleRPCStatus: "`status`, if it is gRPC's", roleRPCSystem: "tells whose status codes there are", roleExceptionType: "`metadata.error_type`", roleExceptionText: "`metadata.error_message`",
		roleExceptionStack: "tells a panic", roleJSONRPC: "tells JSON-RPC", roleUsageObject: "usage, its counts", roleUsageRule: "where usage goes",
		roleInputMIME: "how `input.value` reads", roleOutputMIME: "how `output.value` reads", roleContent: "content, for redaction", roleParameters: "content, for redaction, if a system instruction is among them", roleMark: "",
	}[k.role]
	if k.role >= firstCount && k.role <= lastCount {
		text = "usage: `" + usageKeys[k.role-firstCount] + "`"
	}
	if k.role == rolePayload {
		text = "`" + sideName(k.side)
		if k.field != "" {
			text += "." + k.field
		}
		text += "`"
		if k.side == sideOfMemory {
			text += ", of a search `output." + k.field + "`"
		}
		if k.form == formMessages || k.form == formEncoded {
			text += ", or `.messages`"
		}
		if k.repeats != "" {
			text += "; left out beside `." + k.repeats + "`" + map[bool]string{true: " if it is the same"}[k.equal]
		}
	}
	if k.typ != "" {
		if text != "" {
			text += "; "
		}
		text += "`type` " + string(k.typ) + " if nothing says more"
	}
	return text
}
