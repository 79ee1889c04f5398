//! A file as lines of bytes, and the edits that are made of single lines.

use super::block::block;
use super::ini::{ini, ini_key};
use super::stanza;
use crate::kind::EditChange;
use crate::text::{MarkError, Text};
use regex_lite::Regex;
use std::net::IpAddr;

/// A file's lines. Put together again they are the same bytes: line ends are left unchanged, a missing one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) lines: Vec<FileLine>,
    crlf: bool,
}

/// A line and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileLine {
    pub(super) body: Vec<u8>,
    end: &'static [u8],
}

impl Lines {
    /// Takes a file apart.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let lines: Vec<_> = bytes
            .split_inclusive(|b| *b == b'\n')
            .map(|whole| {
                let (body, end): (&[u8], &'static [u8]) = match whole {
                    [body @ .., b'\r', b'\n'] => (body, b"\r\n"),
                    [body @ .., b'\n'] => (body, b"\n"),
                    body => (body, b""),
                };
                FileLine {
                    body: body.to_vec(),
                    end,
                }
            })
            .collect();
        let crlf = lines.iter().filter(|l| l.end == b"\r\n").count() * 2 > lines.len();
        Self { lines, crlf }
    }

    /// The file's bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            bytes.extend_from_slice(&line.body);
            bytes.extend_from_slice(line.end);
        }
        bytes
    }

    pub(super) fn bodies(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.lines.iter().map(|l| l.body.as_slice())
    }

    pub(super) fn line(&self, body: &[u8]) -> FileLine {
        FileLine {
            body: body.to_vec(),
            end: if self.crlf { b"\r\n" } else { b"\n" },
        }
    }

    /// Puts a line before the one at `at`; a last line without an end gets one when it is no longer the last.
    pub(super) fn insert(&mut self, at: usize, body: &[u8]) {
        let line = self.line(body);
        if at == self.lines.len()
            && let Some(last) = self.lines.last_mut()
            && last.end.is_empty()
        {
            last.end = line.end;
        }
        self.lines.insert(at, line);
    }

    pub(super) fn set(&mut self, at: usize, body: &[u8]) {
        self.lines[at].body = body.to_vec();
    }

    fn retain(&mut self, mut keep: impl FnMut(&[u8]) -> bool) {
        self.lines.retain(|l| keep(&l.body));
    }

    /// The line of the last place, or of none, stays of those at these places; the others go.
    pub(super) fn keep_one(&mut self, places: &[usize], keep: Option<usize>) {
        let mut at = 0;
        self.lines.retain(|_| {
            let stays = !places.contains(&at) || keep == Some(at);
            at += 1;
            stays
        });
    }
}

/// A request for lines, ready to apply: expressions compiled, texts as bytes.
#[derive(Debug)]
pub(super) enum ReadyEdit {
    Line {
        regex: Option<Regex>,
        line: Vec<u8>,
        absent: bool,
    },
    Only {
        regex: Regex,
        line: Option<Vec<u8>>,
    },
    Block {
        begin: Vec<u8>,
        end: Vec<u8>,
        content: Option<Vec<Vec<u8>>>,
    },
    Ini {
        section: Vec<u8>,
        key: Vec<u8>,
        line: Option<Vec<u8>>,
    },
    Keyed {
        key: Vec<u8>,
        line: Option<Vec<u8>>,
    },
    NoStanza {
        interface: String,
    },
}

/// The reason why a request is not ready to apply.
pub(super) enum NotReady {
    Mark(MarkError),
    Bad(String),
}

impl From<MarkError> for NotReady {
    fn from(error: MarkError) -> Self {
        Self::Mark(error)
    }
}

impl From<String> for NotReady {
    fn from(why: String) -> Self {
        Self::Bad(why)
    }
}

