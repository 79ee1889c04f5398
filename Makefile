# Two commands do everything, each with its own set-up: `make demo` and `make test`. They need root for the lab.

SHELL = /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test bench setup

# Two bare nodes made a cluster's, step by step, on this machine.
demo: setup
	cargo build
	./demo.sh

# Everything: format, lints, the library without the network, all tests.
test: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo check --no-default-features --lib
	cargo nextest run --profile ci
	cargo test --doc

# The numbers of the README; takes its time, never part of the tests.
bench: setup
	cargo bench

setup:
	scripts/setup.sh
