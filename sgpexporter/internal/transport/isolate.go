package transport

import (
	"context"
	"errors"
	"net/http"
)

// Items says what can be done about single items of a Batch.
type Items interface {
	// Detach appends item i without its parent. It is asked for when the
	// server answers 409 to the item alone: its parent belongs to another trace.
	// An error says that there is no such item: it has no parent.
	Detach(dst []byte, i int) ([]byte, error)
	// Rejected tells that the server refused item i alone, for good.
	Rejected(i int, err *StatusError)
}

// Result is how far Send came.
type Result struct {
	// Settled is the number of items, from the first, that are stored or
	// rejected. Those after it were not delivered.
	Settled int
	// LastStatus is the status code of the last answer, 0 if there was none.
	LastStatus int
	// Err is why Settled is not all that were to be sent.
	Err error
}

// Send delivers the first n items of a batch in their order, one request after
// another.
//
// A request that is rejected whole because of something in it is sent again in
// two halves, the first one first, until what is at fault stands alone. So no
// item is sent before those ahead of it are settled, and all but the culprits
// are stored. One culprit among n costs at most 2*ceil(log2(n)) further
// requests; if all n are culprits it is 2n-1 requests in all. A 409 to an item
// alone costs one more, if the item has a parent.
//
// Any other error ends the batch: what it says is not about the items.
func (c *Client) Send(ctx context.Context, batch *Batch, n int, items Items) Result {
	if n == 0 {
		return Result{}
	}
	s := &sending{client: c, batch: batch, items: items}
	err := s.send(ctx, 0, n)
	return Result{Settled: s.settled, LastStatus: s.status, Err: err}
}

type sending struct {
	client  *Client
	batch   *Batch
	items   Items
	settled int
	status  int
}

func (s *sending) put(ctx context.Context, items []byte) error {
	code, err := s.client.put(ctx, items)
	s.status = code
	return err
}

func (s *sending) send(ctx context.Context, lo, hi int) error {
	err := s.put(ctx, s.batch.items(lo, hi))
	if err == nil {
		s.settled = hi
		return nil
	}
	refused := aboutItems(err)
	if refused == nil {
		return err
	}
	if refused.Code == http.StatusRequestEntityTooLarge {
		s.client.limit.refused(int64(s.batch.size(lo, hi)), hi-lo)
	}
	if hi-lo == 1 {
		return s.alone(ctx, lo, refused)
	}
	s.client.cfg.Observer.Split(ctx)
	mid := lo + (hi-lo)/2
	if err := s.send(ctx, lo, mid); err != nil {
		return err
	}
	return s.send(ctx, mid, hi)
}

// alone settles an item that was refused by itself.
func (s *sending) alone(ctx context.Context, i int, refused *StatusError) error {
	if refused.Code == http.StatusConflict {
		if item, err := s.items.Detach(nil, i); err == nil {
			err := s.put(ctx, item)
			if err == nil {
				s.settled = i + 1
				return nil
			}
			again := aboutItems(err)
			if again == nil {
				return err
			}
			refused = again
		}
	}
	s.items.Rejected(i, refused)
	s.settled = i + 1
	return nil
}

func aboutItems(err error) *StatusError {
	var status *StatusError
	if errors.As(err, &status) && status.AboutItems() {
		return status
	}
	return nil
}
