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
// their own. It never is in both places. Attributes go before what a payload calls
// usage.
func (sc *scratch) usage() {
	fields := sc.usageFields()
	single := sc.modelCall()
	switch {
	case len(fields) > 0:
		for i := range sc.span.Output {
			if sc.span.Output[i].Key == usageKey {
				sc.span.Output[i].Key = reportedUsageKey
			}
		}
		usage := sgpspan.Field{Key: usageKey, Value: sc.object(fields)}
		if single {
			sc.span.Output = append(sc.span.Output, usage)
		} else {
			sc.rollUp = append(sc.newObject(1), usage)
		}
	case !single:
		sc.moveUsage()
	}
}

// moveUsage moves the usage that the payload has from the output to the metadata.
func (sc *scratch) moveUsage() {
	for _, f := range sc.span.Output {
		if f.Key == usageKey && f.Value.Kind() == sgpspan.KindObject {
			sc.rollUp = append(sc.newObject(1), f)
		}
	}
	if sc.rollUp == nil {
		return // text, say: nothing that is billed
	}
	sc.span.Output.Delete(usageKey)
	if len(sc.span.Output) == 0 {
		sc.span.Output = nil
	}
}

// usageFields returns what the attributes say of usage.
func (sc *scratch) usageFields() sgpspan.Object {
	var o sgpspan.Object
	for i := range billed {
		b := &billed[i]
		for r := b.first; r <= b.last; r++ {
			if !sc.has(r) || !isCount(sc.attr(r).Value) {
				continue
			}
			if o == nil {
				o = sc.newObject(len(billed))
			}
			kv := sc.attr(r)
			o = append(o, sgpspan.Field{Key: b.key, Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value)})
			sc.take(r)
			break
		}
	}
	return o
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
