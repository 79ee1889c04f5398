# Each command does its own set-up. They need root for the lab.

SHELL = /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test test-vm style lint bench setup

# Two bare nodes made a cluster's, step by step, on this machine.
demo: setup
	cargo build
	./demo.sh

# Format, lints, the library without the network, all tests but those that need a kernel of their own.
test: setup style
	cargo nextest run --profile ci -E 'not test(/^vm_/)'
	cargo test --doc

# These, one lab of virtual machines after the other. They are never skipped here. VM says which.
VM = test(/^vm_/)
test-vm: setup
	NODEWRIGHT_TEST_VM=required cargo nextest run --profile ci -E '$(VM)'

style: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo check --no-default-features --lib

# What comes into the build, too (deny.toml): its tool takes minutes to compile, so `make test` goes without it.
# It reads the crates of other systems as well, which no build here has fetched.
lint: style
	scripts/setup.sh cargo-deny
	cargo fetch --locked
	cargo deny --offline check bans licenses sources

# The numbers of the README; takes its time, never part of the tests.
bench: setup
	cargo bench

setup:
	scripts/setup.sh
