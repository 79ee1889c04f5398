//! The looks of text: width, colour, and what is never let through to a terminal.

use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The verbosity, width and colours of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputStyle {
    /// Whether colours are used.
    pub colour: bool,
    /// Columns that prose is wrapped to. Diffs and tables are never wrapped.
    pub width: usize,
    /// The number of times that `-v` was given.
    pub verbose: u8,
    /// Only results, no progress (`-q`).
    pub quiet: bool,
    /// Whether a long plan shows each difference, too.
    pub diffs: bool,
}

impl Default for OutputStyle {
    /// 80 columns, no colour, as for a log.
    fn default() -> Self {
        Self {
            colour: false,
            width: 80,
            verbose: 0,
            quiet: false,
            diffs: true,
        }
    }
}

/// The role of a piece of text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Plain,
    /// Headings and names that matter.
    Strong,
    /// Minor text.
    Dim,
    /// Added, or well.
    Good,
    /// Changed, or due for review.
    Change,
    /// Removed, or failed.
    Bad,
    /// Decided later.
    Later,
}

/// All tones.
const TONES: [Tone; 7] = [
    Tone::Plain,
    Tone::Strong,
    Tone::Dim,
    Tone::Good,
    Tone::Change,
    Tone::Bad,
    Tone::Later,
];

impl Tone {
    fn style(self) -> Style {
        let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Good => colour(AnsiColor::Green),
            Self::Change => colour(AnsiColor::Yellow),
            Self::Bad => colour(AnsiColor::Red),
            Self::Later => colour(AnsiColor::Cyan),
        }
    }
}

impl OutputStyle {
    /// The text in the colour of its tone, without control characters of its own.
    pub fn paint(&self, tone: Tone, text: impl AsRef<str>) -> String {
        let text = leaving(text.as_ref(), false);
        let style = tone.style();
        if self.colour && style != Style::new() && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.into_owned()
        }
    }

    /// Prose in lines of at most the width, each after `indent` spaces. Line breaks in the text stay.
    pub fn wrap(&self, indent: usize, tone: Tone, text: &str) -> String {
        let room = self.width.saturating_sub(indent).max(20);
        let mut out = String::new();
        for paragraph in text.trim_end().lines() {
            let mut line = String::new();
            for word in paragraph.split_whitespace() {
                if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
                    let _ = writeln!(out, "{:indent$}{}", "", self.paint(tone, &line));
                    line.clear();
                }
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            let _ = writeln!(out, "{:indent$}{}", "", self.paint(tone, &line));
        }
        out
    }
}

/// One line of a program's output, as a terminal would leave it: colours are dropped, and of a line that was written over
/// the last version stays. Control characters that are left are spelled out when it is painted.
pub(super) fn last_words(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.peek() == Some(&'[') {
            chars.next();
            // Parameters, then one letter that ends it.
            while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        } else {
            text.push(if c == '\t' { ' ' } else { c });
        }
    }
    text.trim_end().to_owned()
}

/// Whether a character shows itself and has no other effect: it neither controls a terminal nor turns the direction of
/// writing.
pub(super) fn harmless(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c == '\n' || c == '\t' || !(c.is_control() || turns)
}

/// Text as it may go to a terminal or a log: control characters are spelled out, but for the styles that
/// [`OutputStyle::paint`] adds where there are colours. All output of this program goes through here, so no control
/// character from a node, a name or a file gets by.
pub fn leaving(text: &str, colour: bool) -> Cow<'_, str> {
    if text.chars().all(harmless) {
        return text.into();
    }
    let styles: Vec<String> = if colour {
        let begin = TONES.iter().map(|tone| tone.style().render().to_string());
        let end = Style::new().bold().render_reset().to_string();
        begin
            .filter(|style| !style.is_empty())
            .chain([end])
            .collect()
    } else {
        Vec::new()
    };
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = styles.iter().find(|style| rest.starts_with(style.as_str()));
        let taken = style.map_or(c.len_utf8(), String::len);
        let (piece, after) = rest.split_at(taken);
        match style {
            Some(_) => out.push_str(piece),
            None if harmless(c) => out.push(c),
            None => out.extend(c.escape_default()),
        }
        rest = after;
    }
    out.into()
}

/// `1 change`, `2 changes`: a count with its word.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// `2 nodes`, or `1 of 2 nodes` where others were not observed.
pub(super) fn looked_at(seen: usize, unseen: &[String]) -> String {
    let asked = seen + unseen.len();
    let nodes = count(asked, "node", "nodes");
    if unseen.is_empty() {
        nodes
    } else {
        format!("{seen} of {nodes}")
    }
}

/// `; not observed: node2`, or nothing.
pub(super) fn not_looked_at(unseen: &[String]) -> String {
    if unseen.is_empty() {
        String::new()
    } else {
        format!("; not observed: {}", unseen.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        let style = OutputStyle::default();
        assert_eq!(
            style.paint(Tone::Bad, "a\u{1b}[2J\r\tb\u{9b}c"),
            "a\\u{1b}[2J\\r\tb\\u{9b}c"
        );
        assert_eq!(style.paint(Tone::Plain, "a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn only_styles_of_our_own_leave_and_only_in_colour() {
        let evil = "\u{1b}]0;PWNED\u{7}\u{1b}[2J\u{1b}[8m\u{9b}2J\u{202e}";
        let spelled = "\\u{1b}]0;PWNED\\u{7}\\u{1b}[2J\\u{1b}[8m\\u{9b}2J\\u{202e}";
        for colour in [true, false] {
            assert_eq!(leaving(evil, colour), spelled);
            let look = OutputStyle {
                colour,
                ..OutputStyle::default()
            };
            for tone in TONES {
                let painted = look.paint(tone, "x\ty\n");
                assert_eq!(leaving(&painted, colour), painted, "{tone:?}");
            }
        }
        assert_eq!(leaving("\u{1b}[32mx", false), "\\u{1b}[32mx");
    }

    #[test]
    fn of_what_a_program_says_its_last_words_stay() {
        for (text, left) in [
            ("plain", "plain"),
            ("a\tb  \r", "a b"),
            ("10 %\r50 %\r100 %", "100 %"),
            ("\u{1b}[1;32mdone\u{1b}[0m", "done"),
            ("cut \u{1b}[1;3", "cut"),
            ("\u{1b}]0;title\u{7}x", "\u{1b}]0;title\u{7}x"),
            ("\r", ""),
        ] {
            assert_eq!(last_words(text), left, "{text:?}");
        }
    }

    #[test]
    fn colour_is_only_used_when_asked_for() {
        let colour = OutputStyle {
            colour: true,
            ..OutputStyle::default()
        };
        assert_eq!(colour.paint(Tone::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(colour.paint(Tone::Good, ""), "");
        assert_eq!(OutputStyle::default().paint(Tone::Good, "x"), "x");
    }

    #[test]
    fn prose_is_wrapped_and_its_lines_are_kept() {
        let style = OutputStyle {
            width: 24,
            ..OutputStyle::default()
        };
        assert_eq!(
            style.wrap(2, Tone::Plain, "one two three four five six\nseven\n"),
            "  one two three four\n  five six\n  seven\n"
        );
    }
}
