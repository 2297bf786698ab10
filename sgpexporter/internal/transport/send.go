package transport

import (
	"context"
	"sync"
	"sync/atomic"
)

// Sink hears what becomes of items while others of the batch are still on their way. Its
// methods are not called concurrently, and not at all for a batch that is stored whole by
// its first request.
type Sink interface {
	// Stored tells that items, by their places in the batch, are stored.
	Stored(items []int)
	// Rejected tells that SGP refused item i for good.
	Rejected(i int, err *StatusError)
}

// Result is what Send leaves.
type Result struct {
	// LastStatus is the status code of the last answer, 0 if there was none.
	LastStatus int
	// Failed has the items that were neither stored nor rejected.
	Failed []Failed
}

// Failed are items that were not delivered, and why: see Retryable.
type Failed struct {
	Items []int
	Err   error
}

// maxParallel bounds the requests of one Send that are under way at once.
const maxParallel = 16

// Send delivers the first n items of a batch, in one request if SGP takes it.
//
// A request that is refused for something in it is sent again in parts, as isolate.go
// has it, until what is at fault stands apart: all other items are stored. Items of one
// trace are delivered in their order, and none is sent before those ahead of it are
// stored or rejected; parts with different traces are sent at the same time.
//
// When an item cannot be delivered for now, those behind it in its trace are not sent.
func (c *Client) Send(ctx context.Context, batch *Batch, n int, sink Sink) Result {
	if n == 0 {
		return Result{}
	}
	defer c.watchClosing(ctx)()
	s := &sending{client: c, batch: batch, sink: sink, ctx: ctx, places: make(chan struct{}, maxParallel)}
	s.detachKnown(n)
	var err error
	if len(s.altered) == 0 { // the usual case, without a list
		err = s.request(batch.run(0, n), n, n == 1 && s.isLost(0))
		if err == nil {
			c.unnamed.Store(0)
			return Result{LastStatus: s.status}
		}
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if err == nil {
		err = s.put(all, false)
	}
	s.goOn(all, err, uncut)
	s.deliverAside()
	if n := s.unnamed.Load(); n > 0 {
		c.unnamed.Store(n * 1000 / int64(len(all)))
	}
	return Result{LastStatus: s.status, Failed: s.failed}
}

// watchClosing restarts what hangs when the process is about to end. The result ends
// that.
func (c *Client) watchClosing(ctx context.Context) (stop func()) {
	begun := closing(ctx)
	if begun == nil || isClosed(begun) {
		return func() {}
	}
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-begun:
			c.health.restart()
		case <-over:
		}
	})
	return func() { close(over); watching.Wait() }
}

// sending is one call of Send.
type sending struct {
	client *Client
	batch  *Batch
	ctx    context.Context
	places chan struct{} // of requests under way

	unnamed atomic.Int64 // culprits that no answer named

	mu      sync.Mutex // guards what follows, and calls of sink
	sink    Sink
	status  int
	failed  []Failed
	held    map[string]error // traces of which an item was not delivered, and why
	altered map[int]*alteration
	aside   []int // items that are sent when the others are through
	// asideSpans are the spans of these.
	asideSpans map[spanOf]bool
}

// put sends items, which are in their order, as one request.
func (s *sending) put(items []int, once bool) error {
	return s.request(s.body(items), len(items), once)
}

func (s *sending) request(body []byte, items int, once bool) error {
	s.places <- struct{}{}
	code, err := s.client.put(s.ctx, body, items, once)
	<-s.places
	s.mu.Lock()
	s.status = code
	s.mu.Unlock()
	if refused := aboutItems(err); refused != nil && refused.Code == 413 {
		s.client.limit.refused(int64(len(bodyPrefix)+len(body)+len(bodySuffix)), items)
	}
	return err
}

// body returns the items as they stand between the brackets.
func (s *sending) body(items []int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, last := items[0], items[len(items)-1]
	if last-first == len(items)-1 && len(s.altered) == 0 {
		return s.batch.run(first, last+1)
	}
	var size int
	for _, i := range items {
		size += len(s.json(i)) + 1
	}
	body := make([]byte, 0, size)
	for n, i := range items {
		if n > 0 {
			body = append(body, ',')
		}
		body = append(body, s.json(i)...)
	}
	return body
}

// json returns item i as it is to be sent. s.mu must be held.
func (s *sending) json(i int) []byte {
	if a := s.altered[i]; a != nil {
		return a.json
	}
	return s.batch.run(i, i+1)
}

func (s *sending) trace(i int) string { return s.batch.items[i].TraceID }

// stored notes that items are stored.
func (s *sending) stored(items []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Stored(items)
}

// rejected notes that an item is refused for good.
func (s *sending) rejected(i int, refused *StatusError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink.Rejected(i, refused)
}

// undelivered notes that items cannot be delivered for now, nor what is behind them.
func (s *sending) undelivered(items []int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, Failed{Items: items, Err: err})
	if s.held == nil {
		s.held = make(map[string]error)
	}
	for _, i := range items {
		s.held[s.trace(i)] = err
	}
}

// sendable returns the items that need not wait for one that was not delivered, or was set
// aside.
func (s *sending) sendable(items []int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) == 0 && len(s.asideSpans) == 0 {
		return items
	}
	var rest []int
	for _, i := range items {
		if err := s.held[s.trace(i)]; err != nil {
			s.failed = append(s.failed, Failed{Items: []int{i}, Err: err})
		} else if s.waitsAside(i) {
			s.putAside(i)
		} else {
			rest = append(rest, i)
		}
	}
	return rest
}
