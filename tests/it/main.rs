//! What runs against real tools and real nodes: one binary, a file a subject.

mod node;
mod sshd;
