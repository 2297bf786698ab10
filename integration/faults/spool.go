package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// spoolConfig is the spool of a service.
type spoolConfig struct {
	Dir  string
	Mode sgpexporter.SpoolMode
	// Deliver says that the service only delivers what is in it.
	Deliver bool
}

func (c *spoolConfig) options() []sgpexporter.Option {
	if c == nil {
		return nil
	}
	return []sgpexporter.Option{sgpexporter.WithSpool(c.Dir), sgpexporter.WithSpoolMode(c.Mode)}
}

// deliverTime bounds how long a process delivers what another one has left.
const deliverTime = 30 * time.Second

// deliver is the whole life of a service that delivers what another one has left.
func (cfg *serviceConfig) deliver() (*serviceResult, error) {
	exporter, err := sgpexporter.New(append(cfg.Spool.options(), sgpexporter.WithBaseURL(cfg.URL), sgpexporter.WithAPIKey(apiKey))...)
	if err != nil {
		return nil, err
	}
	fmt.Println("started")
	ctx, cancel := context.WithTimeout(context.Background(), deliverTime)
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	result := new(serviceResult)
	for {
		stats := exporter.Stats().Spool
		result.OnDisk, result.Recovered = int(stats.Items), int(stats.Recovered)
		if ctx.Err() != nil || stats.Open && stats.Items == 0 && stats.Running == 0 {
			return result, exporter.Shutdown(context.Background())
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// deliverRest runs the next process of a service that had a spool, with a network and a server that are well, and
// adds to the outcome what that delivers.
func (o *outcome) deliverRest(ctx context.Context, cfg serviceConfig, b *bed) error {
	spool := *cfg.Spool
	spool.Deliver = true
	cfg.Spool = &spool
	b.answer(nil)
	b.heal()
	next, err := start(ctx, cfg, b)
	if err != nil {
		return err
	}
	result, err := next.result()
	if err != nil {
		return err
	}
	o.LeftOnDisk, o.OnDisk, o.Found = o.OnDisk, result.OnDisk, result.Recovered
	o.NextRun = b.spans.count() - o.Delivered
	o.Delivered += o.NextRun
	return nil
}

// runSpool runs a scenario with a spool, and the process that comes after it.
func (s *scenario) runSpool(ctx context.Context, mode sgpexporter.SpoolMode, scale float64) (*outcome, error) {
	dir, err := os.MkdirTemp("", "faults-spool")
	if err != nil {
		return nil, err
	}
	with := *s
	with.service.Spool = &spoolConfig{Dir: dir, Mode: mode}
	o, err := with.run(ctx, false, scale)
	return o, errors.Join(err, os.RemoveAll(dir))
}

var withSpool = &kind{header: `
## With a spool

The same with ` + "`WithSpool`" + `, in both modes at the same time (%s, %d cores; ` + "`make faults FAULTS=-spool`" + ` runs these alone). *Lost* are
spans that neither the service stored nor, after it, a process with the same directory, in front of a server that is
well. *Next run* are those that this process delivered. *(n again)* under *order*, where it is there, are STARTs that came after
an END since START and END were both written once more, in order: a request was abandoned without an answer, and had taken effect.

| fault | SpoolOnFailure: lost | next run | order | recovered | memory | shutdown | SpoolAlways: lost | next run | order | recovered | memory | shutdown |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
`, row: func(ctx context.Context, s *scenario) (string, error) {
	var outcomes [2]*outcome
	var errs [2]error
	var runs sync.WaitGroup
	for n, mode := range [...]sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		runs.Go(func() { outcomes[n], errs[n] = s.runSpool(ctx, mode, 1) })
	}
	runs.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %s | %s |", s.name, outcomes[0].spoolColumns(), outcomes[1].spoolColumns()), nil
}}

func (o *outcome) spoolColumns() string {
	lost := number(o.lost())
	if o.OnDisk > 0 {
		lost += fmt.Sprintf(" (%s on disk)", number(o.OnDisk))
	}
	if o.Conservation != "" {
		lost += " **counts do not add up**"
	}
	order := number(o.Violations)
	if o.Repeated > 0 {
		order += fmt.Sprintf(" (%s again)", number(o.Repeated))
	}
	return fmt.Sprintf("%s | %s | %s | %s | %.0f MiB | %s",
		lost, number(o.NextRun), order, seconds(o.Recovered), o.HeapMiB, seconds(o.Shutdown))
}
