package transport

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// culprits is what a refusal says of the items at fault.
type culprits struct {
	// indexes are places in the request's "items" that it names.
	indexes []int
	// text is all that it says, in which ids of items may stand.
	text string
}

// place is how a text names an item: items[3], items.3, items/3.
var place = regexp.MustCompile(`\bitems(?:\[|[./])(\d{1,4})\b`)

// readCulprits reads the body of a refusal in JSON, in the shapes that web frameworks
// give it:
//
//	{"detail": [{"loc": ["body", "items", 3, "id"], "msg": "…"}]}
//	{"detail": "items[3].id: …"}
//	{"detail": "span 00f067aa0ba902b7: the parent belongs to another trace"}
func readCulprits(body []byte) *culprits {
	c := new(culprits)
	var text strings.Builder
	var read func(value any, depth int)
	read = func(value any, depth int) {
		const maxDepth = 8
		if depth > maxDepth {
			return
		}
		switch value := value.(type) {
		case string:
			for _, found := range place.FindAllStringSubmatch(value, -1) {
				index, _ := strconv.Atoi(found[1])
				c.add(index)
			}
			text.WriteString(value)
			text.WriteByte('\n')
		case []any:
			for _, element := range value {
				read(element, depth+1)
			}
		case map[string]any:
			c.location(value["loc"])
			for _, name := range messageNames {
				read(value[name], depth+1)
			}
		}
	}
	var whole map[string]any
	if json.Unmarshal(body, &whole) != nil {
		return nil
	}
	read(whole, 0)
	c.text = text.String()
	return c
}

// messageNames are the members of an error in JSON that hold its messages. Others may
// repeat what was sent.
var messageNames = [...]string{"detail", "message", "msg", "error", "errors", "reason", "title"}

// location reads the place that a validator names: ["body", "items", 3, "id"].
func (c *culprits) location(loc any) {
	steps, _ := loc.([]any)
	for i, step := range steps {
		if index, ok := step.(float64); ok && i > 0 && steps[i-1] == "items" {
			c.add(int(index))
		}
	}
}

func (c *culprits) add(index int) {
	if !slices.Contains(c.indexes, index) {
		c.indexes = append(c.indexes, index)
	}
}

// named returns which of the items, of a request that was refused, the answer names by
// their places.
func (e *StatusError) named(items []int) (culprits []int) {
	if e.culprits == nil {
		return nil
	}
	for _, index := range e.culprits.indexes {
		if index >= 0 && index < len(items) {
			culprits = append(culprits, items[index])
		}
	}
	return culprits
}

// mentions says whether the answer's text has the id in it.
func (e *StatusError) mentions(id string) bool {
	const minID = 8 // a shorter one stands in a text by chance
	return e.culprits != nil && len(id) >= minID && strings.Contains(e.culprits.text, id)
}
