//! Carrying out an operation on the cluster: its plan is shown, a person agrees, its end is reported.

use super::place::{Workplace, open_sound, with_engine};
use super::{Context, Usage, Values};
use crate::exit::Exit;
use crate::operate::{ClusterOperation, Ending};
use crate::run::{Event, Operation, OperationEnd};
use crate::site::Site;

/// The answer of a person, once it is there.
type Agreed = std::pin::Pin<Box<dyn Future<Output = bool>>>;

/// Whether a person agrees: by typing a name where service is interrupted, else by `--yes` or a word.
fn given(context: &Context, yes: bool, order: &impl ClusterOperation, shown: &Operation) -> bool {
    match order.typed().filter(|_| shown.interrupts) {
        Some(name) => {
            let question = format!("{} Type {name} to do it: ", order.warning());
            context.types(&question, name)
        }
        None => yes || context.agrees("Do this? [y/N] "),
    }
}

/// Makes the operation for this command's site, carries it out on its nodes, and says how it ended. With `yes`
/// nobody is asked about what interrupts nothing.
///
/// # Errors
/// An unsound site, an operation that it cannot have, no runtime, or an output that nobody reads.
pub fn operate<O: ClusterOperation + Sync>(
    context: &Context,
    yes: bool,
    make: impl FnOnce(&Site) -> Result<O, String>,
) -> anyhow::Result<Exit> {
    let place = open_sound(context)?;
    let operation = make(&place.site).map_err(Usage)?;
    operate_in(&place, context, yes, &operation)
}

/// Carries an operation out on its nodes, and says how it ended. With `yes` nobody is asked about what interrupts nothing.
///
/// # Errors
/// No runtime, or an output that nobody reads.
pub fn operate_in<O: ClusterOperation + Sync>(
    place: &Workplace,
    context: &Context,
    yes: bool,
    operation: &O,
) -> anyhow::Result<Exit> {
    let nodes = operation.nodes();
    let mut setup = place.setup_whole(context, nodes, Values::Needed)?;
    operation.prepare(&mut setup);
    let mut reporter = context.reporter();
    let (answer, answered) = std::sync::mpsc::channel();
    let order = operation;
    let after = |event: &Event| {
        if let Event::Operation { operation } = event {
            let _ = answer.send(given(context, yes, order, operation));
        }
    };
    let ending = with_engine(&mut reporter, setup, after, async move |engine| {
        // Not on this thread, which listens for Ctrl-C meanwhile.
        let agreed: Agreed = Box::pin(async {
            let answer = tokio::task::spawn_blocking(move || answered.recv().unwrap_or(false));
            answer.await.unwrap_or(false)
        });
        order.run(engine, agreed).await
    })?;
    reporter.finish()?;
    conclude(context, ending)
}

/// Says how an operation ended.
///
/// # Errors
/// When nobody reads the output.
pub fn conclude(context: &Context, ending: Ending) -> anyhow::Result<Exit> {
    let Ending { end, exit, what } = ending;
    let word = match end {
        OperationEnd::Done => "Done: ",
        OperationEnd::Nothing => "Nothing to do: ",
        OperationEnd::Refused => "Refused: ",
        OperationEnd::Failed if exit == Exit::Waiting => "Waiting: ",
        OperationEnd::Failed => "Failed: ",
        OperationEnd::Declined => "",
    };
    let text = format!("{word}{what}.\n");
    if exit != Exit::Done {
        context.warn(&text);
    } else if !context.global.json {
        context.print(&text)?;
    }
    Ok(exit)
}
