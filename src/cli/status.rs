//! `nodewright status`.

use crate::exit::Exit;
use crate::operate::status::{State, Status, StatusQuery};
use crate::report::{Align, OutputStyle, TextTable, Tone, json_line};
use crate::workplace::{self, Context, Forks, Pick, Usage, Values};
use std::fmt::Write as _;
use std::time::Duration;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 healthy, 3 degraded or frozen, 4 no node answered.

It is asked of whoever answers: a node that does not answer within 4 s (--timeout) is shown as unreachable, and does not keep the
others from telling. Each point names the command that leads on. docs/status.md has every key of --json.

Examples:
  nodewright status            once
  nodewright status --watch    again and again, until Ctrl-C
  nodewright status --json     for programs: one object a look")]
pub struct Args {
    /// Look again every few seconds, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// Seconds that a node may take to answer, 1 to 600; more over a serial line, or while a node is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}

/// How long a look is shown before the next one.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// An unsound site.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let observation = StatusQuery::new(&place.site).map_err(Usage)?;
    let forks = Forks { forks: 32 };
    let mut setup = place.setup(
        context,
        observation.nodes(),
        &Pick::default(),
        forks,
        Values::Unused,
    )?;
    observation.prepare(&mut setup, Duration::from_secs(args.timeout));
    let mut reporter = context.reporter();
    let order = &observation;
    let watch = args.watch;
    let exit = workplace::with_engine(
        &mut reporter,
        setup,
        |_| (),
        async move |engine| {
            loop {
                let status = order.status(engine).await;
                let text = if context.global.json {
                    json_line(&status)
                } else {
                    page(&status, &context.style)
                };
                context.print(&text)?;
                if !watch || engine.pause(PAUSE).await {
                    return anyhow::Ok(exit(&status));
                }
                for node in order.nodes() {
                    engine.try_again(node);
                }
            }
        },
    )??;
    reporter.finish()?;
    Ok(exit)
}

/// The exit code for a status.
fn exit(status: &Status) -> Exit {
    if status.nodes.iter().all(|n| !n.answered) {
        Exit::Unreachable
    } else if status.state == State::Healthy {
        Exit::Done
    } else {
        Exit::Findings
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Healthy => Tone::Good,
        State::Degraded => Tone::Change,
        State::Frozen => Tone::Bad,
    }
}

/// The screen.
fn page(status: &Status, style: &OutputStyle) -> String {
    let word = style.paint(tone(status.state), status.state.word());
    let mut text = format!("{}: {word}\n\n", status.site);
    let mut nodes = TextTable::new(&[
        ("node", Align::Left),
        ("answers", Align::Left),
        ("cluster", Align::Left),
        ("quorum", Align::Left),
    ]);
    for node in &status.nodes {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let known = |word: &str| if word.is_empty() { "-" } else { word }.to_owned();
        let good = |is: bool| if is { Tone::Plain } else { Tone::Bad };
        nodes.toned_row([
            (Tone::Strong, node.name.clone()),
            (good(node.answered), yes(node.answered)),
            (
                good(["online", ""].contains(&&*node.cluster)),
                known(&node.cluster),
            ),
            (
                good(node.quorate != Some(false)),
                node.quorate.map_or_else(|| "-".to_owned(), yes),
            ),
        ]);
    }
    text.push_str(&nodes.text(style));
    let mut what = TextTable::new(&[("what", Align::Left), ("where", Align::Left)]);
    for (name, ends) in &status.mirrors {
        for (node, words) in ends {
            what.row([format!("mirror {name}"), format!("{node}: {words}")]);
        }
    }
    for (path, on) in &status.mounts {
        let on = if on.is_empty() {
            "nowhere".to_owned()
        } else {
            on.join(", ")
        };
        what.row([path.clone(), on]);
    }
    for place in status.resources.iter().filter(|p| !p.nodes.is_empty()) {
        what.row([
            place.name.clone(),
            format!("{} {}", place.nodes.join(", "), place.role),
        ]);
    }
    let what = what.text(style);
    if !what.is_empty() {
        let _ = write!(text, "\n{what}");
    }
    if !status.points.is_empty() {
        text.push('\n');
    }
    for point in &status.points {
        let word = style.paint(tone(point.state), format!("{:<9}", point.state.word()));
        let _ = writeln!(
            text,
            "{word} {}\n          {}",
            point.what,
            style.paint(Tone::Dim, format!("`{}`", point.next))
        );
    }
    text
}
