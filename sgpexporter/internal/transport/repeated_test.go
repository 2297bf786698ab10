package transport

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sentItem = `{"id":"00000000000000a1","name":"ask","start_timestamp":"2026-03-01T12:00:00Z",` +
	`"end_timestamp":"2026-03-01T11:00:00Z","input":{"value":"The \"launch\" code is\nzebra-1234.","unit":"秘密の発射コードは縞馬"},` +
	`"output":{"café_price":4111111111111111,"short":"hunter2"}},{"id":"00000000000000a2","input":{"value":"another secret"}}`

// What a server quotes of the payload is left out of its reason, however it quotes it,
// and nothing else is.
func TestReasonDoesNotRepeatThePayload(t *testing.T) {
	for reason, want := range map[string]string{
		"":                                       "",
		"end before start":                       "end before start",
		"end_timestamp precedes start_timestamp": "end_timestamp precedes start_timestamp",
		"the id is in use: span 00000000000000a1, twice":              "the id is in use: span …, twice",
		`bad value 'The "launch" code is zebra-1234.' of input`:       "bad value '….' of input",
		`bad value "The \"launch\" code is\nzebra-1234."`:             `bad value "…."`,
		`bad value "The \u0022launch\u0022 code is\u000azebra-1234."`: `bad value "…."`,
		"bad values launch code is zebra!, another secret":            "bad values …!, …",
		"The launch":                     "The launch",
		"4111-1111-1111-1111 is no card": "… is no card",
		"入力「秘密の発射コードは縞馬」は無効":              "入力「…」は無効",
		`\u79d8\u5bc6\u306e\u767a\u5c04`:  "…",
		"hunter2 ask: unknown café_price": "hunter2 ask: unknown café_price",
	} {
		assert.Equal(t, want, withoutPayload(reason, []byte(sentItem)), "%q", reason)
		assert.Equal(t, reason, withoutPayload(reason, nil))
	}
}

func TestNoAnswerRepeatsThePayload(t *testing.T) {
	const secret = "the launch code is zebra"
	for _, code := range []int{400, 401, 404, 409, 413, 422, 429, 503} {
		for contentType, body := range map[string]string{
			"text/plain":       "cannot take: " + secret,
			"application/json": `{"detail":"cannot take: ` + secret + `"}`,
		} {
			s := &server{answer: func(int, string) *http.Response { return replyWith(code, body, "Content-Type", contentType) }}
			c, rec := newTestClient(t, s, noRetry)
			err := errOf(c.Send(t.Context(), batchOf(secret), 1, rec))
			if err == nil {
				err = rec.rejected[0]
			}
			var status *StatusError
			require.ErrorAs(t, err, &status, "%d", code)
			assert.Equal(t, "cannot take: …", status.Reason, "%d %s", code, contentType)
		}
	}
}
