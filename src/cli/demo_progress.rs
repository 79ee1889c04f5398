//! `nodewright demo-progress`: looks at the progress lines without any node.

use crate::exit::Exit;
use crate::plan::Recap;
use crate::report::follow;
use crate::run::{Event, Events};
use crate::workplace::Context;
use std::time::Duration;

/// Arguments of `demo-progress`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The number of nodes.
    #[arg(long, default_value_t = 4)]
    nodes: usize,
    /// The number of steps that each does.
    #[arg(long, default_value_t = 12)]
    steps: usize,
    /// Milliseconds that a step takes.
    #[arg(long, default_value_t = 250)]
    pace: u64,
}

/// Shows an invented run of which the last node fails half-way.
///
/// # Errors
/// None.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut reporter = context.reporter();
    follow(&mut reporter, |events| play(args, &events));
    reporter.finish()?;
    Ok(Exit::Done)
}

fn play(args: &Args, events: &Events) {
    let pause = || std::thread::sleep(Duration::from_millis(args.pace));
    // The receiver outlives the play.
    let send = |event| events.send(event).unwrap_or_default();
    let nodes: Vec<String> = (1..=args.nodes).map(|n| format!("node{n}")).collect();
    send(Event::Nodes {
        nodes: nodes.clone(),
    });
    for node in &nodes {
        send(Event::Connecting { node: node.clone() });
    }
    pause();
    for node in &nodes {
        send(Event::Connected {
            node: node.clone(),
            way: "direct".into(),
            warm: false,
        });
        pause();
        send(Event::Observed {
            node: node.clone(),
            resources: 115,
        });
    }
    for node in &nodes {
        send(Event::Batch {
            node: node.clone(),
            run: "demo".into(),
            steps: args.steps,
        });
    }
    let fails =
        |node: &str, step: usize| nodes.last().is_some_and(|n| n == node) && step == args.steps / 2;
    for step in 0..args.steps {
        for node in &nodes {
            let title = format!("replace /etc/demo.d/{step:02}.conf");
            if fails(node, step) {
                send(Event::Failed {
                    node: node.clone(),
                    why: "no space left on /etc".into(),
                });
            }
            if nodes.last() == Some(node) && step >= args.steps / 2 {
                continue;
            }
            send(Event::StepBegin {
                node: node.clone(),
                step,
                of: args.steps,
                title: title.clone(),
            });
            pause();
            send(Event::StepOutput {
                node: node.clone(),
                step,
                line: format!("writing /etc/demo.d/{step:02}.conf ..."),
            });
            pause();
            send(Event::StepEnd {
                node: node.clone(),
                step,
                title,
                status: 0,
                output: String::new(),
            });
        }
    }
    let recap = |node: &String| Recap {
        node: node.clone(),
        same: 103,
        changed: args.steps,
        failed: fails(node, args.steps / 2).then(|| "no space left on /etc".into()),
        ..Recap::default()
    };
    send(Event::Recap {
        nodes: nodes.iter().map(recap).collect(),
    });
}
