package sgptest

// Usage is what the backend bills for a trace: see [Server.BilledUsage].
type Usage struct {
	// Token counts. A cached token is an input token too, a reasoning token an output
	// token; Total is the sum of what spans gave as total_tokens, and 0 if they gave none.
	InputTokens, OutputTokens, CachedInputTokens, ReasoningTokens, TotalTokens int64
	// CostUSD is in US dollars.
	CostUSD float64

	// Calls is the number of spans whose output has usage, Aggregates of those whose
	// metadata has. If there are Aggregates, nothing of the Calls is billed.
	Calls, Aggregates int
}

// BilledUsage returns what the backend would bill for a trace, by the usage of its stored
// spans.
//
// output.usage is the usage of one call of a model, and those of a trace are added up.
// metadata.usage is the aggregate of a whole turn, with metadata.cost_usd beside it: as
// soon as a trace has one, every output.usage of the trace is dropped, and the
// aggregates are added up. A usage that is no object, or has none of the keys that are
// recognised, is neither:
//
//	input_tokens or prompt_tokens, output_tokens or completion_tokens,
//	cached_input_tokens or cached_tokens, reasoning_tokens, total_tokens, cost_usd
//
// Of two spellings the first counts. Only numbers count; text, for one, is not billed.
func (s *Server) BilledUsage(traceID string) Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls, aggregates Usage
	if t := s.store.traces[traceID]; t != nil {
		for _, e := range t.entries {
			if usage, ok := usageOf(e.span.Output); ok {
				calls.add(usage)
				calls.Calls++
			}
			if usage, ok := usageOf(e.span.Metadata); ok {
				if cost, ok := e.span.Metadata["cost_usd"].(float64); ok {
					usage.CostUSD = cost
				}
				aggregates.add(usage)
				aggregates.Aggregates++
			}
		}
	}
	if aggregates.Aggregates > 0 {
		aggregates.Calls = calls.Calls
		return aggregates
	}
	return calls
}

// usageOf reads the usage of a payload, and says whether it has any.
func usageOf(payload map[string]any) (u Usage, ok bool) {
	usage, _ := payload["usage"].(map[string]any)
	count := func(keys ...string) float64 {
		for _, key := range keys {
			if n, isNumber := usage[key].(float64); isNumber {
				ok = true
				return n
			}
		}
		return 0
	}
	u = Usage{
		InputTokens:       int64(count("input_tokens", "prompt_tokens")),
		OutputTokens:      int64(count("output_tokens", "completion_tokens")),
		CachedInputTokens: int64(count("cached_input_tokens", "cached_tokens")),
		ReasoningTokens:   int64(count("reasoning_tokens")),
		TotalTokens:       int64(count("total_tokens")),
		CostUSD:           count("cost_usd"),
	}
	return u, ok
}

func (u *Usage) add(v Usage) {
	u.InputTokens += v.InputTokens
	u.OutputTokens += v.OutputTokens
	u.CachedInputTokens += v.CachedInputTokens
	u.ReasoningTokens += v.ReasoningTokens
	u.TotalTokens += v.TotalTokens
	u.CostUSD += v.CostUSD
}
