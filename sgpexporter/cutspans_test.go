package sgpexporter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCutSpansAreWarnedOfOnceAnHour(t *testing.T) {
	var c cutSpans
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		all         uint64
		after       time.Duration
		fresh, warn uint64
	}{
		{all: 0},
		{all: 2, fresh: 2, warn: 2},
		{all: 2},
		{all: 5, after: time.Hour - 1, fresh: 3},
		{all: 5, after: time.Hour},
		{all: 6, after: time.Hour, fresh: 1, warn: 4},
		{all: 7, after: time.Hour, fresh: 1},
		{all: 4, after: time.Hour}, // another call was quicker
	} {
		fresh, warn := c.add(step.all, at.Add(step.after))
		assert.Equal(t, [2]uint64{step.fresh, step.warn}, [2]uint64{fresh, warn}, "%+v", step)
	}
}
