package main

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// podSpec has those fields of a Kubernetes Pod that the recipes of docs/spool.md use.
type podSpec struct {
	TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		FSGroup int `yaml:"fsGroup"`
	} `yaml:"securityContext"`
	Containers []struct {
		Name         string
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name     string
		EmptyDir struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

// statefulSetSpec likewise.
type statefulSetSpec struct {
	VolumeClaimTemplates []struct {
		Metadata struct{ Name string }
		Spec     struct {
			AccessModes []string `yaml:"accessModes"`
			Resources   struct{ Requests struct{ Storage string } }
		}
	} `yaml:"volumeClaimTemplates"`
}

// TestSpoolRecipes: the fragments of docs/spool.md have the fields that Kubernetes knows, with values that go
// together and suit the spool's defaults.
func TestSpoolRecipes(t *testing.T) {
	content, err := os.ReadFile("../../../docs/spool.md")
	require.NoError(t, err)
	fragments := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(content, -1)
	require.Len(t, fragments, 2)
	var pod struct{ Spec podSpec }
	strictly(t, fragments[0][1], &pod)
	var set statefulSetSpec
	strictly(t, fragments[1][1], &set)

	assert.Equal(t, 45, pod.Spec.TerminationGracePeriodSeconds)
	assert.Positive(t, pod.Spec.SecurityContext.FSGroup)
	require.Len(t, pod.Spec.Containers, 1)
	require.Len(t, pod.Spec.Containers[0].VolumeMounts, 1)
	mount := pod.Spec.Containers[0].VolumeMounts[0]
	assert.True(t, strings.HasPrefix(mount.MountPath, "/"))
	assert.Contains(t, string(content), `WithSpool("`+mount.MountPath+`/`, "a directory below the mount")

	require.Len(t, pod.Spec.Volumes, 1)
	assert.Equal(t, mount.Name, pod.Spec.Volumes[0].Name)
	assert.Greater(t, bytesOf(t, pod.Spec.Volumes[0].EmptyDir.SizeLimit), int64(sgpexporter.DefaultSpoolMaxBytes))

	require.Len(t, set.VolumeClaimTemplates, 1)
	claim := set.VolumeClaimTemplates[0]
	assert.Equal(t, mount.Name, claim.Metadata.Name)
	assert.Equal(t, []string{"ReadWriteOncePod"}, claim.Spec.AccessModes)
	assert.Greater(t, bytesOf(t, claim.Spec.Resources.Requests.Storage), int64(sgpexporter.DefaultSpoolMaxBytes))
}

// strictly reads YAML, and fails on a field that into does not have.
func strictly(t *testing.T, text []byte, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into), string(text))
}

// bytesOf reads a quantity in Gi.
func bytesOf(t *testing.T, quantity string) int64 {
	t.Helper()
	number, ok := strings.CutSuffix(quantity, "Gi")
	require.True(t, ok, quantity)
	n, err := strconv.ParseInt(number, 10, 32)
	require.NoError(t, err)
	return n << 30
}
