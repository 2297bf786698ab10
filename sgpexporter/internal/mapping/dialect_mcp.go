package mapping

// mcpDialect is the Model Context Protocol, by the semantic conventions and by
// github.com/mark3labs/mcp-go.
var mcpDialect = dialect{
	name: "MCP",
	keys: []key{
		{name: "mcp.tool.name", role: roleMark, typ: "CUSTOM"},
		{name: "mcp.method", role: roleJSONRPC, typ: "CUSTOM"},
		{name: "mcp.method.name", role: roleJSONRPC, typ: "CUSTOM"},
	},
}
