package mapping

import "github.com/otelsgp/otelsgp/sgpexporter/sgpspan"

// evaluationEvent is the event, or the log record, with the result of an evaluation.
const evaluationEvent = "gen_ai.evaluation.result"

// evaluationFields are the fields of an evaluation in the metadata, by the attributes
// that they are taken from.
var evaluationFields = [...]struct{ key, field string }{
	{"gen_ai.evaluation.name", "name"},
	{"gen_ai.evaluation.score.value", "score"},
	{"gen_ai.evaluation.score.label", "label"},
	{"gen_ai.evaluation.explanation", "explanation"},
	{"gen_ai.response.id", "response_id"},
	{"error.type", "error_type"},
}

// evaluationList adds the evaluations to the metadata: a list of objects with those
// of evaluationFields that are known.
func (sc *scratch) evaluationList(o sgpspan.Object) sgpspan.Object {
	if len(sc.evaluations) == 0 {
		return o
	}
	list := sc.newArray(len(sc.evaluations))
	for _, e := range sc.evaluations {
		fields := sc.newObject(len(evaluationFields))
		for _, f := range evaluationFields {
			for i := range e.event.Attributes {
				kv := &e.event.Attributes[i]
				if string(kv.Key) != f.key {
					continue
				}
				at := e.before + place(i+1)
				sc.take(at)
				fields = append(fields, sgpspan.Field{
					Key: f.field, Source: f.key, Value: sgpspan.AttributeValue(kv.Value), Content: sc.marks[at-1]&markContent != 0,
				})
			}
		}
		list = append(list, sc.object(fields).WithSource(evaluationEvent))
	}
	return append(o, sgpspan.Field{Key: "evaluations", Value: sc.array(list)})
}
