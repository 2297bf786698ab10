package asyncprocessor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// A deferred Shutdown whose error nobody looks at loses nothing in silence.
func TestShutdownThatGivesUpIsReported(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p := newProcessor(t, exp)
		offerEnds(p, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Shutdown(ctx)
		require.Error(t, err)
		errs := log.take()
		require.Len(t, errs, 1, "by the time Shutdown has returned")
		assert.Equal(t, err, errs[0])
		assert.ErrorContains(t, errs[0], "3 snapshots not delivered: the time of Shutdown was over: context deadline exceeded")
	})
}
