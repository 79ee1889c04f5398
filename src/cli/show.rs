//! `nodewright show`.

use crate::exit::Exit;
use crate::report::{self, json_line};
use crate::workplace::Context;
use crate::workplace::saved::Saved;
use std::path::PathBuf;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nodewright plan --out change.plan
  nodewright show change.plan          the same again, for whoever reviews it
  nodewright apply change.plan")]
pub struct Args {
    /// The file that `plan --out` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Does it.
///
/// # Errors
/// A file that is no saved plan, or that no key opens.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let plan = Saved::load(context, &args.file)?.plan()?;
    if context.global.json {
        context.print(&json_line(
            &serde_json::json!({"event": "planned", "plan": plan}),
        ))?;
    } else {
        context.print(&report::plan(&plan, &context.style))?;
    }
    Ok(super::plan::ends_with(&plan))
}
