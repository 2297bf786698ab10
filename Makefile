# Each module of the workspace is tested by itself: `go test ./...` stays in one.
MODULES       := . sgpexporter/collector examples/otel-app integration
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@latest
OCB           := go.opentelemetry.io/collector/cmd/builder@v0.165.0
FUZZTIME      ?= 30s
CHECKS        ?= 1000

each = @set -e; for m in $(MODULES); do echo "== $$m: $(1)"; (cd $$m && $(1)); done

.DEFAULT_GOAL := help
.PHONY: help test race vet lint bench cover fuzz run frameworks collector vuln api browser ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## run all tests of all modules
	$(call each,go test ./...)
	@for b in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$b >/dev/null && exit; done; \
	printf '\n%s\n' 'NOT RUN: the browser tests, as there is no Chromium on PATH. "make browser" installs it (Debian, as root).'

race: ## the same under the race detector
	$(call each,go test -race ./...)

vet: ## go vet in all modules
	$(call each,go vet ./...)

lint: ## golangci-lint in all modules
	$(call each,go run $(GOLANGCI_LINT) run ./...)

bench: ## run all benchmarks next to their peers and print one table (long)
	cd integration && go run -buildvcs=true ./bench

cover: ## statement coverage of the library
	go test -coverprofile=cover.out ./... && go tool cover -func=cover.out | tail -n 1

fuzz: ## fuzz the parsers and encoders (FUZZTIME each) and the queue (CHECKS runs)
	@./.ci/fuzz $(FUZZTIME) $(CHECKS)

run: ## run the example service
	go run ./examples/otel-app

frameworks: ## run agent frameworks themselves; their module is not among the others, for its size
	cd integration/frameworks && go vet ./... && go test -race ./...

collector: ## build a Collector with the sgp exporter, and run a fleet of them
	cd integration/collector && GOWORK=off go run $(OCB) --config builder.yaml && go vet . && go test -count=1 .

vuln: ## known vulnerabilities; needs the network
	$(call each,go run $(GOVULNCHECK) ./...)

api: ## the public API against its listing and the last tag; make api UPDATE=1 lists it anew
	./.ci/api $(if $(UPDATE),-update)

browser: ## install Chromium for the browser tests (Debian, as root)
	./.ci/install-browser

ci: ## what CI runs
	./.ci/run
