//! `nodewright enroll`.

use super::Nodes;
use std::path::PathBuf;

/// Arguments of `enroll`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Compare the fingerprints with what the node's own console shows: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The public key to install; by default what the site says of you in [operator].
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Take the fingerprints as they are, without asking.
    #[arg(long, short)]
    pub yes: bool,
}
