package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

// relationsOf observes spans, and returns what they say of others.
func relationsOf(spans ...stubType) (all []Relation) {
	w := New(Config{}).Writer()
	defer w.Close()
	for _, s := range spans {
		inputs := []Input{*end(s)}
		w.Observe(inputs)
		if r, ok := inputs[0].Relation(); ok {
			all = append(all, r)
		}
	}
	return all
}

// An agent, 1, around a wrapper, 2, around a call, 3: another process that knows only what
// they said of each other decides as the first one would have.
func TestRecallIsAsGoodAsHavingSeenTheSpans(t *testing.T) {
	relations := relationsOf(spanOf(3, 2, 10, attribute.String("session.id", "s")), spanOf(2, 1, 0))
	m := New(Config{})
	m.Recall(relations)
	agent := spanOf(1, 0, 10)
	assert.Equal(t, "s", groupOf(t, m, end(agent)))
	billed, reported := billedOf(t, m, agent)
	assert.Nil(t, billed)
	requireJSON(t, "10", reported)

	m = New(Config{})
	m.Recall(relations[1:]) // without the call
	billed, _ = billedOf(t, m, agent)
	requireJSON(t, "10", billed)
}

func TestAWeakConversationIsRecalledAsOne(t *testing.T) {
	m := New(Config{})
	m.Recall(relationsOf(spanOf(2, 0, 0, attribute.String("temporalWorkflowID", "wf"))))
	assert.Equal(t, "wf", groupOf(t, m, end(spanOf(1, 0, 0))))
	m.Recall(relationsOf(spanOf(3, 0, 0, attribute.String("session.id", "s"))))
	assert.Equal(t, "s", groupOf(t, m, end(spanOf(1, 0, 0))))
}

func TestARootAloneSaysNothingOfOthers(t *testing.T) {
	assert.Empty(t, relationsOf(spanOf(1, 0, 10)))
	assert.Len(t, relationsOf(spanOf(1, 2, 0)), 1)
}
