// Package mapping turns a snapshot of a span into an item of an SGP request.
package mapping
