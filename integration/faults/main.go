package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	if os.Getenv(serviceEnv) != "" {
		os.Exit(serve())
	}
	soaks := flag.Duration("soak", 0, "run random faults for so long instead")
	only := flag.String("only", "", "run only the faults whose name has this in it")
	out := flag.String("out", "", "write the table to this file too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *soaks > 0 {
		err = soak(ctx, *soaks, 1, os.Stdout)
	} else {
		err = table(ctx, *only, *out)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// table runs the scenarios and prints RELIABILITY.md.
func table(ctx context.Context, only, file string) error {
	var text strings.Builder
	w := io.MultiWriter(os.Stdout, &text)
	printHeader(w)
	begin := time.Now()
	for i := range scenarios {
		s := &scenarios[i]
		if !strings.Contains(s.name, only) {
			continue
		}
		ours, peer, err := s.runBoth(ctx)
		if err != nil {
			return err
		}
		printRow(w, s, ours, peer)
	}
	if err := spoolTable(ctx, w, only); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "faults: %s\n", time.Since(begin).Round(time.Second))
	if file == "" {
		return nil
	}
	return os.WriteFile(file, []byte(text.String()), 0o644) //nolint:gosec // it is to be read by all
}
