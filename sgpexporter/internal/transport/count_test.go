package transport

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// countingServer counts requests, and refuses those with a text in them.
type countingServer struct {
	status   int
	requests atomic.Int64
}

const atFault = "at fault"

func (s *countingServer) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	s.requests.Add(1)
	answer := reply(200)
	if bytes.Contains(body, []byte(atFault)) {
		answer = replyWith(s.status, `{"detail":"no"}`, "Content-Type", "application/json")
	}
	answer.Request = req
	return answer, nil
}

// A culprit that the server does not name, in a batch of the default size, costs 10
// requests at most. Beside them there are the batch itself, its two parts, and what was
// altered, together; and one for each part of which more than two are at fault, since that is
// cut again.
func TestPropertyTenRequests(t *testing.T) {
	const size = 512
	rapid.Check(t, func(rt *rapid.T) {
		spansOfTrace := rapid.SampledFrom([]int{1, 2, 4, 8, size}).Draw(rt, "spans of a trace")
		name, input := "n", "i"
		s := &countingServer{status: 422}
		switch rapid.SampledFrom([]string{"payload", "always", "bytes"}).Draw(rt, "fault") {
		case "payload": // taken without its input
			input = atFault
		case "always":
			name = atFault
		case "bytes":
			name, s.status = atFault, 400
		}
		culprits := rapid.SliceOfNDistinct(rapid.IntRange(0, size-1), 1, 60, rapid.ID).Draw(rt, "culprits")
		bad := make(map[int]bool)
		for _, i := range culprits {
			bad[i] = true
		}
		batch := new(Batch)
		for i := range size {
			trace, id := fmt.Sprint("t", i/spansOfTrace), fmt.Sprint("s", i)
			itsName, itsInput := "n", "i"
			if bad[i] {
				itsName, itsInput = name, input
			}
			batch.Commit(fmt.Appendf(batch.Buffer(), `{"trace_id":%q,"id":%q,"name":%q,"input":{"prompt":%q}}`, trace, id, itsName, itsInput),
				Item{TraceID: trace, ID: id})
		}
		c, rec := newTestClient(t, s)
		if failed := c.Send(t.Context(), batch, size, rec).Failed; len(failed) > 0 {
			rt.Fatal(failed)
		}
		most := 4 + 10*len(culprits)
		if len(culprits) > 2 {
			most += 2
		}
		if n := int(s.requests.Load()); n > most {
			rt.Fatalf("%d requests, more than %d, for %d culprits", n, most, len(culprits))
		}
	})
}
