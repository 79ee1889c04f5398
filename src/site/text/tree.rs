//! A TOML document as a tree in which every key and value knows its place.

use super::finding::{Finding, is_unseen, shown};
use super::source::{FileId, Place, Sources};
use super::toml10;
use indexmap::IndexMap;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// It is a number that is written in octal digits, as `0o644`.
    pub octal: bool,
    /// The place where it is written. A table that is written in several pieces has the place of its first.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// A table: each key with its place, in the order in which they are written.
pub type Table = IndexMap<String, (Place, Tree)>;

/// The value at a place in a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A table.
    Table(Table),
    /// A list.
    Array(Vec<Tree>),
    /// Text.
    Str(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A date, a time or both, as it is written.
    Datetime(String),
}

impl Value {
    /// Its type, in words: `text`, `a table`.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Array(_) => "a list",
            Self::Str(_) => "text",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Datetime(_) => "a date",
        }
    }
}

impl Tree {
    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The table to be changed, if it is one.
    pub fn table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a path of keys and list positions, with the place of its key (of itself in a list).
    pub fn at<S: AsRef<str>>(&self, path: &[S]) -> Option<(Place, &Self)> {
        let mut here = (self.place, self);
        for word in path {
            here = match &here.1.value {
                Value::Table(table) => table
                    .get(word.as_ref())
                    .map(|(place, tree)| (*place, tree))?,
                Value::Array(list) => {
                    let tree = list.get(word.as_ref().parse::<usize>().ok()?)?;
                    (tree.place, tree)
                }
                _ => return None,
            };
        }
        Some(here)
    }

    /// The same without places. A number that is no finite one becomes text, a date becomes text.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Table(table) => Json::Object(
                table
                    .iter()
                    .map(|(key, (_, tree))| (key.clone(), tree.to_json()))
                    .collect(),
            ),
            Value::Array(list) => Json::Array(list.iter().map(Self::to_json).collect()),
            Value::Str(text) | Value::Datetime(text) => Json::String(text.clone()),
            Value::Int(number) => Json::from(*number),
            Value::Float(number) => serde_json::Number::from_f64(*number)
                .map_or_else(|| Json::String(number.to_string()), Json::Number),
            Value::Bool(yes) => Json::Bool(*yes),
        }
    }
}

