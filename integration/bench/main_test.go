package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	for only, want := range map[string][]string{
		"":                {"memory", "hotpath", "wholeway", "slowserver", "tail", "growth", "fairness", "quiet", "encoder", "spool"},
		"tail":            {"tail"},
		"tail, hotpath":   {"hotpath", "tail"},
		"hotpath,hotpath": {"hotpath"},
	} {
		chosen, err := choose(only)
		require.NoError(t, err)
		var got []string
		for _, b := range chosen {
			got = append(got, b.name)
		}
		assert.Equal(t, want, got)
	}
	for only, name := range map[string]string{"hotpaths": "hotpaths", "hotpath,": "", "tail,all": "all"} {
		_, err := choose(only)
		assert.EqualError(t, err, `-only: there is no benchmark "`+name+`"; there are memory, hotpath, wholeway, slowserver, tail, growth, fairness, quiet, encoder, spool`)
	}
}
