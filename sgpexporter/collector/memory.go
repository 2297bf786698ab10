package collector

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
)

// memory keeps what spans said of others where a persistent queue keeps the spans: after
// kill -9 a span in the queue is billed as if the process had gone on.
//
// Each arrival is one entry, a block. Keys are numbers that go up by one, and an entry
// says which are there. The oldest blocks are deleted, so that about maxSpans spans
// are kept.
type memory struct {
	client   storage.Client
	maxSpans int

	mu     sync.Mutex // guards what follows
	blocks []int      // spans in each block that is there
	spans  int        // in all of them
	first  uint64     // the key of the oldest
}

const (
	memoryName = "relations"
	rangeKey   = "range" // its value: first, and one more than the last
)

// openMemory returns the memory on the disk of a persistent queue, with what is there.
func openMemory(ctx context.Context, host component.Host, id, of component.ID, maxSpans int) (*memory, []mapping.Relation, error) {
	extension, ok := host.GetExtensions()[id].(storage.Extension)
	if !ok {
		return nil, nil, fmt.Errorf("sending_queue::storage: %s is no storage extension of this Collector", id)
	}
	client, err := extension.GetClient(ctx, component.KindExporter, of, memoryName)
	if err != nil {
		return nil, nil, err
	}
	m := &memory{client: client, maxSpans: maxSpans}
	relations, err := m.load(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close(ctx))
	}
	return m, relations, nil
}

func (m *memory) load(ctx context.Context) (all []mapping.Relation, err error) {
	bounds, err := m.client.Get(ctx, rangeKey)
	if err != nil || len(bounds) != 16 {
		return nil, err
	}
	m.first = binary.BigEndian.Uint64(bounds)
	for key := m.first; key < binary.BigEndian.Uint64(bounds[8:]); key++ {
		block, err := m.client.Get(ctx, blockKey(key))
		if err != nil {
			return nil, err
		}
		relations := decodeRelations(block)
		all = append(all, relations...)
		m.blocks = append(m.blocks, len(relations))
		m.spans += len(relations)
	}
	return all, nil
}

// note keeps what the spans of an arrival said of others.
func (m *memory) note(ctx context.Context, inputs []mapping.Input) error {
	var block []byte
	spans := 0
	for i := range inputs {
		if r, ok := inputs[i].Relation(); ok {
			block = appendRelation(block, r)
			spans++
		}
	}
	if spans == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.first + uint64(len(m.blocks))
	ops := []*storage.Operation{storage.SetOperation(blockKey(next), block)}
	m.blocks = append(m.blocks, spans)
	m.spans += spans
	for m.spans-m.blocks[0] >= m.maxSpans {
		ops = append(ops, storage.DeleteOperation(blockKey(m.first)))
		m.spans -= m.blocks[0]
		m.blocks = m.blocks[1:]
		m.first++
	}
	bounds := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, m.first), next+1)
	return m.client.Batch(ctx, append(ops, storage.SetOperation(rangeKey, bounds))...)
}

func (m *memory) close(ctx context.Context) error { return m.client.Close(ctx) }

func blockKey(n uint64) string { return strconv.FormatUint(n, 10) }

// Bits of a relation's first byte.
const (
	relationUses = 1 << iota
	relationWeak
)

// appendRelation appends r: a byte of bits, the three ids, and two texts, each behind its
// length.
func appendRelation(b []byte, r mapping.Relation) []byte {
	var bits byte
	if r.Uses {
		bits |= relationUses
	}
	if r.Weak {
		bits |= relationWeak
	}
	b = append(b, bits)
	b = append(b, r.TraceID[:]...)
	b = append(b, r.SpanID[:]...)
	b = append(b, r.ParentSpanID[:]...)
	for _, text := range []string{r.Conversation, r.Source} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return b
}

// relationBytes are those of a relation before its texts.
const relationBytes = 1 + 16 + 8 + 8

// decodeRelations reads a block up to its end, or to where it is damaged.
func decodeRelations(b []byte) (all []mapping.Relation) {
	for len(b) >= relationBytes {
		r := mapping.Relation{Uses: b[0]&relationUses != 0, Weak: b[0]&relationWeak != 0}
		b = b[1:]
		b = b[copy(r.TraceID[:], b):]
		b = b[copy(r.SpanID[:], b):]
		b = b[copy(r.ParentSpanID[:], b):]
		for _, text := range []*string{&r.Conversation, &r.Source} {
			n, size := binary.Uvarint(b)
			if size <= 0 || n > uint64(len(b)-size) {
				return all
			}
			b = b[size:]
			*text, b = string(b[:n]), b[n:]
		}
		all = append(all, r)
	}
	return all
}
