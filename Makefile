# One way in: `make demo` and `make test` need nothing but a Debian with a Swift toolchain.

SHELL := /bin/bash
.DEFAULT_GOAL := debug

SWIFT ?= swift
# Where the builds lie. Another folder keeps two builds apart.
BUILD ?= .build
PREFIX ?= /usr/local
DESTDIR ?=

RELEASE_FLAGS := -c release --static-swift-stdlib -Xswiftc -static-executable

.PHONY: debug release demo test check format lint imports bench server soak fuzz glibc install deps test-deps clean

debug: deps
	$(SWIFT) build --scratch-path $(BUILD)

# A fully static program: it runs whatever C library the machine has. Beside it the helper that knows more fields of
# classes, which needs libdw; nusu does without it where it is not there.
release: deps
	$(SWIFT) build --scratch-path $(BUILD) $(RELEASE_FLAGS) --product nusu
	mkdir -p dist
	strip -o dist/nusu "$$($(SWIFT) build --scratch-path $(BUILD) $(RELEASE_FLAGS) --show-bin-path)/nusu"
	$(SWIFT) build --scratch-path $(BUILD) -c release --static-swift-stdlib --product nusu-symbols
	strip -o dist/nusu-symbols "$$($(SWIFT) build --scratch-path $(BUILD) $(RELEASE_FLAGS) --show-bin-path)/nusu-symbols"
	chmod 755 dist dist/nusu dist/nusu-symbols

demo: deps
	$(SWIFT) build --scratch-path $(BUILD) --product nusu
	$(SWIFT) build --scratch-path $(BUILD) --product nusu-demo
	@# nusu ends with 1 when it has found something lost, as it must here.
	@scripts/demo "$$($(SWIFT) build --scratch-path $(BUILD) --show-bin-path)"; [ $$? -eq 1 ]

test: deps test-deps
	@scripts/test $(SWIFT) test --scratch-path $(BUILD)

check: deps lint imports debug test

lint:
	$(SWIFT) format lint -r -s Package.swift Sources Tests

format:
	$(SWIFT) format -i -r Package.swift Sources Tests

imports:
	scripts/check-imports

bench: release
	$(SWIFT) build --scratch-path $(BUILD) -c release --product nusu-demo
	$(SWIFT) build --scratch-path $(BUILD) -c release --product nusu-demo-swift
	Benchmarks/run dist/nusu "$$($(SWIFT) build --scratch-path $(BUILD) -c release --show-bin-path)/nusu-demo"
	Benchmarks/processes dist/nusu
	Benchmarks/ipc dist/nusu
	Benchmarks/growth dist/nusu
	Benchmarks/top dist/nusu
	Benchmarks/watch dist/nusu
	Benchmarks/schedules dist/nusu
	Benchmarks/sched dist/nusu
	Benchmarks/memory dist/nusu "$$($(SWIFT) build --scratch-path $(BUILD) -c release --show-bin-path)/nusu-demo"

# What one of the tests looks at; without it that test is skipped. Takes minutes, and fetches SwiftNIO.
server: deps
	$(SWIFT) build --package-path Tests/Server --scratch-path $(BUILD)/server -c release

# The long forms of the tests: nusu killed at random moments, real servers under load.
soak: deps test-deps server
	NUSU_SOAK=1 NUSU_TEST_SERVER=$(abspath $(BUILD))/server/release/nusu-test-server \
	    scripts/test $(SWIFT) test --scratch-path $(BUILD) --filter 'Snapshot|LiveTests'

# The parsers and the heap reader on damaged input; NUSU_FUZZ asks those tests for more rounds than usual.
fuzz: deps
	NUSU_FUZZ=1 scripts/test $(SWIFT) test --scratch-path $(BUILD) --filter '[Ff]uzz|[Hh]ostile|[Dd]amaged|[Tt]runcated|[Pp]roperty'

# What nusu reads in the C library's memory, on releases 2.27 to 2.44 of it. Fetches 100 MB from Debian and Ubuntu, once.
glibc: deps test-deps
	scripts/glibc $(abspath $(BUILD))/glibc
	$(SWIFT) build --scratch-path $(BUILD) --build-tests
	scripts/test-glibc $(abspath $(BUILD))/glibc scripts/test $(SWIFT) test --scratch-path $(BUILD) --skip-build

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 dist/nusu dist/nusu-symbols "$(DESTDIR)$(PREFIX)/bin/"

deps:
	@scripts/deps build

# What the tests look at: servers, other C libraries. Without them those tests say why they are skipped.
test-deps:
	@scripts/deps tests

clean:
	rm -rf $(BUILD) dist
