//! `nodewright unlock`.

use crate::exit::Exit;
use crate::kind::Observe;
use crate::node::{self, NodeState};
use crate::run::Event;
use crate::workplace::{self, Context, Forks, Pick, Values};
use clap_complete::ArgValueCompleter;

/// Arguments of `unlock`.
#[derive(Debug, clap::Args)]
#[command(after_help = "The lock of a running run is never removed; stop that run first.")]
pub struct Args {
    /// The node.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
    /// Remove it without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, an unknown node.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(std::slice::from_ref(&args.node))?;
    let setup = place.setup(
        context,
        &nodes,
        &Pick::default(),
        Forks { forks: 1 },
        Values::Unused,
    )?;
    let mut reporter = context.reporter();
    let yes = args.yes;
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| {
            let answers = engine.observe_all(|_| {
                let mut observe = Observe::default();
                node::observe_state(&mut observe);
                observe
            });
            let mut exit = None;
            for (name, answer) in answers.await {
                let state = NodeState::read(&answer);
                let note = |text: String| Event::Note {
                    node: Some(name.clone()),
                    text,
                };
                exit = Some(match (state.holder, state.left_behind) {
                    (Some(holder), _) => {
                        engine.send(note(format!(
                            "held by {holder}, which is at work: its lock is not taken away"
                        )));
                        Exit::Locked
                    }
                    (None, None) => {
                        engine.send(note("it is not locked".to_owned()));
                        Exit::Done
                    }
                    (None, Some(holder)) => {
                        engine.send(note(format!("a stale lock of {holder}")));
                        if yes || context.agrees(&format!("Take the lock of {holder} away? [y/N] "))
                        {
                            match engine.sessions()[&name].unlock(&holder).await {
                                Ok(()) => Exit::Done,
                                Err(error) => {
                                    engine.send(note(error.to_string()));
                                    Exit::Locked
                                }
                            }
                        } else {
                            Exit::Locked
                        }
                    }
                });
            }
            exit.or_else(|| engine.worst()).unwrap_or(Exit::Failed)
        },
    )?;
    reporter.finish()?;
    Ok(exit)
}
