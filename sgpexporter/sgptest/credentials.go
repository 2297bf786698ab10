package sgptest

import "regexp"

// redacted is what is stored, and echoed, in a credential's place.
const redacted = "[REDACTED:credential]"

// The texts that look like credentials. What a deployment recognises may be more.
var (
	credential = regexp.MustCompile(`(?i:\bbearer\s+)[A-Za-z0-9._~+/-]{8,}=*` + // RFC 6750
		`|\beyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*` + // JWT
		`|\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}` + // API keys of model providers
		`|\bgh[pousr]_[A-Za-z0-9]{36,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}`)
	// passwordInURL has the password as its second part.
	passwordInURL = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)([^\s@/]+)(@)`)
	// credentialKey matches the keys under which everything is a credential.
	credentialKey = regexp.MustCompile(`(?i)^(?:.*[_.-])?(?:password|passwd|secret|api[_-]?key|apikey|access[_-]?token|` +
		`refresh[_-]?token|auth[_-]?token|authorization|credentials?|private[_-]?key|client[_-]?secret)$`)
)

// redactCredentials replaces what looks like a credential in the fields in which SGP
// looks for them, and notes whether it did.
func (s *Span) redactCredentials() {
	s.Name = s.redactText(s.Name)
	for _, payload := range []map[string]any{s.Input, s.Output, s.Metadata, s.Expected} {
		s.redactObject(payload)
	}
}

func (s *Span) redactObject(object map[string]any) {
	for key, value := range object {
		if credentialKey.MatchString(key) {
			object[key] = redacted
			s.Redacted = true
			continue
		}
		object[key] = s.redactValue(value)
	}
}

func (s *Span) redactValue(value any) any {
	switch value := value.(type) {
	case string:
		return s.redactText(value)
	case map[string]any:
		s.redactObject(value)
	case []any:
		for i := range value {
			value[i] = s.redactValue(value[i])
		}
	}
	return value
}

func (s *Span) redactText(text string) string {
	clean := credential.ReplaceAllLiteralString(text, redacted)
	clean = passwordInURL.ReplaceAllString(clean, "${1}"+redacted+"${3}")
	if clean != text {
		s.Redacted = true
	}
	return clean
}
