package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// scenario is one fault, and the service that meets it.
type scenario struct {
	name string
	// service is the load; its zero fields have defaults.
	service serviceConfig
	secure  bool // TLS and HTTP/2
	busy    int  // processes beside it that compute
	// before prepares the bed, before the service starts.
	before func(b *bed) error
	// fault happens when the load has been there for a second, for as long as it takes.
	fault func(b *bed, lasts time.Duration) error
	lasts time.Duration // the fault
	// sgpOnly says that the peer's backend has no such fault.
	sgpOnly bool
	// loses says that spans have to be lost, and why; "" that none may.
	loses string
}

// outcome is what came of a scenario.
type outcome struct {
	serviceResult
	Delivered  int
	Violations int // of the order
	Repeated   int // STARTs that came after an END as what was not answered was sent again
	Recovered  time.Duration
	Requests   uint64
	NextRun    int // delivered by the next process with the same spool
	LeftOnDisk int // items in that when it began
	Found      int // items that it found
}

// lost is the number of spans that ended and were not delivered.
func (o *outcome) lost() int { return max(int(o.Spans)-o.Delivered, 0) }

// warmUp is how long a service runs before its fault.
const warmUp = time.Second

// runBoth runs a scenario with this exporter and with its peer, at the same time: each is
// a process of its own with a bed of its own. peer is nil where the fault is SGP's own.
func (s *scenario) runBoth(ctx context.Context) (ours, peer *outcome, err error) {
	if s.sgpOnly {
		ours, err = s.run(ctx, false, 1)
		return ours, nil, err
	}
	var peerErr error
	var peers sync.WaitGroup
	peers.Go(func() { peer, peerErr = s.run(ctx, true, 1) })
	ours, err = s.run(ctx, false, 1)
	peers.Wait()
	return ours, peer, errors.Join(err, peerErr)
}

// run runs a scenario with a service in a process of its own.
func (s *scenario) run(ctx context.Context, peer bool, scale float64) (*outcome, error) {
	b, err := newBed(peer, s.secure)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if s.before != nil {
		if err := s.before(b); err != nil {
			return nil, err
		}
	}
	cfg := s.service
	cfg.Peer, cfg.URL = peer, b.url()
	lasts := scaled(s.lasts, scale)
	if cfg.Rate == 0 {
		cfg.Rate = 2000
	}
	if scale < 1 {
		cfg.Rate = min(cfg.Rate, 400)
		if cfg.Refused > 0 {
			cfg.Refused = max(cfg.Refused, 20) // so that there are some
		}
	}
	if cfg.Duration == 0 {
		cfg.Duration = warmUp + lasts + scaled(5*time.Second, scale)
	} else {
		cfg.Duration = scaled(cfg.Duration, scale)
	}
	if cfg.Shutdown == 0 {
		cfg.Shutdown = 30 * time.Second
	}
	idle, err := compute(ctx, s.busy)
	defer idle()
	if err != nil {
		return nil, err
	}
	service, err := start(ctx, cfg, b)
	if err != nil {
		return nil, err
	}
	b.wait(warmUp)
	if s.fault != nil {
		if err := s.fault(b, lasts); err != nil {
			return nil, err
		}
	}
	over := time.Now()
	result, err := service.result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	o := &outcome{serviceResult: *result, Delivered: b.spans.count(), Recovered: b.spans.recovered(over)}
	if cfg.Spool != nil {
		if err := o.deliverRest(ctx, cfg, b); err != nil {
			return nil, fmt.Errorf("%s: the next run: %w", s.name, err)
		}
	}
	if b.sgp != nil {
		o.Requests = b.sgp.Stats().Requests
		o.judgeOrder(b.sgp)
	}
	return o, nil
}

// compute starts n processes that compute, until idle.
func compute(ctx context.Context, n int) (idle func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var all []*exec.Cmd
	idle = func() {
		cancel()
		for _, command := range all {
			_ = command.Wait() // it is killed
		}
	}
	for range n {
		command := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		if err := command.Start(); err != nil {
			return idle, err
		}
		all = append(all, command)
	}
	return idle, nil
}

func scaled(d time.Duration, scale float64) time.Duration {
	return time.Duration(float64(d) * scale)
}

// service is the process of a service.
type service struct {
	command *exec.Cmd
	out     *bufio.Reader
}

// start starts this program, or test, as a service, and returns when its load begins.
func start(ctx context.Context, cfg serviceConfig, b *bed) (*service, error) {
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program) //nolint:gosec // it is this one
	command.Env = append(os.Environ(), serviceEnv+"="+string(text), "SSL_CERT_FILE="+b.certificates())
	command.Stderr = os.Stderr
	pipe, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &service{command: command, out: bufio.NewReader(pipe)}
	if line, err := s.out.ReadString('\n'); err != nil || line != "started\n" {
		_ = command.Wait()
		return nil, fmt.Errorf("the service did not start: %q, %w", line, err)
	}
	return s, nil
}

// result waits for the service's end.
func (s *service) result() (*serviceResult, error) {
	result := new(serviceResult)
	err := json.NewDecoder(s.out).Decode(result)
	if ended := s.command.Wait(); ended != nil {
		err = ended
	}
	return result, err
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
