package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

const defaultQuestion = "how do I cancel an HTTP request?"

// config is what the flags say. What they do not say is in the environment; see
// the package's comment.
type config struct {
	once     bool
	question string
	replay   string
	addr     string
	port     int
	pace     time.Duration
	goroot   string
	grace    time.Duration
	drain    time.Duration
}

// parseFlags reads the flags. It has told of an error on stderr already.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("otel-app", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&cfg.once, "once", false, "answer one question, print its trace, and exit: 0 only if every span was delivered")
	flags.StringVar(&cfg.question, "q", defaultQuestion, "the question for -once")
	flags.StringVar(&cfg.replay, "replay", "", "show the spans of a recording instead: a file of OTLP JSON, or a folder with otlp.json, onstart.json and logs.json")
	flags.StringVar(&cfg.addr, "addr", "127.0.0.1", "address to listen on")
	flags.IntVar(&cfg.port, "port", 8088, "port to listen on; 0 picks a free one, the default with -once")
	flags.DurationVar(&cfg.pace, "pace", 7*time.Millisecond, "time between two tokens of the embedded model")
	flags.StringVar(&cfg.goroot, "goroot", "", "the Go installation whose documentation is indexed (default: that of the go command)")
	flags.DurationVar(&cfg.grace, "grace", 3*time.Second, "how long requests in flight may go on after a signal")
	flags.DurationVar(&cfg.drain, "drain", 15*time.Second, "how long spans may take to be delivered at the end")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	portSet := false
	flags.Visit(func(f *flag.Flag) { portSet = portSet || f.Name == "port" })
	if cfg.once && !portSet {
		cfg.port = 0
	}
	if err := cfg.check(flags.Args()); err != nil {
		say(stderr, "otel-app: %v\n", err)
		return config{}, err
	}
	return cfg, nil
}

func (c config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q; a question goes after -q, in quotes", rest[0])
	case c.port < 0 || c.port > 65535:
		return fmt.Errorf("-port %d: must be from 0 to 65535", c.port)
	case c.pace < 0 || c.grace < 0 || c.drain <= 0:
		return errors.New("-pace and -grace must not be negative, -drain must be positive")
	case c.once && c.replay != "":
		return errors.New("-once and -replay: choose one")
	case c.once && checkQuestion(c.question) != nil:
		return fmt.Errorf("-q: %w", checkQuestion(c.question))
	}
	return nil
}
