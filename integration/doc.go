// Package integration tests the library and the example end to end: as
// processes of their own, over real sockets, against an SGP server of package
// sgptest in the test's process.
//
//	example_*_test.go   examples/otel-app, built once, run as a child process
//	producer_*_test.go  the library in internal/producer, which is the test binary
//	                    started again; faults of the server and of the network
//	peers_*_test.go     spans of otelhttp, otelgrpc and otelsql; what SGP gets of them
//	                    is in testdata, and go test -run Otel -update rewrites it
//	browser_test.go     the example's page in Chromium
//
// The browser tests need Chromium and the build tag browser: "make page" runs them. With
// SCREENSHOT_DIR set they leave pictures in that folder.
//
// The commands under bench measure; nothing here does.
package integration