impl ReadyEdit {
    /// Makes a request for lines ready to apply; `None` for one about the whole path. `value` turns texts into bytes:
    /// the real text for a node, the marked one where no secret is at hand.
    pub(super) fn of(
        change: &EditChange,
        value: &dyn Fn(&Text) -> Result<String, MarkError>,
    ) -> Result<Option<Self>, NotReady> {
        let one_line = |text: &Text| -> Result<Vec<u8>, NotReady> {
            let line = value(text)?;
            if line.contains(['\n', '\r', '\0']) {
                return Err(NotReady::Bad(format!(
                    "`{}` is not one line",
                    text.masked().escape_debug()
                )));
            }
            Ok(line.into_bytes())
        };
        Ok(Some(match change {
            EditChange::Line {
                line,
                matches,
                absent,
            } => {
                let regex = matches.as_deref().map(compile).transpose()?;
                let body = one_line(line)?;
                if let Some(regex) = &regex
                    && !absent
                {
                    matches_itself(regex, &body, line)?;
                }
                Self::Line {
                    regex,
                    line: body,
                    absent: *absent,
                }
            }
            EditChange::Only { line, matches } => {
                let regex = compile(matches)?;
                let body = line.as_ref().map(one_line).transpose()?;
                if let (Some(text), Some(body)) = (line, &body) {
                    matches_itself(&regex, body, text)?;
                }
                Self::Only { regex, line: body }
            }
            EditChange::Block {
                name,
                content,
                comment,
            } => {
                let begin = format!("{comment} BEGIN nodewright {name}").into_bytes();
                let end = format!("{comment} END nodewright {name}").into_bytes();
                let content = match content {
                    Some(text) => Some(block_lines(&value(text)?, &begin, &end)?),
                    None => None,
                };
                Self::Block {
                    begin,
                    end,
                    content,
                }
            }
            EditChange::Ini {
                section,
                key,
                value,
                separator,
            } => {
                let line = match value {
                    Some(text) => {
                        let mut line = format!("{key}{separator}").into_bytes();
                        line.extend(one_line(text)?);
                        Some(line)
                    }
                    None => None,
                };
                Self::Ini {
                    section: section.clone().into_bytes(),
                    key: key.clone().into_bytes(),
                    line,
                }
            }
            EditChange::Keyed { key, rest } => {
                let line = match rest {
                    Some(text) => {
                        let mut line = format!("{key} ").into_bytes();
                        line.extend(one_line(text)?);
                        Some(line)
                    }
                    None => None,
                };
                Self::Keyed {
                    key: key.clone().into_bytes(),
                    line,
                }
            }
            EditChange::NoStanza { interface } => Self::NoStanza {
                interface: interface.clone(),
            },
            EditChange::Whole { .. }
            | EditChange::Directory
            | EditChange::Symlink(_)
            | EditChange::Absent => return Ok(None),
        }))
    }

    /// Whether it can only remove lines.
    pub(super) fn removes(&self) -> bool {
        match self {
            Self::Line { absent, .. } => *absent,
            Self::Block { content, .. } => content.is_none(),
            Self::Only { line, .. } | Self::Ini { line, .. } | Self::Keyed { line, .. } => {
                line.is_none()
            }
            Self::NoStanza { .. } => true,
        }
    }

    /// The lines it brings.
    pub(super) fn brings(&self) -> Vec<&[u8]> {
        match self {
            Self::Line { absent: true, .. } | Self::NoStanza { .. } => Vec::new(),
            Self::Line { line, .. } => vec![line],
            Self::Block { content, .. } => content.iter().flatten().map(Vec::as_slice).collect(),
            Self::Only { line, .. } | Self::Ini { line, .. } | Self::Keyed { line, .. } => {
                line.iter().map(Vec::as_slice).collect()
            }
        }
    }

    /// Whether it would change or remove this line, were it in the file.
    pub(super) fn takes(&self, other: &[u8]) -> bool {
        match self {
            Self::Line {
                regex,
                line,
                absent,
            } => match (regex, absent) {
                (Some(regex), true) => matches(regex, other),
                (Some(regex), false) => matches(regex, other) && line != other,
                (None, true) => line == other,
                (None, false) => false,
            },
            Self::Only { regex, line } => matches(regex, other) && line.as_deref() != Some(other),
            Self::Block { begin, end, .. } => begin == other || end == other,
            Self::Ini { key, line, .. } => {
                ini_key(other) == Some(key.as_slice()) && line.as_deref() != Some(other)
            }
            Self::Keyed { key, line } => {
                is_keyed(other, key) && line.as_ref().is_none_or(|l| !words(l).eq(words(other)))
            }
            Self::NoStanza { interface } => stanza::names(other, interface),
        }
    }

