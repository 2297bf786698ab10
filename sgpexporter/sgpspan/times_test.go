package sgpspan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Both times of a span are what the standard library makes of them, whether
// they fall into one second or not.
func TestTimesOfASpan(t *testing.T) {
	for _, start := range []time.Time{
		time.Date(2026, 11, 24, 3, 4, 5, 0, time.UTC),
		time.Date(2026, 11, 24, 3, 4, 5, 999_999_999, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 5, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600+1)),
	} {
		for _, took := range []time.Duration{0, 1, 10 * time.Millisecond, time.Second - 1, time.Second, 36 * time.Hour} {
			var got struct {
				Start string `json:"start_timestamp"`
				End   string `json:"end_timestamp"`
			}
			require.NoError(t, json.Unmarshal(Encoder{}.AppendJSON(nil, &Span{Start: start, End: start.Add(took)}), &got))
			assert.Equal(t, start.UTC().Format(time.RFC3339Nano), got.Start)
			assert.Equal(t, start.Add(took).UTC().Format(time.RFC3339Nano), got.End)
		}
	}
}

func TestIsHexID(t *testing.T) {
	const valid = "0123456789abcdef"
	assert.True(t, isHexID(valid, 16))
	assert.True(t, isHexID(valid+"ffffffff00000000", 32))
	assert.False(t, isHexID(valid, 32))
	assert.False(t, isHexID("", 16))
	for i := range len(valid) {
		for c := range 256 {
			id := []byte(valid)
			id[i] = byte(c)
			want := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
			assert.Equal(t, want, isHexID(string(id), 16), "%q at %d", byte(c), i)
		}
	}
}
