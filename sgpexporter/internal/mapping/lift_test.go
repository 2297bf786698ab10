package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

func TestAttributesForTheSearch(t *testing.T) {
	str := attribute.String
	got := item(t, Config{MetadataAttributes: []string{"user.id", "usage", "tenant"}}, end(stub(
		str("user.id", "u1"), attribute.Int("tenant", 7), str("sgp.metadata.run_id", "r1"), str("sgp.metadata.a.b", "dotted"),
		str("sgp.metadata.usage", "mine"), str("sgp.metadata.user_id", "u2"), str("sgp.metadata.", "no name"), str("usage", "text"), str("other", "x"))))
	requireJSON(t, `{
		"__source__": "otel-go", "user_id": "u1", "tenant": 7, "run_id": "r1", "a.b": "dotted", "kind": "internal",
		"attributes": {"sgp.metadata.usage": "mine", "sgp.metadata.user_id": "u2", "sgp.metadata.": "no name", "usage": "text", "other": "x"},
		"otel_sgp_notes": ["sgp.metadata.usage: kept among the attributes, the exporter writes metadata.usage"]
	}`, got["metadata"])
}

// What becomes something else is not lifted, too.
func TestAttributeThatHasItsPlace(t *testing.T) {
	got := item(t, Config{MetadataAttributes: []string{"session.id", "gen_ai.request.model"}}, end(stub(
		attribute.String("session.id", "s1"), attribute.String("gen_ai.request.model", "m"))))
	assert.Equal(t, "s1", got["group_id"])
	requireJSON(t, `{"__source__":"otel-go","gen_ai_request_model":"m","kind":"internal"}`, got["metadata"])
}

func TestResourceForTheSearch(t *testing.T) {
	str := attribute.String
	for name, tc := range map[string]struct {
		attrs []attribute.KeyValue
		want  map[string]any
	}{
		"pod": {
			[]attribute.KeyValue{str("service.name", "svc"), str("service.version", "1"), str("deployment.environment.name", "prod"), str("k8s.pod.name", "pod-1"), str("host.name", "h")},
			map[string]any{"service_name": "svc", "service_version": "1", "deployment_environment": "prod", "k8s_pod_name": "pod-1", "host_name": nil},
		},
		"host": {
			[]attribute.KeyValue{str("deployment.environment", "old"), str("host.name", "h")},
			map[string]any{"service_name": nil, "deployment_environment": "old", "k8s_pod_name": nil, "host_name": "h"},
		},
		"both names": {
			[]attribute.KeyValue{str("deployment.environment", "old"), str("deployment.environment.name", "new")},
			map[string]any{"deployment_environment": "new"},
		},
	} {
		s := stub()
		s.Resource = resource.NewSchemaless(tc.attrs...)
		got := item(t, Config{}, end(s))
		for key, want := range tc.want {
			assert.Equal(t, want, at(got, "metadata", key), "%s: %s", name, key)
		}
	}
}

func TestWhatOnlyAnApplicationKnows(t *testing.T) {
	got := item(t, Config{}, end(stub(attribute.String("sgp.expected", `{"answer":42}`),
		attribute.String("sgp.application_variant_id", "v1"), attribute.String("sgp.application_interaction_id", "i1"))))
	requireJSON(t, `{"answer":42}`, got["expected"])
	assert.Equal(t, "v1", got["application_variant_id"])
	assert.Equal(t, "i1", got["application_interaction_id"])
	assert.Nil(t, at(got, "metadata", "attributes"))
	requireJSON(t, `{"value":"text"}`, item(t, Config{}, end(stub(attribute.String("sgp.expected", "text"))))["expected"])
}

func TestFlatName(t *testing.T) {
	for key, want := range map[string]bool{"user.id": true, "a": true, "": false, "usage": false, "cost.usd": false, "service.name": false} {
		_, ok := FlatName(key)
		assert.Equal(t, want, ok, key)
	}
	name, _ := FlatName("gen_ai.request.model")
	assert.Equal(t, "gen_ai_request_model", name)
}
