# The modules that all targets are about: `./...` stays in one.
# The Collector's, and the frameworks', have targets of their own, for their size.
MODULES       := . examples/otel-app integration
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@latest
OCB           := go.opentelemetry.io/collector/cmd/builder@v0.165.0
FUZZTIME      ?= 30s
CHECKS        ?= 1000
SOAK          ?= 4m
KILLS         ?= 200
TAGS          := browser,grafana

# Their packages, those first that take longest. One "go test" for all of them, four packages at a time, so that
# those that wait run beside those that compute. "make vet" vets them, with all of vet.
PACKAGES := ./examples/otel-app/live ./integration/faults ./integration/spool ./... ./integration/... ./examples/otel-app/...

each = @set -e; for m in $(MODULES); do echo "== $$m: $(1)"; (cd $$m && $(1)); done

.DEFAULT_GOAL := help
.PHONY: help test race page dashboard vet lint bench faults soak cover fuzz run frameworks collector collector-long collector-node kill live-table upstream vuln api browser ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run the tests of all modules, but for what has a target of its own, and the faults, which "make race" tries
	go test -vet=off -p 4 -skip '^(TestFaults|TestSoak)$$' $(PACKAGES)

race: ## the same under the race detector
	go test -vet=off -race $(PACKAGES)

page: ## test the example's page in Chromium; "make browser" installs that
	go test -vet=off -tags browser -run '^(TestBrowser|TestLook)' ./examples/otel-app/live ./integration

dashboard: ## test the queries of docs/grafana with Prometheus's engine, against what the example serves
	go test -vet=off -tags grafana ./integration/grafana

vet: ## go vet in all modules
	$(call each,go vet -tags $(TAGS) ./...)

lint: ## golangci-lint in all modules
	$(call each,go run $(GOLANGCI_LINT) run ./...)
	cd sgpexporter/collector && go run $(GOLANGCI_LINT) run ./...
	cd integration/collector && go run $(GOLANGCI_LINT) run .

bench: ## run all benchmarks next to their peers and print one table (long)
	cd integration && go run -buildvcs=true ./bench

faults: ## try faults of networks and servers, next to the peer and with a spool, and print RELIABILITY.md anew (an hour; FAULTS='-spool -only 503' runs a part)
	cd integration && go run ./faults -out ../RELIABILITY.md $(FAULTS)

soak: ## random faults for SOAK (4 minutes): counts, order, memory; and an outage of ten minutes with a spool
	cd integration && go run ./faults -soak $(SOAK)
	SPOOL_OUTAGE_RATE=2000 go test -count=1 -timeout 30m -v -run TestSpoolOutageOfTenMinutes ./sgpexporter
	cd integration && OUTAGE=10m go test -count=1 -timeout 30m -v -run TestOutage ./spool

cover: ## statement coverage of the library
	go test -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

fuzz: ## fuzz the parsers and encoders (FUZZTIME each), the queue and the spool (CHECKS runs)
	@./.ci/fuzz $(FUZZTIME) $(CHECKS)

run: ## run the example service
	go run ./examples/otel-app

frameworks: ## run agent frameworks themselves; their module is not among the others, for its size
	cd integration/frameworks && go vet ./... && go test -race ./...

live-table: ## what a viewer sees of running spans, in five ways: writes the tables of docs/in-flight.md anew
	go test ./sgpexporter -count=1 -run TestLive -update

kill: ## kill a process KILLS times in each mode of the spool, and look at what is lost (200: some minutes)
	cd integration && KILLS=$(KILLS) go test -count=1 -timeout 30m -v -run TestKill ./spool

upstream: ## the library's tests with the newest OpenTelemetry, if it is not in go.mod already
	@./.ci/upstream

collector: ## build a Collector with the sgp exporter, and run a fleet of them
	cd sgpexporter/collector && go vet ./... && go test -race ./...
	cd integration/collector && GOWORK=off go run $(OCB) --config builder.yaml && go vet . && go test -count=1 .

collector-long: ## the same fleet, while SGP is away for a minute; after "make collector"
	cd integration/collector && FLEET_OUTAGE=1m go test -count=1 -v -run TestAFleet .

collector-node: ## a Node service that ends in that Collector; npm installs OpenTelemetry's packages
	cd integration/collector/node && npm install --no-package-lock --no-audit --no-fund --ignore-scripts
	cd integration/collector && go vet -tags node . && go test -tags node -count=1 -run TestANode .

vuln: ## known vulnerabilities; needs the network
	$(call each,go run $(GOVULNCHECK) ./...)

api: ## the public API against its listing and the last tag; make api UPDATE=1 lists it anew
	./.ci/api $(if $(UPDATE),-update)

browser: ## install Chromium, for "make page" (Debian, as root)
	./.ci/install-browser

ci: ## all that must hold before a release
	./.ci/run
