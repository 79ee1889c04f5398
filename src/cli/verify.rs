//! `nodewright verify`.

use crate::exit::Exit;
use crate::report::{CheckFiles, PrometheusFile};
use crate::workplace::{self, AskedChecks, Context, Forks, Nodes, Pick, Values, Workplace};
use std::path::PathBuf;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 all checks pass, 3 some fail, 4 a node could not be reached.

Examples:
  nodewright verify                     failed checks
  nodewright verify -v                  passed checks as well
  nodewright verify --junit checks.xml  for a build server

docs/drift.md has the metrics of --prometheus.")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The resources.
    #[command(flatten)]
    pub pick: Pick,
    /// The number of nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Also write the results to FILE as `JUnit` XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// The file of metrics.
    #[command(flatten)]
    pub prometheus: PrometheusArg,
}

/// The file of metrics that a command writes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PrometheusArg {
    /// Also write the results to FILE as metrics, for the textfile collector of Prometheus' `node_exporter`.
    #[arg(long, value_name = "FILE")]
    pub prometheus: Option<PathBuf>,
}

impl PrometheusArg {
    /// The file, for this site.
    pub fn file(&self, place: &Workplace) -> Option<PrometheusFile> {
        let path = self.prometheus.clone()?;
        let site = place.site.name().to_owned();
        Some(PrometheusFile { path, site })
    }
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a selection that matches nothing, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    let setup = place.setup(context, &nodes, &args.pick, args.forks, Values::Needed)?;
    let files = CheckFiles {
        junit: args.junit.clone(),
        prometheus: args.prometheus.file(&place),
    };
    let mut reporter = context.reporter().of_checks(files);
    let asked = AskedChecks::of(&place, &nodes, &args.pick);
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| {
            engine.observe().await;
            let failed = asked.tell(engine).await;
            engine
                .worst()
                .unwrap_or(if failed { Exit::Findings } else { Exit::Done })
        },
    )?;
    reporter.finish()?;
    Ok(exit)
}
