package mapping

import (
	"math"
	"slices"
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

// usageWord returns which of usageKeys an object of counts calls so. LangSmith puts the
// tier of the service before or behind a detail: flex_cache_read, cache_read_over_200k.
func usageWord(key string) (i int, ok bool) {
	if i, ok = usageWords[key]; ok {
		return i, ok
	}
	key = strings.TrimSuffix(key, "_over_200k")
	switch {
	case key == "cache_read", strings.HasSuffix(key, "_cache_read"):
		return usageWords["cache_read"], true
	case strings.HasSuffix(key, "_reasoning"):
		return usageWords["reasoning"], true
	}
	return 0, false
}

// usage puts what was used where it is billed once.
func (m *Mapper) usage(sc *scratch, in *Input) {
	if len(sc.span.Output) == 0 && !sc.has(roleUsageObject) && !sc.counted {
		return // as most spans are
	}
	if in.Phase != PhaseEnd {
		sc.renameUsage()
		return
	}
	fields, said := sc.count()
	switch said {
	case byNothing: // counts of zero, or of what SGP does not bill
		sc.renameUsage()
		return
	case byAttributes:
		sc.takeCounts()
		sc.renameUsage()
	case byPayload:
		sc.replaceUsage()
	}
	rule, _ := sc.text(roleUsageRule)
	if rule != "" {
		sc.take(sc.found[roleUsageRule])
	}
	switch {
	case rule == usageOfTurn:
		sc.aggregate = sc.newObject(2)
		if last := len(fields) - 1; fields[last].Key == costKey {
			sc.aggregate = append(sc.aggregate, fields[last]) // stands beside the counts there
			fields = fields[:last]
		}
		sc.aggregate = append(sc.aggregate, sgpspan.Field{Key: usageKey, Value: sc.object(fields)})
	case rule != usageOfNone && in.bills(rule == usageOfCall):
		for i := range sc.span.Output {
			if f := &sc.span.Output[i]; f.Key == usageKey {
				f.Key = reportedUsageKey // something else
			}
		}
		sc.span.Output = append(sc.grow(sc.span.Output), sgpspan.Field{Key: usageKey, Value: sc.object(fields)})
	default:
		sc.aggregate = append(sc.newObject(1), sgpspan.Field{Key: reportedUsageKey, Value: sc.object(fields)})
	}
}

// said tells what of a span says that something was used.
type said uint8

const (
	byNothing said = iota
	byPayload
	byAttributes
)

// usageObject is an object of counts, and the attribute that it was taken from.
type usageObject struct {
	counts sgpspan.Object
	source string
	said   said
}

// count returns what was used, in the order of usageKeys, and what says so. Of each
// count an attribute goes before an object of counts in an attribute, that before what
// the output calls usage, and any before zero.
func (sc *scratch) count() (fields sgpspan.Object, by said) {
	var known [3]usageObject
	objects := sc.usageObjects(known[:0])
	if len(objects) == 0 && !sc.counted {
		return nil, byNothing
	}
	fields = sc.newObject(len(usageKeys))
	for i := range usageKeys {
		r := firstCount + role(i)
		has := sc.has(r)
		if has {
			kv, n := sc.attr(sc.found[r]), sc.counts[i]
			fields = append(fields, sgpspan.Field{Key: usageKeys[i], Source: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value)})
			if kv.Value.Type() == attribute.STRING {
				fields[len(fields)-1].Value = numberValue(n)
			}
			if n > 0 {
				by = byAttributes
				continue
			}
		}
		o, v := countOf(objects, i)
		switch {
		case v == nil:
			continue
		case has && v.Float() > 0:
			fields = fields[:len(fields)-1]
		case has:
			continue
		}
		fields = append(fields, sgpspan.Field{Key: usageKeys[i], Source: o.source, Value: *v})
		if v.Float() > 0 {
			by = max(by, o.said)
		}
	}
	return fields, by
}

// countOf returns the count of usageKeys[i] in the first of objects that has more than
// zero, else in the first that has it.
func countOf(objects []usageObject, i int) (o *usageObject, v *sgpspan.Value) {
	for k := range objects {
		if found := countIn(objects[k].counts, i); found != nil && (v == nil || v.Float() == 0 && found.Float() > 0) {
			o, v = &objects[k], found
		}
	}
	return o, v
}

