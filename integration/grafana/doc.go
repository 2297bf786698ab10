//go:build grafana

// Package grafana tests the dashboard and the alert rules of docs/grafana: each
// query against the metrics that the example really serves, each alert against
// series that should and should not raise it.
package grafana
