package main

import (
	"math/rand/v2"
	"slices"
)

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// medianOf returns the median over rounds of what of says of one.
func medianOf[T any](of func(T) float64) func([]T) float64 {
	return func(rounds []T) float64 {
		values := make([]float64, len(rounds))
		for i, x := range rounds {
			values[i] = of(x)
		}
		return median(values)
	}
}

// interval is an estimate with its 95 % bootstrap bounds.
type interval struct{ estimate, low, high float64 }

// bootstrap returns the statistic of the rounds and its 95 % percentile bounds
// over resampled rounds.
func bootstrap[T any](rounds []T, statistic func([]T) float64) interval {
	const resamples = 2000
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, resamples)
	sample := make([]T, len(rounds))
	for i := range values {
		for j := range sample {
			sample[j] = rounds[rng.IntN(len(rounds))]
		}
		values[i] = statistic(sample)
	}
	return interval{statistic(rounds), quantile(values, 0.025), quantile(values, 0.975)}
}
