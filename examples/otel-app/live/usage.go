package live

import (
	"bytes"
	"encoding/json"
)

// usage is what one model call consumed.
type usage struct {
	Input  float64 `json:"input,omitempty"`  // tokens
	Output float64 `json:"output,omitempty"` // tokens
	Total  float64 `json:"total,omitempty"`  // tokens; Input + Output unless the span says otherwise
	Cost   float64 `json:"cost,omitempty"`   // US dollars
}

func (u *usage) add(v usage) {
	u.Input += v.Input
	u.Output += v.Output
	u.Total += v.Total
	u.Cost += v.Cost
}

func (u *usage) sub(v usage) {
	u.add(usage{-v.Input, -v.Output, -v.Total, -v.Cost})
}

// usageOf reads output.usage. Only a single model call has it; a roll-up keeps
// its total in metadata.reported_usage, which is never added up, since its parts
// have been already.
func usageOf(output json.RawMessage) usage {
	if !bytes.Contains(output, []byte(`"usage"`)) {
		return usage{}
	}
	var o struct {
		Usage map[string]any `json:"usage"`
	}
	if json.Unmarshal(output, &o) != nil {
		return usage{}
	}
	first := func(keys ...string) float64 {
		for _, key := range keys {
			if n, ok := o.Usage[key].(float64); ok && n >= 0 {
				return n
			}
		}
		return 0
	}
	u := usage{
		Input:  first("input_tokens", "prompt_tokens"),
		Output: first("output_tokens", "completion_tokens"),
		Total:  first("total_tokens"),
		Cost:   first("cost_usd"),
	}
	if u.Total == 0 {
		u.Total = u.Input + u.Output
	}
	return u
}
