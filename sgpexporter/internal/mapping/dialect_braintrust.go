package mapping

import "github.com/otelsgp/otelsgp/sgpexporter/sgpspan"

// braintrustDialect is Braintrust's Go SDK: github.com/braintrustdata/braintrust-sdk-go.
var braintrustDialect = dialect{
	name: "Braintrust",
	keys: []key{
		{name: "braintrust.span_attributes", role: roleKindObject},
		{name: braintrustMetrics, role: roleUsageObject, typ: "COMPLETION"},
		{name: "braintrust.input_json", role: rolePayload, side: sideInput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.output_json", role: rolePayload, side: sideOutput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.input", role: rolePayload, side: sideInput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.output", role: rolePayload, side: sideOutput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.expected", role: roleExpected},
		{name: "braintrust.metadata", role: roleParameters}, // "instructions" of OpenAI's, "systemInstruction" of Gemini's
	},
}

const braintrustMetrics = "braintrust.metrics"

// noteUnanswered notes a call of a model that has ended with neither an answer nor
// usage. Braintrust's SDK gives a request that was refused no status: it looks like this.
func (sc *scratch) noteUnanswered() {
	if sc.span.Status == sgpspan.StatusSuccess && len(sc.span.Output) == 0 && len(sc.aggregate) == 0 &&
		sc.has(roleUsageObject) && sc.attr(sc.found[roleUsageObject]).Key == braintrustMetrics {
		sc.note("status: SUCCESS, since no error was recorded; but the call has neither an answer nor usage, and Braintrust records no refusal")
	}
}
