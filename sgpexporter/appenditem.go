package sgpexporter

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// appendItem maps a snapshot, appends its JSON to dst, and returns what names it.
func appendItem(w mapping.Writer, dst []byte, s asyncprocessor.Snapshot) ([]byte, transport.Item, error) {
	if s.Phase < asyncprocessor.PhaseStart || s.Phase > asyncprocessor.PhaseUnfinished {
		return dst, transport.Item{}, fmt.Errorf("%w: %v", ErrUnknownPhase, s.Phase)
	}
	buf, err := w.Append(dst, s)
	if err != nil {
		return dst, transport.Item{}, err
	}
	text := buf[len(dst):]
	var named struct {
		TraceID  string `json:"trace_id"`
		ID       string `json:"id"`
		ParentID string `json:"parent_id"`
		Name     string `json:"name"`
	}
	_ = json.Unmarshal(text, &named) // it is the encoder's
	item := transport.Item{
		TraceID: named.TraceID, ID: named.ID, Name: named.Name,
		RemoteParent: s.Span.Parent().IsRemote(),
	}
	if member := []byte(`,"parent_id":"` + named.ParentID + `"`); named.ParentID != "" {
		if from := bytes.Index(text, member); from >= 0 {
			item.ParentFrom, item.ParentTo = from, from+len(member)
		}
	}
	return buf, item, nil
}
