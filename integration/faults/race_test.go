//go:build race

package main

// So many scenarios run at once, with so many spans a second: under the race detector they compute more than they wait.
const (
	together = 2
	rate     = 100
)
