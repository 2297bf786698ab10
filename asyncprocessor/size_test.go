package asyncprocessor

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

func TestAttributesSize(t *testing.T) {
	const key = len("key")
	for name, c := range map[string]struct {
		value attribute.Value
		want  int
	}{
		"string":       {attribute.StringValue("value"), 5},
		"empty string": {attribute.StringValue(""), 0},
		"int":          {attribute.Int64Value(1 << 40), 0},
		"float":        {attribute.Float64Value(1.5), 0},
		"bool":         {attribute.BoolValue(true), 0},
		"nothing":      {attribute.Value{}, 0},
		"strings":      {attribute.StringSliceValue([]string{"ab", "c"}), 16 + 2 + 16 + 1},
		"ints":         {attribute.IntSliceValue([]int{1, 2, 3}), 3 * 8},
		"floats":       {attribute.Float64SliceValue([]float64{1}), 8},
		"bools":        {attribute.BoolSliceValue([]bool{true, false}), 2},
		"bytes":        {attribute.ByteSliceValue([]byte("bytes")), 5},
		"values":       {attribute.SliceValue(attribute.StringValue("four"), attribute.ByteSliceValue([]byte{1}), attribute.IntValue(1)), 3*48 + 4 + 1},
		"map":          {attribute.MapValue(attribute.String("k", "vv"), attribute.Int("n", 1)), 64 + 1 + 2 + 64 + 1},
	} {
		attrs := []attribute.KeyValue{{Key: "key", Value: c.value}, attribute.String("a", "b")}
		assert.Equal(t, 64+key+c.want+64+1+1, attrsSize(attrs), name)
	}
	assert.Zero(t, attrsSize(nil))
}
