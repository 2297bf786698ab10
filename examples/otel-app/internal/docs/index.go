package docs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unicode"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	_ "modernc.org/sqlite" // registers the driver "sqlite", pure Go

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

// scope names the tracer of this package.
const scope = "github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"

// insertRows is the number of passages in one INSERT. SQLite allows 32,766
// variables in one statement; each row has columnCount of them.
const insertRows = 500

const schema = `CREATE VIRTUAL TABLE passages USING fts5(
	title, synopsis, body, example,
	symbol UNINDEXED, package UNINDEXED, kind UNINDEXED, signature UNINDEXED, source UNINDEXED,
	deprecated UNINDEXED, prior UNINDEXED,
	tokenize = 'porter unicode61')`

const columnCount = 11

// Index is a full-text index of the standard library's documentation, in a
// temporary SQLite database. It is safe for concurrent use.
type Index struct {
	db     *sql.DB
	dir    string
	src    string
	tracer trace.Tracer
	size   int
	known  map[string]bool // import paths
}

// Build reads the documentation of the standard library under goroot and
// indexes it. It takes a second or two, and works on all processors. The
// caller closes the index. provider makes the spans of Build, of searches and
// of the database.
func Build(ctx context.Context, goroot string, provider trace.TracerProvider) (_ *Index, err error) {
	tracer := provider.Tracer(scope)
	ctx, span := tracer.Start(ctx, "build_index "+DataSourceID, trace.WithAttributes(attribute.String("go.root", goroot)))
	defer func() {
		if err != nil {
			genai.Fail(span, err)
		}
		span.End()
	}()
	ix := &Index{src: filepath.Join(goroot, "src"), tracer: tracer, known: map[string]bool{}}
	if err := ix.open(provider); err != nil {
		return nil, err
	}
	if err := ix.fill(ctx); err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	span.SetAttributes(attribute.Int("docs.packages", len(ix.known)), attribute.Int("docs.passages", ix.size))
	return ix, nil
}

// Close closes the database and removes its files.
func (ix *Index) Close() error {
	return errors.Join(ix.db.Close(), os.RemoveAll(ix.dir))
}

// Len returns the number of passages.
func (ix *Index) Len() int { return ix.size }

// open makes the database in a directory of its own. It is written once and can
// be made again at any time, so nothing is journaled or synced.
func (ix *Index) open(provider trace.TracerProvider) error {
	dir, err := os.MkdirTemp("", "otel-app-docs-")
	if err != nil {
		return fmt.Errorf("make a directory for the index: %w", err)
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(dir, "docs.db")),
		RawQuery: "_pragma=journal_mode(off)&_pragma=synchronous(off)"}
	db, err := otelsql.Open("sqlite", dsn.String(),
		otelsql.WithTracerProvider(provider),
		otelsql.WithAttributes(semconv.DBSystemNameSQLite, semconv.DBNamespace("docs")),
		otelsql.WithSpanNameFormatter(spanName),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnResetSession: true, OmitRows: true, OmitConnectorConnect: true}),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("open the index: %w", err), os.RemoveAll(dir))
	}
	ix.db, ix.dir = db, dir
	return nil
}

// spanName names a database span "{operation} {target}", as the semantic
// conventions for database clients have it.
func spanName(_ context.Context, method otelsql.Method, query string) string {
	if word, _, ok := strings.Cut(query, " "); ok {
		return word + " passages"
	}
	return string(method)
}

func (ix *Index) fill(ctx context.Context) error {
	packages, err := ix.parse(ctx)
	if err != nil {
		return err
	}
	importers := map[string]int{}
	for _, p := range packages {
		for _, path := range p.imports {
			importers[path]++
		}
	}
	if _, err := ix.db.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("make the index's table: %w", err)
	}
	rows := make([]any, 0, insertRows*columnCount)
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		tuple := "(" + strings.Repeat("?,", columnCount-1) + "?)"
		tuples := strings.Repeat(tuple+",", len(rows)/columnCount-1) + tuple
		_, err := ix.db.ExecContext(ctx, "INSERT INTO passages VALUES "+tuples, rows...) //nolint:gosec // tuples are question marks
		rows = rows[:0]
		return err
	}
	for _, p := range packages {
		for _, passage := range p.passages {
			ix.known[passage.Package] = true
			ix.size++
			rows = append(rows, row(passage, importers[passage.Package])...)
			if len(rows) < insertRows*columnCount {
				continue
			}
			if err := flush(); err != nil {
				return fmt.Errorf("fill the index: %w", err)
			}
		}
	}
	if err := flush(); err != nil {
		return fmt.Errorf("fill the index: %w", err)
	}
	return nil
}

// parse loads all packages, as many at a time as there are processors, and
// returns those that are packages, in the order of their paths.
func (ix *Index) parse(ctx context.Context) ([]loaded, error) {
	_, span := ix.tracer.Start(ctx, "parse_packages")
	defer span.End()
	paths, err := listPackages(ix.src)
	if err != nil {
		return nil, fmt.Errorf("list the packages of the standard library: %w", err)
	}
	var (
		work    = make(chan int)
		results = make([]loaded, len(paths))
		errs    = make([]error, len(paths))
		workers sync.WaitGroup
	)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range work {
				results[i], errs[i] = loadPackage(ix.src, paths[i])
			}
		})
	}
	for i := range paths {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	workers.Wait()
	for i, err := range errs {
		if errors.Is(err, ErrNoPackage) {
			errs[i] = nil // a folder without a package for this system
		}
	}
	return results, errors.Join(append(errs, ctx.Err())...)
}

// row returns a passage's columns. What many files of the standard library
// import is what most questions are about: prior is the factor by which that
// raises a passage's score. An example comes after what it is an example of, and
// a deprecated symbol last.
func row(p Passage, importers int) []any {
	prior := 1 + 0.12*math.Log1p(float64(importers))
	switch {
	case p.Deprecated:
		prior *= 0.3
	case p.Kind == KindExample:
		prior *= 0.6
	}
	return []any{title(p), synopsis(p.Doc), p.Doc, p.Code, p.Symbol, p.Package, string(p.Kind), p.Signature, p.Source, p.Deprecated, prior}
}

// title is the symbol as a person reads it: the name as it is written, and the
// words that it is made of, so that "cancel" finds WithCancel.
func title(p Passage) string {
	name := strings.TrimPrefix(p.Symbol, p.Package)
	return strings.Join([]string{p.Package, name, SplitWords(name)}, " ")
}

// SplitWords splits CamelCase at each capital that follows a small letter.
func SplitWords(name string) string {
	var out strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			out.WriteByte(' ')
		}
		lower = unicode.IsLower(r)
		out.WriteRune(r)
	}
	return out.String()
}

// synopsis is the first paragraph of a doc comment.
func synopsis(doc string) string {
	first, _, _ := strings.Cut(doc, "\n\n")
	return first
}
