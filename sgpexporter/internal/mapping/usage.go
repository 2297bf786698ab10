package mapping

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// The places of usage. SGP bills output.usage, which is additive, and metadata.usage,
// which stands for a whole turn and erases all output.usage of its trace.
const (
	usageKey         = "usage"
	reportedUsageKey = "reported_usage" // billed nowhere
	costKey          = "cost_usd"
)

// The values of sgp.usage.
const (
	usageOfTurn = "turn"
	usageOfCall = "call"
	usageOfNone = "none"
)

// usageKeys are the keys of usage that SGP bills, in the order of the roles from
// firstCount on.
var usageKeys = [...]string{
	"input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "total_tokens", costKey,
}

// usageWords are what objects of counts call each of usageKeys.
var usageWords = map[string]int{
	"input_tokens": 0, "prompt_tokens": 0, "inputTokens": 0, "promptTokens": 0,
	"output_tokens": 1, "completion_tokens": 1, "outputTokens": 1, "completionTokens": 1,
	"cached_input_tokens": 2, "cached_tokens": 2, "prompt_cached_tokens": 2, "cache_read_input_tokens": 2, "cache_read": 2, "cachedContentTokens": 2,
	"reasoning_tokens": 3, "completion_reasoning_tokens": 3, "reasoning": 3, "thoughtsTokens": 3,
	"total_tokens": 4, "tokens": 4, "totalTokens": 4,
	"cost_usd": 5, "cost": 5,
}

// counts are what a span has used, by usageKeys.
type counts struct {
	fields   [len(usageKeys)]sgpspan.Field // those that are not known have no key
	positive bool                          // one of them is more than zero: else nothing was used
}

func (c *counts) set(i int, source string, n sgpspan.Value) {
	if c.fields[i].Key == "" {
		c.fields[i] = sgpspan.Field{Key: usageKeys[i], Source: source, Value: n}
		c.positive = c.positive || n.Float() > 0
	}
}

// usage puts what was used where it is billed once. Attributes go before what a
// payload calls usage.
func (m *Mapper) usage(sc *scratch, in *Input) {
	if in.Phase != PhaseEnd {
		sc.renameUsage()
		return
	}
	var c counts
	sc.countAttributes(&c)
	if c.positive {
		sc.takeCounts(&c)
		sc.renameUsage()
	} else if c = (counts{}); sc.countPayload(&c) {
		sc.replaceUsage(&c)
	}
	if !c.positive {
		sc.renameUsage() // counts of zero, or of what SGP does not bill
		return
	}
	rule, _ := sc.text(roleUsageRule)
	if rule != "" {
		sc.take(sc.found[roleUsageRule])
	}
	fields := sc.newObject(len(c.fields))
	for _, f := range c.fields {
		if f.Key != "" && (f.Key != costKey || rule != usageOfTurn) {
			fields = append(fields, f)
		}
	}
	usage := sgpspan.Field{Key: usageKey, Value: sc.object(fields)}
	switch {
	case rule == usageOfTurn:
		sc.aggregate = append(sc.newObject(2), usage)
		if cost := c.fields[len(c.fields)-1]; cost.Key != "" {
			sc.aggregate = append(sc.aggregate, cost)
		}
	case rule != usageOfNone && m.lineage.bills(in, rule == usageOfCall):
		sc.span.Output = append(sc.span.Output, usage)
	default:
		usage.Key = reportedUsageKey
		sc.aggregate = append(sc.newObject(1), usage)
	}
}

// countAttributes counts what the attributes say.
func (sc *scratch) countAttributes(c *counts) {
	for r := firstCount; r <= lastCount; r++ {
		if sc.has(r) {
			kv := sc.attr(sc.found[r])
			n, _ := count(kv.Value)
			c.set(int(r-firstCount), string(kv.Key), n)
		}
	}
	if text, ok := sc.text(roleUsageObject); ok {
		if o, ok := sgpspan.AppendJSONFields(nil, text); ok {
			c.addObject(o, string(sc.attr(sc.found[roleUsageObject]).Key))
		}
	}
}

