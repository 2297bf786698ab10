package sgpexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrAttributesDropped is matched by the warning, to the global OpenTelemetry error
// handler, that a limit of the SDK has cut the attributes of spans. It is given once an
// hour at most. The SDK keeps 128 attributes of a span by default and drops those that
// are set last: of a conversation that is flattened into attributes the end, and the usage.
var ErrAttributesDropped = errors.New("sgpexporter: a limit of the SDK has cut the attributes of spans")

// cutInterval is the least time between two warnings of cut spans.
const cutInterval = time.Hour

// cutSpans counts the ENDs whose attributes were cut, and says when to warn of them.
type cutSpans struct {
	mu     sync.Mutex
	seen   uint64 // of all, those that are in the metric
	told   uint64 // those that are in a warning
	warned time.Time
}

// add takes over the number of all so far. It returns how many are new, and how many to
// warn of.
func (c *cutSpans) add(all uint64, now time.Time) (fresh, warn uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all <= c.seen {
		return 0, 0
	}
	fresh, c.seen = all-c.seen, all
	if !c.warned.IsZero() && now.Sub(c.warned) < cutInterval {
		return fresh, 0
	}
	warn, c.told, c.warned = all-c.told, all, now
	return fresh, warn
}

// warnOfCutSpans counts the spans whose attributes were cut, and warns of them.
func (x *export) warnOfCutSpans(ctx context.Context) {
	all := x.mapper.Cut()
	if all == 0 {
		return
	}
	fresh, warn := x.cut.add(all, time.Now())
	if fresh > 0 {
		x.metrics.cut(ctx, fresh)
	}
	if warn > 0 {
		x.warn(ctx, fmt.Errorf("%w: %d since the last warning; usage and the end of conversations may be among what is lost: "+
			"make the TracerProvider with sdktrace.WithRawSpanLimits and AttributeCountLimit -1", ErrAttributesDropped, warn))
	}
}
