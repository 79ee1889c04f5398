//! `nodewright status`.

use crate::exit::Exit;
use crate::operate::status::{SiteStatus, State, Status, StatusQuery};
use crate::report::{Align, OutputStyle, ProgressView, Reporter, TextTable, Tone, json_line};
use crate::run::Setup;
use crate::workplace::outcome::exit_of;
use crate::workplace::{self, Context, Usage, Values};
use anyhow::anyhow;
use std::fmt::Write as _;
use std::sync::mpsc::Receiver;
use std::thread::Scope;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 healthy, 3 degraded or frozen, 4 no node answered. Of several sites the gravest: 64, 1, 4, 3, 0.

It is asked of whoever answers: a node that does not answer within 4 s (--timeout) is shown as unreachable, and does not
keep the others from telling. Each point names the command that leads on. docs/status.md has every key of --json.

Examples:
  nodewright status                              once
  nodewright status --watch                      again and again, until Ctrl-C
  nodewright status --json                       for programs: one object a look
  nodewright status --site north --site south    several sites, all at once")]
pub struct Args {
    /// Look again every few seconds, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,
    /// Seconds that a node may take to answer, 1 to 600; more over a serial line, or while a node is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: u64,
}

/// The time for which a look is shown before the next one.
const PAUSE: Duration = Duration::from_secs(5);

/// The exit codes that a site can end with, the gravest first.
const GRAVITY: [Exit; 5] = [
    Exit::Usage,
    Exit::Failed,
    Exit::Unreachable,
    Exit::Findings,
    Exit::Done,
];

/// Runs the command.
///
/// # Errors
/// Of one site, that it is unsound; of several, that is shown beside the others.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let dirs = &context.global.site;
    let within = Duration::from_secs(args.timeout);
    if dirs.len() < 2 {
        let (query, setup) = prepare(context, within)?;
        return std::thread::scope(|scope| {
            let asked = SiteThread::begin(scope, query, setup, context.progress_lines());
            loop {
                asked.ask();
                let status = asked.answer()?;
                let text = if context.global.json {
                    json_line(&status)
                } else {
                    page(&status, &context.style)
                };
                context.print(&text)?;
                if !args.watch {
                    return Ok(exit(&status));
                }
                std::thread::sleep(PAUSE);
            }
        });
    }
    // One after the other, since they may ask for a password; all of them before the time of the look begins.
    let prepared: Vec<_> = dirs
        .iter()
        .map(|dir| (dir, prepare(&context.of_site(dir), within)))
        .collect();
    std::thread::scope(|scope| {
        let mut sites = Vec::new();
        for (dir, prepared) in prepared {
            let dir = dir.display().to_string();
            let asked = match prepared {
                Ok((query, setup)) => Ok(SiteThread::begin(scope, query, setup, unseen(context))),
                Err(error) => Err(failed(&dir, &error)),
            };
            sites.push((dir, asked));
        }
        loop {
            for (_, asked) in &sites {
                if let Ok(asked) = asked {
                    asked.ask();
                }
            }
            let all = sites.iter().map(|(dir, asked)| match asked {
                Err(failed) => failed.clone(),
                Ok(asked) => asked.answer().map_or_else(
                    |error| failed(dir, &error),
                    |status| SiteStatus {
                        dir: dir.clone(),
                        exit: exit(&status) as u8,
                        error: None,
                        status: Some(status),
                    },
                ),
            });
            let all: Vec<SiteStatus> = all.collect();
            context.print(&if context.global.json {
                json_line(&all)
            } else {
                pages(&all, &context.style)
            })?;
            if !args.watch {
                return Ok(gravest(&all));
            }
            std::thread::sleep(PAUSE);
        }
    })
}

/// Reads a site, and prepares to ask its nodes.
fn prepare(context: &Context, within: Duration) -> anyhow::Result<(StatusQuery, Setup)> {
    let place = workplace::open_sound(context)?;
    let query = StatusQuery::new(&place.site).map_err(Usage)?;
    let mut setup = place.setup_whole(context, query.nodes(), Values::Unused)?;
    query.prepare(&mut setup, within);
    Ok((query, setup))
}

/// A site whose nodes are asked on a thread of its own, which ends with this value.
struct SiteThread {
    ask: UnboundedSender<()>,
    answers: Receiver<anyhow::Result<Status>>,
}

