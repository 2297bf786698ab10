// Package handover has a test of a trace that goes on in a second process.
package handover
