package sgpexporter

import (
	"errors"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// RetryConfig says how requests that failed for now are repeated: after 429, a
// 5xx other than 501 and 505, a connection that failed, or no answer within
// [WithTimeout]. All attempts send the same bytes. Start from
// [DefaultRetryConfig].
//
// Whatever it says, a call ends with its context: asyncprocessor.WithExportTimeout,
// 5 minutes by default, is the bound that counts.
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
	// MaxElapsedTime is the time after which no retry is begun for a request;
	// 0, the default, means no bound.
	MaxElapsedTime time.Duration
	// MaxAttempts bounds the attempts for a request, the first one included;
	// 0, the default, means no bound. Without [WithRetry] it is four times
	// AGENTEX_SPAN_QUEUE_MAX_RETRIES, if that is set: it is how often the
	// Python agent's queue hands a batch to its client, which makes four
	// attempts each time.
	MaxAttempts int
}

// DefaultRetryConfig returns the default: waits of 0.4 s, doubling, up to 20 s,
// which are those of the Python SDK, but for as long as the context allows
// instead of four attempts, so that an outage of minutes loses nothing.
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
