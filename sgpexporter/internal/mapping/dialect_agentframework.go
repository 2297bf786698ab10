package mapping

// agentFrameworkDialect is the workflows of Microsoft's Agent Framework:
// github.com/microsoft/agent-framework-go. Its agents speak the GenAI conventions.
var agentFrameworkDialect = dialect{
	name: "Agent Framework",
	keys: []key{
		{name: "executor.id", role: roleMark, typ: "CUSTOM"},
		{name: "edge_group.type", role: roleMark, typ: "CUSTOM"},
		{name: "message.source_id", role: roleMark, typ: "CUSTOM"},
		{name: "workflow.definition", role: roleMark, typ: "CUSTOM"}, // it is built, and does not run
		{name: "workflow.id", role: roleMark, typ: "AGENT_WORKFLOW"},
		{name: "executor.input", role: rolePayload, side: sideInput, form: formMessages},
		{name: "executor.output", role: rolePayload, side: sideOutput, form: formMessages},
		{name: "message.content", role: rolePayload, side: sideInput, form: formMessages},
	},
}
