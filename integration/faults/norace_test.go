//go:build !race

package main

// So many scenarios run at once, with so many spans a second: they mostly wait.
const (
	together = 6
	rate     = 400
)
