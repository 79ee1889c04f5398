//! Findings about what a person wrote: the place, the fault, and the remedy.

use super::source::{Location, Place, Sources, floor};
use std::fmt::Write as _;

/// The severity of a finding.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It can be accepted with a reason (`[accept]`).
    Warning,
    /// It blocks the command until it is mended.
    Error,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is wrong in a site, a role or a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable code, such as `KEY-UNKNOWN` or `RING-DLM`.
    pub code: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// The fault, in one sentence without a full stop.
    pub message: String,
    /// The place where it is written.
    pub place: Option<Place>,
    /// A few words under that place; may be empty.
    pub label: String,
    /// The remedy.
    pub help: Option<String>,
    /// Other places that belong to it, each with a few words.
    pub also: Vec<(Place, String)>,
}

impl Finding {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    /// A file of the site that cannot be read.
    pub fn unread(path: &std::path::Path, why: &std::io::Error) -> Self {
        let path = path.display();
        if why.kind() == std::io::ErrorKind::InvalidData {
            return Self::error("FILE", format!("{path} is not text in UTF-8"))
                .help("save it as UTF-8");
        }
        Self::error("FILE", format!("{path} cannot be read: {why}"))
    }

    /// A finding without a place.
    pub fn new(code: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            place: None,
            label: String::new(),
            help: None,
            also: Vec::new(),
        }
    }

    /// Adds where it is written.
    #[must_use]
    pub fn at(mut self, place: impl Into<Option<Place>>) -> Self {
        self.place = place.into();
        self
    }

    /// Adds a few words under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds the remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place that belongs to it; `None` is passed over.
    #[must_use]
    pub fn also(mut self, place: impl Into<Option<Place>>, what: impl Into<String>) -> Self {
        if let Some(place) = place.into() {
            self.also.push((place, what.into()));
        }
        self
    }

    /// File, line and column, where it has a place.
    pub fn location(&self, sources: &Sources) -> Option<Location> {
        self.place.map(|place| sources.locate(place))
    }

    /// The whole finding for display: several lines, ending with a newline.
    pub fn render(&self, sources: &Sources, color: bool) -> String {
        let paint = Paint { color };
        let head = match self.severity {
            Severity::Error => paint.red(&format!("error[{}]", self.code)),
            Severity::Warning => paint.yellow(&format!("warning[{}]", self.code)),
        };
        let mut out = format!("{head}{}\n", paint.bold(&format!(": {}", self.message)));
        if let Some(place) = self.place {
            excerpt(&mut out, sources, place, &self.label, &paint, true);
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, " {} {help}", paint.green("help:"));
        }
        for (place, what) in &self.also {
            let _ = writeln!(out, " {} {what}", paint.blue("also:"));
            excerpt(&mut out, sources, *place, "", &paint, false);
        }
        out
    }
}

