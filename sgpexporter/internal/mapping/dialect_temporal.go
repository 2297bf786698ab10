package mapping

// temporalDialect is Temporal's SDK: go.temporal.io/sdk/contrib/opentelemetry. What a
// span is stands in its name.
var temporalDialect = dialect{
	name: "Temporal",
	keys: []key{
		{name: "temporalWorkflowID", role: roleWeakGroup, typ: "CUSTOM"},
	},
}

// temporalTurn is what the name of a span begins with that runs a workflow.
const temporalTurn = "RunWorkflow:"
