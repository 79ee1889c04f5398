//! Tests of the program as a whole, and of what runs against real tools and real nodes.

mod bad_input;
mod bad_role;
mod cli;
mod cli_secret;
mod controllers;
mod engine;
mod fuzz_corpus;
mod golden;
mod kind_shell;
mod kinds_running;
mod lab;
mod lifecycle;
mod moments;
mod node;
mod node_batch;
mod node_enroll;
mod node_sudo;
mod nodes;
mod quoting;
mod resilience;
mod rig;
mod secrets;
mod shells;
mod sshd;
mod support;
mod yard;
