package sgpspan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

func TestRedactSecrets(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"key sk-proj-abcdefghijklmnop123 end", "key [REDACTED] end"},
		{"sk-ant-api03-abcdefghijklmnop.", "[REDACTED]."},
		{"sk_live_abcdefghijklmnop", "[REDACTED]"},
		{"AKIAIOSFODNN7EXAMPLE", "[REDACTED]"},
		{"ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[REDACTED]"},
		{"glpat-abcdefghijklmnopqrst", "[REDACTED]"},
		{"xoxb-123456789012-abcdef", "[REDACTED]"},
		{"AIzaSyA-1234567890abcdefghijklmnopqrstuv", "[REDACTED]"},
		{"hf_abcdefghijklmnopqrst", "[REDACTED]"},
		{"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "jwt [REDACTED]"},
		{"a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow/+=\n-----END RSA PRIVATE KEY-----\nb", "a\n[REDACTED]\nb"},
		{"-----BEGIN PRIVATE KEY-----\nMIIEow, cut", "[REDACTED]"},
		{"api_key=abcd1234&x=1", "api_key=[REDACTED]&x=1"},
		{`X-API-Key: "abcd1234"`, `X-API-Key: "[REDACTED]"`},
		{`'db_password': 'hunter2'`, `'db_password': '[REDACTED]'`},
		{`{"clientSecret":"s3cr3t","n":1`, `{"clientSecret":"[REDACTED]","n":1`},
		{`\"access-token\": \"abc\", more`, `\"access-token\": \"[REDACTED]\", more`},
		{"PASSWORD := hunter2\nnext", "PASSWORD := [REDACTED]\nnext"},
		{"AWS_SECRET_ACCESS_KEY_SECRET=x/y+z", "AWS_SECRET_ACCESS_KEY_SECRET=[REDACTED]"},
		{"Authorization: Bearer abc.def-123", "Authorization: Bearer [REDACTED]"},
		{"authorization: basic  dXNlcjpwYXNz==", "authorization: basic  [REDACTED]"},
		{"password=sk-proj-abcdefghijklmnop123 end", "password=[REDACTED] end"},
		{"password:", "password:"},
		{"the bearer of news, max_tokens: 2000, task-force-of-all-nations, risk_assessment_of_things", "the bearer of news, max_tokens: 2000, task-force-of-all-nations, risk_assessment_of_things"},
		{"secretary: Ann, password-less: yes", "secretary: Ann, password-less: yes"},

		// Quotes.
		{`password="correct horse battery staple" next`, `password="[REDACTED]" next`},
		{`{"api_key":"two words", "n":1}`, `{"api_key":"[REDACTED]", "n":1}`},
		{`db_password: 'it costs \'5\' "dollars"', x`, `db_password: '[REDACTED]', x`},
		{`password="a \" b \\" c`, `password="[REDACTED]" c`},
		{`{\"password\": \"a \\\" b \\\\\", \"n\": 1}`, `{\"password\": \"[REDACTED]\", \"n\": 1}`},
		{`\\\"password\\\":\\\"a b\\\" c`, `\\\"password\\\":\\\"[REDACTED]\\\" c`},
		{`"{\"password\":\"a b" c`, `"{\"password\":\"[REDACTED]" c`},
		{`password = """two words""" end`, `password = """[REDACTED]""" end`},
		{`""password"":""two words"";x`, `""password"":""[REDACTED]"";x`},
		{`"password":"","user":"ann"`, `"password":"","user":"ann"`},
		{`"password":";two words"`, `"password":"[REDACTED]"`},
		{"password: `two words`", "password: `[REDACTED]`"},
		{"{'password' => 'two words'}", "{'password' => '[REDACTED]'}"},
		{"password=\"cut in the middle\nnext line", "password=\"[REDACTED]\nnext line"},
		{`password="cut in the middle`, `password="[REDACTED]`},
		{`["your password:","ann's","password="]`, `["your password:","ann's","password="]`},
		{`print("password: " + p)`, `print("password: " + p)`},
		{`password="`, `password="`},

		// More names.
		{"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+x", "AWS_SECRET_ACCESS_KEY=[REDACTED]"},
		{"aws_session_token = abc", "aws_session_token = [REDACTED]"},
		{"access key: abc", "access key: [REDACTED]"},
		{"refresh_token=abc&secretToken=def", "refresh_token=[REDACTED]&secretToken=[REDACTED]"},
		{"the access  key: abc, token: abc", "the access  key: abc, token: abc"},

		// URLs.
		{"see https://user:pass@host/path?x=a:b@c", "see https://user:[REDACTED]@host/path?x=a:b@c"},
		{"mongodb+srv://u:p@ss:word@h1,h2/db", "mongodb+srv://u:[REDACTED]@h1,h2/db"},
		{`dsn="redis://:secret1@host:6379"`, `dsn="redis://:[REDACTED]@host:6379"`},
		{"https://user@host, https://[::1]:80/a:b@c, https://host:443 a:b@c, ://u:p@h", "https://user@host, https://[::1]:80/a:b@c, https://host:443 a:b@c, ://u:p@h"},
	} {
		s := testSpan()
		s.Name = tc.in
		RedactSecrets()(s)
		assert.Equal(t, tc.want, s.Name)
		RedactSecrets()(s)
		assert.Equal(t, tc.want, s.Name, "a second time")
	}
}

