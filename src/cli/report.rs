//! `nodewright report`.

use crate::exit::Exit;
use crate::kind::Answer;
use crate::node::{self, LoggedRun, scrub};
use crate::operate::guest::places::guests;
use crate::operate::status::{State, StatusQuery};
use crate::report::{self, CheckResult, Picture, RunRow, SiteReport};
use crate::run::Engine;
use crate::verify::counts;
use crate::workplace::{self, AskedChecks, Context, Forks, Pick, Usage, Values, Workplace};
use anyhow::Context as _;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What `status`, `verify`, `plan` and `log` show, from one observation of each node, without a lock and without a question.
The page needs no script, no network and no other file. Values of secrets are not in it; names, addresses and differences are.

Exit codes, the first that holds: 5 a step would be refused, 1 a node failed (3: it is not what the site says), 4 a node
could not be reached, 2 changes pending, 3 failed checks, findings or a cluster that is not healthy, 8 waiting for a long
step, 0 all well. The page is written in each of these cases.

Examples:
  nodewright report -o site.html                the site as it is now
  nodewright report -o site.html --timeout 30   a node that does not answer keeps it half a minute at most")]
pub struct Args {
    /// Write the page to FILE.
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Seconds that a node may take to be reached and observed, 1 to 3600; after that it counts as unreachable.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// The number of runs that the page has of each node.
const RUNS: usize = 10;

/// Runs the command.
///
/// # Errors
/// An unsound site, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&[])?;
    let query = StatusQuery::new(&place.site).map_err(Usage)?;
    let pick = Pick::default();
    let mut setup = place.setup(context, &nodes, &pick, args.forks, Values::Needed)?;
    setup.answers_within = Some(Duration::from_secs(args.timeout));
    query.add_to(&mut setup);
    let vault = setup.vault.clone();
    let asked = AskedChecks::of(&place, &nodes, &pick);
    let mut reporter = context.progress_lines();
    let (seen, exit) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            engine.observe().await;
            let checks = asked.judge(engine).await;
            let checks = checks.into_iter().map(CheckResult::from).collect();
            let seen = look(engine, &place, &query, checks);
            let failed = |c: &CheckResult| counts(c.ok, c.skipped, &c.severity);
            let failed = seen.checks.iter().any(failed) || seen.status.state != State::Healthy;
            let exit = super::drift::ends_with(&seen.plan, engine.worst(), failed);
            (seen, exit)
        },
    )?;
    reporter.finish()?;
    let page = scrub(&report::page(&seen), &vault);
    report::write_whole(&args.out, page.as_bytes(), 0o644)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    context.print(&format!("{}: {}\n", args.out.display(), seen.line()))?;
    Ok(exit)
}

/// All that the page shows, from the last observation.
fn look(
    engine: &Engine,
    place: &Workplace,
    query: &StatusQuery,
    checks: Vec<CheckResult>,
) -> SiteReport {
    let site = &place.site;
    let status = query.of_last_observation(engine);
    let answer = |node: &str| {
        let failed = engine.failures().contains_key(node);
        let observed = engine.observed().get(node).filter(|_| !failed);
        observed.map(|o| &o.answer)
    };
    let mut runs: Vec<RunRow> = site
        .node_names()
        .filter_map(|node| Some((node, answer(node)?)))
        .flat_map(|(node, answer)| last_runs(node, answer))
        .collect();
    runs.sort_by(|a, b| b.at.cmp(&a.at));
    let failures = engine.failures().iter();
    SiteReport {
        at: crate::run::now(),
        picture: Picture::of(site).with_status(site, &status),
        plan: engine.plan(),
        failed: failures
            .map(|(node, f)| (node.clone(), f.why.clone()))
            .collect(),
        checks,
        guests: guests(site, |node| &place.nodes[node].resources, answer),
        runs,
        status,
    }
}

/// The last runs of a node's journal.
fn last_runs(node: &str, answer: &Answer) -> Vec<RunRow> {
    let journal = node::read_journal(answer);
    let runs = node::logged_runs(&journal);
    let rows = runs.iter().rev().take(RUNS).map(|run: &LoggedRun<'_>| {
        let header = run
            .begun()
            .and_then(|l| l.header.clone())
            .unwrap_or_default();
        RunRow {
            node: node.to_owned(),
            at: run.at().to_owned(),
            run: run.run.to_owned(),
            who: header.who,
            intent: header.intent,
            commit: header.commit,
            ended: run.ended().to_owned(),
        }
    });
    rows.collect()
}
