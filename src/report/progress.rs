//! Shows running work on standard error: a live line a node on a terminal, plain lines in a log.

use super::{OutputStyle, Sink, Tone};
use crate::run::{Event, GuardEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// The interval at which the live lines are drawn at most.
const TICK: Duration = Duration::from_millis(120);

/// From when on a step under way says how long it has taken.
const LONG: Duration = Duration::from_secs(3);

/// The live line of a node: steps done of all, the time of the running one, its last output.
const WORKING: &str = "{prefix} {spinner} {pos:>3}/{len:<3} {taken}{wide_msg}";

/// Shows progress in one of its forms.
pub struct ProgressView {
    form: ProgressForm,
    style: OutputStyle,
    /// Steps of the batch under way: node → how many.
    steps: BTreeMap<String, usize>,
    /// The output of the step under way, by node.
    output: BTreeMap<String, String>,
}

enum ProgressForm {
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
    /// The step under way of each node.
    titles: BTreeMap<String, String>,
}

impl ProgressView {
    /// Live lines on standard error, which is a terminal.
    pub fn live(style: OutputStyle) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self::new(
            style,
            ProgressForm::Live(Live {
                all,
                bars: BTreeMap::new(),
                names: 0,
                titles: BTreeMap::new(),
            }),
        )
    }

    /// Plain lines: when a node begins, fails and ends; with `-v` each step.
    pub fn lines(style: OutputStyle, out: Sink) -> Self {
        Self::new(style, ProgressForm::Lines(out))
    }

    fn new(style: OutputStyle, form: ProgressForm) -> Self {
        Self {
            form,
            style,
            steps: BTreeMap::new(),
            output: BTreeMap::new(),
        }
    }

    /// Shows the progress that an event reports.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Batch { node, steps, .. } => {
                self.steps.insert(node.clone(), *steps);
            }
            Event::StepBegin { node, .. } => {
                self.output.remove(node);
            }
            Event::StepOutput { node, line, .. } => {
                let output = self.output.entry(node.clone()).or_default();
                if !output.is_empty() {
                    output.push('\n');
                }
                output.push_str(line);
            }
            _ => {}
        }
        let alive = matches!(self.form, ProgressForm::Live(_));
        let text = self.line(event, alive);
        if let ProgressForm::Live(live) = &mut self.form
            && !self.style.quiet
        {
            live.show(event, self.style);
        }
        if !text.is_empty() {
            self.print(&text);
        }
    }

    /// Writes lines without tearing the live ones. A failure to write is ignored: progress is no result.
    fn print(&mut self, text: &str) {
        let text = &*super::leaving(text, self.style.colour);
        match &mut self.form {
            ProgressForm::Live(live) => live.all.suspend(|| eprint_quietly(text)),
            ProgressForm::Lines(out) => {
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
        }
    }

    /// Lets something else write to the terminal.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.form {
            ProgressForm::Live(live) => live.all.suspend(write),
            ProgressForm::Lines(_) => write(),
        }
    }

    /// Takes the live lines away.
    pub fn clear(&mut self) {
        if let ProgressForm::Live(live) = &mut self.form {
            for bar in live.bars.values() {
                bar.finish_and_clear();
            }
            live.bars.clear();
            let _ = live.all.clear();
        }
    }

    /// The lines that an event is worth. A live display shows begin and end itself.
    fn line(&self, event: &Event, live: bool) -> String {
        let style = &self.style;
        let verbose = style.verbose > 0 && !style.quiet;
        match event {
            Event::Failed { node, why } => {
                node_line(style, node, Tone::Bad, &format!("failed: {why}"))
            }
            Event::StepEnd {
                node,
                title,
                status,
                output,
                ..
            } if *status != 0 => {
                let failed = format!("{title}: exit status {status}");
                // With -v it was read as it came.
                if verbose && self.output.get(node).is_some_and(|h| h.ends_with(output)) {
                    return node_line(style, node, Tone::Bad, &failed);
                }
                node_line(
                    style,
                    node,
                    Tone::Bad,
                    format!("{failed}\n{output}").trim_end(),
                )
            }
            _ if style.quiet => String::new(),
            Event::Note { node, text } => match node {
                Some(node) => node_line(style, node, Tone::Plain, text),
                None => style.paint(Tone::Plain, text) + "\n",
            },
            Event::Lost { node, why } => {
                let text = format!("connection lost ({why}); the run goes on by itself there");
                node_line(style, node, Tone::Change, &text)
            }
            Event::Waiting { node, waiting } if !live => {
                node_line(style, node, Tone::Plain, &format!("waiting for {waiting}"))
            }
            Event::Following { node } => node_line(style, node, Tone::Plain, "connected again"),
            Event::Guard { node, says } => guard(style, node, says, live),
            Event::Connected { node, way, warm } if verbose => {
                let warm = if *warm { ", already open" } else { "" };
                node_line(style, node, Tone::Dim, &format!("connected: {way}{warm}"))
            }
            Event::Observed { node, resources } if verbose => {
                let count = super::style::count(*resources, "resource", "resources");
                node_line(style, node, Tone::Dim, &format!("{count} observed"))
            }
            Event::StepOutput { node, line, .. } if verbose => {
                let text = style.paint(Tone::Dim, super::style::last_words(line));
                format!("{}:   {text}\n", style.paint(Tone::Strong, node))
            }
            Event::Batch { node, run, steps } if !live || verbose => {
                let steps = super::style::count(*steps, "step", "steps");
                node_line(
                    style,
                    node,
                    Tone::Plain,
                    &format!("begins {steps} (run {run})"),
                )
            }
            Event::StepBegin {
                node,
                step,
                of,
                title,
            } if verbose => {
                let text = format!("{}/{of} {title}", step + 1);
                node_line(style, node, Tone::Plain, &text)
            }
            Event::StepEnd { node, step, .. } => {
                let of = self.steps.get(node).copied().unwrap_or(0);
                if live || step + 1 != of {
                    return String::new();
                }
                let steps = super::style::count(of, "step", "steps");
                node_line(style, node, Tone::Plain, &format!("{steps} done"))
            }
            _ => String::new(),
        }
    }
}

