// Package mapping turns a span into an item of an SGP request. The overview of package
// sgpexporter says what becomes of what.
//
// [Input] is a span at one moment, read from the SDK by its getters or filled by
// anybody else. A [Writer] maps inputs one after the other:
//
//	w := m.Writer()
//	defer w.Close()
//	w.Observe(batch)                        // what spans say of others
//	json, item, err := w.Append(dst, &batch[0]) // the item, and what names it
//
// # How a span is mapped
//
// A [dialect] is a table: key, role, and for what becomes input or output its place. All
// keys of all dialects are in one index, so each attribute is looked up once (collect.go).
// What roles mean is the same for all of them: the type (types.go), the group
// (conversation.go), input and output (payload.go, flatten.go, messages.go), usage
// (usage.go, lineage.go), status and errors (status.go). The rest is metadata
// (metadata.go, lift.go, evaluation.go). What a dialect does that no table can say is in
// one function named after it.
//
// A new dialect is a file dialect_NAME.go, its place in the list of dialects, words of its
// own in types.go, and a recording that TestFrameworks reads.
package mapping
