//go:build !race

package sgpexporter_test

const raceDetector = false
