//! Options that several commands share.

use crate::plan::Selection;
use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;

/// What holds for every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The site's folder: by default this one, or the nearest above it with inventory.toml or inventory/.
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub site: Option<PathBuf>,
    /// Go to the local lab's nodes instead of the real ones, and render for what they run.
    #[arg(long, global = true)]
    pub lab: bool,
    /// A private key that opens secrets.age: of age or OpenSSH. Without it: `~/.ssh/id_ed25519`, `~/.ssh/id_rsa` and
    /// `~/.config/age/keys.txt`.
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        env = "NODEWRIGHT_IDENTITY",
        hide_env_values = true
    )]
    pub identity: Vec<PathBuf>,
    /// Results as one JSON object a line on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Where a node is reached right now, when that is not what the site says: before it is renumbered. The change is
    /// confirmed at the address of the site.
    #[arg(long, value_name = "NODE=HOST", global = true, value_parser = at)]
    pub at: Vec<(String, String)>,
    /// Say more: each step (-v), and what is sent (-vv).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say only results and failures.
    #[arg(short, long, conflicts_with = "verbose", global = true)]
    pub quiet: bool,
    /// Whether to use colours; `auto` does on a terminal unless `NO_COLOR` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: Color,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// In pipes and files too.
    Always,
    /// Not at all.
    Never,
}

/// The nodes that a command is about.
#[derive(Clone, Debug, Default, Args)]
pub struct Nodes {
    /// Nodes and groups; all nodes of the site when none is named.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(super::completers::node_names))]
    pub nodes: Vec<String>,
}

/// The resources that a command is about.
#[derive(Clone, Debug, Default, Args)]
pub struct Pick {
    /// Only resources whose address matches this glob (`base/*`, `*/file:/etc/hosts`); may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// All but resources whose address matches this glob; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<String>,
}

impl Pick {
    /// As what chooses.
    pub fn selection(&self) -> Selection {
        Selection::new(&self.only, &self.skip)
    }
}

/// What a command may take down.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Outage {
    /// Take all members of the cluster down, and up again, where a change needs that; without it such a change is
    /// refused.
    #[arg(long)]
    pub outage: bool,
}

/// How many nodes are worked on at once.
#[derive(Clone, Copy, Debug, Args)]
pub struct Forks {
    /// How many nodes are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub forks: u16,
}

/// Reads `NODE=HOST`.
fn at(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((node, host)) if !node.is_empty() && !host.is_empty() => {
            Ok((node.to_owned(), host.to_owned()))
        }
        _ => Err("it is NODE=HOST, such as node1=192.0.2.5".to_owned()),
    }
}
