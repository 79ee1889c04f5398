//! `nodewright facts`.

use super::observe::observe;
use crate::exit::Exit;
use crate::facts::{self, Facts, Mismatch};
use crate::kind::Observe;
use crate::report::json_line;
use crate::workplace::{Context, Forks, Nodes, Values};
use std::fmt::Write as _;

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 as declared in the site, 3 something differs, 4 a node could not be reached."
)]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let observed = observe(context, &args.nodes, args.forks, Values::Unused, |_, _| {
        let mut observe = Observe::default();
        facts::observe(&mut observe);
        observe
    })?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let mut differs = false;
    for (node, answer) in observed.answers {
        let facts = Facts::parse(&answer);
        let differences = facts::differences(&observed.place.site, &node, &facts, now);
        differs |= !differences.is_empty();
        if context.global.json {
            let line = serde_json::json!({"event": "facts", "node": node, "facts": facts, "differences": differences});
            context.print(&json_line(&line))?;
        } else {
            context.print(&page(&node, &facts, &differences))?;
        }
    }
    Ok(observed
        .worst
        .unwrap_or(if differs { Exit::Findings } else { Exit::Done }))
}

/// The text about one node.
fn page(node: &str, facts: &Facts, differences: &[Mismatch]) -> String {
    let mut text = format!("{node}\n");
    let mut line = |what: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<14} {value}");
        }
    };
    line("release", facts.release.clone());
    line("kernel", format!("{} {}", facts.kernel, facts.arch));
    line("machine", facts.machine.clone());
    line("memory", format!("{} MiB", facts.memory_kib / 1024));
    line(
        "guests",
        facts
            .virtualisation
            .clone()
            .unwrap_or_else(|| "the processor cannot run them".to_owned()),
    );
    line("SELinux", facts.selinux.clone());
    for (name, version) in &facts.versions {
        line(name, version.clone());
    }
    for (name, i) in facts.interfaces.iter().filter(|(n, _)| n.as_str() != "lo") {
        let kind = if i.physical { "" } else { " virtual" };
        line(
            name,
            format!(
                "{} mtu {} {}{kind} {}",
                i.mac,
                i.mtu,
                i.state,
                i.addresses.join(" ")
            ),
        );
    }
    for (name, disk) in &facts.disks {
        let gib = disk.bytes / (1 << 30);
        line(
            name,
            format!("{gib} GiB {} {}", disk.model, disk.ids.join(" "))
                .trim_end()
                .to_owned(),
        );
    }
    for (device, what) in facts.signatures.iter().flatten() {
        line(device, what.clone());
    }
    if differences.is_empty() {
        text.push_str("  as the site declares\n");
    }
    for d in differences {
        let _ = writeln!(
            text,
            "  ! {}: declared {}, seen {}",
            d.what, d.declared, d.seen
        );
    }
    text
}
