//! `nodewright runbook`.

use crate::exit::Exit;
use crate::report::{self, Runbook};
use crate::workplace::{Commit, Context};
use anyhow::Context as _;
use std::path::PathBuf;

/// Arguments of `runbook`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Contacts no node. The page is made from the site alone: names, addresses, order, and the commands of its release, each with
the machine that it is run on. It needs no network and no other file; print it, and make it anew whenever the site changes.
No value of a secret is in it.

Examples:
  nodewright runbook -o runbook.html")]
pub struct Args {
    /// Write the page to FILE.
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
}

/// Writes the runbook.
///
/// # Errors
/// When the site is not sound, or the file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.sound()?;
    let site = survey.sound()?;
    let commit = match Commit::of(&survey.dir) {
        Some(commit) if commit.dirty => format!(", from commit {} and changes since", commit.id),
        Some(commit) => format!(", from commit {}", commit.id),
        None => String::new(),
    };
    let origin = format!(
        "Made on {} by nodewright {}{commit}.",
        crate::run::today(),
        env!("CARGO_PKG_VERSION")
    );
    let page = report::runbook(&Runbook::of(site, origin));
    report::write_whole(&args.out, page.as_bytes(), 0o644)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;
    use crate::report::{CommandPlace, Commands};
    use crate::site::{Site, load_str};

    const SITES: [&str; 3] = [
        include_str!("../../inventory/crosslink/inventory.toml"),
        include_str!("../../inventory/bonded/inventory.toml"),
        include_str!("../../inventory/logserver/inventory.toml"),
    ];

    /// Each shipped site, as a site of each release.
    fn sites() -> Vec<Site> {
        let mut all = Vec::new();
        for text in SITES {
            let (before, rest) = text.split_once("platform = \"").expect("its release");
            let (_, after) = rest.split_once('"').expect("its end");
            for platform in Platform::all() {
                let text = format!("{before}platform = \"{}\"{after}", platform.word());
                all.push(load_str(&text).site.expect("a site"));
            }
        }
        all
    }

    /// The command lines of this program in a runbook: those of steps, and those between backticks.
    fn lines(book: &Runbook) -> Vec<String> {
        let at_desk = |s: &&Commands| s.place == CommandPlace::Desk;
        let steps = book
            .steps()
            .filter(at_desk)
            .flat_map(|s| s.commands.clone());
        let quoted = book
            .prose()
            .flat_map(|text| text.split('`').skip(1).step_by(2).map(str::to_owned));
        let own = |line: &String| line.starts_with("nodewright ");
        steps.chain(quoted).filter(own).collect()
    }

    #[test]
    fn every_command_line_of_this_program_is_one() {
        let mut met = 0;
        for site in sites() {
            let book = Runbook::of(&site, String::new());
            for line in lines(&book) {
                let parsed = crate::cli::help::command().try_get_matches_from(line.split(' '));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                met += 1;
            }
            // At the desk there are this program and ssh.
            let desk = book.steps().filter(|s| s.place == CommandPlace::Desk);
            for command in desk.flat_map(|s| &s.commands) {
                let program = command.split(' ').next().unwrap_or_default();
                assert!(
                    ["nodewright", "ssh", "ipmitool"].contains(&program),
                    "{command}"
                );
            }
        }
        assert!(met > 300, "{met}");
        assert!(
            crate::cli::help::command()
                .try_get_matches_from(["nodewright", "stopp"])
                .is_err()
        );
    }
}