    /// Makes the edit. The error names what is wrong with the file.
    pub(super) fn apply(&self, file: &mut Lines) -> Result<(), String> {
        match self {
            Self::Line {
                regex,
                line,
                absent: true,
            } => file.retain(|l| match regex {
                Some(regex) => !matches(regex, l),
                None => l != line,
            }),
            Self::Line { regex, line, .. } => {
                let place = file.bodies().rposition(|l| match regex {
                    Some(regex) => matches(regex, l),
                    None => l == line,
                });
                match place {
                    Some(at) => file.set(at, line),
                    None => file.insert(file.lines.len(), line),
                }
            }
            Self::Only { regex, line } => {
                one(file, line.as_deref(), |l| matches(regex, l), |_| false);
            }
            Self::Keyed { key, line } => one(
                file,
                line.as_deref(),
                |l| is_keyed(l, key),
                |l| line.as_ref().is_some_and(|w| words(w).eq(words(l))),
            ),
            Self::Block {
                begin,
                end,
                content,
            } => block(file, begin, end, content.as_deref())?,
            Self::Ini { section, key, line } => ini(file, section, key, line.as_deref()),
            Self::NoStanza { interface } => stanza::without(file, interface),
        }
        Ok(())
    }
}

fn compile(expression: &str) -> Result<Regex, String> {
    Regex::new(expression)
        .map_err(|e| format!("`{expression}` is no regular expression that can be used: {e}"))
}

fn matches_itself(regex: &Regex, line: &[u8], text: &Text) -> Result<(), String> {
    if matches(regex, line) {
        return Ok(());
    }
    Err(format!(
        "`{regex}` does not match the line it is to bring, `{}`: every run would change another line; write an expression that matches both",
        text.masked()
    ))
}

/// Bytes that are no UTF-8 are seen as U+FFFD by an expression; they stay as they are in the file.
fn matches(regex: &Regex, line: &[u8]) -> bool {
    regex.is_match(&String::from_utf8_lossy(line))
}

fn block_lines(text: &str, begin: &[u8], end: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let lines: Vec<_> = Lines::of(text.as_bytes())
        .lines
        .into_iter()
        .map(|l| l.body)
        .collect();
    match lines.iter().find(|l| *l == begin || *l == end) {
        Some(mark) => Err(format!(
            "the block holds its own mark `{}`",
            String::from_utf8_lossy(mark)
        )),
        None => Ok(lines),
    }
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|w| !w.is_empty())
}

/// Whether a line begins with a key. An address is the same however it is spelled: `2001:DB8::1`, `2001:db8:0::1`.
fn is_keyed(line: &[u8], key: &[u8]) -> bool {
    let address = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<IpAddr>().ok();
    words(line).next().is_some_and(|first| {
        first == key || address(key).is_some_and(|wanted| address(first) == Some(wanted))
    })
}

/// Reduces the lines that are `ours` to one, at the place of the first. A `good` one keeps its form.
fn one(
    file: &mut Lines,
    line: Option<&[u8]>,
    ours: impl Fn(&[u8]) -> bool,
    good: impl Fn(&[u8]) -> bool,
) {
    let places: Vec<_> = (0..file.lines.len())
        .filter(|at| ours(&file.lines[*at].body))
        .collect();
    match (line, places.first()) {
        (Some(line), Some(&first)) => {
            if !good(&file.lines[first].body) {
                file.set(first, line);
            }
            file.keep_one(&places, Some(first));
        }
        (Some(line), None) => file.insert(file.lines.len(), line),
        (None, _) => file.keep_one(&places, None),
    }
}
