package collector_test

import (
	"fmt"

	"github.com/otelsgp/otelsgp/sgpexporter/collector"
)

// A Collector that is put together by hand, without the builder, gets the factory, and its
// configuration from its own file.
func ExampleNewFactory() {
	factory := collector.NewFactory()
	cfg := factory.CreateDefaultConfig().(*collector.Config)
	fmt.Println(factory.Type(), factory.TracesStability())
	fmt.Println(cfg.Endpoint, cfg.Timeout)
	fmt.Println(cfg.Validate())
	// Output:
	// sgp Development
	// https://api.egp.scale.com 10s
	// api_key: must be set
}
