package mapping

import "strings"

// Observe takes note of what spans say of others: of their trace's conversation, and
// of usage that those above them need not be billed for. Of a batch it is called with all
// inputs before the first is mapped: an END may stand before those of the spans below
// it. Append does so with what was not observed yet.
func (w Writer) Observe(inputs []Input) {
	made, uses := w.sc.made[:0], false
	w.sc.made = nil // observe works with w.sc too
	for i := range inputs {
		in := &inputs[i]
		w.observe(in)
		uses = uses || in.uses
		made = w.m.appendIDs(made, in)
		in.idsEnd = len(made)
	}
	w.sc.made = made[:0]
	w.m.lineage.see(inputs, uses)
	ids, from := string(made), 0 // in one piece
	for i := range inputs {
		in := &inputs[i]
		in.ids, from = ids[from:in.idsEnd], in.idsEnd
	}
}

func (w Writer) observe(in *Input) {
	if in.observed || in.Phase == 0 {
		return
	}
	in.observed = true
	defer func() { _ = recover() }() // Append meets it again, and says so
	in.classify()
	if own, ok := in.ownConversation(); ok {
		w.m.conversations.learn(spanKey{in.TraceID, in.SpanID}, own)
	}
	in.uses = in.Phase == PhaseEnd && w.uses(in)
}

// uses reports whether a span has usage that is billed, unless it is for one below.
func (w Writer) uses(in *Input) bool {
	asks := len(in.Records) > 0
	for i := range in.Events {
		asks = asks || strings.HasPrefix(in.Events[i].Name, "gen_ai.")
	}
	used := false
	if in.roles.hasAny(usageRoles) {
		for i, id := range in.keys {
			if id <= 0 {
				continue
			}
			k := &keyTable[id-1]
			asks = asks || k.mayCount()
			used = used || k.isCount() && number(&in.Attributes[i].Value) > 0
		}
	}
	if !asks || used && !in.roles.hasAny(1<<roleUsageRule) {
		return used
	}
	sc := w.sc
	sc.reset()
	sc.collect(in, nil)
	if rule, _ := sc.text(roleUsageRule); rule == usageOfNone {
		return false
	}
	_, by := sc.count()
	if by == byNothing && sc.hasPayload() {
		sc.span.Output = sc.sideOf(sideOutput)
		_, by = sc.count()
	}
	return by != byNothing
}

// mayCount reports whether an attribute with this key may tell of usage.
func (k *key) mayCount() bool {
	return k.isCount() || k.role == roleUsageObject ||
		k.role == rolePayload && k.side == sideOutput && (k.field == "" || k.form == formMessages)
}

func (k *key) isCount() bool { return k.role >= firstCount && k.role <= lastCount }
