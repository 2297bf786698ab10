package mapping

// braintrustDialect is Braintrust's Go SDK: github.com/braintrustdata/braintrust-sdk-go.
var braintrustDialect = dialect{
	name: "Braintrust",
	keys: []key{
		{name: "braintrust.span_attributes", role: roleKindObject},
		{name: "braintrust.metrics", role: roleUsageObject, typ: "COMPLETION"},
		{name: "braintrust.input_json", role: rolePayload, side: sideInput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.output_json", role: rolePayload, side: sideOutput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.input", role: rolePayload, side: sideInput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.output", role: rolePayload, side: sideOutput, form: formEncoded, typ: "CUSTOM"},
		{name: "braintrust.expected", role: roleExpected},
	},
}