func TestEverySecretIsKnownByItsName(t *testing.T) {
	for _, name := range []string{
		"apikey", "api_key", "x-api-key", "accessKey", "ACCESS TOKEN", "auth.token", "refresh_token", "secret_token", "session_token",
		"secret", "secret_key", "db_password", "passwd", "passphrase", "password2",
	} {
		assert.True(t, namesSecret(name), name)
	}
	for _, name := range []string{"", "ey", "key", "token", "secrets", "passwords", "api_key_id", "passphrase hint", "pass, word"} {
		assert.False(t, namesSecret(name), name)
	}
}

// A field's key is a name too, as in text of which the fields were made.
func TestRedactSecretsInFields(t *testing.T) {
	attrs := []attribute.KeyValue{
		attribute.String("db.password", "two words"), attribute.Map("m", attribute.String("clientSecret", "two words"), attribute.String("user", "ann")),
	}
	s := testSpan()
	s.Input = Object{
		{Key: "value", Source: "app.api-key", Value: StringValue("two words")},
		{Key: "raw", Value: mustJSON(t, `[{"api_key":"two words","secret":{"password":12345,"secret":true},"passwd":"","n":1.50}]`)},
		{Key: "text", Value: StringValue(`{"api_key":"two words"}`)},
		{Key: "password", Value: AttributeValue(attribute.ByteSliceValue([]byte("two words")))},
	}
	s.Metadata = Object{{Key: "attributes", Value: AttributesValue(&attrs)}}
	RedactSecrets()(s)
	got := encoded(t, Encoder{}, s)
	assert.Equal(t, map[string]any{
		"value":    "[REDACTED]",
		"raw":      []any{map[string]any{"api_key": "[REDACTED]", "secret": map[string]any{"password": "[REDACTED]", "secret": true}, "passwd": "", "n": decode(t, "1.50")}},
		"text":     `{"api_key":"[REDACTED]"}`,
		"password": "[REDACTED]",
	}, got["input"])
	assert.Equal(t, map[string]any{"attributes": map[string]any{
		"db.password": "[REDACTED]", "m": map[string]any{"clientSecret": "[REDACTED]", "user": "ann"},
	}}, got["metadata"])
}

// Whatever stands under the name of a secret goes, and so do headers with credentials,
// wherever a name can stand beside what it names.
func TestRedactSecretsInListsMapsAndHeaders(t *testing.T) {
	s := testSpan()
	s.Input = Object{
		{Key: "http.request.header.authorization", Value: AttributeValue(attribute.StringSliceValue([]string{"Token hunter2"}))},
		{Key: "http.response.header.set-cookie", Value: StringValue("sid=hunter2")},
		{Key: "api_keys", Value: AttributeValue(attribute.StringSliceValue([]string{"one"}))}, // no name of a secret
		{Key: "api_key", Value: AttributeValue(attribute.SliceValue(attribute.StringValue("hunter2"), attribute.IntValue(42), attribute.BoolValue(true)))},
		{Key: "password", Value: AttributeValue(attribute.Int64SliceValue([]int64{1234}))},
		{Key: "secret", Value: AttributeValue(attribute.MapValue(attribute.String("a", "hunter2"), attribute.Map("b", attribute.ByteSlice("c", []byte("hunter2")))))},
		{Key: "raw", Value: mustJSON(t, `{"Headers":{"Cookie":["a=hunter2",null]},"list":[{"name":"Authorization","value":"hunter2"},{"key":"X-Api-Key","values":["hunter2"]},{"name":"Accept","value":"*/*"}]}`)},
		{Key: "pair", Value: ObjectValue(&Object{{Key: "Name", Value: StringValue("db_password")}, {Key: "Value", Value: StringValue("hunter2")}})},
		{Key: "args", Value: AttributeValue(attribute.StringSliceValue([]string{"curl", "--api-key", "hunter2", "-H", "Accept: x"}))},
		{Key: "rawHeader", Value: mustJSON(t, `["Authorization","hunter2","Accept","*/*","password","email"]`)},
		{Key: "text", Value: StringValue(`{"in":"{\"password\":{\"old\":[\"hunter2\"]}}"}`)},
	}
	RedactSecrets()(s)
	assert.Equal(t, map[string]any{
		"http.request.header.authorization": []any{"[REDACTED]"},
		"http.response.header.set-cookie":   "[REDACTED]",
		"api_keys":                          []any{"one"},
		"api_key":                           []any{"[REDACTED]", "[REDACTED]", true},
		"password":                          []any{"[REDACTED]"},
		"secret":                            map[string]any{"a": "[REDACTED]", "b": map[string]any{"c": "[REDACTED]"}},
		"raw": map[string]any{
			"Headers": map[string]any{"Cookie": []any{"[REDACTED]", nil}},
			"list": []any{
				map[string]any{"name": "Authorization", "value": "[REDACTED]"}, map[string]any{"key": "X-Api-Key", "values": []any{"[REDACTED]"}},
				map[string]any{"name": "Accept", "value": "*/*"},
			},
		},
		"pair":      map[string]any{"Name": "db_password", "Value": "[REDACTED]"},
		"args":      []any{"curl", "--api-key", "[REDACTED]", "-H", "Accept: x"},
		"rawHeader": []any{"Authorization", "[REDACTED]", "Accept", "*/*", "password", "email"},
		"text":      `{"in":"{\"password\":{\"old\":[\"[REDACTED]\"]}}"}`,
	}, encoded(t, Encoder{}, s)["input"])
}