/// Reads one TOML file. Everything that is wrong with its syntax is found at once; the tree then holds what could be
/// made of the rest. TOML 1.0 only: editors and other readers of a site do not know 1.1.
pub fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Tree {
    let text = sources.text(file);
    let whole = Place {
        file,
        start: 0,
        end: text.len(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let notes = toml10::read(text);
    let mut doubled: Vec<std::ops::Range<usize>> = Vec::new();
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let place = Place {
            file,
            start: span.start,
            end: span.end,
        };
        let finding = if error.message().starts_with("duplicate key") {
            let first = notes.first_of(span.start).map(|s| Place {
                file,
                start: s.start,
                end: s.end,
            });
            // Of a table that is there twice the keys are there twice too.
            if doubled.iter().any(|table| table.contains(&span.start)) {
                continue;
            }
            doubled.extend(table_at(text, span.start));
            key_twice(sources.slice(place), place, first)
        } else {
            syntax(error.message(), sources.slice(place)).at(place)
        };
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    if errors.is_empty() {
        for (span, message, help) in &notes.newer {
            findings.push(
                Finding::error("TOML-1.0", *message)
                    .at(Place {
                        file,
                        start: span.start,
                        end: span.end,
                    })
                    .label("TOML 1.1")
                    .help(*help),
            );
        }
    }
    let mut reader = TreeReader { file, findings };
    Tree {
        octal: false,
        place: whole,
        value: Value::Table(reader.table(table.get_ref())),
    }
}

/// The lines of the table whose header holds this, up to the next header; `None` outside of headers.
fn table_at(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    if !text[line..].starts_with('[') {
        return None;
    }
    let end = text[at..].find("\n[").map_or(text.len(), |next| at + next);
    Some(at + 1..end)
}

/// An error of syntax, with what would be right for those that are made most often.
fn syntax(message: &str, there: &str) -> Finding {
    let quoted = message.starts_with("string values must be quoted");
    if quoted && there.trim().is_empty() {
        return Finding::error("TOML", "there is no value here")
            .help("write one behind `=`; text needs quotes");
    }
    let finding = Finding::error("TOML", message);
    if quoted {
        // Quotes that an editor set, or a web page.
        let bare = there.trim_matches(|c| {
            "\u{201c}\u{201d}\u{201e}\u{201f}\u{2018}\u{2019}\u{201a}\u{ab}\u{bb}\"'".contains(c)
        });
        finding.help(format!(
            "write it in quotes: `\"{}\"`",
            shown(bare).trim_matches('`')
        ))
    } else if message.contains("basic string") {
        finding.help("text begins and ends with `\"` on one line")
    } else if message.starts_with("unclosed table") {
        finding.help("a table's name ends with `]`")
    } else {
        finding.help("the language is TOML: https://toml.io/en/v1.0.0")
    }
}

/// A key that is given twice, with both places.
fn key_twice(key: &str, second: Place, first: Option<Place>) -> Finding {
    Finding::error("KEY-TWICE", format!("{} is given twice", shown(key)))
        .at(second)
        .label("given again")
        .help("keep one of the two")
        .also(first, "first given here")
}

struct TreeReader<'a> {
    file: FileId,
    findings: &'a mut Vec<Finding>,
}

impl TreeReader<'_> {
    fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        Place {
            file: self.file,
            start: spanned.span().start,
            end: spanned.span().end,
        }
    }

    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                let place = self.place(key);
                self.clean(key.get_ref(), place);
                (key.get_ref().to_string(), (place, self.tree(value)))
            })
            .collect()
    }

    fn tree(&mut self, spanned: &Spanned<DeValue<'_>>) -> Tree {
        let place = self.place(spanned);
        let value = match spanned.get_ref() {
            DeValue::String(text) => {
                self.clean(text, place);
                Value::Str(text.to_string())
            }
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(
                    |_| {
                        self.findings.push(
                            Finding::error("RANGE", "this number is too large")
                                .at(place)
                                .help("a whole number has at most 64 bits"),
                        );
                        Value::Int(0)
                    },
                    Value::Int,
                ),
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(float) if float.is_finite() => Value::Float(float),
                _ => {
                    self.findings.push(
                        Finding::error("RANGE", "this number cannot be used")
                            .at(place)
                            .help("write a finite number"),
                    );
                    Value::Float(0.0)
                }
            },
            DeValue::Boolean(yes) => Value::Bool(*yes),
            DeValue::Datetime(date) => Value::Datetime(date.to_string()),
            DeValue::Array(list) => Value::Array(list.iter().map(|v| self.tree(v)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        let octal = matches!(spanned.get_ref(), DeValue::Integer(n) if n.radix() == 8);
        Tree {
            octal,
            place,
            value,
        }
    }

    /// No text may hold NUL, control characters, or the characters that mark secrets in rendered text.
    fn clean(&mut self, text: &str, place: Place) {
        let bad = text
            .chars()
            .find(|c| (c.is_control() && !matches!(c, '\n' | '\t')) || is_unseen(*c));
        if bad == Some('\r') {
            self.findings.push(windows_lines(place));
        } else if let Some(bad) = bad {
            self.findings.push(
                Finding::error(
                    "CHARACTER",
                    format!("the character {} cannot be used here", bad.escape_unicode()),
                )
                .at(place)
                .help("write printable characters; control, direction and private-use characters are refused"),
            );
        }
    }
}

/// A text whose lines end as on Windows, which a node would take for part of them.
pub fn windows_lines(place: Place) -> Finding {
    Finding::error("CHARACTER", "the lines end in CR and LF here, as on Windows")
        .at(place)
        .help("save the file with LF at its lines' ends; with git: `*.toml text eol=lf` in .gitattributes, and the same for templates")
}

/// Merges a further file into a site's tree: tables of the first level are joined; each of their keys may be in one
/// file only.
pub fn merge(into: &mut Tree, from: Tree, sources: &Sources, findings: &mut Vec<Finding>) {
    let (Value::Table(table), Value::Table(more)) = (&mut into.value, from.value) else {
        return;
    };
    for (key, (place, tree)) in more {
        let Some((first_place, first)) = table.get_mut(&key) else {
            table.insert(key, (place, tree));
            continue;
        };
        match (&mut first.value, tree.value) {
            (Value::Table(first), Value::Table(more)) => {
                for (name, (place, tree)) in more {
                    if let Some((first, _)) = first.get(&name) {
                        findings.push(key_twice(sources.slice(place), place, Some(*first)));
                    } else {
                        first.insert(name, (place, tree));
                    }
                }
            }
            _ => findings.push(key_twice(sources.slice(place), place, Some(*first_place))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Sources, Tree, Vec<Finding>) {
        let mut sources = Sources::default();
        let file = sources.add("t.toml", text);
        let mut findings = Vec::new();
        let tree = parse(&sources, file, &mut findings);
        (sources, tree, findings)
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|f| f.code).collect()
    }

    #[test]
    fn values_know_their_places_and_keys_their_order() {
        let (sources, tree, findings) =
            read("z = 1\n[b.x]\nlist = [ 'one', 0x1F ]\n[a]\nday = 2027-06-30\n");
        assert_eq!(findings, []);
        assert_eq!(
            tree.to_json().to_string(),
            r#"{"z":1,"b":{"x":{"list":["one",31]}},"a":{"day":"2027-06-30"}}"#
        );
        let (place, found) = tree.at(&["b", "x", "list", "1"]).unwrap();
        assert_eq!(sources.slice(place), "0x1F");
        assert_eq!(found.value, Value::Int(31));
        let (key, found) = tree.at(&["a", "day"]).unwrap();
        assert_eq!(sources.slice(key), "day");
        assert_eq!(sources.locate(found.place).to_string(), "t.toml:5:7");
        assert!(tree.at(&["a", "night"]).is_none());
    }

    #[test]
    fn all_syntax_errors_are_found_at_once() {
        let (sources, _, findings) = read("a = \nb = 1\nc = 'x\nd = 2\n");
        let lines: Vec<_> = findings
            .iter()
            .map(|f| f.location(&sources).unwrap().line)
            .collect();
        assert_eq!(codes(&findings), ["TOML", "TOML"]);
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn a_key_given_twice_names_both_places() {
        for (text, first, second) in [
            ("a = 1\na = 2\n", 1, 2),
            ("[node.x]\na = 1\n[node.y]\n[node.x]\n", 1, 4),
            ("t = { a = 1,\u{20}b = 2, a = 3 }\n", 1, 1),
            ("[n]\nmac.e0 = 1\nmac.e0 = 2\n", 2, 3),
        ] {
            let (sources, _, findings) = read(text);
            assert_eq!(codes(&findings), ["KEY-TWICE"], "{text}");
            let finding = &findings[0];
            assert_eq!(finding.location(&sources).unwrap().line, second, "{text}");
            assert_eq!(finding.also.len(), 1, "{text}");
            assert_eq!(sources.locate(finding.also[0].0).line, first, "{text}");
            assert!(
                finding.also[0].0.start < finding.place.unwrap().start,
                "{text}"
            );
        }
    }

    #[test]
    fn what_only_toml_1_1_knows_is_refused() {
        for text in [
            "a = { b = 1,\n c = 2 }\n",
            "a = { b = 1, }\n",
            "a = \"\\e\"\n",
            "a = \"\\x41\"\n",
            "a = 07:32\n",
        ] {
            let (_, _, findings) = read(text);
            assert_eq!(codes(&findings)[0], "TOML-1.0", "{text}");
        }
        for text in [
            "a = { b = [1,\n 2,\n] }\n",
            "a = '\\e \\x41'\nb = \"\\\\e\"\n",
            "a = [ { b = 1 },\n { b = 2 }, ]\n",
            "a = { b = \"\"\"\n\"\"\" }\n",
            "a = 07:32:00\n",
        ] {
            let (_, _, findings) = read(text);
            assert_eq!(codes(&findings), [""; 0], "{text}");
        }
    }

    #[test]
    fn control_characters_and_marks_of_secrets_are_refused() {
        for text in [
            "a = \"\\u0000\"",
            "a = \"\\u001b[2J\"",
            "\"\\U000F0000x\\U000F0001\" = 1",
        ] {
            let (_, _, findings) = read(text);
            assert_eq!(codes(&findings), ["CHARACTER"], "{text}");
        }
    }

    #[test]
    fn files_are_joined_and_a_name_stands_in_one_of_them() {
        let mut sources = Sources::default();
        let a = sources.add("a.toml", "[node.n1]\nx = 1\n[site]\nname = 'a'\n");
        let b = sources.add(
            "b.toml",
            "[node.n2]\n[node.n1]\ny = 2\n[site]\nname = 'b'\n",
        );
        let mut findings = Vec::new();
        let mut tree = parse(&sources, a, &mut findings);
        let more = parse(&sources, b, &mut findings);
        merge(&mut tree, more, &sources, &mut findings);
        assert_eq!(codes(&findings), ["KEY-TWICE", "KEY-TWICE"]);
        let places: Vec<_> = findings
            .iter()
            .map(|f| {
                (
                    f.location(&sources).unwrap().to_string(),
                    sources.locate(f.also[0].0).to_string(),
                )
            })
            .collect();
        assert_eq!(
            places,
            [
                ("b.toml:2:7".to_owned(), "a.toml:1:7".to_owned()),
                ("b.toml:5:1".to_owned(), "a.toml:4:1".to_owned())
            ]
        );
        assert!(tree.at(&["node", "n2"]).is_some());
    }
}
