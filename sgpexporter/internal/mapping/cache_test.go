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
)

func TestResourcesAndScopesAreEncodedOnce(t *testing.T) {
	m := New(Config{})
	s := stub()
	s.Resource = resource.NewSchemaless(attribute.String("a", "\xff"))
	s.InstrumentationScope = instrumentation.Scope{Name: "s", Attributes: attribute.NewSet(attribute.Int("n", 1))}
	var first string
	for i := range 3 {
		out, err := m.Append(nil, end(s))
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
	assert.Len(t, *m.cache.scopes.entries.Load(), 1)
}

func TestCacheIsBounded(t *testing.T) {
	m := New(Config{})
	for i := range 3*maxCached + 10 {
		s := stub()
		s.Resource = resource.NewSchemaless(attribute.Int("i", i))
		s.InstrumentationScope = instrumentation.Scope{Name: strconv.Itoa(i)}
		out, err := m.Append(nil, end(s))
		require.NoError(t, err)
		got := decode(t, string(out))
		requireJSON(t, `{"attributes":{"i":`+strconv.Itoa(i)+`}}`, at(got, "metadata", "resource"))
		requireJSON(t, `{"name":"`+strconv.Itoa(i)+`"}`, at(got, "metadata", "scope"))
		require.LessOrEqual(t, len(*m.cache.resources.entries.Load()), maxCached)
		require.LessOrEqual(t, len(*m.cache.scopes.entries.Load()), maxCached)
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
		out, err := New(Config{IDs: UUIDs}).Append(nil, end(snapshot(i)))
		require.NoError(t, err)
		spans[i] = string(out)
	}
	var wg sync.WaitGroup
	for i := range spans {
		wg.Go(func() {
			s := end(snapshot(i))
			for range 100 {
				out, err := m.Append(nil, s)
				if err != nil || string(out) != spans[i] {
					t.Errorf("span %d became %s, %v", i, out, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
