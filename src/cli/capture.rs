//! `nodewright capture`.

use super::observe::observe;
use crate::exit::Exit;
use crate::facts::{self, Facts};
use crate::kind::{Observe, Permits};
use crate::node::scrub;
use crate::report::write_whole;
use crate::workplace::{Context, Forks, Nodes, Values};
use anyhow::Context as _;
use std::path::PathBuf;

/// Arguments of `capture`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is changed on the node. Secrets of the site are removed from the specimens."
)]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Write the specimens to DIR/NODE/….
    #[arg(long, short, value_name = "DIR", default_value = "specimens")]
    pub out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let observed = observe(
        context,
        &args.nodes,
        args.forks,
        Values::Hidden,
        |member, vault| {
            let mut observe = Observe::default();
            facts::observe(&mut observe);
            member
                .wanted(vault, &Permits::default())
                .observe(&mut observe);
            observe
        },
    )?;
    let today = crate::run::today();
    for (node, answer) in observed.answers {
        let dir = args.out.join(&node);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let facts = Facts::parse(&answer);
        let mut count = 0;
        // Names are those of the sections, plain words without a slash; the node has no say in them. Contents of files
        // are the operator's, and may hold a secret that the site does not name.
        for (name, section) in answer.iter() {
            let (header, contents) = answer.framed(name).unwrap_or_default();
            if header.is_empty() && !contents.is_empty() {
                continue;
            }
            let head = format!(
                "# captured {today} on {} ({} {}), status {}\n",
                facts.release, facts.kernel, facts.arch, section.status
            );
            write_whole(
                &dir.join(name),
                (head + &scrub(&String::from_utf8_lossy(header), &observed.vault)).as_bytes(),
                0o644,
            )?;
            count += 1;
        }
        context.print(&format!("{node}: {count} specimens in {}\n", dir.display()))?;
    }
    Ok(observed.worst.unwrap_or(Exit::Done))
}
