//! What is under way, on standard error: a live line a node on a terminal, plain lines in a log.

use super::{Look, Sink, Tone};
use crate::run::{Event, GuardSays};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// How often the live lines are drawn at most.
const TICK: Duration = Duration::from_millis(120);

/// Shows progress in one of its forms.
pub struct Progress {
    form: Form,
    look: Look,
    /// Steps of the batch under way: node → how many.
    steps: BTreeMap<String, usize>,
}

enum Form {
    /// Live lines on a terminal.
    Live(Live),
    /// Plain lines.
    Lines(Sink),
}

struct Live {
    all: MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
    /// Width of the longest name.
    names: usize,
}

impl Progress {
    /// Live lines on standard error, which is a terminal.
    pub fn live(look: Look) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self::new(
            look,
            Form::Live(Live {
                all,
                bars: BTreeMap::new(),
                names: 0,
            }),
        )
    }

    /// Plain lines: when a node begins, fails and ends; with `-v` each step.
    pub fn lines(look: Look, out: Sink) -> Self {
        Self::new(look, Form::Lines(out))
    }

    fn new(look: Look, form: Form) -> Self {
        Self {
            form,
            look,
            steps: BTreeMap::new(),
        }
    }

    /// Shows what an event says of progress.
    pub fn tell(&mut self, event: &Event) {
        if let Event::Batch { node, steps, .. } = event {
            self.steps.insert(node.clone(), *steps);
        }
        let alive = matches!(self.form, Form::Live(_));
        let text = self.line(event, alive);
        if let Form::Live(live) = &mut self.form
            && !self.look.quiet
        {
            live.tell(event, self.look);
        }
        if !text.is_empty() {
            self.say(&text);
        }
    }

    /// Writes lines without tearing the live ones. What cannot be written is dropped: progress is no result.
    fn say(&mut self, text: &str) {
        match &mut self.form {
            Form::Live(live) => live.all.suspend(|| eprint_quietly(text)),
            Form::Lines(out) => {
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
        }
    }

    /// Lets something else write to the terminal.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.form {
            Form::Live(live) => live.all.suspend(write),
            Form::Lines(_) => write(),
        }
    }

    /// Takes the live lines away.
    pub fn clear(&mut self) {
        if let Form::Live(live) = &mut self.form {
            for bar in live.bars.values() {
                bar.finish_and_clear();
            }
            live.bars.clear();
            let _ = live.all.clear();
        }
    }

    /// The lines that an event is worth. A live display shows begin and end itself.
    fn line(&self, event: &Event, live: bool) -> String {
        let look = &self.look;
        let verbose = look.verbose > 0 && !look.quiet;
        match event {
            Event::Failed { node, why } => told(look, node, Tone::Bad, &format!("failed: {why}")),
            Event::StepEnd {
                node,
                title,
                status,
                output,
                ..
            } if *status != 0 => {
                let text = format!("{title}: exit status {status}\n{output}");
                told(look, node, Tone::Bad, text.trim_end())
            }
            _ if look.quiet => String::new(),
            Event::Note { node, text } => match node {
                Some(node) => told(look, node, Tone::Plain, text),
                None => look.paint(Tone::Plain, text) + "\n",
            },
            Event::Lost { node, why } => {
                let text = format!("connection lost ({why}); the run goes on by itself there");
                told(look, node, Tone::Change, &text)
            }
            Event::Following { node } => told(look, node, Tone::Plain, "connected again"),
            Event::Guard { node, says } => guard(look, node, says, live),
            Event::Connected { node, way, warm } if verbose => {
                let warm = if *warm { ", already open" } else { "" };
                told(look, node, Tone::Dim, &format!("connected: {way}{warm}"))
            }
            Event::Observed { node, resources } if verbose => {
                let asked = super::look::count(*resources, "resource", "resources");
                told(look, node, Tone::Dim, &format!("{asked} observed"))
            }
            Event::Batch { node, run, steps } if !live || verbose => {
                let steps = super::look::count(*steps, "step", "steps");
                told(
                    look,
                    node,
                    Tone::Plain,
                    &format!("begins {steps} (run {run})"),
                )
            }
            Event::StepEnd {
                node, step, title, ..
            } => {
                let of = self.steps.get(node).copied().unwrap_or(0);
                let mut lines = String::new();
                if verbose {
                    lines += &told(
                        look,
                        node,
                        Tone::Plain,
                        &format!("{}/{of} {title}", step + 1),
                    );
                }
                if !live && step + 1 == of {
                    let steps = super::look::count(of, "step", "steps");
                    lines += &told(look, node, Tone::Plain, &format!("{steps} done"));
                }
                lines
            }
            _ => String::new(),
        }
    }
}

