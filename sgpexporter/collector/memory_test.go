package collector

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// disk is a storage extension that outlives the Collector.
type disk struct {
	component.StartFunc
	component.ShutdownFunc
	mu    sync.Mutex
	files map[string]*diskFile
}

var storageID = component.MustNewID("disk")

func (d *disk) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{storageID: d}
}

func (d *disk) GetClient(_ context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files == nil {
		d.files = map[string]*diskFile{}
	}
	key := kind.String() + id.String() + name
	if d.files[key] == nil {
		d.files[key] = &diskFile{values: map[string][]byte{}}
	}
	return d.files[key], nil
}

type diskFile struct {
	mu     sync.Mutex
	values map[string][]byte
	err    error
}

func (f *diskFile) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *diskFile) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := f.Batch(ctx, op)
	return op.Value, err
}

func (f *diskFile) Set(ctx context.Context, key string, value []byte) error {
	return f.Batch(ctx, storage.SetOperation(key, value))
}

func (f *diskFile) Delete(ctx context.Context, key string) error {
	return f.Batch(ctx, storage.DeleteOperation(key))
}

func (f *diskFile) Close(context.Context) error { return nil }

func (f *diskFile) Batch(_ context.Context, ops ...*storage.Operation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = f.values[op.Key]
		case storage.Set:
			f.values[op.Key] = op.Value
		case storage.Delete:
			delete(f.values, op.Key)
		}
	}
	return f.err
}

// A call is stored, and nothing of it is in the queue any more. The next process gets the
// agent's span that repeats the call's usage: it is billed once.
func TestBillingOutlivesTheProcess(t *testing.T) {
	d := &disk{}
	p := newPipelineOn(t, d, nil, []sgptest.ViolationKind{sgptest.ChildBeforeParentEnd}, persistent)
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), calling(2)))
	require.NoError(t, p.sgp.WaitFor(t.Context(), has("span 1")))
	p.stop()
	q := newPipelineOn(t, d, nil, nil, persistent, func(c *Config) { c.Endpoint = p.sgp.URL })
	require.NoError(t, q.traces.ConsumeTraces(t.Context(), calling(1)))
	require.NoError(t, p.sgp.WaitFor(t.Context(), func(spans []sgptest.Span) bool { return len(spans) == 2 }))
	assert.Equal(t, frameworks.Tokens{Input: 100}, frameworks.Billed(p.sgp))
}

// persistent gives the configuration a queue on disk.
func persistent(c *Config) { c.Queue.Get().StorageID = &storageID }

func TestAStorageThatIsNotThereIsAnError(t *testing.T) {
	_, _, err := openMemory(t.Context(), &disk{}, component.MustNewID("other"), component.NewID(Type), 1)
	assert.ErrorContains(t, err, "sending_queue::storage: other is no storage extension of this Collector")
}

// A sender hears of a disk that takes nothing, and sends again.
func TestADiskThatTakesNothingIsTheSendersError(t *testing.T) {
	d := &disk{}
	p := newPipelineOn(t, d, nil, nil, persistent)
	d.files["Exporter"+component.NewID(Type).String()+memoryName].fail(storage.ErrStorageFull)
	require.ErrorIs(t, p.traces.ConsumeTraces(t.Context(), calling(2)), storage.ErrStorageFull)
	p.stop()
	assert.Empty(t, p.names())
}

// observed are inputs of a trace's spans, each below the one before it.
func observed(from, to int) (inputs []mapping.Input) {
	for i := from; i <= to; i++ {
		in := mapping.Input{Phase: mapping.PhaseEnd}
		in.TraceID, in.SpanID, in.ParentSpanID = trace.TraceID{1}, trace.SpanID{byte(i)}, trace.SpanID{byte(i - 1)}
		inputs = append(inputs, in)
	}
	return inputs
}

func TestTheMemoryForgetsTheOldest(t *testing.T) {
	d := &disk{}
	open := func() (*memory, []byte) {
		m, relations, err := openMemory(t.Context(), d, storageID, component.NewID(Type), 5)
		require.NoError(t, err)
		var ids []byte
		for _, r := range relations {
			ids = append(ids, r.SpanID[0])
		}
		return m, ids
	}
	m, ids := open()
	assert.Empty(t, ids)
	require.NoError(t, m.note(t.Context(), observed(2, 4)))
	require.NoError(t, m.note(t.Context(), nil))
	require.NoError(t, m.note(t.Context(), observed(5, 7)))
	m, ids = open()
	assert.Equal(t, []byte{2, 3, 4, 5, 6, 7}, ids)
	require.NoError(t, m.note(t.Context(), observed(8, 9))) // five without the first three
	m, ids = open()
	assert.Equal(t, []byte{5, 6, 7, 8, 9}, ids)
	require.NoError(t, m.close(t.Context()))
	file := d.files["Exporter"+component.NewID(Type).String()+memoryName]
	assert.Len(t, file.values, 3, "two blocks, and which")
}

func TestARelationIsReadAsItWasWritten(t *testing.T) {
	all := []mapping.Relation{
		{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, ParentSpanID: trace.SpanID{3}, Uses: true},
		{TraceID: trace.TraceID{4}, SpanID: trace.SpanID{5}, Conversation: "c", Source: "session.id", Weak: true},
	}
	var block []byte
	for _, r := range all {
		block = appendRelation(block, r)
	}
	assert.Equal(t, all, decodeRelations(block))
	for n := range block {
		assert.Subset(t, all, decodeRelations(block[:n]), "cut after %d bytes", n)
	}
}
