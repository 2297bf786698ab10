package live

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// Source is where the page reads the queue's counts: an
// [asyncprocessor.Processor]. It is called about twice a second for each open
// page.
type Source interface {
	Stats() asyncprocessor.Stats
}

// Page holds spans and serves the live page. Make one with [New]. All its
// methods are safe for concurrent use.
type Page struct {
	cfg     config
	source  Source
	store   *store
	epoch   string // tells a browser that the server was restarted
	ignored atomic.Uint64

	closeOnce sync.Once
	closed    chan struct{}
	searching chan struct{} // holds a token while a search runs
}

// New returns a Page without spans. A nil source shows no queue. It starts no
// goroutine.
func New(source Source, opts ...Option) *Page {
	cfg := newConfig(opts)
	return &Page{
		cfg:       cfg,
		source:    source,
		store:     newStore(cfg),
		epoch:     strconv.FormatInt(time.Now().UnixNano(), 36),
		closed:    make(chan struct{}),
		searching: make(chan struct{}, 1),
	}
}

// Ingest adds SGP span items as they are on the wire, in the order in which
// they were accepted, and shows them in the browsers that are connected. An
// item for a span that is there already replaces it, unless it is still in
// progress and the stored one is completed. Ingest waits for nothing but a
// short lock, and copies what it keeps. An item that is not an SGP span is
// passed over and counted by [Page.Ignored].
func (p *Page) Ingest(items ...json.RawMessage) {
	spans := make([]*span, 0, len(items))
	for _, raw := range items {
		s, err := decode(raw)
		if err != nil {
			p.ignored.Add(1)
			continue
		}
		spans = append(spans, s)
	}
	p.store.upsert(spans)
}

// Ignored returns how many items were no SGP spans: no JSON object, an id that
// is missing or longer than 256 bytes, a time that is not RFC 3339.
func (p *Page) Ignored() uint64 { return p.ignored.Load() }

// Close ends the event streams of all browsers, and those that come after. It
// is called before [http.Server.Shutdown], which would otherwise wait for them;
// [http.Server.RegisterOnShutdown] is a good place. The spans stay.
func (p *Page) Close() { p.closeOnce.Do(func() { close(p.closed) }) }

// Handler serves the page at / and what it needs below. Mount it at "/": the
// longer patterns of other routes win over it, and it answers 404 for what it
// does not know.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.serveIndex)
	mux.Handle("GET /assets/", assetHandler())
	mux.HandleFunc("GET /events", p.serveEvents)
	mux.HandleFunc("GET /api/traces", p.serveTraces)
	mux.HandleFunc("GET /api/trace", p.serveTrace)
	mux.HandleFunc("GET /api/span", p.serveSpan)
	mux.HandleFunc("GET /api/export", p.serveExport)
	mux.HandleFunc("GET /api/search", p.serveSearch)
	mux.HandleFunc("GET /api/stats", p.serveStats)
	return p.guard(mux)
}
