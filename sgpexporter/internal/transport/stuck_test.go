package transport

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// Connections that stay open lead to where the address led when they were made. When nothing but failures comes from
// there, new ones are made now and then; while SGP takes other requests they are kept.
func TestFailingConnectionsAreRenewed(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(n int, body string) *http.Response
		min, max int
	}{
		"failing":        {func(int, string) *http.Response { return reply(503) }, 4, 20},
		"failing partly": {func(n int, _ string) *http.Response { return reply([]int{200, 503, 503}[n%3]) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, rec := newTestClient(t, &server{answer: c.answer})
				renewed := 0
				client.health.renew = func() { renewed++ }
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for ctx.Err() == nil {
					client.Send(ctx, batchOf("a"), 1, rec)
					time.Sleep(100 * time.Millisecond)
				}
				assert.GreaterOrEqual(t, renewed, c.min)
				assert.LessOrEqual(t, renewed, c.max)
			})
		})
	}
}
