# Each command does its own set-up. They need root for the lab.

SHELL = /bin/bash
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: demo test test-vm style lint bench setup install uninstall packages

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

# The program, its manual pages, and what bash, zsh and fish complete of it. BIN names a program that is built already;
# DESTDIR is put before PREFIX, for packages.
PREFIX ?= /usr/local
BIN ?=
SHARE = $(DESTDIR)$(PREFIX)/share
install:
	bin='$(BIN)'; [ -n "$$bin" ] || { cargo build --release --locked && bin=target/release/nodewright; } && \
	install -D -m 0755 "$$bin" '$(DESTDIR)$(PREFIX)/bin/nodewright' && \
	install -d '$(SHARE)/man/man1' '$(SHARE)/bash-completion/completions' '$(SHARE)/zsh/site-functions' \
	  '$(SHARE)/fish/vendor_completions.d' && \
	"$$bin" man '$(SHARE)/man/man1' && \
	"$$bin" completions bash >'$(SHARE)/bash-completion/completions/nodewright' && \
	"$$bin" completions zsh >'$(SHARE)/zsh/site-functions/_nodewright' && \
	"$$bin" completions fish >'$(SHARE)/fish/vendor_completions.d/nodewright.fish'

uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/nodewright' '$(SHARE)'/man/man1/nodewright.1 '$(SHARE)'/man/man1/nodewright-*.1 \
	  '$(SHARE)/bash-completion/completions/nodewright' '$(SHARE)/zsh/site-functions/_nodewright' \
	  '$(SHARE)/fish/vendor_completions.d/nodewright.fish'

# A Debian package and an RPM, in target/packages, for machines whose C library is not older than this one's.
packages: setup
	bin='$(BIN)'; [ -n "$$bin" ] || { cargo build --release --locked && bin=target/release/nodewright; } && \
	scripts/packages.sh "$$bin" target/packages
