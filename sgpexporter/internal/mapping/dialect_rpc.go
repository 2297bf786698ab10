package mapping

// rpcDialect is what the general semantic conventions say of errors.
var rpcDialect = dialect{
	name: "OpenTelemetry",
	keys: []key{
		{name: "error.type", role: roleErrorType},
		{name: "error.message", role: roleErrorMessage},
		{name: "http.response.status_code", role: roleHTTPStatus},
		{name: "http.status_code", role: roleHTTPStatus},
		{name: "rpc.grpc.status_code", role: roleGRPCStatus},
		{name: "rpc.response.status_code", role: roleRPCStatus},
		{name: "rpc.system.name", role: roleRPCSystem},
		{name: "rpc.system", role: roleRPCSystem},
		{name: "exception.type", role: roleExceptionType},
		{name: "exception.message", role: roleExceptionText},
		{name: "exception.stacktrace", role: roleExceptionStack},
	},
}
