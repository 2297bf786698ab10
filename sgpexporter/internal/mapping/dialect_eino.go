package mapping

// einoDialect is what Eino's APMPlus callback says:
// github.com/cloudwego/eino-ext, callbacks/apmplus. It has lists of the older GenAI
// conventions, whose contents can be messages in JSON.
var einoDialect = dialect{
	name: "Eino APMPlus",
	keys: []key{
		{name: einoKind, role: roleKind},
		{name: "gen_ai.input", role: rolePayload, side: sideInput, repeats: "messages"},
		{name: "gen_ai.output", role: rolePayload, side: sideOutput, repeats: "messages"},
	},
}

// einoKind tells Eino's lists from those of others.
const einoKind = "gen_ai.span.kind"
