package mapping

import "strings"

// genkitDialect is Genkit: github.com/firebase/genkit. Its outputs hold the usage, and
// repeat the request; a span around a model's has both again.
var genkitDialect = dialect{
	name: "Genkit",
	keys: []key{
		{name: "genkit:metadata:subtype", role: roleKind},
		{name: "genkit:type", role: roleKind},
		{name: genkitInput, role: rolePayload, side: sideInput, form: formEncoded},
		{name: genkitOutput, role: rolePayload, side: sideOutput, form: formEncoded},
		{name: "genkit:sessionId", role: roleGroup},
		{name: "genkit:metadata:context", role: roleContent},
	},
}

// genkitOutput may hold the request that it answers, under genkitRequest.
const (
	genkitInput   = "genkit:input"
	genkitOutput  = "genkit:output"
	genkitRequest = "request"
)

// leaveOutRequest leaves out of Genkit's output the request that it answers, where that
// is the input, letter for letter.
func (sc *scratch) leaveOutRequest() {
	if len(sc.span.Input) == 0 || sc.span.Input[0].Source != genkitInput {
		return
	}
	for i, f := range sc.span.Output {
		if f.Key != genkitRequest || f.Source != genkitOutput {
			continue
		}
		if strings.Contains(sc.payloadText(genkitOutput), `"`+genkitRequest+`":`+sc.payloadText(genkitInput)) {
			sc.span.Output = append(sc.span.Output[:i], sc.span.Output[i+1:]...)
			sc.noteRepeated(genkitOutput+"."+genkitRequest, sideInput, "")
		}
		return
	}
}

// payloadText returns the text of the payload with a key.
func (sc *scratch) payloadText(key string) string {
	for _, p := range sc.payloads {
		if p.key.name == key {
			return sc.attr(p.at).Value.AsString()
		}
	}
	return ""
}
