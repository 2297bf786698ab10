// Package collector runs real Collectors with the sgp exporter, built by "make collector"
// from builder.yaml with the Collector's own builder, and processes that send them spans.
//
//	builder.yaml       what is in the Collector
//	gateway.yaml       the configuration of a gateway
//	loadbalancer.yaml  that of what stands before the gateways
//	kafka-in.yaml      the two of them with Kafka between
//	kafka-out.yaml
//	node/              a service in JavaScript, for "make collector-node"
package collector
