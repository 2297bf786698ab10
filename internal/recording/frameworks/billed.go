package frameworks

import "github.com/otelsgp/otelsgp/sgpexporter/sgptest"

// Billed is what SGP bills for all traces that a server has, to be compared with
// [Framework].Used.
func Billed(srv *sgptest.Server) Tokens {
	var all Tokens
	traces := map[string]bool{}
	for _, s := range srv.Spans() {
		if traces[s.TraceID] {
			continue
		}
		traces[s.TraceID] = true
		u := srv.BilledUsage(s.TraceID)
		all.Input += u.InputTokens
		all.Output += u.OutputTokens
		all.Cached += u.CachedInputTokens
	}
	return all
}
