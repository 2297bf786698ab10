package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// scenarios are the faults of the table, in its order.
var scenarios = []scenario{
	{name: "none", lasts: 5 * time.Second, fault: func(b *bed, lasts time.Duration) error { b.wait(lasts); return nil }},

	// The network.
	{name: "server away (connection refused) for 12 s", lasts: 12 * time.Second, fault: away},
	{name: "server away for 60 s, 500 spans/s", lasts: time.Minute, fault: away, service: serviceConfig{Rate: 500}},
	{name: "up 1 s, down 1 s, for 15 s", lasts: 15 * time.Second, fault: flapping},
	{name: "connections go silent, HTTP/2", secure: true, lasts: 12 * time.Second, fault: silence},
	{name: "connections go silent, HTTP/1", lasts: 12 * time.Second, fault: silence},
	{name: "nothing comes through for 12 s", secure: true, lasts: 12 * time.Second,
		fault: toxic(`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)},
	{name: "connections reset for 10 s", lasts: 10 * time.Second,
		fault: toxic(`{"type":"reset_peer","stream":"upstream","attributes":{"timeout":5}}`)},
	{name: "answers cut for 10 s", lasts: 10 * time.Second,
		fault: toxic(`{"type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`)},
	{name: "4 MB/s, 100 ms latency, small pieces, for 10 s", lasts: 10 * time.Second, fault: slow},

	// The server.
	{name: "answers nothing for 12 s", lasts: 12 * time.Second,
		fault: func(b *bed, lasts time.Duration) error { return during(b.hang)(b, lasts) }},
	{name: "503 for 12 s", lasts: 12 * time.Second, fault: during(status(503))},
	{name: "503 with Retry-After: 60, for 5 s", lasts: 5 * time.Second, fault: during(status(503, "Retry-After", "60"))},
	{name: "429 for 10 s", lasts: 10 * time.Second, fault: during(status(429, "Retry-After", "2"))},
	{name: "500 ms a request", lasts: 10 * time.Second,
		before: func(b *bed) error { return b.latency(500 * time.Millisecond) },
		fault:  func(b *bed, lasts time.Duration) error { b.wait(lasts); b.heal(); return nil }},
	{name: "7 MB of headers for 10 s", lasts: 10 * time.Second, fault: during(status(503, "X-Padding", strings.Repeat("x", 7_000_000)))},

	// What stands between.
	{name: "404 for 5 s (a rollout)", lasts: 5 * time.Second, fault: during(status(404))},
	{name: "501 and a page for 5 s", lasts: 5 * time.Second, fault: during(page(501))},
	{name: "200 and a page for 5 s (a login)", lasts: 5 * time.Second, fault: during(page(200))},
	{name: "403 and a page for 5 s", lasts: 5 * time.Second, fault: during(page(403))},
	{name: "redirect to a login for 5 s", lasts: 5 * time.Second, fault: during(status(302, "Location", "https://login.invalid/"))},
	{name: "the key refused for 10 s", lasts: 10 * time.Second, fault: during(status(401))},

	// What is in the spans.
	{name: "1 % refused, named, 50 ms a request", service: serviceConfig{Refused: 10, Duration: 10 * time.Second}, before: refused(true),
		sgpOnly: true, loses: "rejected"},
	{name: "3 % refused, named, 50 ms a request", service: serviceConfig{Refused: 30, Duration: 10 * time.Second}, before: refused(true),
		sgpOnly: true, loses: "rejected"},
	{name: "10 % refused, named, 50 ms a request", service: serviceConfig{Refused: 100, Duration: 10 * time.Second}, before: refused(true),
		sgpOnly: true, loses: "rejected"},
	{name: "1 % refused, not named, 50 ms a request", service: serviceConfig{Refused: 10, Duration: 10 * time.Second}, before: refused(false),
		sgpOnly: true, loses: "rejected"},
	{name: "3 % refused, not named, 50 ms a request", service: serviceConfig{Refused: 30, Duration: 10 * time.Second}, before: refused(false),
		sgpOnly: true, loses: "rejected"},
	{name: "10 % refused, not named, 50 ms a request", service: serviceConfig{Refused: 100, Duration: 10 * time.Second}, before: refused(false),
		sgpOnly: true, loses: "rejected"},
	{name: "remote parents of another trace, 3 % of traces, 50 ms", service: serviceConfig{Foreign: 30, Duration: 10 * time.Second},
		before: foreign, sgpOnly: true},
	{name: "one span in a thousand always gets a 500", service: serviceConfig{Refused: 1, Duration: 10 * time.Second},
		before: poison, sgpOnly: true, loses: "export_failed"},

	// The end of the process.
	{name: "45 s outage, over for 1 s, 5 s of shutdown", lasts: 45 * time.Second, fault: away,
		service: serviceConfig{Rate: 500, Duration: 47 * time.Second, Shutdown: 5 * time.Second}},
	{name: "the key refused, at shutdown", lasts: time.Second, service: serviceConfig{Duration: 3 * time.Second},
		before: func(b *bed) error { b.answer(status(401)); return nil }, loses: "unauthorized"},
	{name: "an address that is not SGP's, at shutdown", lasts: time.Second, service: serviceConfig{Duration: 3 * time.Second},
		before: func(b *bed) error { b.answer(page(404)); return nil }, loses: "export_failed"},

	// The machine.
	{name: "64 file descriptors, GOMAXPROCS 1, server away for 5 s", lasts: 5 * time.Second, fault: away,
		service: serviceConfig{Files: 64, Procs: 1}},
	{name: "the same, and 4 processes that compute", lasts: 5 * time.Second, fault: away, busy: 4,
		service: serviceConfig{Files: 64, Procs: 1}},
}

// during makes the server answer so for a while.
func during(answer http.HandlerFunc) func(*bed, time.Duration) error {
	return func(b *bed, lasts time.Duration) error {
		b.answer(answer)
		b.wait(lasts)
		b.answer(nil)
		return nil
	}
}

// toxic makes the network so for a while.
func toxic(text string) func(*bed, time.Duration) error {
	return func(b *bed, lasts time.Duration) error {
		if err := b.toxic(text); err != nil {
			return err
		}
		b.wait(lasts)
		b.heal()
		return nil
	}
}

func away(b *bed, lasts time.Duration) error {
	if err := b.cut(); err != nil {
		return err
	}
	b.wait(lasts)
	return b.connect()
}

func flapping(b *bed, lasts time.Duration) error {
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		if err := away(b, time.Second); err != nil {
			return err
		}
		b.wait(time.Second)
	}
	return nil
}

// silence silences the connections that there are; new ones work.
func silence(b *bed, lasts time.Duration) error {
	b.silencer.Silence()
	b.wait(lasts)
	return nil
}

func slow(b *bed, lasts time.Duration) error {
	for _, text := range []string{
		`{"type":"slicer","stream":"upstream","attributes":{"average_size":1400,"size_variation":300,"delay":50}}`,
		`{"type":"bandwidth","stream":"upstream","attributes":{"rate":4000}}`,
		`{"type":"latency","stream":"downstream","attributes":{"latency":100,"jitter":15}}`,
	} {
		if err := b.toxic(text); err != nil {
			return err
		}
	}
	b.wait(lasts)
	b.heal()
	return nil
}

func isRefused(item *sgptest.Span) bool { return item.Name == refusedName }

// refused makes SGP refuse the spans of that name, whatever is left out of them.
func refused(named bool) func(*bed) error {
	return func(b *bed) error {
		if named {
			b.refuse(sgptest.RefuseNamed(422, isRefused))
		} else {
			b.refuse(sgptest.RefuseItems(422, isRefused))
		}
		return b.latency(50 * time.Millisecond)
	}
}

func foreign(b *bed) error {
	b.refuse(sgptest.RefuseItems(409, func(item *sgptest.Span) bool { return strings.HasPrefix(item.ParentID, "ee") }))
	return b.latency(50 * time.Millisecond)
}

func poison(b *bed) error {
	b.refuse(sgptest.RefuseItems(500, isRefused))
	return b.latency(50 * time.Millisecond)
}
