//! Faults that the tree of a TOML document does not show: duplicate keys, and syntax that only TOML 1.1 allows.

use std::collections::HashMap;
use std::ops::Range;
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{ParseError, Source};

/// The notes about a file, taken while it is parsed.
#[derive(Debug, Default)]
pub(in crate::site) struct Notes {
    /// Place of a key that is given again → place where it was given first.
    twice: HashMap<usize, Range<usize>>,
    /// Syntax that TOML 1.0 does not have: place, fault, remedy.
    pub(in crate::site) newer: Vec<(Range<usize>, &'static str, &'static str)>,
}

impl Notes {
    /// The place where the key that is given again at this offset was given first.
    pub(in crate::site) fn first_of(&self, start: usize) -> Option<Range<usize>> {
        self.twice.get(&start).cloned()
    }
}

/// Depth of nesting that is followed; the same as that of the parser that makes the tree.
const DEPTH: u32 = 80;

/// Reads a document once more, event by event.
pub(in crate::site) fn read(text: &str) -> Notes {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let mut events: Vec<Event> = Vec::with_capacity(tokens.len());
    let mut errors: Vec<ParseError> = Vec::new();
    let mut guard = RecursionGuard::new(&mut events, DEPTH);
    parse_document(&tokens, &mut guard, &mut errors);
    let mut walk = Walk {
        text,
        notes: Notes::default(),
        seen: HashMap::new(),
        header: Vec::new(),
        arrays: HashMap::new(),
        nest: Vec::new(),
        key: Vec::new(),
    };
    for event in &events {
        walk.event(event);
    }
    walk.notes
}

/// One open bracket.
struct Bracket {
    inline_table: bool,
    /// Path of what it is the value of.
    path: Vec<String>,
    /// Position of the element under way, in a list.
    index: usize,
    /// Place of a comma with nothing behind it yet.
    comma: Option<Range<usize>>,
    /// A newline in it was reported already.
    reported: bool,
}

struct Walk<'a> {
    text: &'a str,
    notes: Notes,
    seen: HashMap<Vec<String>, Range<usize>>,
    /// Path of the table that the last header opened.
    header: Vec<String>,
    /// The number of elements that each array of tables has so far.
    arrays: HashMap<Vec<String>, usize>,
    nest: Vec<Bracket>,
    /// The words of the key under way with the place of the last.
    key: Vec<(String, Range<usize>)>,
}

impl Walk<'_> {
    fn event(&mut self, event: &Event) {
        let span = event.span().start()..event.span().end();
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.key.clear(),
            EventKind::StdTableClose => {
                let path = self.resolve();
                self.note(&path);
                self.header = path;
                self.key.clear();
            }
            EventKind::ArrayTableClose => {
                let mut path = self.resolve();
                let count = self.arrays.entry(path.clone()).or_insert(0);
                *count += 1;
                path.push(format!("[{count}]"));
                self.header = path;
                self.key.clear();
            }
            EventKind::SimpleKey => {
                if let Some(open) = self.nest.last_mut() {
                    open.comma = None;
                }
                let word = self.word(&span, event.encoding());
                self.key.push((word, span));
            }
            EventKind::KeyValSep => {
                let path = self.path();
                self.note(&path);
            }
            EventKind::InlineTableOpen | EventKind::ArrayOpen => {
                let path = self.path();
                self.key.clear();
                if let Some(open) = self.nest.last_mut() {
                    open.comma = None;
                }
                self.nest.push(Bracket {
                    inline_table: event.kind() == EventKind::InlineTableOpen,
                    path,
                    index: 0,
                    comma: None,
                    reported: false,
                });
            }
            EventKind::InlineTableClose | EventKind::ArrayClose => {
                if let Some(open) = self.nest.pop()
                    && open.inline_table
                    && let Some(comma) = open.comma
                    && !open.reported
                {
                    self.notes.newer.push((
                        comma,
                        "a comma ends this inline table",
                        "leave the last comma out",
                    ));
                }
                self.key.clear();
            }
            EventKind::ValueSep => {
                self.key.clear();
                if let Some(open) = self.nest.last_mut() {
                    open.index += 1;
                    open.comma = Some(span);
                }
            }
            EventKind::Scalar => {
                self.scalar(&span, event.encoding());
                if self.nest.is_empty() {
                    self.key.clear();
                }
            }
            EventKind::Newline | EventKind::Comment => {
                if let Some(open) = self.nest.last_mut()
                    && open.inline_table
                    && !open.reported
                {
                    open.reported = true;
                    self.notes.newer.push((
                        span,
                        "an inline table goes over several lines",
                        "write it on one line, or as a table of its own: `[name]`",
                    ));
                }
                if self.nest.is_empty() {
                    self.key.clear();
                }
            }
            EventKind::KeySep | EventKind::Whitespace | EventKind::Error => {}
        }
    }

    /// A key's word without its quotes.
    fn word(&self, span: &Range<usize>, encoding: Option<Encoding>) -> String {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        if encoding.is_some() {
            raw.trim_matches(['"', '\'']).to_owned()
        } else {
            raw.to_owned()
        }
    }

    /// The path that the key under way names, from the root.
    fn path(&self) -> Vec<String> {
        let mut path = match self.nest.last() {
            Some(open) => {
                let mut path = open.path.clone();
                if !open.inline_table {
                    path.push(format!("[{}]", open.index));
                }
                path
            }
            None => self.header.clone(),
        };
        path.extend(self.key.iter().map(|(word, _)| word.clone()));
        path
    }

    /// The path of a header: where a word names an array of tables, its last element is meant.
    fn resolve(&self) -> Vec<String> {
        let mut path = Vec::new();
        for (at, (word, _)) in self.key.iter().enumerate() {
            path.push(word.clone());
            if at + 1 < self.key.len()
                && let Some(count) = self.arrays.get(&path)
            {
                path.push(format!("[{count}]"));
            }
        }
        path
    }

    fn note(&mut self, path: &[String]) {
        let Some((_, span)) = self.key.last().cloned() else {
            return;
        };
        if let Some(first) = self.seen.get(path) {
            self.notes.twice.insert(span.start, first.clone());
        } else {
            self.seen.insert(path.to_vec(), span);
        }
    }

    fn scalar(&mut self, span: &Range<usize>, encoding: Option<Encoding>) {
        if let Some(open) = self.nest.last_mut() {
            open.comma = None;
        }
        let raw = self.text.get(span.clone()).unwrap_or_default();
        match encoding {
            Some(Encoding::BasicString | Encoding::MlBasicString) => {
                let mut bytes = raw.bytes().enumerate();
                while let Some((at, byte)) = bytes.next() {
                    if byte != b'\\' {
                        continue;
                    }
                    if let Some((_, b'e' | b'x')) = bytes.next() {
                        let start = span.start + at;
                        self.notes.newer.push((
                            start..start + 2,
                            "this escape is not known",
                            "write `\\uXXXX` with four hexadecimal digits",
                        ));
                    }
                }
            }
            None if is_time_without_seconds(raw) => self.notes.newer.push((
                span.clone(),
                "a time needs its seconds",
                "write `07:32:00`",
            )),
            _ => {}
        }
    }
}

/// `07:32`, also behind a date or before an offset.
fn is_time_without_seconds(raw: &str) -> bool {
    let time = raw.rsplit(['T', 't', ' ']).next().unwrap_or_default();
    let time = time.split(['Z', 'z', '+', '-']).next().unwrap_or_default();
    let mut parts = time.split(':');
    let two =
        |p: Option<&str>| p.is_some_and(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_digit()));
    two(parts.next()) && two(parts.next()) && parts.next().is_none()
}
