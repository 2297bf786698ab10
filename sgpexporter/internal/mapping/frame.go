package mapping

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// frame returns what the metadata of a span has in common with that of others.
func (m *Mapper) frame(in *Input) *frame {
	key := frameKey{resource: in.Resource, scope: in.Scope, kind: in.Kind}
	if f, ok := m.cache.frames.get(&key); ok {
		return f
	}
	return m.cache.frames.add(key, m.newFrame(key))
}

func (m *Mapper) newFrame(key frameKey) *frame {
	f := new(frame)
	f.fields = append(f.fields, sgpspan.Field{Key: "__source__", Value: sgpspan.StringValue(m.cfg.Source)})
	f.fields = addText(f.fields, "__agent_name__", m.cfg.AgentName)
	f.fields = addText(f.fields, "__agent_id__", m.cfg.AgentID)
	f.fields = addText(f.fields, "__acp_type__", m.cfg.ACPType)
	f.fields = addText(f.fields, "__agent_version__", m.cfg.AgentVersion)
	f.fields = addText(f.fields, "__commit_sha__", m.cfg.CommitSHA)
	var resource *encodedResource
	if key.resource.Len() > 0 || key.resource.SchemaURL() != "" {
		resource = m.resource(key.resource)
		f.fields = append(f.fields, resource.search...)
	}
	f.fields = addText(f.fields, "kind", key.kind.String())
	if scope := scopeFields(&key.scope); len(scope) > 0 {
		v, notes := m.encode("scope", scope)
		f.fields = append(f.fields, sgpspan.Field{Key: "scope", Value: v})
		f.notes = append(f.notes, notes...)
	}
	if resource != nil {
		f.fields = append(f.fields, sgpspan.Field{Key: "resource", Value: resource.value})
		f.notes = append(f.notes, resource.notes...)
	}
	var notes []string
	f.encoded, notes = m.encoder.EncodeMembers(f.fields)
	f.encodedNotes = slices.Concat(f.notes, notes)
	return f
}

func scopeFields(scope *instrumentation.Scope) sgpspan.Object {
	var o sgpspan.Object
	o = addText(o, "name", scope.Name)
	o = addText(o, "version", scope.Version)
	o = addText(o, "schema_url", scope.SchemaURL)
	return withAttributes(o, scope.Attributes.ToSlice())
}

func (m *Mapper) resource(res *resource.Resource) *encodedResource {
	if e, ok := m.cache.resources.get(&res); ok {
		return e
	}
	attrs := res.Attributes()
	o := addText(withAttributes(nil, attrs), "schema_url", res.SchemaURL())
	e := &encodedResource{search: searchFields(attrs)}
	e.value, e.notes = m.encode("resource", o)
	return m.cache.resources.add(res, e)
}

// encode returns o as JSON text with its repairs made.
func (m *Mapper) encode(key string, o sgpspan.Object) (sgpspan.Value, []string) {
	v := sgpspan.ObjectValue(&o)
	return m.encoder.EncodeValue(key, &v)
}

func withAttributes(o sgpspan.Object, attrs []attribute.KeyValue) sgpspan.Object {
	if len(attrs) == 0 {
		return o
	}
	fields := make(sgpspan.Object, len(attrs))
	for i, kv := range attrs {
		fields[i] = sgpspan.Field{Key: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value)}
	}
	return append(o, sgpspan.Field{Key: "attributes", Value: sgpspan.ObjectValue(&fields)})
}
