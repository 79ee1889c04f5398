//! Differences of two contents, for display.

use super::{Diff, FileDiff, Unshown, Weight};
use crate::digest::sha256;
use similar::TextDiff;
use std::borrow::Cow;

/// Contents of more bytes than this are not compared line by line.
const LARGE: usize = 1 << 20;

/// The content of a file, before or after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSide<'a> {
    /// No file is there.
    Absent,
    /// Its content.
    Content(Cow<'a, [u8]>),
    /// A content that was not read.
    Unread(Weight),
}

impl<'a> FileSide<'a> {
    /// The content of a file that is there.
    pub fn of(content: &'a [u8]) -> Self {
        Self::Content(Cow::Borrowed(content))
    }

    fn weight(&self) -> Option<Weight> {
        match self {
            Self::Absent => None,
            Self::Content(content) => Some(Weight {
                bytes: content.len() as u64,
                sha256: sha256(content),
            }),
            Self::Unread(weight) => Some(weight.clone()),
        }
    }

    fn content(&self) -> &[u8] {
        match self {
            Self::Content(content) => content,
            Self::Absent | Self::Unread(_) => &[],
        }
    }

    fn is_long(&self) -> bool {
        matches!(self, Self::Unread(_)) || self.content().len() > LARGE
    }
}

/// Compares the old and the new content of a file. Gives nothing when they are equal; hides both when `tainted`.
///
/// A text diff has its two lines of file names and three lines of context. Control characters and bytes that are no
/// UTF-8 are escaped in it (`\x1b`), so that it can be written to a terminal.
pub fn compare(path: &str, old: &FileSide, new: &FileSide, tainted: bool) -> Option<FileDiff> {
    let same = match (old, new) {
        (FileSide::Unread(weight), side) | (side, FileSide::Unread(weight)) => {
            side.weight().is_some_and(|w| w.sha256 == weight.sha256)
        }
        _ => old == new,
    };
    if same {
        return None;
    }
    let diff = if tainted {
        Diff::Secret
    } else if let Some(why) = unshown(old, new) {
        Diff::Whole {
            why,
            before: old.weight(),
            after: new.weight(),
        }
    } else {
        Diff::Text(unified(path, old, new))
    };
    let path = path.to_owned();
    Some(FileDiff { path, diff })
}

fn unshown(old: &FileSide, new: &FileSide) -> Option<Unshown> {
    let sides = [old, new];
    if sides.iter().any(|s| s.content().contains(&0)) {
        Some(Unshown::Binary)
    } else if sides.iter().any(|s| s.is_long()) {
        Some(Unshown::Long)
    } else {
        None
    }
}

fn unified(path: &str, old: &FileSide, new: &FileSide) -> String {
    let name = |side: &FileSide| {
        if *side == FileSide::Absent {
            "/dev/null"
        } else {
            path
        }
        .to_owned()
    };
    let [before, after] = [old, new].map(|side| printable(side.content()));
    TextDiff::from_lines(&before, &after)
        .unified_diff()
        .context_radius(3)
        .header(&name(old), &name(new))
        .to_string()
}

/// Text for display: characters that a terminal would obey, or could not show, are escaped.
fn printable(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => text.push(c),
                '\r' => text.push_str("\\r"),
                c if c.is_control() => {
                    let _ = write!(text, "\\x{:02x}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(content: Option<&[u8]>) -> FileSide<'_> {
        content.map_or(FileSide::Absent, FileSide::of)
    }

    fn diff(old: Option<&[u8]>, new: Option<&[u8]>) -> Diff {
        let diff = compare("/etc/x", &side(old), &side(new), false).unwrap();
        assert_eq!(diff.path, "/etc/x");
        diff.diff
    }

    fn text(old: Option<&[u8]>, new: Option<&[u8]>) -> String {
        match diff(old, new) {
            Diff::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    /// By `sha256sum`.
    const OF_A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn weight(bytes: u64, sha256: &str) -> Weight {
        Weight {
            bytes,
            sha256: sha256.to_owned(),
        }
    }

    #[test]
    fn a_changed_line_stands_with_its_neighbours() {
        assert_eq!(
            text(Some(b"a\nb\nc\n"), Some(b"a\nB\nc\n")),
            "--- /etc/x\n+++ /etc/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
    }

    #[test]
    fn a_new_file_comes_from_nothing_and_a_removed_one_goes_there() {
        assert_eq!(
            text(None, Some(b"a\n")),
            "--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(
            text(Some(b"a\n"), None),
            "--- /etc/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
        );
    }

    #[test]
    fn a_missing_newline_and_a_carriage_return_are_seen() {
        let end = text(Some(b"a"), Some(b"a\n"));
        assert!(end.contains("\\ No newline at end of file"), "{end}");
        let cr = text(Some(b"a\r\n"), Some(b"a\n"));
        assert!(cr.contains("-a\\r\n+a\n"), "{cr}");
    }

    #[test]
    fn a_terminal_is_never_given_orders() {
        let shown = text(Some(b""), Some(b"\x1b[31m\xe4\n"));
        assert!(shown.contains("+\\x1b[31m\\xe4\n"), "{shown}");
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn what_is_no_text_is_reported_by_size_and_digest() {
        // printf '\0a' | sha256sum
        let binary = "022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c";
        assert_eq!(
            diff(Some(b"\x00a"), Some(b"a")),
            Diff::Whole {
                why: Unshown::Binary,
                before: Some(weight(2, binary)),
                after: Some(weight(1, OF_A)),
            }
        );
    }

    #[test]
    fn what_is_long_or_stayed_on_the_node_is_reported_by_size_and_digest() {
        let large = vec![b'a'; LARGE + 1];
        let Diff::Whole { why, before, after } = diff(None, Some(&large)) else {
            panic!("it is long");
        };
        assert_eq!((why, before), (Unshown::Long, None));
        assert_eq!(after.unwrap().bytes, 1_048_577);
        let unread = FileSide::Unread(weight(9, &"0".repeat(64)));
        let diff = compare("/x", &unread, &FileSide::of(b"a"), false).unwrap();
        assert_eq!(
            diff.diff,
            Diff::Whole {
                why: Unshown::Long,
                before: Some(weight(9, &"0".repeat(64))),
                after: Some(weight(1, OF_A)),
            }
        );
        let same = FileSide::Unread(weight(1, OF_A));
        assert_eq!(compare("/x", &same, &FileSide::of(b"a"), false), None);
    }

    #[test]
    fn a_secret_is_shown_on_neither_side() {
        let hidden =
            |old: &[u8], new: &[u8]| compare("/x", &FileSide::of(old), &FileSide::of(new), true);
        assert_eq!(hidden(b"old", b"new").unwrap().diff, Diff::Secret);
        assert_eq!(hidden(b"a", b"a"), None);
    }
}
