//! `nodewright attach`.

use crate::exit::Exit;
use crate::node::RunId;
use crate::workplace::{self, Context, Forks, Pick, Usage, Values};
use clap_complete::ArgValueCompleter;

/// Arguments of `attach`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// The run. Default: the latest.
    #[arg(value_name = "RUN", add = ArgValueCompleter::new(crate::workplace::completers::runs))]
    pub run: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, an unknown node, a run's name that is none.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(std::slice::from_ref(&args.node))?;
    let [node] = nodes.as_slice() else {
        return Err(Usage("attach follows one node; name one".to_owned()).into());
    };
    let run = match &args.run {
        None => None,
        Some(text) => Some(RunId::parse(text).ok_or_else(|| {
            Usage(format!(
                "{text} is no run; `nodewright log {node}` lists them"
            ))
        })?),
    };
    let setup = place.setup(
        context,
        &nodes,
        &Pick::default(),
        Forks { forks: 1 },
        Values::Hidden,
    )?;
    let mut reporter = context.reporter();
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| Box::pin(engine.attach(node, run.as_ref())).await,
    )?;
    reporter.finish()?;
    Ok(exit)
}
