package mapping

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// maxFlatDepth bounds how many parts of a flattened key become levels; the rest
// of a longer key is one part.
const maxFlatDepth = 16

// flatAttr is an attribute that is a part of a flattened list.
type flatAttr struct {
	list int // index into listTable
	at   place
	kv   *attribute.KeyValue
}

// path returns the key without the list's prefix: "0.message.role".
func (a flatAttr) path() string { return string(a.kv.Key[len(listTable[a.list].prefix):]) }

// value returns the value, which may become an element of an array and so has to
// say itself where it is from.
func (a flatAttr) value() sgpspan.Value {
	if a.isSchema() {
		if v, ok := sgpspan.JSONValue(a.kv.Value.AsString()); ok {
			return v.WithSource(string(a.kv.Key))
		}
	}
	return sgpspan.AttributeValue(a.kv.Value).WithSource(string(a.kv.Key))
}

// isSchema reports whether the value is JSON in text that describes a tool.
func (a flatAttr) isSchema() bool {
	if field := listTable[a.list].field; field != "tools" && field != "tool_definitions" {
		return false
	}
	return a.kv.Value.Type() == attribute.STRING && looksLikeJSON(a.kv.Value.AsString())
}

// flatLists adds the flattened lists of one side to o.
func (sc *scratch) flatLists(o sgpspan.Object, side side) sgpspan.Object {
	if len(sc.flat) == 0 {
		return o
	}
	if !slices.IsSortedFunc(sc.flat, compareFlat) {
		slices.SortStableFunc(sc.flat, compareFlat)
	}
	for start := 0; start < len(sc.flat); {
		end := start + 1
		for end < len(sc.flat) && sc.flat[end].list == sc.flat[start].list {
			end++
		}
		list, attrs := &listTable[sc.flat[start].list], sc.flat[start:end]
		start = end
		there := o.Get(list.field) != nil
		if list.side != side || there && !list.again {
			continue
		}
		for _, a := range attrs {
			sc.take(a.at)
		}
		source := strings.TrimSuffix(list.prefix, ".")
		if there {
			sc.noteRepeated(source+".*", side, list.field)
			continue
		}
		sc.noteGap(attrs)
		v := sc.unflatten(attrs, 0, 1)
		if list.field == messagesKey {
			sc.openContents(&v)
		}
		o = append(sc.grow(o), sgpspan.Field{Key: list.field, Source: source, Value: v})
	}
	return o
}

// noteGap notes the first element that is missing among attrs, which are sorted: its
// instrumentation had nothing to say of it, or a limit has cut it.
func (sc *scratch) noteGap(attrs []flatAttr) {
	last := -1
	for i := range attrs {
		n, err := strconv.Atoi(part(attrs[i].path(), 0, 1))
		if err != nil || n == last {
			continue
		}
		if last++; n != last {
			sc.note(listTable[attrs[i].list].prefix + strconv.Itoa(last) + ": missing, those after it have moved up")
			return
		}
	}
}

// unflatten returns the value that attrs spell, which are sorted and share the
// first off bytes of their paths.
func (sc *scratch) unflatten(attrs []flatAttr, off, depth int) sgpspan.Value {
	// Numbers sort first: when the last is one, all are.
	if isIndex(part(attrs[len(attrs)-1].path(), off, depth)) {
		a := sc.newArray(len(attrs))
		for len(attrs) > 0 {
			n := sharing(attrs, off, depth)
			a = append(a, sc.unflattenPart(attrs[:n], off, depth))
			attrs = attrs[n:]
		}
		return sc.array(a)
	}
	o := sc.newObject(len(attrs))
	for len(attrs) > 0 {
		n := sharing(attrs, off, depth)
		f := sgpspan.Field{Key: part(attrs[0].path(), off, depth), Value: sc.unflattenPart(attrs[:n], off, depth)}
		if n == 1 {
			f.Source = string(attrs[0].kv.Key)
		}
		o = append(o, f)
		attrs = attrs[n:]
	}
	return sc.object(o)
}

// unflattenPart returns the value of attrs, which share the part at off too.
func (sc *scratch) unflattenPart(attrs []flatAttr, off, depth int) sgpspan.Value {
	first := part(attrs[0].path(), off, depth)
	next := off + len(first) + 1
	if next > len(attrs[0].path()) {
		// Of a key that is there as a value and as a prefix too, the value
		// sorts first; the longer ones say more.
		if len(attrs) == 1 || next > len(attrs[len(attrs)-1].path()) {
			return attrs[len(attrs)-1].value()
		}
		longer := sc.unflattenPart(attrs[1:], off, depth)
		attrs[0].join(&longer)
		return longer
	}
	// After an index comes the name of what the list is of, which says nothing
	// new: llm.input_messages.0.message.role.
	name := part(attrs[0].path(), next, depth)
	if (isIndex(first) || name == first) && isItemName(name) &&
		name == part(attrs[len(attrs)-1].path(), next, depth) &&
		next+len(name) < len(attrs[0].path()) {
		next += len(name) + 1
	}
	return sc.unflatten(attrs, next, depth+1)
}

// join adds a to longer, which has the same key and more.
func (a flatAttr) join(longer *sgpspan.Value) {
	if list := longer.Array(); list != nil {
		*list = append(*list, a.value())
		return
	}
	o, key := longer.Object(), valueKey
	if o.Get(key) != nil {
		key = string(a.kv.Key)
	}
	*o = append(*o, sgpspan.Field{Key: key, Source: string(a.kv.Key), Value: a.value()})
}

func isItemName(part string) bool {
	switch part {
	case "message", "message_content", "tool_call", "document", "embedding",
		"prompt", "completion", "tool", "image", "audio", "video":
		return true
	}
	return false
}

// sharing returns how many of attrs, from the first on, have the same part at
// off.
func sharing(attrs []flatAttr, off, depth int) int {
	first := part(attrs[0].path(), off, depth)
	n := 1
	for n < len(attrs) && part(attrs[n].path(), off, depth) == first {
		n++
	}
	return n
}

// part returns the part of path that begins at off.
func part(path string, off, depth int) string {
	if off >= len(path) {
		return ""
	}
	if end := strings.IndexByte(path[off:], '.'); end >= 0 && depth < maxFlatDepth {
		return path[off : off+end]
	}
	return path[off:]
}

func isIndex(part string) bool {
	for i := range len(part) {
		if part[i] < '0' || part[i] > '9' {
			return false
		}
	}
	return part != ""
}

// compareFlat orders by list and then by path, part by part, numbers by their
// value and before all else.
func compareFlat(a, b flatAttr) int {
	if a.list != b.list {
		return cmp.Compare(a.list, b.list)
	}
	p, q := a.path(), b.path()
	for {
		pPart, pRest, pMore := strings.Cut(p, ".")
		qPart, qRest, qMore := strings.Cut(q, ".")
		if c := compareParts(pPart, qPart); c != 0 {
			return c
		}
		switch {
		case !pMore && !qMore:
			return 0
		case !pMore:
			return -1
		case !qMore:
			return 1
		}
		p, q = pRest, qRest
	}
}

func compareParts(p, q string) int {
	if pIndex, qIndex := isIndex(p), isIndex(q); pIndex != qIndex {
		if pIndex {
			return -1
		}
		return 1
	} else if pIndex {
		shortP, shortQ := strings.TrimLeft(p, "0"), strings.TrimLeft(q, "0")
		if c := cmp.Or(cmp.Compare(len(shortP), len(shortQ)), strings.Compare(shortP, shortQ)); c != 0 {
			return c
		}
	}
	return strings.Compare(p, q)
}