/// An event of the guard, as a line. The live line counts the seconds down; a log has a line every half minute.
fn guard(style: &OutputStyle, node: &str, says: &GuardEvent, live: bool) -> String {
    let (tone, text) = match says {
        GuardEvent::Armed { .. } if live => return String::new(),
        GuardEvent::Armed { .. } => {
            let text = "guard: on; what follows is rolled back unless a new connection confirms it";
            (Tone::Plain, text.to_owned())
        }
        GuardEvent::Waiting { left, why } => {
            if live || why.is_empty() || left % 30 != 0 {
                return String::new();
            }
            (Tone::Change, format!("guard: {}", waiting(*left, why)))
        }
        GuardEvent::Confirmed { ways } if ways.is_empty() => {
            (Tone::Good, "guard: confirmed".to_owned())
        }
        GuardEvent::Confirmed { ways } => (
            Tone::Good,
            format!("guard: confirmed anew by {}", ways.join(", ")),
        ),
        GuardEvent::Reverting { .. } => (Tone::Bad, "guard: rolling everything back".to_owned()),
        GuardEvent::Reverted { same: true } => (Tone::Bad, "guard: everything is back".to_owned()),
        GuardEvent::Reverted { same: false } => {
            (Tone::Bad, "guard: NOT everything is as it was".to_owned())
        }
    };
    node_line(style, node, tone, &text)
}

fn waiting(left: u64, why: &str) -> String {
    if why.is_empty() {
        format!("rolling back in {left} s unless a new connection comes about")
    } else {
        format!("rolling back in {left} s; no new connection yet ({why})")
    }
}

/// `node1: text`, further lines indented.
fn node_line(style: &OutputStyle, node: &str, tone: Tone, text: &str) -> String {
    let mut lines = text.lines();
    let mut out = format!(
        "{}: {}\n",
        style.paint(Tone::Strong, node),
        style.paint(tone, lines.next().unwrap_or_default())
    );
    for line in lines {
        let _ = writeln!(out, "  {}", style.paint(Tone::Plain, line));
    }
    out
}

