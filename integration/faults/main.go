package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	if os.Getenv(serviceEnv) != "" {
		os.Exit(serve())
	}
	soaks := flag.Duration("soak", 0, "run random faults for so long instead")
	only := flag.String("only", "", "run only the faults whose name this regular expression matches")
	spool := flag.Bool("spool", false, "run them only with a spool")
	out := flag.String("out", "", "write the tables to this file too; what is not run keeps the rows that it has there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	var err error
	if *soaks > 0 {
		err = soak(ctx, *soaks, 1, os.Stdout)
	} else {
		err = run(ctx, *only, *spool, *out)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// run runs the scenarios and prints RELIABILITY.md.
func run(ctx context.Context, only string, spool bool, file string) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	doc, err := readDocument(file)
	if err != nil {
		return err
	}
	begin := time.Now()
	for _, t := range doc {
		if spool && t.kind != withSpool {
			continue
		}
		t.begin()
		fmt.Print(t.header)
		for i := range scenarios {
			s := &scenarios[i]
			if !match.MatchString(s.name) {
				continue
			}
			row, err := t.kind.row(ctx, s)
			if err != nil {
				return err
			}
			fmt.Println(row)
			t.rows[s.name] = row
		}
	}
	fmt.Fprintf(os.Stderr, "faults: %s\n", time.Since(begin).Round(time.Second))
	if file == "" {
		return nil
	}
	return os.WriteFile(file, []byte(doc.String()), 0o644) //nolint:gosec // it is to be read by all
}
