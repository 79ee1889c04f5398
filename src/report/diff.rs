//! Differences of files on a screen.

use super::{OutputStyle, Tone};
use crate::plan::{Diff, FileDiff, Unshown, Weight};
use std::fmt::Write as _;

/// The differences of files below `heading`, which names the path of one that needs no line of its own.
pub(super) fn diffs(diffs: &[FileDiff], heading: &str, style: &OutputStyle) -> String {
    let mut text = String::new();
    let mut line = |tone: Tone, line: &str| {
        let _ = writeln!(text, "        {}", style.paint(tone, line));
    };
    for FileDiff { path, diff } in diffs {
        if !heading.split(' ').any(|word| word == path) {
            line(Tone::Strong, path);
        }
        match diff {
            Diff::Text(diff) => unified(diff, &mut line),
            Diff::Secret => line(Tone::Dim, "secret: not shown"),
            Diff::Whole { why, before, after } => {
                let why = match why {
                    Unshown::Binary => "not text",
                    Unshown::Long => "too long to be shown by lines",
                };
                line(Tone::Dim, why);
                for (sign, tone, weight) in [('-', Tone::Bad, before), ('+', Tone::Good, after)] {
                    if let Some(Weight { bytes, sha256 }) = weight {
                        line(tone, &format!("{sign}{bytes} bytes, sha256 {sha256}"));
                    }
                }
            }
        }
    }
    text
}

/// Whether a file comes to be.
pub(super) fn is_new(diff: &Diff) -> bool {
    match diff {
        Diff::Text(diff) => diff.contains("@@ -0,0 "),
        Diff::Whole { before, .. } => before.is_none(),
        Diff::Secret => false,
    }
}

/// A unified diff in colour. Its two lines of file names are left out: the path is above.
fn unified(diff: &str, line: &mut impl FnMut(Tone, &str)) {
    for text in diff.lines().skip_while(|l| !l.starts_with("@@")) {
        let tone = match text.as_bytes().first() {
            Some(b'+') => Tone::Good,
            Some(b'-') => Tone::Bad,
            Some(b'@') => Tone::Later,
            Some(b'\\') => Tone::Dim,
            _ => Tone::Plain,
        };
        line(tone, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diffs_are_coloured() {
        let style = OutputStyle {
            colour: true,
            ..OutputStyle::default()
        };
        let diff = FileDiff {
            path: "/etc/x".into(),
            diff: Diff::Text("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n".into()),
        };
        assert_eq!(
            diffs(&[diff], "replace /etc/x", &style),
            "        \u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n        \u{1b}[31m-x\u{1b}[0m\n        \u{1b}[32m+y\u{1b}[0m\n"
        );
    }
}
