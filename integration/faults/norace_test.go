//go:build !race

package main

// together is how many scenarios run at once: they mostly wait.
const together = 6