fn eprint_quietly(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

impl Live {
    fn show(&mut self, event: &Event, style: OutputStyle) {
        match event {
            Event::Nodes { nodes } => {
                self.names = nodes.iter().map(|n| n.chars().count()).max().unwrap_or(0);
            }
            Event::Connecting { node } => self.bar(node, style).set_message("connecting"),
            Event::Connected { node, .. } => self.bar(node, style).set_message("asking"),
            Event::Observed { node, .. } => self.done(node, style, true, "observed"),
            Event::Batch { node, steps, .. } => {
                let bar = self.bar(node, style);
                bar.set_style(bar_style(WORKING));
                bar.set_length(*steps as u64);
                bar.set_position(0);
                bar.set_message("begins");
            }
            Event::StepBegin { node, title, .. } => {
                self.titles.insert(node.clone(), title.clone());
                let bar = self.bar(node, style);
                bar.reset_elapsed();
                bar.set_message(style.paint(Tone::Plain, title));
            }
            Event::StepOutput { node, line, .. } => {
                let title = self.titles.get(node).map_or("", String::as_str);
                let text = working(title, line, style);
                self.bar(node, style).set_message(text);
            }
            Event::StepEnd { node, step, .. } => {
                let bar = self.bar(node, style);
                bar.reset_elapsed();
                bar.set_position(*step as u64 + 1);
                if bar.length() == Some(*step as u64 + 1) {
                    self.done(node, style, true, "done");
                }
            }
            Event::Lost { node, .. } => {
                self.bar(node, style)
                    .set_message("connection lost, connecting again");
            }
            Event::Following { node } => self.bar(node, style).set_message("following"),
            Event::Waiting { node, waiting } => {
                let bar = self.bar(node, style);
                bar.set_style(bar_style(WORKING));
                bar.set_length(100);
                bar.set_position(u64::from(waiting.progress.percent));
                bar.set_message(style.paint(Tone::Plain, format!("waiting for {waiting}")));
            }
            Event::Guard {
                node,
                says: GuardEvent::Waiting { left, why },
            } => {
                let text = style.paint(Tone::Change, waiting(*left, why));
                self.bar(node, style).set_message(text);
            }
            Event::Failed { node, why } => {
                let first = why.lines().next().unwrap_or_default();
                self.done(node, style, false, &style.paint(Tone::Bad, first));
            }
            _ => {}
        }
    }

    /// The line of a node, made when it is first needed.
    fn bar(&mut self, node: &str, style: OutputStyle) -> &ProgressBar {
        let names = self.names;
        let all = &self.all;
        let bar = self.bars.entry(node.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(0));
            let gap = names.saturating_sub(node.chars().count());
            bar.set_prefix(style.paint(Tone::Strong, node) + &" ".repeat(gap));
            bar.set_style(bar_style("{prefix} {spinner} {wide_msg}"));
            bar.enable_steady_tick(TICK);
            bar
        });
        if bar.is_finished() {
            bar.reset();
            bar.set_style(bar_style("{prefix} {spinner} {wide_msg}"));
            bar.enable_steady_tick(TICK);
        }
        bar
    }

    fn done(&mut self, node: &str, style: OutputStyle, well: bool, message: &str) {
        let bar = self.bar(node, style);
        let sign = if well {
            style.paint(Tone::Good, "✓")
        } else {
            style.paint(Tone::Bad, "✗")
        };
        let steps = if bar.length().is_some_and(|l| l > 0) {
            " {pos:>3}/{len:<3}"
        } else {
            ""
        };
        bar.set_style(bar_style(&format!("{{prefix}} {sign}{steps} {{wide_msg}}")));
        bar.abandon_with_message(message.to_owned());
    }
}

/// The running step of a node and its last line of output, on one line.
fn working(title: &str, line: &str, style: OutputStyle) -> String {
    let words = super::style::last_words(line);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let title = style.paint(Tone::Plain, title);
    if words.is_empty() {
        return title;
    }
    format!("{title}: {}", style.paint(Tone::Dim, words))
}

/// The time that the step under way takes, once that is worth saying.
fn taken(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match (elapsed < LONG, seconds / 60) {
        (true, _) => String::new(),
        (false, 0) => format!("{seconds} s  "),
        (false, minutes) => format!("{minutes} min {:02} s  ", seconds % 60),
    }
}

fn bar_style(template: &str) -> ProgressStyle {
    let elapsed = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = out.write_str(&taken(state.elapsed()));
    };
    let style = ProgressStyle::with_template(template);
    let style = style.expect("the template is a constant of this file");
    style.with_key("taken", elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_node_says_what_its_step_says() {
        let style = OutputStyle::default();
        let text = |line: &str| working("install chrony", line, style);
        assert_eq!(
            text("Unpacking  chrony\t…"),
            "install chrony: Unpacking chrony …"
        );
        assert_eq!(text("10 %\r20 %"), "install chrony: 20 %");
        assert_eq!(text("\u{1b}[31mred\u{1b}[0m"), "install chrony: red");
        assert_eq!(text("\u{1b}]0;x\u{7}"), "install chrony: \\u{1b}]0;x\\u{7}");
        assert_eq!(text("  "), "install chrony");
    }

    #[test]
    fn a_long_step_says_how_long_it_takes() {
        let after = |millis| taken(Duration::from_millis(millis));
        assert_eq!(after(2_999), "");
        assert_eq!(after(3_000), "3 s  ");
        assert_eq!(after(59_900), "59 s  ");
        assert_eq!(after(125_000), "2 min 05 s  ");
    }
}
