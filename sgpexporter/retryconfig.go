package sgpexporter

import (
	"errors"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// RetryConfig says how requests that failed for now are repeated: after no answer within
// [WithTimeout], a connection that failed, and every answer that does not judge the
// spans, that is all but a 200 with JSON, 400, 409, 413 and 422. All attempts send the
// same bytes. Start from [DefaultRetryConfig].
//
// A call of [Exporter.ExportSnapshots] tries again for 5 s, so that a blip is over, and
// then hands what failed for now back to the processor, where it rests in the queue and is
// tried again for as long as the process lives: see asyncprocessor.ExportError, Retryable.
// Neither waits for the other: the rests of the queue begin when the call has ended.
// MaxElapsedTime and MaxAttempts are for who would rather lose spans than wait: with one
// of them a call goes on until then, and what is left is lost.
//
// Three things cut a wait short: SGP takes another request; the Shutdown of the processor
// has begun, from when on no wait is longer than a second; and a context that ends before
// the wait, for one more try with half of the time that is left.
//
// Two things hold all requests of an Exporter: a Retry-After, for up to a minute, and a key
// that is refused, for waits like those between attempts. And while nothing has been
// answered for a second (or three times as long as SGP took for its last answer), only one
// request in one or two seconds is sent, on a new connection.
type RetryConfig struct {
	// Enabled says whether there are retries at all.
	Enabled bool
	// InitialInterval is the wait before the first retry; 0 stands for the
	// default, 400 ms. Each further wait is twice as long. Every wait is varied
	// at random by up to a half in either direction. A longer Retry-After of
	// the server goes before it, up to one minute.
	InitialInterval time.Duration
	// MaxInterval bounds the wait, before it is varied; 0 stands for the
	// default, 20 s.
	MaxInterval time.Duration
	// MaxElapsedTime is the time after which no retry is begun for a request, within
	// one call: its spans are lost then. 0, the default, means no bound: see above.
	MaxElapsedTime time.Duration
	// MaxAttempts bounds the attempts for a request, the first one included, within
	// one call: its spans are lost then. 0, the default, means no bound: see above. Without [WithRetry]
	// it is four times AGENTEX_SPAN_QUEUE_MAX_RETRIES, and 4 for 0, if that is set: it is how often
	// the Python agent's queue hands a batch to its client, which makes four
	// attempts each time.
	MaxAttempts int
}

// DefaultRetryConfig returns the default: waits of 0.4 s, doubling, up to 20 s,
// which are those of the Python SDK, but without a bound instead of four attempts: an
// outage costs nothing that the processor's queue has room for.
func DefaultRetryConfig() RetryConfig {
	return RetryConfig{
		Enabled:         true,
		InitialInterval: 400 * time.Millisecond,
		MaxInterval:     20 * time.Second,
	}
}

// attemptsOfPython is how often the Python SDK sends a request.
const attemptsOfPython = 4

func (c *config) resolveRetry(env environment) error {
	def := DefaultRetryConfig()
	if c.retry == nil {
		c.retry = &def
		if passes, ok := env.number("AGENTEX_SPAN_QUEUE_MAX_RETRIES", 0); ok {
			// 0 and 1 are the same there: one pass, no retry of the queue's.
			c.retry.MaxAttempts = attemptsOfPython * max(passes, 1)
		}
		return nil
	}
	if c.retry.InitialInterval == 0 {
		c.retry.InitialInterval = def.InitialInterval
	}
	if c.retry.MaxInterval == 0 {
		c.retry.MaxInterval = max(def.MaxInterval, c.retry.InitialInterval)
	}
	const longest = time.Duration(1<<63 - 1)
	return errors.Join(
		inRange("WithRetry: InitialInterval", c.retry.InitialInterval, 0, longest),
		inRange("WithRetry: MaxInterval", c.retry.MaxInterval, 0, longest),
		inRange("WithRetry: MaxElapsedTime", c.retry.MaxElapsedTime, 0, longest),
		inRange("WithRetry: MaxAttempts", c.retry.MaxAttempts, 0, 1<<31-1),
	)
}

func (r RetryConfig) transport() transport.RetryConfig {
	return transport.RetryConfig{
		Enabled:         r.Enabled,
		InitialInterval: r.InitialInterval,
		MaxInterval:     max(r.MaxInterval, r.InitialInterval),
		MaxElapsedTime:  r.MaxElapsedTime,
		MaxAttempts:     r.MaxAttempts,
	}
}
