//! `nodewright confirm-fenced`.

use crate::exit::Exit;
use crate::operate::confirm_fenced::{ConfirmFenced, Confirmation};
use crate::run::{Event, Evidence};
use crate::workplace::{self, Context, Usage, Values};
use clap_complete::ArgValueCompleter;

/// Arguments of `confirm-fenced`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A cluster that cannot fence a lost member waits, and takes nothing over. This command collects every proof that the
member is off: its fence devices, its addresses, ssh and the membership, as the other members see them, and a
connection from this machine. Any sign that it runs refuses the command (exit code 5). Otherwise type the name of the
node to confirm, and it is declared to be off.

The command holds the lock of the other members and stands in their journals. While another run is at work on one of
them it is refused (exit code 7): stop that run first.

If the node still runs, its guests will run twice and their data will be destroyed: go and look at the machine.")]
pub struct Args {
    /// The member that is off.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a node that is no member of a cluster.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let node = args.node.as_str();
    let site = &place.site;
    if !site.members().contains(&node) {
        let text = format!(
            "`{node}` is no member of the cluster: its members are {}",
            site.members().join(", ")
        );
        return Err(Usage(text).into());
    }
    let operation = ConfirmFenced::new(site, node).map_err(Usage)?;
    let mut setup = place.setup_whole(context, &operation.nodes(), Values::Needed)?;
    operation.prepare(&mut setup);
    let mut reporter = context.reporter();
    let (answer, answered) = std::sync::mpsc::channel();
    let after = |event: &Event| {
        if let Event::Proofs {
            proofs,
            confirmable: true,
            ..
        } = event
        {
            let proven = proofs.iter().any(|p| p.says == Evidence::Off);
            let _ = answer.send(typed(context, node, proven));
        }
    };
    let order = &operation;
    let ended = workplace::with_engine(&mut reporter, setup, after, async move |engine| {
        // Not on this thread, which listens for Ctrl-C meanwhile.
        let agreed = async {
            let answer = tokio::task::spawn_blocking(move || answered.recv().unwrap_or(false));
            answer.await.unwrap_or(false)
        };
        order.run(engine, agreed).await
    })?;
    reporter.finish()?;
    report(context, node, &operation, &ended)
}

/// Whether a person types the node's name.
fn typed(context: &Context, node: &str, proven: bool) -> bool {
    let proven = if proven {
        "by the proofs above"
    } else {
        "and nothing above proves it: go to the machine, and unplug its power"
    };
    let question = format!(
        "The cluster will take over what ran on {node}. That destroys data unless {node} is off, {proven}.\n\
         Type the node's name to confirm that it is off: "
    );
    context.types(&question, node)
}

/// Prints the result, and gives its exit code.
fn report(
    context: &Context,
    node: &str,
    operation: &ConfirmFenced,
    ended: &Confirmation,
) -> anyhow::Result<Exit> {
    let (announcer, command) = (operation.announcer(), operation.command());
    let (exit, text) = match ended {
        Confirmation::On => (
            Exit::Refused,
            format!("Refused: {node} is on by one of these proofs. Switch it off first."),
        ),
        Confirmation::Unanswered(exit) => (
            *exit,
            "Refused: a member that is left did not answer, and it may see more.".to_owned(),
        ),
        Confirmation::Unknown => (
            Exit::Failed,
            format!(
                "Refused: it is unknown whether the cluster waits for {node}, since a remaining member gave no full answer."
            ),
        ),
        Confirmation::Nothing => (
            Exit::Done,
            format!("Nothing waits for {node} to be fenced: there is nothing to confirm."),
        ),
        Confirmation::Held => (
            Exit::Locked,
            "Refused: another run is at work on a member that is left. Nothing was confirmed."
                .to_owned(),
        ),
        Confirmation::Declined => (Exit::Pending, "Nothing was confirmed.".to_owned()),
        Confirmation::Failed(exit) => (
            *exit,
            format!("{announcer}: `{command}` was not carried out: nothing was confirmed"),
        ),
        Confirmation::StillWaits => (
            Exit::Failed,
            format!("{announcer}: the cluster still waits for {node} after `{command}`"),
        ),
        Confirmation::Confirmed => {
            if !context.global.json {
                context.print(&format!(
                    "{announcer}: `{command}` was taken: the cluster waits for {node} no more\n"
                ))?;
            }
            return Ok(Exit::Done);
        }
    };
    context.warn(&format!("{text}\n"));
    Ok(exit)
}
