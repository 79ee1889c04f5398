//! `nodewright render`.

use crate::exit::Exit;
use crate::report::{Tone, write_tree};
use crate::survey::rendered;
use crate::workplace::{Context, Nodes, Pick};
use anyhow::Context as _;
use std::path::PathBuf;

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Contacts no node. Secrets are shown as ‹secret NAME›. Of a file that is not ours what is edited is shown, and named so: its \
whole content is known on the node only.

Examples:
  nodewright render node1 --only '*/file:/etc/motd'   one file, to the screen
  nodewright render -o rendered                       everything, as rendered/NODE/etc/… (edits as ….edit)")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pick: Pick,
    /// Write DIR/NODE/PATH with the modes of the files; DIR must be new, or written by an earlier `render`.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Renders every file of every node.
///
/// # Errors
/// When the site is not sound, a selection matches nothing, or a file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.sound()?;
    let nodes: Vec<_> = survey
        .select(&args.nodes.nodes, &args.pick.selection())?
        .into_iter()
        .map(|(node, resources)| (node, rendered(&resources)))
        .collect();
    if let Some(dir) = &args.out {
        write_tree(dir, &nodes).with_context(|| format!("cannot write to {}", dir.display()))?;
        return Ok(Exit::Done);
    }
    for (node, files) in &nodes {
        for file in files {
            let text = if context.global.json {
                let line = serde_json::json!({
                    "event": "file", "node": node, "path": file.path, "mode": file.mode, "content": file.content, "edit": file.edit,
                });
                format!("{line}\n")
            } else {
                let edit = if file.edit {
                    ", what is edited of it"
                } else {
                    ""
                };
                let head = format!("==> {node}:{} {}{edit} <==", file.path, file.mode);
                let head = context.style.paint(Tone::Strong, head);
                format!(
                    "{head}\n{}\n",
                    context.style.paint(Tone::Plain, &file.content)
                )
            };
            context.print(&text)?;
        }
    }
    Ok(Exit::Done)
}
