package mapping

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// The places of usage, and of what an output calls usage and is not billed.
const (
	usageKey         = "usage"
	reportedUsageKey = "reported_usage"
)

// billed is the one spelling of each key of usage, and the attributes that it is
// taken from: the first of them that the span has.
var billed = [...]struct {
	key         string
	first, last role
}{
	{"input_tokens", roleInputTokens, roleLLMPromptTokens},
	{"output_tokens", roleOutputTokens, roleLLMCompletionTokens},
	{"cached_input_tokens", roleCacheReadTokens, roleLLMCacheReadTokens},
	{"reasoning_tokens", roleReasoningTokens, roleLLMReasoningTokens},
	{"total_tokens", roleTotalTokens, roleLLMTotalTokens},
	{"cost_usd", roleUsageCost, roleLLMCost},
}

// usage puts what was used where it is billed once: into the output of a single
// call of a model, into the metadata of anything else, whose calls have spans of
// their own. It never is in both places: an output that says "usage" itself is
// taken at its word when nothing speaks against it, else that is renamed.
func (sc *scratch) usage() {
	single, known := sc.modelCall()
	own := sc.span.Output.Get(usageKey) != nil
	if own && !known {
		return
	}
	for i := range billed {
		b := &billed[i]
		for r := b.first; r <= b.last; r++ {
			if sc.has(r) && isCount(sc.attr(r).Value) {
				sc.addUsage(b.key, r)
				break
			}
		}
	}
	if own && (!single || len(sc.usageFields) > 0) {
		for i := range sc.span.Output {
			if sc.span.Output[i].Key == usageKey {
				sc.span.Output[i].Key = reportedUsageKey
			}
		}
	}
	if single && len(sc.usageFields) > 0 {
		sc.span.Output = append(sc.span.Output, sgpspan.Field{Key: usageKey, Value: sc.object(sc.usageFields)})
		sc.usageFields = nil
	}
}

func (sc *scratch) addUsage(key string, r role) {
	if sc.usageFields == nil {
		sc.usageFields = sc.newObject(len(billed))
	}
	kv := sc.attr(r)
	sc.usageFields = append(sc.usageFields, sgpspan.Field{
		Key: key, Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value),
	})
	sc.take(r)
}

// isCount reports whether v can be billed: a number that is not negative.
func isCount(v attribute.Value) bool {
	switch v.Type() {
	case attribute.INT64:
		return v.AsInt64() >= 0
	case attribute.FLOAT64:
		f := v.AsFloat64()
		return f >= 0 && f <= 1<<53
	}
	return false
}
