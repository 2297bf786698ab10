package sgptest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// payloads is a span of trace t with an output and metadata.
func payloads(id, output, metadata string) string {
	return `{"trace_id":"t","id":"` + id + `","name":"n","start_timestamp":"2026-01-02T03:04:05Z","output":` + output + `,"metadata":` + metadata + `}`
}

func TestBilledUsage(t *testing.T) {
	const call = `{"usage":{"input_tokens":120,"output_tokens":18,"cached_input_tokens":64,"reasoning_tokens":5,"total_tokens":138,"cost_usd":0.5}}`
	for _, tt := range []struct {
		name  string
		items []string
		want  sgptest.Usage
	}{
		{"nothing", []string{payloads("a", `{}`, `{}`)}, sgptest.Usage{}},
		{"one call", []string{payloads("a", call, `{}`)}, sgptest.Usage{
			InputTokens: 120, OutputTokens: 18, CachedInputTokens: 64, ReasoningTokens: 5, TotalTokens: 138, CostUSD: 0.5, Calls: 1}},
		{"calls add up", []string{payloads("a", call, `{}`), payloads("b", `{"usage":{"input_tokens":3}}`, `{}`)}, sgptest.Usage{
			InputTokens: 123, OutputTokens: 18, CachedInputTokens: 64, ReasoningTokens: 5, TotalTokens: 138, CostUSD: 0.5, Calls: 2}},
		{"the other spellings", []string{payloads("a", `{"usage":{"prompt_tokens":1,"completion_tokens":2,"cached_tokens":3}}`, `{}`)}, sgptest.Usage{
			InputTokens: 1, OutputTokens: 2, CachedInputTokens: 3, Calls: 1}},
		{"both spellings count once", []string{payloads("a", `{"usage":{"prompt_tokens":7,"input_tokens":1}}`, `{}`)}, sgptest.Usage{
			InputTokens: 1, Calls: 1}},
		{"an aggregate erases the calls", []string{
			payloads("a", call, `{}`), payloads("b", `{}`, `{"usage":{"input_tokens":10,"output_tokens":2},"cost_usd":0.25}`), payloads("c", call, `{}`),
		}, sgptest.Usage{InputTokens: 10, OutputTokens: 2, CostUSD: 0.25, Calls: 2, Aggregates: 1}},
		{"aggregates add up", []string{
			payloads("a", `{}`, `{"usage":{"input_tokens":10},"cost_usd":0.25}`), payloads("b", `{}`, `{"usage":{"input_tokens":5},"cost_usd":0.5}`),
		}, sgptest.Usage{InputTokens: 15, CostUSD: 0.75, Aggregates: 2}},
		{"an aggregate without a cost", []string{payloads("a", call, `{}`), payloads("b", `{}`, `{"usage":{"total_tokens":4}}`)}, sgptest.Usage{
			TotalTokens: 4, Calls: 1, Aggregates: 1}},
		{"the cost beside it goes before the one in it", []string{payloads("b", `{}`, `{"usage":{"cost_usd":9},"cost_usd":0.25}`)}, sgptest.Usage{
			CostUSD: 0.25, Aggregates: 1}},
		{"a cost alone is none", []string{payloads("a", call, `{"cost_usd":0.25}`)}, sgptest.Usage{
			InputTokens: 120, OutputTokens: 18, CachedInputTokens: 64, ReasoningTokens: 5, TotalTokens: 138, CostUSD: 0.5, Calls: 1}},
		{"call and aggregate in one span", []string{payloads("a", `{"usage":{"input_tokens":1}}`, `{"usage":{"input_tokens":2}}`)}, sgptest.Usage{
			InputTokens: 2, Calls: 1, Aggregates: 1}},
		{"no usage", []string{
			payloads("a", `{"usage":[1]}`, `{"usage":"much"}`), payloads("b", `{"usage":{"inputTokens":1,"input_tokens":"2"}}`, `{"usage":null}`),
			payloads("c", `{"reported_usage":{"input_tokens":1}}`, `{"reported_usage":{"input_tokens":1}}`),
		}, sgptest.Usage{}},
		{"another trace's", []string{`{"trace_id":"u","id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z","output":` + call + `}`}, sgptest.Usage{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t)
			mustPut(t, srv, tt.items...)
			assert.Equal(t, tt.want, srv.BilledUsage("t"))
		})
	}
}

// A span is billed as it is stored: not once for each write.
func TestBilledUsageIsOfTheStoredState(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, payloads("a", `{"usage":{"input_tokens":1}}`, `{}`))
	mustPut(t, srv, payloads("a", `{"usage":{"input_tokens":5}}`, `{}`))
	assert.Equal(t, sgptest.Usage{InputTokens: 5, Calls: 1}, srv.BilledUsage("t"))
}
