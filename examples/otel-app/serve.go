package main

import (
	"context"
	"errors"
	"io"
	"time"
)

// serve answers questions until ctx ends, then says what was delivered. Its error
// tells of spans that were not.
func serve(ctx context.Context, cfg config, stdout io.Writer) error {
	listener, err := listen(ctx, cfg.addr, cfg.port)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, cfg, listener.Addr(), nil, stdout)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	s := startServer(listener, a)
	if cfg.replay != "" {
		if err := a.replay(ctx, cfg.replay, stdout); err != nil {
			return errors.Join(err, s.stop(0), finish(a, cfg.drain, stdout))
		}
		say(stdout, "Open   %s/\nStop   Ctrl-C\n", s.url())
	} else {
		say(stdout, "The model is %s.\nSpans go to %s.\n\n", a.model, a.telemetry.target)
		say(stdout, "Open   %s/\nAsk    curl -s %s/ask -d '{\"question\": \"%s\"}'\nStop   Ctrl-C\n", s.url(), s.url(), defaultQuestion)
		say(stdout, "%s\n", a.telemetry.hint(s.url()))
	}

	select {
	case <-ctx.Done():
		say(stdout, "\nStopping.\n")
	case err = <-s.served:
		s.served <- err
	}
	return errors.Join(s.stop(cfg.grace), finish(a, cfg.drain, stdout))
}

// finish ends the app and prints what was delivered.
func finish(a *app, drain time.Duration, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := a.close(ctx)
	writeStats(out, a.telemetry.processor.Stats())
	return err
}
