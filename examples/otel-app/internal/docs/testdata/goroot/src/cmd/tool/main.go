package main

// Tool is not documentation of a library.
func Tool() {}
