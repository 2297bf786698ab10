package producer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// Main is the program. It returns its exit code.
func Main() int {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "producer: %v\n", err)
		return 1
	}
	return 0
}

func run(stdin io.Reader, stdout io.Writer) error {
	config, err := configFromEnv()
	if err != nil {
		return err
	}
	out := &reporter{encoder: json.NewEncoder(stdout)}
	var pipelines []*pipeline
	for _, target := range config.Targets {
		p, err := newPipeline(config, target, out)
		if err != nil {
			return err
		}
		pipelines = append(pipelines, p)
	}
	work(config, pipelines, stdin, out)

	var results []Result
	for i, p := range pipelines {
		results = append(results, p.shutdown(config.Drain))
		for _, other := range pipelines[i+1:] {
			other.trace("after another's shutdown", config.Steps)
		}
	}
	out.report(Event{Kind: Done, Results: results})
	return nil
}

// work makes the traces that config asks for on each pipeline.
func work(config Config, pipelines []*pipeline, stdin io.Reader, out *reporter) {
	lines := bufio.NewReader(stdin)
	if config.Traces == 0 {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			defer cancel()
			_, _ = io.Copy(io.Discard, lines)
		}()
		each(pipelines, func(p *pipeline) {
			for n := 0; ctx.Err() == nil; n++ {
				p.trace(fmt.Sprintf("job %d", n), config.Steps)
			}
		})
		return
	}
	finish := make([][]func(), len(pipelines))
	for i, p := range pipelines {
		for n := range config.Traces {
			finish[i] = append(finish[i], p.begin(fmt.Sprintf("job %d", n), config.Steps))
		}
	}
	if config.Hold {
		out.report(Event{Kind: Holding})
		_, _ = lines.ReadString('\n') // an error is the end of the input
	}
	for i := range pipelines {
		parallel(finish[i])
	}
}

// each runs f for all pipelines, on several goroutines each: traces are made at
// the same time, as a service makes them.
func each(pipelines []*pipeline, f func(*pipeline)) {
	var group sync.WaitGroup
	for _, p := range pipelines {
		for range workers {
			group.Go(func() { f(p) })
		}
	}
	group.Wait()
}

// parallel runs all functions on several goroutines.
func parallel(functions []func()) {
	queue := make(chan func())
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for f := range queue {
				f()
			}
		})
	}
	for _, f := range functions {
		queue <- f
	}
	close(queue)
	group.Wait()
}

const workers = 4

// reporter writes events. It is safe for concurrent use.
type reporter struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (r *reporter) report(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.encoder.Encode(e) // nobody listens any more
}
