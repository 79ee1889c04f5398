//! `nodewright graph`.

use crate::exit::Exit;
use crate::report::{self, Picture};
use crate::workplace::Context;
use anyhow::Context as _;
use std::path::PathBuf;

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Contacts no node.

Examples:
  nodewright graph -o site.svg            for a browser or the wiki
  nodewright graph --format dot | dot -Tpdf >site.pdf")]
pub struct Args {
    /// The format. Default: by the ending of FILE, else SVG.
    #[arg(long, value_name = "FORMAT")]
    format: Option<GraphFormat>,
    /// Write to FILE instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a drawing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For browsers, placed as in the rack.
    Svg,
    /// For Graphviz.
    Dot,
}

/// Draws the site.
///
/// # Errors
/// When the site is not sound, or the file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.sound()?;
    let site = survey.site.as_ref().context("there is no site")?;
    let named = args.out.as_ref().and_then(|path| path.extension());
    let by_name = match named.and_then(|ending| ending.to_str()) {
        Some("dot" | "gv") => GraphFormat::Dot,
        _ => GraphFormat::Svg,
    };
    let picture = Picture::of(site);
    let text = match args.format.unwrap_or(by_name) {
        GraphFormat::Svg => report::svg(&picture),
        GraphFormat::Dot => report::dot(&picture),
    };
    match &args.out {
        Some(path) => {
            report::write_whole(path, text.as_bytes(), 0o644)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        None => context.print(&text)?,
    }
    Ok(Exit::Done)
}