/// A value in a message: in backticks, cut after 60 characters, control characters escaped.
pub fn shown(text: &str) -> String {
    let mut out = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == 60 {
            out.push('…');
            break;
        }
        if c.is_control() || is_unseen(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}

/// `a`, `a or b`, `a, b or c`, each in backticks.
pub fn any_of<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<_> = words.iter().map(|w| shown(w.as_ref())).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Characters that turn or hide text on a terminal: marks of direction, private use, joiners.
pub(in crate::site) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// The number of characters of a long line that are shown.
const WIDTH: usize = 110;

fn excerpt(
    out: &mut String,
    sources: &Sources,
    place: Place,
    label: &str,
    paint: &Paint,
    main: bool,
) {
    let location = sources.locate(place);
    let (line, start) = sources.line_of(place);
    let number = location.line.to_string();
    let gutter = " ".repeat(number.len());
    let _ = writeln!(out, "{gutter}{} {location}", paint.blue("-->"));
    let from = line[..floor(line, place.start - start.min(place.start))]
        .chars()
        .count();
    let to = line[..floor(line, place.end.saturating_sub(start))]
        .chars()
        .count();
    let run = to.saturating_sub(from).max(1);
    // A long line is cut to a window around the place.
    let skip = if from + run.min(WIDTH / 2) > WIDTH {
        from - WIDTH / 3
    } else {
        0
    };
    let mut shown: String = line
        .char_indices()
        .skip(skip)
        .take(WIDTH)
        .map(|(at, c)| match c {
            _ if sources.is_hidden(place.file, start + at) => '•',
            '\t' => ' ',
            c if c.is_control() || is_unseen(c) => '\u{fffd}',
            c => c,
        })
        .collect();
    let lead = if skip > 0 { "… " } else { "" };
    if line.chars().count() > skip + WIDTH {
        shown.push_str(" …");
    }
    let bar = paint.blue("|");
    let _ = writeln!(out, "{gutter} {bar}");
    let text = format!("{lead}{shown}");
    let _ = writeln!(
        out,
        "{} {bar} {}",
        paint.blue(&number),
        text.trim_end_matches([' ', '\t'])
    );
    let mark = if main { "^" } else { "-" };
    let carets = mark.repeat(run.min(WIDTH.saturating_sub(from - skip)).max(1));
    let carets = if main {
        paint.red(&carets)
    } else {
        paint.blue(&carets)
    };
    let indent = " ".repeat(from - skip + lead.chars().count());
    let label = if label.is_empty() {
        String::new()
    } else {
        format!(" {label}")
    };
    let _ = writeln!(out, "{gutter} {bar} {indent}{carets}{label}");
}

struct Paint {
    color: bool,
}

impl Paint {
    fn with(&self, style: anstyle::Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.with(anstyle::Style::new().bold(), text)
    }

    fn in_color(&self, color: anstyle::AnsiColor, text: &str) -> String {
        self.with(color.on_default().bold(), text)
    }

    fn red(&self, text: &str) -> String {
        self.in_color(anstyle::AnsiColor::Red, text)
    }

    fn yellow(&self, text: &str) -> String {
        self.in_color(anstyle::AnsiColor::Yellow, text)
    }

    fn green(&self, text: &str) -> String {
        self.in_color(anstyle::AnsiColor::Green, text)
    }

    fn blue(&self, text: &str) -> String {
        self.in_color(anstyle::AnsiColor::Blue, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(sources: &Sources, file: super::super::super::FileId, what: &str) -> Place {
        let start = sources.text(file).find(what).unwrap();
        Place {
            file,
            start,
            end: start + what.len(),
        }
    }

    #[test]
    fn a_finding_shows_its_lines() {
        let mut sources = Sources::default();
        let file = sources.add(
            "site/inventory.toml",
            "[zone]\nred = { nicc = \"eth0\" }\nstorage = 1\n",
        );
        let finding = Finding::error("KEY-UNKNOWN", "unknown key `nicc` in `zone.red`")
            .at(place(&sources, file, "nicc"))
            .label("not a key of a zone")
            .help("did you mean `nic`?")
            .also(place(&sources, file, "storage"), "here as well");
        assert_eq!(
            finding.render(&sources, false),
            "error[KEY-UNKNOWN]: unknown key `nicc` in `zone.red`\n \
             --> site/inventory.toml:2:9\n  |\n2 | red = { nicc = \"eth0\" }\n  |         ^^^^ not a key of a zone\n \
             help: did you mean `nic`?\n \
             also: here as well\n \
             --> site/inventory.toml:3:1\n  |\n3 | storage = 1\n  | -------\n"
        );
        assert!(
            finding
                .render(&sources, true)
                .contains("\u{1b}[1m\u{1b}[31merror[KEY-UNKNOWN]\u{1b}[0m")
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let mut sources = Sources::default();
        let text = format!("{}HERE{}", "a".repeat(300), "b".repeat(300));
        let file = sources.add("x", text);
        let shown = Finding::error("X", "m")
            .at(place(&sources, file, "HERE"))
            .render(&sources, false);
        let lines: Vec<_> = shown.lines().collect();
        let column = lines[4].find('^').unwrap();
        assert!(lines.iter().all(|l| l.chars().count() < 130), "{shown}");
        let at: String = lines[3]
            .chars()
            .skip(lines[4][..column].chars().count())
            .take(4)
            .collect();
        assert_eq!(at, "HERE");
    }

    #[test]
    fn the_terminal_is_not_steered_by_a_file() {
        let mut sources = Sources::default();
        let file = sources.add("x", "a = \"\u{1b}[2Jb\u{202e}\"");
        let finding =
            Finding::error("X", shown("\u{1b}[2J\n")).at(place(&sources, file, "\u{1b}[2J"));
        let text = finding.render(&sources, false);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
        assert!(text.contains("`\\u{1b}[2J\\n`"), "{text}");
    }

    #[test]
    fn words_to_choose_from_are_reported() {
        assert_eq!(any_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
