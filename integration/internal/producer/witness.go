package producer

import (
	"encoding/json"
	"net/http"
)

// witness is a RoundTripper that reports how each request of the exporter went.
type witness struct {
	base http.RoundTripper
	out  *reporter
}

// RoundTrip implements http.RoundTripper. The report comes before the exporter
// sees the answer.
func (w *witness) RoundTrip(request *http.Request) (*http.Response, error) {
	writes, err := writesOf(request)
	if err != nil {
		return nil, err
	}
	response, err := w.base.RoundTrip(request)
	switch {
	case err != nil:
		w.out.report(Event{Kind: Failed, Error: err.Error()})
	case response.StatusCode != http.StatusOK:
		w.out.report(Event{Kind: Failed, Error: response.Status})
	default:
		w.out.report(Event{Kind: Answered, Writes: writes})
	}
	return response, err
}

func writesOf(request *http.Request) ([]Write, error) {
	body, err := request.GetBody()
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	var batch struct {
		Items []struct {
			TraceID string  `json:"trace_id"`
			ID      string  `json:"id"`
			End     *string `json:"end_timestamp"`
		} `json:"items"`
	}
	if err := json.NewDecoder(body).Decode(&batch); err != nil {
		return nil, err
	}
	writes := make([]Write, len(batch.Items))
	for i, item := range batch.Items {
		writes[i] = Write{TraceID: item.TraceID, ID: item.ID, Completed: item.End != nil}
	}
	return writes, nil
}