// takeCounts takes the attributes that c was counted from.
func (sc *scratch) takeCounts(c *counts) {
	for r := firstCount; r <= lastCount; r++ {
		if !sc.has(r) {
			continue
		}
		at := sc.found[r]
		sc.take(at)
		if kv := sc.attr(at); kv.Value.Type() == attribute.STRING {
			sc.note(string(kv.Key) + ": text, counted as the number that it spells")
		}
	}
}

// countPayload counts what the output calls usage, and reports whether that is
// anything.
func (sc *scratch) countPayload(c *counts) bool {
	if i := sc.outputUsage(); i >= 0 {
		f := &sc.span.Output[i]
		o, _ := f.Value.AppendFields(nil)
		c.addObject(o, f.Source)
	}
	return c.positive
}

// outputUsage returns the index of the last field of the output that is an object of
// usage, -1 when there is none.
func (sc *scratch) outputUsage() int {
	for i := len(sc.span.Output) - 1; i >= 0; i-- {
		if f := &sc.span.Output[i]; f.Key == usageKey && f.Value.Kind() == sgpspan.KindObject {
			return i
		}
	}
	return -1
}

// renameUsage gives what the output calls usage a name that nobody bills.
func (sc *scratch) renameUsage() {
	if i := sc.outputUsage(); i >= 0 {
		sc.span.Output[i].Key = reportedUsageKey
	}
	sc.dropUsage()
}

// dropUsage takes all usage out of the output: of a key that is there twice the last
// counts.
func (sc *scratch) dropUsage() {
	if sc.outputUsage() < 0 {
		return
	}
	for i := sc.outputUsage(); i >= 0; i = sc.outputUsage() {
		sc.span.Output = append(sc.span.Output[:i], sc.span.Output[i+1:]...)
	}
	if len(sc.span.Output) == 0 {
		sc.span.Output = nil
	}
}

// replaceUsage takes out of the output the usage that c was counted from. What says
// more than c stays, under another name.
func (sc *scratch) replaceUsage(c *counts) {
	known := 0
	for i := range c.fields {
		if c.fields[i].Key != "" {
			known++
		}
	}
	if o, _ := sc.span.Output[sc.outputUsage()].Value.AppendFields(nil); len(o) <= known {
		sc.dropUsage()
	} else {
		sc.renameUsage()
	}
}

// addObject adds the counts in an object, and in the objects of details in it.
func (c *counts) addObject(o sgpspan.Object, source string) {
	for i := range o {
		f := &o[i]
		if k, ok := usageWords[f.Key]; ok && isCount(&f.Value) {
			c.set(k, source, f.Value)
		}
	}
	for i := range o {
		f := &o[i]
		if f.Value.Kind() == sgpspan.KindObject && (strings.HasSuffix(f.Key, "_details") || strings.HasSuffix(f.Key, "Details")) {
			details, _ := f.Value.AppendFields(nil)
			for k := range details {
				if n, ok := usageWords[details[k].Key]; ok && isCount(&details[k].Value) {
					c.set(n, source, details[k].Value)
				}
			}
		}
	}
}

func isCount(v *sgpspan.Value) bool {
	switch v.Kind() {
	case sgpspan.KindInt, sgpspan.KindFloat:
		f := v.Float()
		return f >= 0 && f <= 1<<53
	}
	return false
}

// count returns the number that an attribute says was used: one that is not negative,
// or text that spells one.
func count(v attribute.Value) (sgpspan.Value, bool) {
	switch v.Type() {
	case attribute.INT64:
		return sgpspan.AttributeValue(v), v.AsInt64() >= 0
	case attribute.FLOAT64:
		f := v.AsFloat64()
		return sgpspan.AttributeValue(v), f >= 0 && f <= 1<<53
	case attribute.STRING:
		text := strings.TrimSpace(v.AsString())
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return sgpspan.IntValue(n), n >= 0
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) {
			return sgpspan.FloatValue(f), f >= 0 && f <= 1<<53
		}
	}
	return sgpspan.Value{}, false
}
