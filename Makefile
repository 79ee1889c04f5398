# Two commands do everything, each with its own set-up: `make demo` and `make test`. They need root for the lab.

SHELL = /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test style lint bench setup

# Two bare nodes made a cluster's, step by step, on this machine.
demo: setup
	cargo build
	./demo.sh

# Everything: format, lints, the library without the network, all tests.
test: setup style
	cargo nextest run --profile ci
	cargo test --doc

style: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo check --no-default-features --lib

# What comes into the build, too (deny.toml): its tool takes minutes to compile, so `make test` goes without it.
lint: style
	scripts/setup.sh cargo-deny
	cargo deny --offline check bans licenses sources

# The numbers of the README; takes its time, never part of the tests.
bench: setup
	cargo bench

setup:
	scripts/setup.sh
