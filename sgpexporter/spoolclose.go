package sgpexporter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// closer ends the spans that a process that is over has left running. SGP is asked for them
// first: an END whose answer was lost must not be overwritten. Without an answer they are
// left as they are, and asked for again later.
type closer struct {
	*spooler
	asked bool // whether there are any, since the spool was opened
	wait  time.Duration
	next  time.Time
	told  bool
}

const (
	firstSearchWait   = time.Second
	longestSearchWait = time.Minute
)

// left reports whether there may be some: of a process that was over when the spool was opened, or of another
// one with the same directory since.
func (c *closer) left() bool { return !c.asked || c.disk.Orphans() > 0 }

// run ends some of them, if there are any and it is time to.
func (c *closer) run() {
	for c.left() && c.ctx.Err() == nil && !time.Now().Before(c.next) {
		found := make(chan []spool.Item, 1)
		err := c.disk.Do(c.ctx, func(l *spool.Log) error {
			found <- l.Orphans(transport.MaxSearchSpans)
			return nil
		})
		if err != nil {
			c.next = time.Now().Add(firstSearchWait)
			return
		}
		items := <-found
		if len(items) == 0 {
			c.asked, c.next = true, time.Time{}
			return
		}
		if err := c.close(items); err != nil {
			c.wait = min(max(2*c.wait, firstSearchWait), longestSearchWait)
			c.next = time.Now().Add(c.wait)
			if !c.told {
				c.told = true
				c.aboutSGP.tell(fmt.Errorf("sgpexporter: spool: spans that another process left running are not ended yet: %w", err))
			}
			return
		}
		c.wait, c.told = 0, false
	}
}

// close asks SGP for spans, and writes those without an end.
func (c *closer) close(items []spool.Item) error {
	traces, ids := make(map[string]bool), make([]string, len(items))
	for i := range items {
		traces[items[i].TraceID], ids[i] = true, items[i].ID
	}
	ctx, cancel := context.WithTimeout(c.ctx, replayTimeout)
	defer cancel()
	found, err := c.client.Search(ctx, slices.Sorted(maps.Keys(traces)), ids)
	if err != nil {
		return err
	}
	type key struct{ trace, id string }
	ended := make(map[key]bool)
	for _, f := range found {
		if f.End != "" {
			ended[key{f.TraceID, f.ID}] = true
		}
	}
	var over, unfinished []spool.Item
	for i := range items {
		it := &items[i]
		if ended[key{it.TraceID, it.ID}] {
			over = append(over, *it)
		} else if last, ok := unfinishedItem(it); ok {
			unfinished = append(unfinished, last)
		} else {
			over = append(over, *it)
		}
	}
	err = c.disk.Do(c.ctx, func(l *spool.Log) error {
		if _, err := l.Append(unfinished); err != nil {
			return err
		}
		return l.Ended(over)
	})
	if err == nil {
		c.closed.Add(uint64(len(unfinished)))
	}
	return err
}

// unfinishedItem is the last write of a span that ran, with the time of that write for its end,
// and without usage, which is an END's to give.
func unfinishedItem(it *spool.Item) (spool.Item, bool) {
	var fields, metadata map[string]json.RawMessage
	if json.Unmarshal(it.JSON, &fields) != nil || fields == nil {
		return spool.Item{}, false
	}
	_ = json.Unmarshal(fields["metadata"], &metadata) // none, or not an object
	if metadata == nil {
		metadata = make(map[string]json.RawMessage)
	}
	end := it.At
	var start time.Time
	if json.Unmarshal(fields["start_timestamp"], &start) == nil && start.After(end) {
		end = start
	}
	var notes []any
	_ = json.Unmarshal(metadata[sgpspan.NotesKey], &notes)
	metadata[sgpspan.NotesKey] = encodeJSON(append(notes, "unfinished: the span ran when its process was killed; end_timestamp is the time of its last write"))
	fields["metadata"] = encodeJSON(metadata)
	fields["end_timestamp"] = encodeJSON(end.UTC().Format(time.RFC3339Nano))
	if string(fields["status"]) != `"ERROR"` {
		fields["status"] = encodeJSON(sgpspan.StatusCanceled)
	}

	last := *it
	last.Ends, last.Phase, last.At = true, uint8(asyncprocessor.PhaseUnfinished), time.Now()
	last.JSON, last.ParentFrom, last.ParentTo = []byte("{"), 0, 0
	names := slices.Sorted(maps.Keys(fields))
	for i, name := range names {
		from := len(last.JSON)
		if i > 0 {
			last.JSON = append(last.JSON, ',')
		}
		last.JSON = append(append(append(last.JSON, encodeJSON(name)...), ':'), fields[name]...)
		if name == "parent_id" && i > 0 {
			last.ParentFrom, last.ParentTo = from, len(last.JSON)
		}
	}
	last.JSON = append(last.JSON, '}')
	return last, true
}

// encodeJSON is json.Marshal without escapes for HTML. What is given to it can be encoded.
func encodeJSON(v any) json.RawMessage {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
