package mapping

// role is what an attribute means to the mapping.
type role uint8

const (
	roleNone role = iota

	roleType        // the type, as SGP names it
	roleOperation   // what was done: a word of types.go; any other is passed over
	roleKind        // likewise; a word that types.go does not have is a step all the same
	roleKindObject  // a JSON object whose "type" is such a word
	roleWorkflow    // of a workflow, what runs: all of it, or which kind of step
	roleGroup       // the conversation or the session
	roleWeakGroup   // what groups spans where no conversation is known
	roleVariant     // application_variant_id
	roleInteraction // application_interaction_id
	roleExpected    // expected

	roleErrorType
	roleErrorMessage
	roleHTTPStatus
	roleGRPCStatus
	roleRPCStatus
	roleRPCSystem
	roleExceptionType
	roleExceptionText
	roleExceptionStack
	roleJSONRPC // the protocol is JSON-RPC

	// Usage: the counts, from firstCount to lastCount, in the order of usageKeys.
	roleInputTokens
	roleOutputTokens
	roleCachedTokens
	roleReasoningTokens
	roleTotalTokens
	roleCost
	roleUsageObject // a JSON object of counts
	roleUsageRule   // where they go: turn, call or none

	roleInputMIME
	roleOutputMIME

	// Of the roles above, one attribute each counts: that of the first key in the
	// dialects. Of those from here on, every one does.
	numSingle

	rolePayload    = iota // becomes a part of the input or the output
	roleContent           // what a model was asked or has answered, without a place of its own
	roleParameters        // of a model's call: content where a system instruction is among them
	roleMark              // says no more than that the span is its dialect's
)

const (
	firstCount = roleInputTokens
	lastCount  = roleCost
)

// roles is a set of roles, a bit for each.
type roles uint64

func (r roles) hasAny(of roles) bool { return r&of != 0 }

const (
	groupRoles roles = 1<<roleGroup | 1<<roleWeakGroup
	countRoles roles = 1<<(lastCount+1) - 1<<firstCount
	// usageRoles are those of attributes that may tell of usage.
	usageRoles = countRoles | 1<<roleUsageObject | 1<<rolePayload
)

// side is where a payload goes.
type side uint8

const (
	sideInput side = iota
	sideOutput
	sideOfMemory // the output of a search, the input of all else
)

// form is how the value of a payload reads.
type form uint8

const (
	// formText is any text; one that reads as a JSON object or array becomes that.
	formText form = iota
	// formJSON is text in JSON; other text is a fault, and noted.
	formJSON
	// formTyped is what the span's MIME type says.
	formTyped
	// formMessages is like formText; a list of messages goes under "messages", and the
	// fields of an object with such a list take the place of the payload.
	formMessages
	// formEncoded is like formMessages, of text that always is JSON: text in it is
	// quoted, and null says nothing.
	formEncoded
	// formPlaceholder is like formText, but for words that say that there is nothing.
	formPlaceholder
)
