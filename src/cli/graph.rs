//! `nodewright graph`.

use crate::exit::Exit;
use crate::report::{self, Picture};
use crate::workplace::{Context, Usage};
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Arguments of `graph`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Contacts no node.

Examples:
  nodewright graph -o site.svg            for a browser or the wiki
  nodewright graph --format tree          the cluster: who is fenced by what, which guest runs where
  nodewright graph --format dot | dot -Tpdf >site.pdf")]
pub struct Args {
    /// The format. Default: by the ending of FILE; SVG where it has none.
    #[arg(long, value_name = "FORMAT")]
    format: Option<GraphFormat>,
    /// Write to FILE instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The way in which a drawing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For browsers, placed as in the rack.
    Svg,
    /// For Graphviz.
    Dot,
    /// The cluster as a tree of text: members, fence methods and devices, mirrors, guests by failover domain.
    Tree,
}

/// The format that a file's ending says; SVG where it has none.
fn by_name(out: Option<&Path>) -> anyhow::Result<GraphFormat> {
    let Some(ending) = out.and_then(Path::extension) else {
        return Ok(GraphFormat::Svg);
    };
    match ending.to_str() {
        Some("svg") => Ok(GraphFormat::Svg),
        Some("dot" | "gv") => Ok(GraphFormat::Dot),
        Some("txt") => Ok(GraphFormat::Tree),
        _ => {
            let ending = ending.to_string_lossy();
            let text = format!(
                "a drawing is no `.{ending}`: end the file's name in .svg, .dot, .gv or .txt, or say --format"
            );
            Err(Usage(text).into())
        }
    }
}

/// Draws the site.
///
/// # Errors
/// When the site is not sound, or the file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.sound()?;
    let site = survey.site.as_ref().context("there is no site")?;
    let format = match args.format {
        Some(format) => format,
        None => by_name(args.out.as_deref())?,
    };
    let picture = Picture::of(site);
    let text = match format {
        GraphFormat::Svg => report::svg(&picture),
        GraphFormat::Dot => report::dot(&picture),
        GraphFormat::Tree => report::tree(site),
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