/// What the guard says, as a line. The seconds are counted down in the live line; a log tells every half minute.
fn guard(look: &Look, node: &str, says: &GuardSays, live: bool) -> String {
    let (tone, text) = match says {
        GuardSays::Armed { .. } if live => return String::new(),
        GuardSays::Armed { .. } => {
            let text = "guard: on; what follows is put back unless a new connection confirms it";
            (Tone::Plain, text.to_owned())
        }
        GuardSays::Waiting { left, why } => {
            if live || why.is_empty() || left % 30 != 0 {
                return String::new();
            }
            (Tone::Change, format!("guard: {}", waiting(*left, why)))
        }
        GuardSays::Confirmed { ways } => (
            Tone::Good,
            format!("guard: confirmed anew by {}", ways.join(", ")),
        ),
        GuardSays::Reverting { .. } => (Tone::Bad, "guard: puts everything back".to_owned()),
        GuardSays::Reverted { same: true } => (Tone::Bad, "guard: everything is back".to_owned()),
        GuardSays::Reverted { same: false } => {
            (Tone::Bad, "guard: NOT everything is as it was".to_owned())
        }
    };
    told(look, node, tone, &text)
}

fn waiting(left: u64, why: &str) -> String {
    if why.is_empty() {
        format!("put back in {left} s unless a new connection comes about")
    } else {
        format!("put back in {left} s; no new connection yet ({why})")
    }
}

/// `node1: text`, further lines indented.
fn told(look: &Look, node: &str, tone: Tone, text: &str) -> String {
    let mut lines = text.lines();
    let mut out = format!(
        "{}: {}\n",
        look.paint(Tone::Strong, node),
        look.paint(tone, lines.next().unwrap_or_default())
    );
    for line in lines {
        let _ = writeln!(out, "  {}", look.paint(Tone::Plain, line));
    }
    out
}

fn eprint_quietly(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

impl Live {
    fn tell(&mut self, event: &Event, look: Look) {
        match event {
            Event::Nodes { nodes } => {
                self.names = nodes.iter().map(|n| n.chars().count()).max().unwrap_or(0);
            }
            Event::Connecting { node } => self.bar(node, look).set_message("connecting"),
            Event::Connected { node, .. } => self.bar(node, look).set_message("asking"),
            Event::Observed { node, .. } => self.done(node, look, true, "observed"),
            Event::Batch { node, steps, .. } => {
                let bar = self.bar(node, look);
                bar.set_style(style("{prefix} {spinner} {pos:>3}/{len:<3} {wide_msg}"));
                bar.set_length(*steps as u64);
                bar.set_position(0);
                bar.set_message("begins");
            }
            Event::StepBegin { node, title, .. } => {
                self.bar(node, look)
                    .set_message(look.paint(Tone::Plain, title));
            }
            Event::StepEnd { node, step, .. } => {
                let bar = self.bar(node, look);
                bar.set_position(*step as u64 + 1);
                if bar.length() == Some(*step as u64 + 1) {
                    self.done(node, look, true, "done");
                }
            }
            Event::Lost { node, .. } => {
                self.bar(node, look)
                    .set_message("connection lost, connecting again");
            }
            Event::Following { node } => self.bar(node, look).set_message("following"),
            Event::Guard {
                node,
                says: GuardSays::Waiting { left, why },
            } => {
                let text = look.paint(Tone::Change, waiting(*left, why));
                self.bar(node, look).set_message(text);
            }
            Event::Failed { node, why } => {
                let first = why.lines().next().unwrap_or_default();
                self.done(node, look, false, &look.paint(Tone::Bad, first));
            }
            _ => {}
        }
    }

    /// The line of a node, made when it is first needed.
    fn bar(&mut self, node: &str, look: Look) -> &ProgressBar {
        let names = self.names;
        let all = &self.all;
        let bar = self.bars.entry(node.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(0));
            let gap = names.saturating_sub(node.chars().count());
            bar.set_prefix(look.paint(Tone::Strong, node) + &" ".repeat(gap));
            bar.set_style(style("{prefix} {spinner} {wide_msg}"));
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_finished() {
            bar.reset();
            bar.set_style(style("{prefix} {spinner} {wide_msg}"));
            bar.enable_steady_tick(TICK);
        }
        bar
    }

    fn done(&mut self, node: &str, look: Look, well: bool, message: &str) {
        let bar = self.bar(node, look);
        let sign = if well {
            look.paint(Tone::Good, "✓")
        } else {
            look.paint(Tone::Bad, "✗")
        };
        let steps = if bar.length().is_some_and(|l| l > 0) {
            " {pos:>3}/{len:<3}"
        } else {
            ""
        };
        bar.set_style(style(&format!("{{prefix}} {sign}{steps} {{wide_msg}}")));
        bar.abandon_with_message(message.to_owned());
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant of this file")
}
