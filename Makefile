# The menu is `make help`. CI calls the same targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check build build-tests build-rehearsal deps deps-run deps-test fmt tidy model bench bench-encoder fuzz clean
.PHONY: drill-call drill-drain drill-rejoin drill-limits drill-provider drill-load drill-live
.PHONY: drill-crash drill-split-brain drill-outage drill-reaper drill-budget-race drill-ownership drill-poison

# One configuration for product, tests and drills: voice code without optimisation is 13 to 35 times slower, and a
# second build would double the time of CI. Tests reach `package` declarations, so nothing else is needed.
SWIFT_FLAGS := -c release --explicit-target-dependency-import-check error
BIN := .build/release
PYTHON := .build/python/bin/python3
ARTEFACTS ?= .build/artefacts

help: ## This menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'
	@echo
	@echo "  SABOTAGE=1 make drill-…  breaks the thing on purpose and must fail:"
	@echo "     drill-call            a proxy drops one audio frame between client and daemon"
	@echo "     drill-drain           the daemon gets SIGKILL instead of SIGTERM"
	@echo "     drill-rejoin          the clients forget their memory when the line breaks"
	@echo "     drill-limits          the idle participant talks without end"
	@echo "     drill-provider        the fault never ends, where one that passes is expected"
	@echo "     drill-load            the daemon stands still for 300 ms now and then, and short calls never end"
	@echo "     drill-live            the key is wrong"
	@echo "     drill-crash           the clients forget their memory when the line breaks"
	@echo "     drill-split-brain     a record is written under an epoch that is over"
	@echo "     drill-outage          the first process back believes that its lease was steady"
	@echo "     drill-reaper          the lease of a living process is not renewed"
	@echo "     drill-budget-race     a dollar of what is reserved is hidden"
	@echo "     drill-ownership       each session is renewed by itself"
	@echo "     drill-poison          the voiced has no trap"
	@echo "     fuzz                  one of the targets traps at a certain byte"

run: deps-run build ## Install what is missing, build, start the whole system, print where to click
	@exec $(BIN)/voiced dev $(ARGS)

# One test at a time: a browser, a daemon under real-time audio and TLS contexts want the machine for themselves.
test: deps-test check build-tests ## Everything: unit, contract, real servers, browser, drills at small size
	@mkdir -p $(ARTEFACTS)
	$(PYTHON) Tests/Golden/OpenAIRealtime/validate.py
	$(MAKE) --no-print-directory model
	VOICED_ARTEFACTS=$(abspath $(ARTEFACTS)) swift test $(SWIFT_FLAGS) --skip-build --no-parallel
	$(MAKE) --no-print-directory drills-small

check: ## Fast: formatting and tidiness
	@swift format lint --strict --parallel --recursive Package.swift Sources Tests
	@$(MAKE) --no-print-directory tidy

tidy: ## The rules a machine keeps: layout, file lengths, forgotten prints, dead links
	@python3 Tests/Tidy/tidy.py

build: ## The programs, into .build/release
	swift build $(SWIFT_FLAGS)

build-tests: ## The programs and the tests
	swift build $(SWIFT_FLAGS) --build-tests

# The build that people install does not contain it.
build-rehearsal: ## A voiced that can be made to trap, into .build/rehearsal
	swift build $(SWIFT_FLAGS) -Xswiftc -DREHEARSAL --scratch-path .build/rehearsal --product voiced

.PHONY: drills-small
drills-small: ## Each drill once at small size, and each sabotage once
	@.ci/drills

drill-call: build ## Recorded speech through daemon and simulator, compared bit by bit
	@$(BIN)/voice-drill call

drill-drain: build ## SIGTERM in mid-call: finish, force-close, second signal
	@$(BIN)/voice-drill drain

drill-rejoin: build ## Lines cut, kill -9 and restart, a frozen process: no word is lost
	@$(BIN)/voice-drill rejoin

drill-limits: build ## Every timer and limit, once and only where it should
	@$(BIN)/voice-drill limits

drill-provider: build ## Everything that a provider can do to a call: what becomes of it, and the silence
	@$(BIN)/voice-drill provider

drill-load: build ## 50 at once for MINUTES (5), 1,000 in turn, 100 in one second: nothing late, nothing left
	@$(BIN)/voice-drill load

drill-live: build ## A short call with the real vendor, at most half a dollar; skipped without OPENAI_API_KEY
	@$(BIN)/voice-drill live

drill-crash: build ## kill -9 one of two processes, KILLS (5) times, under SESSIONS (50) that talk: no word is lost
	@$(BIN)/voice-drill crash

drill-split-brain: build ## An owner stands still for FROZEN_S (30), others take over, it wakes: it writes nothing
	@$(BIN)/voice-drill split-brain

drill-outage: build ## PostgreSQL away for OUTAGE_S (60), seen again one by one: no call ends, nothing is lost
	@$(BIN)/voice-drill outage

drill-reaper: build ## ROWS (1000) in every wrong state, three processes: each settled once, no healthy one touched
	@$(BIN)/voice-drill reaper

drill-budget-race: build ## Ten dollars, JOINS (100) at once: ten get in, ledger and journal agree to the micro-dollar
	@$(BIN)/voice-drill budget-race

drill-ownership: build ## What owning costs PostgreSQL at FEW (10) and at MANY (200) silent sessions: the same
	@$(BIN)/voice-drill ownership

drill-poison: build build-rehearsal ## A session that kills its process: the others come back, the culprit is ended
	@$(BIN)/voice-drill poison --rehearsal .build/rehearsal/release/voiced

model: ## Who owns a conversation, and how it moves: the protocol checked for all interleavings, and each rule missed
	@python3 Tests/Model/check.py $(ARGS)

fuzz: build ## Random and mutated input for everything a peer can send; traps on
	@$(BIN)/voice-fuzz $(ARGS)

bench: build ## Speed and memory, each as a ratio against a floor of the same run
	@$(BIN)/voice-bench $(ARGS)

bench-encoder: build ## Encoder modes on recorded speech of five languages: quality against cost
	@.ci/deps encoder
	@$(BIN)/voice-bench encoder $(ARGS)

deps: deps-test ## Install what building, running and testing need

deps-run:
	@.ci/deps run

deps-test:
	@.ci/deps test

fmt: ## Format every Swift file in place
	swift format --in-place --parallel --recursive Package.swift Sources Tests

clean: ## Remove what was built
	rm -rf .build
