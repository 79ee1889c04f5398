//! `nodewright show`.

use crate::exit::Exit;
use crate::plan::Plan;
use crate::report::{self, json_line};
use crate::site::{did_you_mean, shown};
use crate::workplace::saved::Saved;
use crate::workplace::{Context, Usage};
use std::path::PathBuf;

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  nodewright plan --out change.plan
  nodewright show change.plan          the same again, for whoever reviews it
  nodewright apply change.plan
  nodewright show web                  a guest: each value, and where it comes from")]
pub struct Args {
    /// The file that `plan --out` wrote, or a guest of the site.
    #[arg(value_name = "FILE|GUEST", add = clap_complete::ArgValueCompleter::new(crate::workplace::completers::plans_or_guests))]
    pub what: PathBuf,
}

/// Shows a guest of the site.
fn guest(name: &str, context: &Context) -> anyhow::Result<()> {
    let survey = context.survey()?;
    let guests = survey.site.iter().flat_map(|s| s.inventory.guest.keys());
    let guests: Vec<&str> = guests.map(AsRef::as_ref).collect();
    let Some(site) = survey.site.as_ref().filter(|_| guests.contains(&name)) else {
        let near = did_you_mean(name, &guests);
        let near = near.map_or_else(String::new, |g| format!("; did you mean {g}?"));
        return Err(Usage(format!(
            "{} is neither a file nor a guest of the site{near}",
            shown(name)
        ))
        .into());
    };
    let sources = &survey.sources;
    let text = if context.global.json {
        report::guest_json(site, sources, name).map(|guest| json_line(&guest))
    } else {
        report::guest(site, sources, name, &context.style)
    };
    context.print(&text.unwrap_or_default())
}

/// Prints a guest or a saved plan.
///
/// # Errors
/// An argument that is neither a saved plan nor a guest, or a plan that no key opens.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let missing = args.what.to_str().filter(|_| !args.what.exists());
    if let Some(name) = missing.filter(|_| context.site_dir().is_ok()) {
        guest(name, context)?;
        return Ok(Exit::Done);
    }
    let plan = Saved::load(context, &args.what)?.plan()?;
    planned(&plan, context)?;
    Ok(super::plan::ends_with(&plan))
}

/// Prints a plan that was saved, as it was shown when it was made.
pub(super) fn planned(plan: &Plan, context: &Context) -> anyhow::Result<()> {
    if context.global.json {
        let event = serde_json::json!({"event": "planned", "plan": plan});
        context.print(&json_line(&event))
    } else {
        context.print_paged(&report::plan(plan, &context.style))
    }
}
