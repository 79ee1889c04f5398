//! `nodewright check`.

use super::Context;
use crate::exit::Exit;
use crate::report;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the site is sound, 3 there are warnings that [accept] does not name, 64 errors."
)]
pub struct Args {
    /// Show who may reach what, too.
    #[arg(long)]
    ports: bool,
}

/// Reads the whole site and says everything that is wrong with it.
///
/// # Errors
/// When there is no site.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.survey()?;
    let opens: Vec<_> = survey
        .nodes
        .iter()
        .map(|(n, e)| (n.as_str(), e.opens.as_slice()))
        .collect();
    let look = &context.look;
    if context.global.json {
        if args.ports {
            context.print(&report::ports_json(&opens))?;
        }
        context.print(&report::survey_json(&survey))?;
    } else {
        let mut parts = vec![report::findings(&survey.findings, &survey.sources, look)];
        if look.verbose > 0 {
            parts.push(report::accepted(&survey.accepted, look));
        }
        if args.ports {
            parts.push(report::ports(&opens, look));
        }
        parts.push(report::verdict(&survey, look));
        parts.retain(|p| !p.is_empty());
        context.print(&parts.join("\n"))?;
    }
    Ok(match survey.count() {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Findings,
        _ => Exit::Usage,
    })
}
