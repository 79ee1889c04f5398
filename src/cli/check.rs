//! `nodewright check`.

use crate::exit::Exit;
use crate::kind::Resource;
use crate::report;
use crate::site::Finding;
use crate::survey::{Survey, knock_findings};
use crate::workplace::{Context, keys};
use std::collections::BTreeSet;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the site is sound, 3 warnings that [accept] does not name, 64 errors."
)]
pub struct Args {
    /// Also list the open ports: who may reach what.
    #[arg(long)]
    ports: bool,
}

/// Reads the whole site and says everything that is wrong with it.
///
/// # Errors
/// When there is no site.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut survey = context.survey()?;
    let wrong = secrets(&survey, context);
    survey.findings.extend(wrong);
    let opens: Vec<_> = survey
        .nodes
        .iter()
        .map(|(n, e)| (n.as_str(), e.opens.as_slice()))
        .collect();
    let style = &context.style;
    if context.global.json {
        if args.ports {
            context.print(&report::ports_json(&opens))?;
        }
        context.print(&report::survey_json(&survey))?;
    } else {
        let mut parts = vec![report::findings(&survey.findings, &survey.sources, style)];
        if style.verbose > 0 {
            parts.push(report::accepted(&survey.accepted, style));
        }
        if args.ports {
            parts.push(report::ports(&opens, style));
        }
        parts.push(report::verdict(&survey, style));
        parts.retain(|p| !p.is_empty());
        context.print(&parts.join("\n"))?;
    }
    Ok(match survey.count() {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Findings,
        _ => Exit::Usage,
    })
}

/// Findings about the secrets, where the vault can be opened without a prompt: secrets without a value, and the knock.
fn secrets(survey: &Survey, context: &Context) -> Vec<Finding> {
    let Some(site) = &survey.site else {
        return Vec::new();
    };
    let used: BTreeSet<String> = survey
        .nodes
        .values()
        .flat_map(|node| &node.resources)
        .flat_map(Resource::secrets)
        .filter(|name| !name.starts_with('.'))
        .collect();
    if used.is_empty() && site.inventory.firewall.knock.is_none() {
        return Vec::new();
    }
    let named = &context.global.identity;
    match keys::open_with(named, &survey.dir, keys::PassphraseFrom::Nobody) {
        Ok(secrets) => {
            let vault = secrets.vault();
            // A rehearsal makes up what has no value.
            let absent = used
                .iter()
                .filter(|name| !context.global.lab && !vault.contains_key(*name));
            let absent = absent.map(|name| {
                Finding::warning("SECRET-ABSENT", format!("the secret `{name}` has no value"))
                    .help(format!("`nodewright secret set {name}`"))
            });
            absent
                .chain(knock_findings(site, &survey.nodes, &vault))
                .collect()
        }
        Err(error) => {
            if context.style.verbose > 0 {
                context.note(&format!("the secrets were not checked: {error:#}\n"));
            }
            Vec::new()
        }
    }
}
