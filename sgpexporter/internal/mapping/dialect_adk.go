package mapping

// adkDialect is what Google's Agent Development Kit says beside the GenAI
// conventions: google.golang.org/adk. What its models were asked and answered is in
// log records alone.
var adkDialect = dialect{
	name: "ADK",
	keys: []key{
		{name: "gcp.vertex.agent.tool_call_args", role: rolePayload, side: sideInput, field: "arguments", form: formPlaceholder},
		{name: "gcp.vertex.agent.tool_response", role: rolePayload, side: sideOutput, field: "result", form: formPlaceholder},
		{name: "gcp.vertex.agent.llm_request", role: rolePayload, side: sideInput, form: formPlaceholder, repeats: "messages"},
		{name: "gcp.vertex.agent.llm_response", role: rolePayload, side: sideOutput, form: formPlaceholder, repeats: "messages"},
		{name: "gcp.vertex.agent.data", role: rolePayload, side: sideInput, field: "data", form: formPlaceholder},
		{name: "gcp.vertex.agent.session_id", role: roleGroup},
	},
}

// isPlaceholder reports whether text stands where ADK has nothing to say, or was told
// not to say it.
func isPlaceholder(text string) bool {
	switch text {
	case "N/A", "<not specified>", "<elided>":
		return true
	}
	return false
}