impl SiteThread {
    fn begin<'scope>(
        scope: &'scope Scope<'scope, '_>,
        query: StatusQuery,
        setup: Setup,
        mut reporter: Reporter,
    ) -> Self {
        let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let (answer, answers) = std::sync::mpsc::channel();
        scope.spawn(move || {
            let (order, told) = (&query, answer.clone());
            let ended = workplace::with_engine(
                &mut reporter,
                setup,
                |_| (),
                async move |engine| {
                    while asked.recv().await.is_some() {
                        for node in order.nodes() {
                            engine.try_again(node);
                        }
                        // The receiver may be gone.
                        let _ = told.send(Ok(order.status(engine).await));
                    }
                },
            );
            if let Err(error) = ended {
                let _ = answer.send(Err(error));
            }
        });
        Self { ask, answers }
    }

    /// Has it look.
    fn ask(&self) {
        // A thread that ended said why, or its answers end.
        let _ = self.ask.send(());
    }

    /// The status that it observed.
    fn answer(&self) -> anyhow::Result<Status> {
        let answer = self.answers.recv();
        answer.unwrap_or_else(|_| Err(anyhow!("nobody asks its nodes any more")))
    }
}

/// Shows nothing: several sites may have nodes of one name, and their pages say all.
fn unseen(context: &Context) -> Reporter {
    let sink = || Box::new(std::io::sink());
    let progress = ProgressView::lines(context.err_style, sink());
    Reporter::new(context.style, false, sink(), progress)
}

/// A site of which nothing can be said.
fn failed(dir: &str, error: &anyhow::Error) -> SiteStatus {
    SiteStatus {
        dir: dir.to_owned(),
        exit: exit_of(error) as u8,
        error: Some(format!("{error:#}")),
        status: None,
    }
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

/// The exit code for several sites.
fn gravest(all: &[SiteStatus]) -> Exit {
    let found = |exit: &Exit| all.iter().any(|site| site.exit == *exit as u8);
    let gravest = GRAVITY.into_iter().find(found);
    gravest.unwrap_or(Exit::Failed)
}

/// The screens of several sites, as one.
fn pages(all: &[SiteStatus], style: &OutputStyle) -> String {
    let pages = all.iter().map(|site| {
        let status = site.status.as_ref().map(|status| page(status, style));
        status.unwrap_or_else(|| {
            let why = site.error.as_deref().unwrap_or_default();
            let why = style.paint(Tone::Bad, format!("not asked: {why}"));
            format!("{}: {why}\n", site.dir)
        })
    });
    pages.collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn site(dir: &str, exit: Exit) -> SiteStatus {
        SiteStatus {
            dir: dir.to_owned(),
            exit: exit as u8,
            error: None,
            status: Some(Status {
                site: format!("of {dir}"),
                ..Status::default()
            }),
        }
    }

    #[test]
    fn the_gravest_site_is_the_end() {
        let of = |exits: &[Exit]| {
            let all: Vec<SiteStatus> = exits.iter().map(|e| site("a", *e)).collect();
            gravest(&all)
        };
        assert_eq!(of(&[Exit::Done, Exit::Done]), Exit::Done);
        assert_eq!(of(&[Exit::Findings, Exit::Done]), Exit::Findings);
        assert_eq!(of(&[Exit::Findings, Exit::Unreachable]), Exit::Unreachable);
        assert_eq!(of(&[Exit::Failed, Exit::Unreachable]), Exit::Failed);
        let all = [Exit::Done, Exit::Usage, Exit::Failed];
        assert_eq!(of(&all), Exit::Usage);
    }

    #[test]
    fn a_site_that_cannot_be_asked_stands_beside_the_others() {
        let error = Err::<(), _>(std::io::Error::other("it is on fire")).context("cannot read it");
        let all = [
            site("a", Exit::Findings),
            failed("b", &error.unwrap_err()),
            failed("c", &Usage("no site".to_owned()).into()),
        ];
        let text = pages(&all, &OutputStyle::default());
        assert_eq!(
            text,
            "of a: healthy\n\n\nb: not asked: cannot read it: it is on fire\n\nc: not asked: no site\n"
        );
        assert_eq!((all[1].exit, all[2].exit), (1, 64));
    }
}
