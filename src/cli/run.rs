//! `nodewright run`.

use crate::exit::Exit;
use crate::node::scrub;
use crate::sh::{Call, has_nul};
use crate::workplace::{self, Context, Forks, Nodes, Pick, Usage};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nodewright run -- uptime
  nodewright run node1 -- sh -c 'df -h | tail -3'
  nodewright run hypervisors --parallel -- rpm -q kernel")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// How many nodes at once.
    #[command(flatten)]
    pub forks: Forks,
    /// Run on all nodes at once instead of one member of a cluster at a time.
    #[arg(long)]
    pub parallel: bool,
    /// The command and its arguments. No shell interprets them.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub words: Vec<String>,
}

/// Does it.
///
/// # Errors
/// An unsound site, a selection that matches nothing.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    if let Some(word) = args.words.iter().find(|w| has_nul(w)) {
        return Err(Usage(format!("{word:?} holds NUL, which no argument can carry")).into());
    }
    let setup = place.setup(context, &nodes, &Pick::default(), args.forks)?;
    let vault = setup.vault.clone();
    let members = place.site.members();
    let (mut together, mut turns): (Vec<String>, Vec<Vec<String>>) = (Vec::new(), Vec::new());
    for node in &nodes {
        if args.parallel || !members.contains(&node.as_str()) {
            together.push(node.clone());
        } else {
            turns.push(vec![node.clone()]);
        }
    }
    turns.insert(0, together);
    let call = Call::from_words(args.words.clone()).to_shell();
    let script =
        format!("main() {{\ncd /\n( {call} ) </dev/null 2>&1\nprintf '\\n%s' \"$?\"\n}}\nmain\n");
    let mut reporter = context.reporter();
    let (results, worst) = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async |engine| {
            engine.connect().await;
            let mut results = Vec::new();
            for turn in turns {
                let failed = results.iter().any(|(_, _, status)| *status != 0);
                if failed && !args.parallel {
                    break;
                }
                results.extend(engine.script_all(turn, &script).await);
            }
            (results, workplace::worst(engine))
        },
    )?;
    reporter.finish()?;
    let failed = results.iter().any(|(_, _, status)| *status != 0);
    for (node, output, status) in &results {
        let output = scrub(output, &vault);
        if context.global.json {
            let line = serde_json::json!({"event": "ran", "node": node, "status": status, "output": output});
            context.print(&format!("{line}\n"))?;
            continue;
        }
        for line in output.lines() {
            context.print(&format!("{node}: {line}\n"))?;
        }
        if *status != 0 {
            context.warn(&format!("{node}: ended with status {status}\n"));
        }
    }
    let left: Vec<&String> = nodes
        .iter()
        .filter(|n| !results.iter().any(|(done, _, _)| done == *n))
        .collect();
    if failed && !left.is_empty() {
        let left = left.into_iter().cloned().collect::<Vec<_>>().join(", ");
        context.warn(&format!(
            "not run on {left}: one member of a cluster failed\n"
        ));
    }
    Ok(worst.unwrap_or(if failed { Exit::Failed } else { Exit::Done }))
}
