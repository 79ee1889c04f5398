//! Files that were read, and places in them.

use std::path::{Path, PathBuf};

/// The number of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A stretch of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

/// A place in a file, for display. Lines and columns count from 1; a column is a character, not a byte.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Location {
    /// The file's path, as it was asked for.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[derive(Clone, Debug)]
struct SourceFile {
    path: PathBuf,
    text: String,
    /// Offset of the first byte of each line.
    lines: Vec<usize>,
}

/// The files that were read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
    hidden: Vec<Place>,
}

impl Sources {
    /// Keeps a file's text. `path` is its path for display.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let id = FileId(u32::try_from(self.files.len()).expect("fewer than 2^32 files"));
        self.files.push(SourceFile {
            path: path.into(),
            text,
            lines,
        });
        id
    }

    fn source(&self, file: FileId) -> &SourceFile {
        &self.files[file.0 as usize]
    }

    /// The text of a file.
    pub fn text(&self, file: FileId) -> &str {
        &self.source(file).text
    }

    /// The path of a file, as it was given to [`add`](Sources::add).
    pub fn path(&self, file: FileId) -> &Path {
        &self.source(file).path
    }

    /// Every file, in the order in which they were read.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.files
            .iter()
            .map(|s| (s.path.as_path(), s.text.as_str()))
    }

    /// The text of a place; empty when the place lies outside its file.
    pub fn slice(&self, place: Place) -> &str {
        self.text(place.file)
            .get(place.start..place.end)
            .unwrap_or_default()
    }

    /// From now on no finding shows this text: it holds a secret in the wrong place.
    pub fn hide(&mut self, place: Place) {
        self.hidden.push(place);
    }

    /// Whether the byte at this offset of a file is to be shown.
    pub(in crate::site) fn is_hidden(&self, file: FileId, at: usize) -> bool {
        self.hidden
            .iter()
            .any(|h| h.file == file && (h.start..h.end).contains(&at))
    }

    /// Whether a place is in a file that comes with the program.
    pub fn is_shipped(&self, place: Place) -> bool {
        self.path(place.file)
            .to_string_lossy()
            .starts_with("shipped:")
    }

    /// File, line and column of a place's beginning.
    pub fn locate(&self, place: Place) -> Location {
        let (line, start) = self.line_start(place);
        let source = self.source(place.file);
        let before = &source.text[start..floor(&source.text, place.start).max(start)];
        Location {
            file: source.path.display().to_string(),
            line: line + 1,
            column: before.chars().count() + 1,
        }
    }

    /// The line that holds a place's beginning, without its end, and the offset of its first byte.
    pub(in crate::site) fn line_of(&self, place: Place) -> (&str, usize) {
        let (_, start) = self.line_start(place);
        let text = self.text(place.file);
        let line = text[start..].split('\n').next().unwrap_or_default();
        (line.strip_suffix('\r').unwrap_or(line), start)
    }

    fn line_start(&self, place: Place) -> (usize, usize) {
        let source = self.source(place.file);
        let at = place.start.min(source.text.len());
        let line = source.lines.partition_point(|start| *start <= at) - 1;
        (line, source.lines[line])
    }
}

/// The nearest character boundary at or before `at`.
pub(in crate::site) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_a_line_and_a_column_in_characters() {
        let mut sources = Sources::default();
        let file = sources.add("a.toml", "x = 1\nä = 'öö' # z\n");
        let place = Place {
            file,
            start: 11,
            end: 17,
        };
        assert_eq!(sources.slice(place), "'öö'");
        assert_eq!(sources.locate(place).to_string(), "a.toml:2:5");
        let end = Place {
            file,
            start: 999,
            end: 999,
        };
        assert_eq!(sources.locate(end).to_string(), "a.toml:3:1");
    }
}
