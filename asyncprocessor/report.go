package asyncprocessor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
)

// reportInterval is the least time between two reports of dropped snapshots.
const reportInterval = 10 * time.Second

// reporter tells the OpenTelemetry error handler what was dropped at the queue's
// door, in one line for all that happened since the last one. It belongs to the
// dispatcher: the application's goroutines only count.
type reporter struct {
	queue    *queue
	pending  bool          // there is something to tell once the interval is over
	last     time.Duration // when the last report was made; 0 for never
	reported map[DropReason]uint64
}

// dropped reports what was refused since the last report, if there is anything
// and the interval is over.
func (r *reporter) dropped(now time.Duration) {
	r.pending = r.queue.hasUnreported()
	if !r.pending || (r.last != 0 && now-r.last < reportInterval) {
		return
	}
	since := r.last
	r.last, r.pending = now, false
	if err := r.describe(r.queue.takeUnreported(), since, now); err != nil {
		otel.Handle(err)
	}
}

// describe returns the report on the counts of refused snapshots by reason, nil
// when nothing is new.
func (r *reporter) describe(counts map[DropReason]uint64, since, now time.Duration) error {
	var parts []string
	var total uint64
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[reason] - r.reported[reason]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", reason, n))
			total += n
		}
	}
	r.reported = counts
	if total == 0 {
		return nil
	}
	span := ""
	if since != 0 {
		span = fmt.Sprintf(" in %s", (now - since).Round(time.Second))
	}
	return fmt.Errorf("asyncprocessor: %d snapshots dropped%s (%s): %s",
		total, span, strings.Join(parts, ", "), advice(counts))
}

// advice says what to do, for the reason that weighs most.
func advice(counts map[DropReason]uint64) string {
	switch {
	case counts[ReasonQueueFull]+counts[ReasonStartRefused] > 0:
		return "the exporter does not keep up; raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes, or look at the backend"
	case counts[ReasonTooLarge] > 0:
		return "a span is larger than WithMaxQueueBytes"
	default:
		return "spans arrive after Shutdown"
	}
}

// before returns deadline, or the time of the next report if that is earlier.
func (r *reporter) before(deadline time.Duration) time.Duration {
	if !r.pending {
		return deadline
	}
	return min(deadline, r.last+reportInterval)
}
