//go:build !race

package asyncprocessor_test

const raceEnabled = false
