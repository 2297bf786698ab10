package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// SGP's search compares the keys at the top of the metadata, and flat ones alone. So
// what is to be searched for is lifted there.

// lift is an attribute that stands at the top of the metadata under a name.
type lift struct {
	name string
	at   place
}

// reservedNames are what the mapping itself writes at the top of the metadata.
var reservedNames = map[string]bool{
	"__source__": true, "__agent_name__": true, "__agent_id__": true, "__acp_type__": true, "__agent_version__": true, "__commit_sha__": true,
	"error": true, "error_type": true, "error_message": true, "heartbeat": true,
	usageKey: true, costKey: true, reportedUsageKey: true, "evaluations": true,
	"service_name": true, "service_version": true, "deployment_environment": true, "k8s_pod_name": true, "host_name": true,
	"attributes": true, "events": true, "links": true, "kind": true, "scope": true, "resource": true, "trace_state": true,
	"parent_is_remote": true, "child_span_count": true, "dropped": true, sgpspan.NotesKey: true,
}

// FlatName returns the name in the metadata of the attribute named key, and whether an
// attribute can be lifted to it.
func FlatName(key string) (name string, ok bool) {
	name = strings.ReplaceAll(key, ".", "_")
	return name, name != "" && !reservedNames[name]
}

func liftedNames(keys []string) map[attribute.Key]string {
	var names map[attribute.Key]string
	for _, key := range keys {
		if name, ok := FlatName(key); ok {
			if names == nil {
				names = make(map[attribute.Key]string)
			}
			names[attribute.Key(key)] = name
		}
	}
	return names
}

// lifted adds the attributes that stand at the top of the metadata. Of two with one
// name the first does.
func (sc *scratch) lifted(o sgpspan.Object) sgpspan.Object {
	var names map[string]bool // from the second one on
	if len(sc.lifts) > 1 {
		names = make(map[string]bool, len(sc.lifts))
	}
	for _, l := range sc.lifts {
		kv := sc.attr(l.at)
		if reservedNames[l.name] {
			sc.note(string(kv.Key) + ": kept among the attributes, the exporter writes metadata." + l.name)
			continue
		}
		if names[l.name] || sc.marks[l.at-1]&markTaken != 0 {
			continue
		}
		if names != nil {
			names[l.name] = true
		}
		sc.take(l.at)
		o = append(o, sgpspan.Field{
			Key: l.name, Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value), Content: sc.marks[l.at-1]&markContent != 0,
		})
	}
	return o
}

// resourceNames are the attributes of the resource that stand at the top of the metadata,
// by their names there: of each the first that it has.
var resourceNames = [...]struct {
	name string
	keys []attribute.Key
}{
	{"service_name", []attribute.Key{"service.name"}},
	{"service_version", []attribute.Key{"service.version"}},
	{"deployment_environment", []attribute.Key{"deployment.environment.name", "deployment.environment"}},
	{"k8s_pod_name", []attribute.Key{"k8s.pod.name"}},
	{"host_name", []attribute.Key{"host.name"}},
}

// searchFields returns what a resource has of resourceNames; the host's name stands for
// a pod's where there is none.
func searchFields(attrs []attribute.KeyValue) sgpspan.Object {
	var o sgpspan.Object
	for _, r := range resourceNames {
		if r.name == "host_name" && o.Get("k8s_pod_name") != nil {
			continue
		}
		for _, key := range r.keys {
			if o.Get(r.name) != nil {
				break
			}
			for _, kv := range attrs {
				if kv.Key == key {
					o = append(o, sgpspan.Field{Key: r.name, Source: string(key), Value: sgpspan.AttributeValue(kv.Value)})
				}
			}
		}
	}
	return o
}
