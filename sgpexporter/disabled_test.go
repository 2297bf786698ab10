package sgpexporter_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// Being switched off is reported if it was hardly meant.
func TestDisabledByFalse(t *testing.T) {
	for _, value := range []string{"1", "true", "yes"} {
		errs := sgpexporter.Handled(t)
		t.Setenv("DISABLE_SCALE_TRACING", value)
		exp, err := sgpexporter.New()
		require.NoError(t, err)
		assert.True(t, exp.Disabled())
		assert.Empty(t, errs.All(), value)
	}
	for _, value := range []string{"0", "false", "False", "NO", "off"} {
		errs := sgpexporter.Handled(t)
		t.Setenv("DISABLE_SCALE_TRACING", value)
		exp, err := sgpexporter.New()
		require.NoError(t, err)
		assert.True(t, exp.Disabled())
		require.Len(t, errs.All(), 1, value)
		assert.EqualError(t, errs.All()[0], `sgpexporter: nothing is exported: DISABLE_SCALE_TRACING="`+value+
			`" disables, as any value does, also in the Python SDK; unset it to export`)
	}
}

func TestDisabled(t *testing.T) {
	t.Setenv("SGP_API_KEY", "")
	t.Setenv("DISABLE_SCALE_TRACING", "1")
	exp, err := sgpexporter.New()
	require.NoError(t, err)
	var none *sgpexporter.Exporter
	for _, exp := range []*sgpexporter.Exporter{exp, none} {
		assert.True(t, exp.Disabled())
		require.NoError(t, exp.ExportSnapshots(t.Context(), nil))
		err := exp.ExportSnapshots(t.Context(), ends(2))
		require.ErrorIs(t, err, sgpexporter.ErrDisabled)
		assert.Equal(t, []int{0, 1}, lost(t, err).Undelivered)
		assert.Equal(t, sgpexporter.ReasonDisabled, lost(t, err).Reason)
		require.NoError(t, exp.Shutdown(t.Context()))
		require.NoError(t, exp.Shutdown(t.Context()))
		assert.Contains(t, exp.String(), "Disabled:true")
		assert.NotPanics(t, func() { exp.MarshalLog() })

		proc := asyncprocessor.New(exp)
		proc.OnEnd(span(1))
		require.NoError(t, proc.Shutdown(t.Context()))
		assert.Zero(t, proc.Stats().Offered)
	}
}
