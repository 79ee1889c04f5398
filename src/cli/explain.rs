//! `nodewright explain`.

use crate::exit::Exit;
use crate::report;
use crate::role::Library;
use crate::rules;
use crate::site::{Sources, did_you_mean};
use crate::survey::CODES;
use crate::verify::FILE_CHANGED;
use crate::workplace::completers::{self, beginning};
use crate::workplace::{Context, Usage};
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nodewright explain RING-DLM TIME-SYNC KEY-UNKNOWN 4

Codes are those of rules, of other findings of `check`, of checks (of `verify` itself and of roles; inside a site, of
its own roles as well), and exit codes.")]
pub struct Args {
    /// The codes.
    #[arg(value_name = "CODE", required = true, add = ArgValueCompleter::new(known))]
    codes: Vec<String>,
}

/// All codes of rules, of findings, and of checks (of `verify` itself and of these roles), each once.
fn codes(library: &Library) -> BTreeSet<&str> {
    let checks = library.roles().flat_map(|r| &r.checks);
    rules::all()
        .map(|r| r.code)
        .chain(CODES.iter().map(|(c, _)| *c))
        .chain([FILE_CHANGED])
        .chain(checks.map(|c| c.code.value.as_str()))
        .collect()
}

/// Those of the shipped roles, and of the site around.
fn known(current: &OsStr) -> Vec<CompletionCandidate> {
    let library = completers::library();
    beginning(codes(&library), current)
}

/// Prints the meanings of codes.
///
/// # Errors
/// When a code is not known.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let library = match context.site_dir() {
        Ok(dir) => Library::load(&dir, &mut Sources::default(), &mut Vec::new()),
        Err(_) => Library::of([], &mut Sources::default(), &mut Vec::new()),
    };
    let style = &context.style;
    let mut pages = Vec::new();
    for code in &args.codes {
        let mut page = String::new();
        if let Some(rule) = rules::rule(code) {
            page.push_str(&report::explain_rule(rule, style));
        }
        if let Some((code, meaning)) = CODES.iter().find(|(c, _)| c == code) {
            page.push_str(&report::explain_finding(code, meaning, style));
        }
        if *code == FILE_CHANGED {
            page.push_str(&report::explain_changed_files(style));
        }
        let exit = Exit::ALL
            .iter()
            .find(|(e, _)| (*e as u8).to_string() == *code);
        if let Some((exit, short)) = exit {
            page.push_str(&report::explain_exit(*exit, short, style));
        }
        for role in library.roles() {
            page.push_str(&report::explain_check(code, role, style));
        }
        if page.is_empty() {
            let known: Vec<&str> = codes(&library).into_iter().collect();
            let near = did_you_mean(code, &known);
            let near = near.map_or_else(String::new, |c| format!("; did you mean {c}?"));
            return Err(Usage(format!("nothing has the code {code}{near}")).into());
        }
        pages.push(page);
    }
    context.print(&pages.join("\n"))?;
    Ok(Exit::Done)
}
