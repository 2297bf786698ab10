//go:build grafana

package grafana

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func document(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "grafana", name))
	require.NoError(t, err)
	return content
}

// variables are what Grafana puts in place of the dashboard's.
var variables = strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance", ".*")

// queries returns the PromQL of the dashboard and of the alerts, by where it
// stands.
func queries(t *testing.T) map[string]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(document(t, "dashboard.json"), &dashboard))
	found := map[string]string{}
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			found["panel "+panel.Title+", "+target.RefID] = variables.Replace(target.Expr)
		}
	}
	require.Len(t, found, 24)

	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal(document(t, "alerts.yaml"), &alerts))
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			found["alert "+rule.Alert] = rule.Expr
		}
	}
	require.Len(t, found, 27, "three alerts")
	return found
}

// use is a metric in a query, with the labels that the query asks it for.
type use struct {
	metric string
	labels []string
}

// uses returns the metrics of a query.
func uses(t require.TestingT, query string) []use {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	require.NoError(t, err, query)
	var found []use
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		u := use{metric: selector.Name}
		for _, matcher := range selector.LabelMatchers {
			u.labels = append(u.labels, matcher.Name)
		}
		for _, above := range path {
			if aggregate, ok := above.(*parser.AggregateExpr); ok {
				u.labels = append(u.labels, aggregate.Grouping...)
			}
		}
		found = append(found, u)
		return nil
	})
	require.NotEmpty(t, found, query)
	return found
}
