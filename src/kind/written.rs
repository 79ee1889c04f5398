//! The paths that a stage writes, with their contents as far as they are known beforehand.

use std::collections::BTreeMap;

/// The effect of a stage on a path's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite<'a> {
    /// Nothing.
    No,
    /// It has this digest.
    To(&'a str),
    /// It is gone.
    Gone,
    /// It changes to a content that is not known yet.
    Somehow,
}

/// The paths whose content a stage changes, each with its digest afterwards.
#[derive(Clone, Debug, Default)]
pub struct Written(BTreeMap<String, Became>);

#[derive(Clone, Debug)]
struct Became {
    /// Position of the step that writes it.
    step: usize,
    content: WrittenContent,
}

#[derive(Clone, Debug)]
enum WrittenContent {
    Digest(String),
    Gone,
    Unknown,
}

impl Written {
    /// An empty one: no path is written.
    pub const fn nothing() -> Self {
        Self(BTreeMap::new())
    }

    /// The step at this position writes a path.
    pub fn add(&mut self, step: usize, path: impl Into<String>, becomes: Rewrite<'_>) {
        let content = match becomes {
            Rewrite::No => return,
            Rewrite::To(digest) => WrittenContent::Digest(digest.to_owned()),
            Rewrite::Gone => WrittenContent::Gone,
            Rewrite::Somehow => WrittenContent::Unknown,
        };
        self.0.insert(path.into(), Became { step, content });
    }

    /// The paths written by steps before the one at this position.
    #[must_use]
    pub fn before(&self, step: usize) -> Self {
        let earlier = self.0.iter().filter(|(_, b)| b.step < step);
        Self(earlier.map(|(p, b)| (p.clone(), b.clone())).collect())
    }

    /// The position of the last step that writes one of these paths or patterns, or a path above or below one.
    pub fn last(&self, paths: &[String]) -> Option<usize> {
        let concerned = |written: &String| paths.iter().any(|path| concerns(path, written));
        let all = self.0.iter().filter(|(written, _)| concerned(written));
        all.map(|(_, became)| became.step).max()
    }

    /// The effect on a file, on a folder with all its content, or on the paths that a pattern matches.
    pub fn of(&self, path: &str) -> Rewrite<'_> {
        match self.0.get(path).map(|b| &b.content) {
            Some(WrittenContent::Digest(digest)) => Rewrite::To(digest),
            Some(WrittenContent::Gone) => Rewrite::Gone,
            None if !self.concerns(path) => Rewrite::No,
            _ => Rewrite::Somehow,
        }
    }

    /// Whether a written path is, contains, or lies in one of the paths that a path or pattern matches.
    pub fn concerns(&self, path: &str) -> bool {
        self.0.keys().any(|one| concerns(path, one))
    }
}

/// Whether a written path is, contains, or lies in one of the paths that `path` or a pattern matches.
pub fn concerns(path: &str, written: &str) -> bool {
    let parts = |path| str::split(path, '/').filter(|part| !part.is_empty());
    parts(path)
        .zip(parts(written))
        .all(|(pattern, name)| pattern == name || matches(pattern.as_bytes(), name.as_bytes()))
}

/// Whether a pattern of the shell matches a name. A set in brackets counts as matching every character: a path that
/// matches in vain is only compared once more.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| matches(rest, &name[at..])),
        Some((b'[', rest)) if rest.iter().skip(1).any(|b| *b == b']') => {
            let end = rest
                .iter()
                .skip(1)
                .position(|b| *b == b']')
                .map_or(0, |at| at + 2);
            !name.is_empty() && matches(&rest[end..], &name[1..])
        }
        Some((b'?', rest)) => !name.is_empty() && matches(rest, &name[1..]),
        Some((first, rest)) => name.first() == Some(first) && matches(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_pattern_are_concerned_by_what_they_stand_for() {
        for (path, written, concerned) in [
            ("/etc/a", "/etc/a", true),
            ("/etc/a", "/etc/ab", false),
            ("/etc/a.d", "/etc/a.d/x", true),
            ("/etc/a.d/", "/etc/a.d/x", true),
            ("/etc/a.d/x", "/etc/a.d", true),
            ("/etc/a.d/*.conf", "/etc/a.d/x.conf", true),
            ("/etc/a.d/*.conf", "/etc/a.d/x.conf.old", false),
            ("/etc/a.d/*.conf", "/etc/a.d/x.rules", false),
            ("/etc/a.d/*.conf", "/etc/a.d", true),
            ("/etc/*/x", "/etc/b/x", true),
            ("/etc/*/x", "/etc/b/y", false),
            ("/etc/a?[0-9]", "/etc/ab7", true),
            ("/etc/a?[0-9]", "/etc/a7", false),
            ("/etc/a[]b", "/etc/a[]b", true),
        ] {
            assert_eq!(concerns(path, written), concerned, "{path} {written}");
        }
    }

    #[test]
    fn what_is_written_is_reported_by_its_digest_where_that_is_known() {
        let mut written = Written::nothing();
        written.add(1, "/etc/a", Rewrite::To("d"));
        written.add(2, "/etc/gone", Rewrite::Gone);
        written.add(3, "/etc/t", Rewrite::Somehow);
        written.add(3, "/etc/t/x", Rewrite::To("e"));
        for (path, becomes) in [
            ("/etc/a", Rewrite::To("d")),
            ("/etc/gone", Rewrite::Gone),
            ("/etc/t/x", Rewrite::To("e")),
            ("/etc/t/y", Rewrite::Somehow),
            ("/etc/t", Rewrite::Somehow),
            ("/etc", Rewrite::Somehow),
            ("/etc/b", Rewrite::No),
        ] {
            assert_eq!(written.of(path), becomes, "{path}");
        }
        assert_eq!(written.before(2).of("/etc/a"), Rewrite::To("d"));
        assert_eq!(written.before(2).of("/etc/gone"), Rewrite::No);
    }
}
