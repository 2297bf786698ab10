//go:build race

package sgpspan

const raceDetector = true
