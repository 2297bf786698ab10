package collector

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The manifests are what Kubernetes' own types read, without a field that they do not know.
func TestKubernetesManifests(t *testing.T) {
	content, err := os.ReadFile("../../docs/kubernetes-collector.yaml")
	require.NoError(t, err)
	sets := map[string]appsv1.StatefulSet{}
	services := map[string]corev1.Service{}
	var scaled []string
	for _, document := range bytes.Split(content, []byte("\n---\n")) {
		var kind metav1.TypeMeta
		require.NoError(t, yaml.Unmarshal(document, &kind))
		switch kind.APIVersion + " " + kind.Kind {
		case "apps/v1 StatefulSet":
			var set appsv1.StatefulSet
			require.NoError(t, yaml.UnmarshalStrict(document, &set))
			sets[set.Name] = set
		case "v1 Service":
			var service corev1.Service
			require.NoError(t, yaml.UnmarshalStrict(document, &service))
			services[service.Name] = service
		case "autoscaling/v2 HorizontalPodAutoscaler":
			var scaler autoscalingv2.HorizontalPodAutoscaler
			require.NoError(t, yaml.UnmarshalStrict(document, &scaler))
			scaled = append(scaled, scaler.Spec.ScaleTargetRef.Name)
		default:
			t.Errorf("%s %s is not expected", kind.APIVersion, kind.Kind)
		}
	}
	for name, set := range sets {
		assert.Contains(t, services, set.Spec.ServiceName)
		assert.Equal(t, services[set.Spec.ServiceName].Spec.Selector, set.Spec.Template.Labels, name)
		assert.Equal(t, set.Spec.Selector.MatchLabels, set.Spec.Template.Labels, name)
		assert.Len(t, set.Spec.VolumeClaimTemplates, 1, name)
	}
	for _, name := range scaled {
		assert.Contains(t, sets, name)
	}

	// The load balancers name each gateway that there is.
	var want []string
	for i := range *sets["otelcol-sgp-gateway"].Spec.Replicas {
		want = append(want, fmt.Sprintf("otelcol-sgp-gateway-%d.otelcol-sgp-gateway:4317", i))
	}
	var named []string
	for _, variable := range sets["otelcol-sgp"].Spec.Template.Spec.Containers[0].Env {
		if variable.Name == "GATEWAYS" {
			require.NoError(t, yaml.Unmarshal([]byte(variable.Value), &named))
		}
	}
	assert.Equal(t, want, named)
}
