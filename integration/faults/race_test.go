//go:build race

package main

// together is how many scenarios run at once: under the race detector they compute more than they wait.
const together = 2
