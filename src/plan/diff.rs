//! Differences of two contents for people.

use super::Diff;
use similar::TextDiff;

/// Contents of more bytes than this are not compared line by line.
const LARGE: usize = 1 << 20;

/// Compares two contents; `None` is one that is not there. Gives nothing when they are the same; hides both when
/// `tainted`.
///
/// A text diff has its two lines of file names and three lines of context. Control characters and bytes that are no
/// UTF-8 stand in it as escapes (`\x1b`), so that it can be written to a terminal.
pub fn unified(old: Option<&[u8]>, new: Option<&[u8]>, path: &str, tainted: bool) -> Option<Diff> {
    if old == new {
        return None;
    }
    if tainted {
        return Some(Diff::Secret);
    }
    let both = [old.unwrap_or_default(), new.unwrap_or_default()];
    let size = |content: &[u8]| u64::try_from(content.len()).unwrap_or(u64::MAX);
    if both.iter().any(|c| c.contains(&0)) {
        return Some(Diff::Binary(size(both[0]), size(both[1])));
    }
    let name = |content: Option<&[u8]>| {
        if content.is_some() { path } else { "/dev/null" }
    };
    let (from, to) = (name(old), name(new));
    if both.iter().any(|c| c.len() > LARGE) {
        return Some(Diff::Text(format!(
            "--- {from}\n+++ {to}\n@@ too large to compare by lines: {} bytes, then {} bytes @@\n",
            both[0].len(),
            both[1].len()
        )));
    }
    let [before, after] = both.map(printable);
    Some(Diff::Text(
        TextDiff::from_lines(&before, &after)
            .unified_diff()
            .context_radius(3)
            .header(from, to)
            .to_string(),
    ))
}

/// Text as it can be shown: what a terminal would obey, or could not show, is escaped.
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

    fn text(old: Option<&[u8]>, new: Option<&[u8]>) -> String {
        match unified(old, new, "/etc/x", false) {
            Some(Diff::Text(text)) => text,
            other => panic!("{other:?}"),
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
    fn what_is_no_text_is_said_to_be_so() {
        assert_eq!(
            unified(Some(b"\x00a"), None, "/x", false),
            Some(Diff::Binary(2, 0))
        );
    }

    #[test]
    fn what_is_large_is_not_compared_by_lines() {
        let large = vec![b'a'; LARGE + 1];
        assert_eq!(
            text(Some(b"a"), Some(&large)),
            "--- /etc/x\n+++ /etc/x\n@@ too large to compare by lines: 1 bytes, then 1048577 bytes @@\n"
        );
    }

    #[test]
    fn a_secret_is_shown_on_neither_side() {
        assert_eq!(
            unified(Some(b"old"), Some(b"new"), "/x", true),
            Some(Diff::Secret)
        );
        assert_eq!(unified(Some(b"a"), Some(b"a"), "/x", true), None);
    }
}