// usageObjects appends the objects of counts that the span has: in an attribute, in the
// output, and in a payload that was left out of it.
func (sc *scratch) usageObjects(objects []usageObject) []usageObject {
	if text, ok := sc.text(roleUsageObject); ok {
		counts, _ := sgpspan.AppendJSONFields(nil, text)
		objects = append(objects, usageObject{counts, string(sc.attr(sc.found[roleUsageObject]).Key), byAttributes})
	}
	if i := sc.outputUsage(); i >= 0 {
		f := &sc.span.Output[i]
		if counts, _ := f.Value.AppendFields(nil); countsTokens(counts) {
			objects = append(objects, usageObject{counts, f.Source, byPayload})
		}
	}
	if sc.repeated != 0 {
		kv := sc.attr(sc.repeated)
		payload, _ := sgpspan.AppendJSONFields(nil, kv.Value.AsString())
		if counts, _ := payload.Get(usageKey).AppendFields(nil); countsTokens(counts) {
			objects = append(objects, usageObject{counts, string(kv.Key), byPayload})
		}
	}
	return objects
}

// countsTokens reports whether what a payload calls usage is a model's: a tool can tell
// the usage, and the cost, of anything.
func countsTokens(usage sgpspan.Object) bool {
	for i := range usage {
		switch usage[i].Key {
		case "input_tokens", "prompt_tokens", "inputTokens", "promptTokens",
			"output_tokens", "completion_tokens", "outputTokens", "completionTokens",
			"total_tokens", "totalTokens":
			return true
		}
	}
	return false
}

// takeCounts takes the attributes that are counted.
func (sc *scratch) takeCounts() {
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
	if len(sc.span.Output) == 0 {
		return
	}
	if i := sc.outputUsage(); i >= 0 {
		sc.span.Output[i].Key = reportedUsageKey
	}
	sc.dropUsage()
}

// dropUsage takes all usage out of the output: of a key that is there twice the last
// counts.
func (sc *scratch) dropUsage() {
	n := len(sc.span.Output)
	sc.span.Output = slices.DeleteFunc(sc.span.Output, func(f sgpspan.Field) bool {
		return f.Key == usageKey && f.Value.Kind() == sgpspan.KindObject
	})
	if n > 0 && len(sc.span.Output) == 0 {
		sc.span.Output = nil
	}
}

// replaceUsage takes out of the output the usage that was counted. What it says beside
// the counts stays, under another name.
func (sc *scratch) replaceUsage() {
	i := sc.outputUsage()
	if i < 0 {
		return // it was in what repeats the output
	}
	all, _ := sc.span.Output[i].Value.AppendFields(nil)
	rest := slices.DeleteFunc(all, isCounted)
	if len(rest) == 0 {
		sc.dropUsage()
		return
	}
	p := sc.newObject(len(rest))
	sc.span.Output[i].Value = sc.object(append(p, rest...)).WithSource(sc.span.Output[i].Value.Source())
	sc.renameUsage()
}

// isCounted reports whether a member of an object of usage is one of its counts, or is
// an object of details that has nothing else.
func isCounted(f sgpspan.Field) bool {
	if _, ok := usageWord(f.Key); ok && isCount(&f.Value) {
		return true
	}
	if f.Value.Kind() != sgpspan.KindObject || !isDetails(f.Key) {
		return false
	}
	for _, f := range *f.Value.Object() {
		if _, ok := usageWord(f.Key); !ok || !isCount(&f.Value) {
			return false
		}
	}
	return true
}

func isDetails(key string) bool {
	return strings.HasSuffix(key, "_details") || strings.HasSuffix(key, "Details")
}

// countIn returns the count of usageKeys[i] in an object, or in the objects of details
// in it; nil when there is none.
func countIn(o sgpspan.Object, i int) *sgpspan.Value {
	for k := range o {
		f := &o[k]
		if n, ok := usageWord(f.Key); ok && n == i && isCount(&f.Value) {
			return &f.Value
		}
	}
	for k := range o {
		f := &o[k]
		if f.Value.Kind() == sgpspan.KindObject && isDetails(f.Key) {
			if v := countIn(*f.Value.Object(), i); v != nil {
				return v
			}
		}
	}
	return nil
}

func isCount(v *sgpspan.Value) bool {
	switch v.Kind() {
	case sgpspan.KindInt, sgpspan.KindFloat:
		f := v.Float()
		return f >= 0 && f <= 1<<53
	}
	return false
}

// numberValue returns n, as an integer if it is one.
func numberValue(n float64) sgpspan.Value {
	if n == math.Trunc(n) {
		return sgpspan.IntValue(int64(n))
	}
	return sgpspan.FloatValue(n)
}

// number returns the number that an attribute says was used: one that is not negative,
// or text that spells one. It is less than zero for all else.
func number(v *attribute.Value) float64 {
	n := -1.0
	switch v.Type() {
	case attribute.INT64:
		n = float64(v.AsInt64())
	case attribute.FLOAT64:
		n = v.AsFloat64()
	case attribute.STRING:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v.AsString()), 64); err == nil {
			n = f
		}
	}
	if n >= 0 && n <= 1<<53 {
		return n
	}
	return -1
}
