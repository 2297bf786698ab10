package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"
)

// encoder measures one span as SGP's JSON, encoded again and again on one core: by
// ours, which appends to a buffer that it has already, and by encoding/json from a struct.
func encoder(r *report, o options) {
	for _, p := range prompts {
		encoderAt(r, o, p.name, newPlainSpan(p.text))
	}
}

var prompts = []struct{ name, text string }{
	{"a chat with a short prompt", "Tell me a joke about OpenTelemetry\n"},
	{"50 KB of prose", strings.Repeat("The quick brown fox jumps over the lazy dog, then back again, and rests.\n", 700)},
	{"50 KB, an escape every 21 bytes", strings.Repeat("The quick brown fox jumps over the lazy dog, and \"back\" again.\n", 820)},
	{"50 KB of Chinese", strings.Repeat("敏捷的棕色狐狸跳过了懒狗，然后又跳回来休息\n", 800)},
}

type encoderRound struct{ ours, std encoderCost }

type encoderCost struct{ ns, allocs float64 }

func encoderAt(r *report, o options, name string, span *plainSpan) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ballast := makeBallast(256)
	variants := encodersOf(span)
	text, err := sameJSON(variants)
	if err != nil {
		fail(err)
	}
	n := max(1, 100*o.spans/len(text)) // as many bytes of each span: of a long one less often
	var rounds []encoderRound
	for round := range o.rounds + 1 {
		var costs [2]encoderCost
		for i := range variants {
			// Another order each round, so that none always follows the same.
			v := (i + round) % len(variants)
			costs[v] = costOf(variants[v], n)
		}
		if round > 0 { // the first warms up
			rounds = append(rounds, encoderRound{costs[0], costs[1]})
		}
	}
	runtime.KeepAlive(ballast)
	ours := medianOf(func(x encoderRound) float64 { return x.ours.ns })
	std := medianOf(func(x encoderRound) float64 { return x.std.ns })
	ratio := bootstrap(rounds, func(rs []encoderRound) float64 { return ours(rs) / std(rs) })
	r.add(row{
		name:  "encoder, " + name,
		ours:  fmt.Sprintf("%.0f ns/span, %.0f allocs", ours(rounds), medianOf(func(x encoderRound) float64 { return x.ours.allocs })(rounds)),
		peer:  fmt.Sprintf("encoding/json %.0f, %.0f allocs", std(rounds), medianOf(func(x encoderRound) float64 { return x.std.allocs })(rounds)),
		ratio: &ratio,
	})
}

// costOf returns the CPU time and the allocations of one of n calls.
func costOf(encode func() []byte, n int) encoderCost {
	runtime.GC()
	var took time.Duration
	allocs := mallocs(func() {
		before := cpuTime()
		for range n {
			encode()
		}
		took = cpuTime() - before
	})
	return encoderCost{ns: float64(took) / float64(n), allocs: float64(allocs) / float64(n)}
}

// encodersOf returns ours and encoding/json. What one returns is good until it is called
// again.
func encodersOf(span *plainSpan) []func() []byte {
	return []func() []byte{oursEncoder(span), stdEncoder(span)}
}

// sameJSON returns what the first encodes, and an error if another's means something else.
func sameJSON(encoders []func() []byte) ([]byte, error) {
	var (
		first []byte
		want  any
	)
	for i, encode := range encoders {
		text := encode()
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var got any
		if err := d.Decode(&got); err != nil {
			return nil, fmt.Errorf("encoder %d: %w", i, err)
		}
		if i == 0 {
			first, want = bytes.Clone(text), got
		} else if !reflect.DeepEqual(want, got) {
			return nil, fmt.Errorf("encoder %d encodes another span: %.1000s\nnot %.1000s", i, text, first)
		}
	}
	return first, nil
}
