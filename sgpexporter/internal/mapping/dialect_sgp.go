package mapping

// sgpDialect is what an application says to SGP directly.
var sgpDialect = dialect{
	name: "SGP",
	keys: []key{
		{name: "sgp.span.type", role: roleType},
		{name: "__span_type__", role: roleType}, // SGP's Python SDK
		{name: "sgp.input", role: rolePayload, side: sideInput},
		{name: "sgp.output", role: rolePayload, side: sideOutput},
		{name: "sgp.expected", role: roleExpected},
		{name: "sgp.application_variant_id", role: roleVariant},
		{name: "sgp.application_interaction_id", role: roleInteraction},
		{name: "sgp.usage", role: roleUsageRule},
	},
}
