package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// dialect is what one instrumentation says of a span in keys of its own. A span may
// speak several: each key is known by itself.
type dialect struct {
	name  string
	keys  []key
	lists []list
}

// key is an attribute of a dialect and what it means.
type key struct {
	name string
	role role
	// typ is the type of a span that has the key, when nothing says more.
	typ sgpspan.Type

	// Of a payload: where it goes, as which field, how it reads. Without a field an
	// object's members become those of the input or output, where it is the first
	// there; anything else goes under "value".
	side  side
	field string
	form  form
	// repeats is the field of the same side that says the same: beside it the payload
	// is left out.
	repeats string
	// equal says that it is left out only where it is the same text: another may have
	// this key too.
	equal bool
}

// list is a list that is flattened into attributes: PREFIX.N.….
type list struct {
	prefix string
	// item is what follows N in every key of the list, "" for anything.
	item string
	// suffix is what the keys end with, "" for anything.
	suffix string
	side   side
	field  string
	// again says that the field says the same where it is there already: the list
	// is left out then.
	again bool
}

// dialects are all that the mapping knows. Where two keys mean the same, that of
// the earlier dialect counts, and within one the earlier key.
var dialects = [...]*dialect{
	&sgpDialect, &genAIDialect, &langsmithDialect, &trpcDialect, &adkDialect, &einoDialect,
	&openInferenceDialect, &openLLMetryDialect, &braintrustDialect, &genkitDialect,
	&agentFrameworkDialect, &mcpDialect, &temporalDialect, &rpcDialect,
}

// keyID is an index into keyTable, plus one; 0 is no key. A negative one is an index
// into listTable, minus one, or metadataKey.
type keyID int16

// metadataKey is the id of every key that begins with metadataPrefix.
const metadataKey keyID = -1 << 15

const metadataPrefix = "sgp.metadata."

var (
	keyTable  []key
	listTable []list
	keySlots  [1024]keyID   // by hash of the name, the next one where it is taken
	listsBy   [256][]uint16 // by the first byte of the prefix
)

func init() {
	for _, d := range dialects {
		for _, k := range d.keys {
			keyTable = append(keyTable, k)
			slot := hashKey(k.name)
			for keySlots[slot] != 0 {
				if keyTable[keySlots[slot]-1].name == k.name {
					panic("mapping: two dialects have the key " + k.name)
				}
				slot = (slot + 1) % uint32(len(keySlots))
			}
			keySlots[slot] = keyID(len(keyTable))
		}
		for _, l := range d.lists {
			first := l.prefix[0]
			listsBy[first] = append(listsBy[first], uint16(len(listTable)))
			listTable = append(listTable, l)
		}
	}
}

// hashKey looks at the length and at a few bytes, mostly near the end, in which keys
// differ most.
func hashKey(name string) uint32 {
	n := len(name)
	if n < 6 {
		return uint32(n)
	}
	h := uint32(n)
	h = h*37 + uint32(name[n-1])
	h = h*37 + uint32(name[n-3])
	h = h*37 + uint32(name[n-6])
	h = h*37 + uint32(name[n/2])
	h = h*37 + uint32(name[0])
	return (h ^ h>>10) % uint32(len(keySlots))
}

// keyOf returns the id of the key named name.
func keyOf(name string) keyID {
	if name == "" {
		return 0
	}
	for slot := hashKey(name); keySlots[slot] != 0; slot = (slot + 1) % uint32(len(keySlots)) {
		if id := keySlots[slot]; keyTable[id-1].name == name {
			return id
		}
	}
	for _, i := range listsBy[name[0]] {
		if listTable[i].has(name) {
			return -keyID(i) - 1
		}
	}
	if len(name) > len(metadataPrefix) && name[:len(metadataPrefix)] == metadataPrefix {
		return metadataKey
	}
	return 0
}

// has reports whether the attribute named name is a part of the list.
func (l *list) has(name string) bool {
	if len(name) <= len(l.prefix) || name[:len(l.prefix)] != l.prefix {
		return false
	}
	rest := name[len(l.prefix):]
	digits := 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		digits++
	}
	if digits == 0 || l.suffix != "" && !strings.HasSuffix(rest, l.suffix) {
		return false
	}
	if l.item == "" {
		return true
	}
	item, ok := strings.CutPrefix(rest[digits:], "."+l.item)
	return ok && (item == "" || item[0] == '.')
}

// content reports whether the attribute with this id and value says what a model was
// asked or has answered, or is a part of it.
func (id keyID) content(v *attribute.Value) bool {
	switch {
	case id == 0 || id == metadataKey:
		return false
	case id < 0:
		return true
	}
	switch keyTable[id-1].role {
	case rolePayload, roleContent, roleExpected:
		return true
	case roleParameters:
		text := v.AsString()
		return v.Type() != attribute.STRING || strings.Contains(text, `"instructions"`) || strings.Contains(text, `"systemInstruction"`)
	}
	return false
}
