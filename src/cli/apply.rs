//! `nodewright apply`.

use crate::exit::Exit;
use crate::run::Event;
use crate::workplace::saved::Saved;
use crate::workplace::{
    self, AskedChecks, Context, Destroy, Forks, Outage, Over, Pick, Usage, Values, review,
};
use clap_complete::ArgValueCompleter;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Arguments of `apply`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
At its end the checks are judged by what was observed last, as `nodewright verify` shows them; those from outside only where
something was carried out. Where there was nothing to do, and all of them hold, none is shown. They do not
change the exit code: what was started just now may need a minute, and `nodewright verify` has theirs.

Ctrl-C once: stop after the current step. Twice: detach; the nodes go on, and `attach` follows them again.

Exit codes: 0 nothing to do, or all done; 1 failed; 2 not agreed to, or not all was done; 3 findings; 4 a node could not be
reached; 5 refused to destroy data; 6 rolled back by the guard; 7 locked by another run; 8 still waiting for a long step.

Examples:
  nodewright apply                  show what would change, ask, do it
  nodewright apply --yes node1      without asking, on one node
  nodewright apply ./change.plan    carry out a saved plan exactly as reviewed")]
pub struct Args {
    /// Nodes and groups, or the file of a saved plan. Default: all nodes of the site.
    #[arg(value_name = "NODE|PLAN", add = ArgValueCompleter::new(crate::workplace::completers::nodes_or_plans))]
    pub words: Vec<String>,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// The permission of an outage.
    #[command(flatten)]
    pub outage: Outage,
    /// The runs that may be overridden.
    #[command(flatten)]
    pub over: Over,
    /// The devices whose content may be destroyed.
    #[command(flatten)]
    pub destroy: Destroy,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Wait for long steps, with their progress on screen, and go on with what comes after them. Without it, the run ends
    /// with exit code 8, and a later one goes on.
    #[arg(long)]
    pub wait: bool,
    /// Apply without asking.
    #[arg(long, short)]
    pub yes: bool,
}

impl Args {
    /// The saved plan that is meant: the only word, which is a file. (No node's name holds a dot or a slash.)
    pub fn saved(&self) -> Option<PathBuf> {
        let [word] = self.words.as_slice() else {
            return None;
        };
        let path = Path::new(word);
        (word.contains(['.', '/']) && path.is_file()).then(|| path.to_owned())
    }
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a saved plan that cannot be read.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let saved = args
        .saved()
        .map(|file| Saved::load(context, &file))
        .transpose()?;
    let nodes = match &saved {
        Some(saved) => place.select(&saved.nodes())?,
        None => place.select(&args.words)?,
    };
    // A rehearsal changes nobody's nodes.
    if place.site.inventory.site.review && !context.global.lab {
        let Some((saved, file)) = saved.as_ref().zip(args.saved()) else {
            let text = "the site demands a review (`[site] review`): save the plan by `nodewright plan --out FILE`, have \
                        another operator run `nodewright review FILE`, then `nodewright apply FILE`";
            return Err(Usage(text.to_owned()).into());
        };
        let by = review::reviewer(&place.site, saved, &file)?;
        context.note(&format!("Made by {}, reviewed by {by}.\n", saved.made_by()));
    }
    if !args.yes && saved.is_none() && !std::io::stdin().is_terminal() {
        let text = "apply asks before it changes anything, and there is no terminal to ask on: use --yes, or a saved plan";
        return Err(Usage(text.to_owned()).into());
    }
    let mut setup = place.setup(context, &nodes, &args.pick, args.forks, Values::Needed)?;
    setup.intent = args.outage.intent();
    setup.over = args.over.runs();
    setup.asks.set(!args.yes && saved.is_none());
    setup.destroy = args.destroy.devices(&nodes)?;
    setup.wait = args.wait;
    let mut reporter = context.reporter();
    let ask = !args.yes && saved.is_none();
    let (answer, answered) = std::sync::mpsc::channel();
    let after = |event: &Event| {
        if let Event::Planned { plan } = event {
            let nothing = plan.is_empty() || plan.only_waits() && !args.wait;
            let question = if plan.older.is_empty() {
                "Carry this out? [y/N] "
            } else {
                "Carry this out over what this checkout does not contain? [y/N] "
            };
            let agreed = || !ask || context.agrees(question);
            let go = nothing || agreed() && args.destroy.agreed(context);
            let _ = answer.send(go);
        }
    };
    let site = &place.site;
    let asked = AskedChecks::of(&place, &nodes, &args.pick);
    let exit = workplace::with_engine(&mut reporter, setup, after, async move |engine| {
        engine.observe().await;
        let plan = engine.plan();
        if let Some(moved) = saved.as_ref().and_then(|s| s.moved(site, &plan)) {
            engine.send(Event::Note {
                node: None,
                text: format!("The saved plan is not carried out: {moved}."),
            });
            return Exit::Failed;
        }
        engine.send(Event::Planned { plan: plan.clone() });
        // Not on this thread, which listens for Ctrl-C meanwhile.
        let answer = tokio::task::spawn_blocking(move || answered.recv().unwrap_or(false));
        if !answer.await.unwrap_or(false) {
            engine.send(Event::Note {
                node: None,
                text: "Nothing was changed.".to_owned(),
            });
            return engine.worst().unwrap_or(Exit::Pending);
        }
        if plan.is_empty() && plan.nodes.iter().all(|n| n.refusals.is_empty()) {
            asked.observed().tell(engine).await;
            return engine
                .worst()
                .unwrap_or_else(|| super::plan::ends_with(&plan));
        }
        let recap = engine.carry_out(&plan).await;
        asked.tell(engine).await;
        engine.worst().unwrap_or_else(|| {
            if recap.iter().any(|node| !node.waiting.is_empty()) {
                Exit::Waiting
            } else if recap.iter().any(|node| !node.not_run.is_empty()) {
                Exit::Pending
            } else if recap.iter().any(|node| node.findings > 0) {
                Exit::Findings
            } else {
                Exit::Done
            }
        })
    })?;
    reporter.finish()?;
    Ok(exit)
}
