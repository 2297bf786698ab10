// Package docs holds the documentation of the Go standard library: it reads
// doc comments and package examples from GOROOT's sources with go/doc, keeps
// them in an SQLite full-text index, and finds passages and symbols in it.
package docs
