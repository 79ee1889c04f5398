//! Tests of the program as a whole, and of what runs against real tools and real nodes.

mod cli;
mod lab;
mod node;
mod node_batch;
mod node_sudo;
mod nodes;
mod sshd;
mod support;
