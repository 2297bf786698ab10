package mapping

// genkitDialect is Genkit: github.com/firebase/genkit. Its outputs hold the usage, and
// repeat the request; a span around a model's has both again.
var genkitDialect = dialect{
	name: "Genkit",
	keys: []key{
		{name: "genkit:metadata:subtype", role: roleKind},
		{name: "genkit:type", role: roleKind},
		{name: "genkit:input", role: rolePayload, side: sideInput, form: formEncoded},
		{name: genkitOutput, role: rolePayload, side: sideOutput, form: formEncoded},
		{name: "genkit:sessionId", role: roleGroup},
		{name: "genkit:metadata:context", role: roleContent},
	},
}

// genkitOutput may hold the request that it answers, under genkitRequest.
const (
	genkitOutput  = "genkit:output"
	genkitRequest = "request"
)
