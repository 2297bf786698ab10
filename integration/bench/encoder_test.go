package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEncodersEncodeTheSame(t *testing.T) {
	for _, p := range prompts {
		_, err := sameJSON(encodersOf(newPlainSpan(p.text)))
		assert.NoError(t, err, p.name)
	}
}
