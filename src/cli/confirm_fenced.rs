//! `nodewright confirm-fenced`.

use crate::exit::Exit;
use crate::verify::off::{self, Heard, Proof, Says};
use crate::workplace::{self, Context, Forks, Pick, Usage};
use clap_complete::ArgValueCompleter;

/// Arguments of `confirm-fenced`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A cluster that cannot fence a lost member waits, and takes nothing over. This command collects every proof that the
member is off: its fence devices, its addresses, ssh and the membership, as the other members see them, and a
connection from this machine. Any sign that it runs refuses the command (exit code 5). Otherwise type the name of the
node to confirm, and the cluster is told.

If the node still runs, its guests will run twice and their data will be destroyed: go and look at the machine.")]
pub struct Args {
    /// The member that is off.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    pub node: String,
}

/// Does it.
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
    let first = match look(context, &place, node, |_| true)? {
        Ok(proofs) => proofs,
        Err(exit) => return Ok(exit),
    };
    let proven = if first.iter().any(|p| p.says == Says::Off) {
        "by what is said above"
    } else {
        "and nothing above proves it: look at the machine, and pull its plugs"
    };
    context.warn(&format!(
        "The cluster will take over what ran on {node}. That destroys data unless {node} is off, {proven}.\n\
         Type the node's name to confirm that it is off: "
    ));
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    if read.is_err() || line.trim_end_matches(['\n', '\r']) != node {
        context.warn("Nothing was confirmed.\n");
        return Ok(Exit::Pending);
    }
    // It may have come up while the question stood there.
    if let Err(exit) = look(context, &place, node, |proof| proof.says == Says::On)? {
        return Ok(exit);
    }
    let survivors: Vec<String> = site.peers_of(node).into_iter().map(Into::into).collect();
    let question = off::question(site, node);
    let survivor = survivors[..1].to_vec();
    let script = off::confirmation(site, node, &survivor[0]);
    let Some((told, ..)) = ask(context, &place, &[(survivor.clone(), script)])? else {
        return Ok(Exit::Unreachable);
    };
    let command = off::command(site.platform_of(&survivor[0]), node);
    let status = told.first().map_or(255, |(_, _, status)| *status);
    for (survivor, output, _) in &told {
        for line in output.lines().filter(|l| !l.is_empty()) {
            context.print(&format!("{survivor}: {line}\n"))?;
        }
    }
    if status != 0 {
        context.warn(&format!(
            "{}: `{command}` ended with status {status}: nothing was confirmed\n",
            survivor[0]
        ));
        return Ok(Exit::Failed);
    }
    // What was done is looked at: exit codes are no evidence.
    let Some((said, ..)) = ask(context, &place, &[(survivor.clone(), question)])? else {
        return Ok(Exit::Unreachable);
    };
    let waits = said
        .iter()
        .flat_map(|(_, output, _)| off::proofs(site, node, output))
        .any(|p| p.says == Says::Waits);
    if waits {
        context.warn(&format!(
            "{}: the cluster still waits for {node} after `{command}`\n",
            survivor[0]
        ));
        return Ok(Exit::Failed);
    }
    context.print(&format!(
        "{}: `{command}` was taken: the cluster waits for {node} no more\n",
        survivor[0]
    ))?;
    Ok(Exit::Done)
}

/// Every proof, told where it is to be shown; what the command ends with, where it may not be confirmed by these.
fn look(
    context: &Context,
    place: &workplace::Workplace,
    node: &str,
    shown: impl Fn(&Proof) -> bool,
) -> anyhow::Result<Result<Vec<Proof>, Exit>> {
    let site = &place.site;
    let survivors: Vec<String> = site.peers_of(node).into_iter().map(Into::into).collect();
    let asked = [
        (survivors.clone(), off::question(site, node)),
        (vec![node.to_owned()], off::greeting()),
    ];
    let Some((said, worst, heard)) = ask(context, place, &asked)? else {
        return Ok(Err(Exit::Unreachable));
    };
    // A cluster that is cut in two sees as little of the lost half as of one without power; the operator may see it.
    let said: Vec<_> = said.into_iter().filter(|(n, ..)| n != node).collect();
    let tell = |who: &str, proof: &Proof| {
        let line = format!("{who}: {:<6} {}\n", proof.says.word(), proof.what);
        if shown(proof) {
            context.print(&line)
        } else {
            Ok(())
        }
    };
    let mut all: Vec<Proof> = vec![off::from_here(&heard)];
    tell("from here", &all[0])?;
    for (survivor, output, status) in &said {
        let proofs = off::proofs(site, node, output);
        for proof in &proofs {
            tell(survivor, proof)?;
        }
        if *status != 0 || proofs.is_empty() {
            context.warn(&format!("{survivor}: could not tell everything\n"));
        }
        all.extend(proofs);
    }
    let has = |says: Says| all.iter().any(|p| p.says == says);
    if has(Says::On) {
        context.warn(&format!(
            "Refused: {node} is on by one of these proofs. Switch it off first.\n"
        ));
        return Ok(Err(Exit::Refused));
    }
    if said.len() < survivors.len() {
        context.warn("Refused: a member that is left did not answer, and it may see more.\n");
        return Ok(Err(worst.unwrap_or(Exit::Unreachable)));
    }
    if !has(Says::Waits) {
        context.warn(&format!(
            "Nothing waits for {node} to be fenced: there is nothing to confirm.\n"
        ));
        return Ok(Err(Exit::Done));
    }
    Ok(Ok(all))
}

/// What was said, by whom and with which status; what the command would end with; and what was heard of the last node.
type Said = (Vec<(String, String, i32)>, Option<Exit>, Heard);

/// What nodes say to the script beside them; nothing where none of them can be reached.
fn ask(
    context: &Context,
    place: &workplace::Workplace,
    asked: &[(Vec<String>, String)],
) -> anyhow::Result<Option<Said>> {
    let nodes: Vec<String> = asked.iter().flat_map(|(nodes, _)| nodes.clone()).collect();
    let setup = place.setup(context, &nodes, &Pick::default(), Forks { forks: 32 })?;
    let vault = setup.vault.clone();
    let mut reporter = context.reporter();
    let (said, worst, heard) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            engine.connect().await;
            let mut said = Vec::new();
            for (nodes, script) in asked {
                said.extend(engine.script_all(nodes.clone(), script).await);
            }
            let last = nodes.last().map(String::as_str).unwrap_or_default();
            let heard = match engine.troubles().get(last) {
                None => Heard::Life("a login works".to_owned()),
                Some(trouble) if trouble.silent => Heard::Nothing(trouble.why.clone()),
                Some(trouble) => Heard::Life(trouble.why.clone()),
            };
            (said, engine.worst(), heard)
        },
    )?;
    reporter.finish()?;
    let said: Vec<_> = said
        .into_iter()
        .map(|(node, output, status)| (node, crate::node::scrub(&output, &vault), status))
        .collect();
    Ok((!said.is_empty()).then_some((said, worst, heard)))
}
