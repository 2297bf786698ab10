package mapping

import (
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func TestResourcesAndScopesAreEncodedOnce(t *testing.T) {
	m := New(Config{})
	s := stub()
	s.Resource = resource.NewSchemaless(attribute.String("a", "\xff"))
	s.InstrumentationScope = instrumentation.Scope{Name: "s", Attributes: attribute.NewSet(attribute.Int("n", 1))}
	var first string
	for i := range 3 {
		out, _, err := m.Append(nil, end(s))
		require.NoError(t, err)
		got := decode(t, string(out))
		requireJSON(t, `{"attributes":{"a":"�"}}`, at(got, "metadata", "resource"))
		requireJSON(t, `["metadata.resource.attributes.a: had NUL or bytes that are not UTF-8, replaced by U+FFFD"]`,
			at(got, "metadata", "otel_sgp_notes"))
		if i == 0 {
			first = string(out)
		}
		assert.Equal(t, first, string(out))
	}
	assert.Len(t, *m.cache.resources.entries.Load(), 1)
	assert.Len(t, *m.cache.frames.entries.Load(), 1)
}

// MaxDepth bounds what attributes nest, on a resource and a scope as on a span, also
// when a hook has changed one.
func TestDepthOfResourcesAndScopes(t *testing.T) {
	deep := attribute.Slice("deep", attribute.SliceValue(attribute.SliceValue(attribute.StringValue("x"))))
	s := stub(deep)
	s.Resource = resource.NewSchemaless(deep, attribute.String("host", "a host with a long name"))
	s.InstrumentationScope = instrumentation.Scope{Name: "s", Attributes: attribute.NewSet(deep, attribute.String("host", "h"))}
	for depth, want := range map[int]string{1: `["[nested too deep]"]`, 2: `[["[nested too deep]"]]`, 3: `[[["x"]]]`, 128: `[[["x"]]]`} {
		for name, hooks := range map[string][]Hook{
			"": nil, "redacted": {sgpspan.RedactKeys("host")}, "cut": {sgpspan.RedactLong(20)}, "opened": {func(s *sgpspan.Span) bool { open(s.Metadata); return true }},
		} {
			metadata := item(t, Config{MaxDepth: depth, MaxStringBytes: 30, Hooks: hooks}, end(s))["metadata"]
			if hooks == nil {
				requireJSON(t, want, at(metadata, "attributes", "deep"))
			}
			requireJSON(t, want, at(metadata, "resource", "attributes", "deep"))
			requireJSON(t, want, at(metadata, "scope", "attributes", "deep"))
			assert.NotNil(t, at(metadata, "resource", "attributes", "host"), name)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	m := New(Config{})
	for i := range 3*maxCached + 10 {
		s := stub()
		s.Resource = resource.NewSchemaless(attribute.Int("i", i))
		s.InstrumentationScope = instrumentation.Scope{Name: strconv.Itoa(i)}
		out, _, err := m.Append(nil, end(s))
		require.NoError(t, err)
		got := decode(t, string(out))
		requireJSON(t, `{"attributes":{"i":`+strconv.Itoa(i)+`}}`, at(got, "metadata", "resource"))
		requireJSON(t, `{"name":"`+strconv.Itoa(i)+`"}`, at(got, "metadata", "scope"))
		require.LessOrEqual(t, len(*m.cache.resources.entries.Load()), maxCached)
		require.LessOrEqual(t, len(*m.cache.frames.entries.Load()), maxCached)
	}
}

func TestMapperConcurrentSafe(t *testing.T) {
	m := New(Config{IDs: UUIDs})
	var spans [8]string
	snapshot := func(i int) stubType {
		s := stub(attribute.Int("i", i), attribute.String("llm.input_messages.0.message.role", strconv.Itoa(i)))
		s.SpanContext = spanContext(testTraceID, [8]byte{byte(i + 1)}, false)
		s.Resource = resource.NewSchemaless(attribute.Int("i", i))
		s.InstrumentationScope = instrumentation.Scope{Name: strconv.Itoa(i)}
		return s
	}
	for i := range spans {
		out, _, err := New(Config{IDs: UUIDs}).Append(nil, end(snapshot(i)))
		require.NoError(t, err)
		spans[i] = string(out)
	}
	var wg sync.WaitGroup
	for i := range spans {
		wg.Go(func() {
			s := end(snapshot(i))
			for range 100 {
				out, _, err := m.Append(nil, s)
				if err != nil || string(out) != spans[i] {
					t.Errorf("span %d became %s, %v", i, out, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
