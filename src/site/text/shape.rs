//! Compares a tree with a JSON Schema and says everything that differs, each with its place.
//!
//! The schema is the one that `schemars` makes from the Rust types, so keys, words and ranges are written once. The
//! formats of the words are those of [`super::super::words::types::FORMATS`].

use super::super::words::types::format_named;
use super::finding::{Finding, any_of, shown};
use super::schema::{
    Layer, alternatives, example, first_sentence, has_type, is_secret, noun, only_alternative,
    types,
};
use super::source::Place;
use super::tree::{Table, Tree, Value};
use crate::platform::is_minor;
use crate::text::did_you_mean;
use serde_json::Value as Json;

/// The code of the finding that a secret's value is written in place of its name.
pub(in crate::site) const IN_CLEAR: &str = "SECRET-IN-CLEAR";

/// The way in which a tree is compared.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Any text that holds `{{` or `{%` is accepted for any type: it is checked once it is rendered.
    pub templates: bool,
    /// Path of the tree within its document, for the messages.
    pub path: Vec<String>,
}

/// Compares a whole document with a schema.
pub fn check(tree: &Tree, schema: &Json, findings: &mut Vec<Finding>) {
    check_with(tree, schema, &Options::default(), findings);
}

/// Compares a tree with a schema; `$ref`s are looked up in the same schema.
pub fn check_with(tree: &Tree, schema: &Json, options: &Options, findings: &mut Vec<Finding>) {
    let mut shape = SchemaValidator {
        root: schema,
        templates: options.templates,
        path: options.path.clone(),
        findings,
    };
    let start = Place {
        end: tree.place.start,
        ..tree.place
    };
    let here = if options.path.is_empty() {
        start
    } else {
        tree.place
    };
    shape.node(tree, here, schema);
}

/// Makes the typed value of a tree in which [`check`] found no error. An error that is found all the same is reported
/// with its place.
pub fn read<T: serde::de::DeserializeOwned>(tree: &Tree, findings: &mut Vec<Finding>) -> Option<T> {
    match serde_path_to_error::deserialize(tree.to_json()) {
        Ok(value) => Some(value),
        Err(error) => {
            let path: Vec<String> = error
                .path()
                .iter()
                .map_while(|segment| match segment {
                    serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                    serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                    _ => None,
                })
                .collect();
            let place = (0..=path.len())
                .rev()
                .find_map(|n| tree.at(&path[..n]))
                .map(|(_, found)| found.place);
            findings.push(
                Finding::error(
                    "VALUE",
                    format!("{}: {}", dotted(&path), error.into_inner()),
                )
                .at(place),
            );
            None
        }
    }
}

/// A path for display, in backticks.
pub(in crate::site) fn dotted(path: &[String]) -> String {
    if path.is_empty() {
        "the file".to_owned()
    } else {
        shown(&path.join("."))
    }
}

/// In a schema: the words that may have a minor release behind them.
const MINOR: &str = "x-minor-of";

struct SchemaValidator<'a> {
    root: &'a Json,
    templates: bool,
    path: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

impl<'a> SchemaValidator<'a> {
    /// A schema with everything it refers to.
    fn layers(&self, schema: &'a Json) -> Vec<&'a Layer> {
        let mut layers = Vec::new();
        let mut todo = vec![schema];
        while let Some(schema) = todo.pop() {
            let Json::Object(layer) = schema else {
                continue;
            };
            layers.push(layer);
            if let Some(Json::String(reference)) = layer.get("$ref")
                && let Some(found) = reference
                    .strip_prefix('#')
                    .and_then(|p| self.root.pointer(p))
                && layers.len() < 32
            {
                todo.push(found);
            }
            if let Some(Json::Array(all)) = layer.get("allOf") {
                todo.extend(all);
            }
            // A type that may be missing is `anyOf` the type and null; TOML has no null.
            if let Some(one) = only_alternative(layer) {
                todo.push(one);
            }
        }
        layers
    }

    fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn here(&self) -> String {
        dotted(&self.path)
    }

    fn within(&self) -> String {
        if self.path.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.here())
        }
    }

    fn node(&mut self, tree: &Tree, key: Place, schema: &'a Json) {
        if *schema == Json::Bool(true) {
            return;
        }
        if self.templates && tree.as_str().is_some_and(is_template) {
            return;
        }
        let layers = self.layers(schema);
        if let Some(alternatives) = alternatives(&layers) {
            self.choose(tree, key, &layers, &alternatives);
            return;
        }
        if !self.right_type(tree, &layers) || !self.right_word(tree, &layers) {
            return;
        }
        match &tree.value {
            Value::Table(table) => self.table(table, key, &layers),
            Value::Array(list) => self.list(tree, list, &layers),
            Value::Str(text) => self.text(tree, text, &layers),
            Value::Int(number) => self.number(tree, *number, &layers),
            Value::Float(_) | Value::Bool(_) | Value::Datetime(_) => {}
        }
    }

    /// Several forms are possible: the one whose type fits is meant.
    fn choose(&mut self, tree: &Tree, key: Place, layers: &[&'a Layer], alternatives: &[&'a Json]) {
        if let Some(words) = self.words(alternatives) {
            let fits = tree
                .as_str()
                .is_some_and(|t| words.contains(&t) || self.is_minor(t, alternatives));
            if !fits {
                self.wrong_word(tree, &words);
            }
            return;
        }
        let fitting: Vec<&'a Json> = alternatives
            .iter()
            .copied()
            .filter(|a| {
                let layers = self.layers(a);
                let types = types(&layers);
                types.is_empty() || types.iter().any(|t| has_type(tree, t, &layers))
            })
            .collect();
        // Of several that fit, the one with the least to say is meant.
        let mut best: Option<Vec<Finding>> = None;
        for alternative in fitting {
            let mut findings = Vec::new();
            SchemaValidator {
                root: self.root,
                templates: self.templates,
                path: self.path.clone(),
                findings: &mut findings,
            }
            .node(tree, key, alternative);
            if best.as_ref().is_none_or(|b| findings.len() < b.len()) {
                best = Some(findings);
            }
        }
        if let Some(findings) = best {
            self.findings.extend(findings);
        } else {
            let wanted: Vec<_> = alternatives
                .iter()
                .flat_map(|a| types(&self.layers(a)))
                .map(|t| noun(t).to_owned())
                .collect();
            self.wrong_type(tree, &wanted, layers);
        }
    }

    /// The words, when each alternative is a word or a list of words.
    fn words(&self, alternatives: &[&'a Json]) -> Option<Vec<&'a str>> {
        let mut words = Vec::new();
        for alternative in alternatives {
            let layers = self.layers(alternative);
            if layers.iter().any(|l| l.contains_key(MINOR)) {
                continue;
            }
            let constant = layers.iter().find_map(|l| l.get("const"));
            let list = layers.iter().find_map(|l| l.get("enum"));
            match (constant, list) {
                (Some(Json::String(word)), _) => words.push(word.as_str()),
                (_, Some(Json::Array(list))) => {
                    for word in list {
                        words.push(word.as_str()?);
                    }
                }
                _ => return None,
            }
        }
        Some(words)
    }

    /// Whether a text is one of the words that may have a minor release behind them, with one.
    fn is_minor(&self, text: &str, alternatives: &[&'a Json]) -> bool {
        let Some((word, minor)) = text.split_once('.') else {
            return false;
        };
        let layers = alternatives.iter().flat_map(|a| self.layers(a));
        let mut words = layers.filter_map(|l| l.get(MINOR)?.as_array()).flatten();
        words.any(|w| w == word) && is_minor(minor)
    }

    fn right_type(&mut self, tree: &Tree, layers: &[&'a Layer]) -> bool {
        let types = types(layers);
        if types.is_empty() || types.iter().any(|t| has_type(tree, t, layers)) {
            return true;
        }
        let wanted: Vec<_> = types.iter().map(|t| noun(t).to_owned()).collect();
        self.wrong_type(tree, &wanted, layers);
        false
    }

    fn wrong_type(&mut self, tree: &Tree, wanted: &[String], layers: &[&'a Layer]) {
        if tree.as_str().is_some() && is_secret(layers) {
            let finding = Finding::error(IN_CLEAR, format!("{} is written in clear", self.here()))
                .at(tree.place)
                .label("take it out of here, and out of the site's history")
                .help(format!(
                    "`{} = {{ secret = \"NAME\" }}`, and `nodewright secret set NAME`",
                    self.path.last().map_or("password", String::as_str)
                ));
            self.find(finding);
            return;
        }
        let wanted = wanted.join(" or ");
        let name = self.path.last().cloned().unwrap_or_default();
        let help = match &tree.value {
            Value::Str(text) if wanted.contains("number") && text.parse::<i64>().is_ok() => {
                Some(format!("write it without quotes: `{name} = {text}`"))
            }
            Value::Str(text)
                if wanted == "true or false" && matches!(text.as_str(), "true" | "false") =>
            {
                Some(format!("write it without quotes: `{name} = {text}`"))
            }
            Value::Str(text) if wanted == "a list" => Some(format!(
                "write it in brackets: `{name} = [\"{}\"]`",
                shown(text).trim_matches('`')
            )),
            Value::Int(number) if wanted == "text" => {
                let is_mode = name.ends_with("mode");
                Some(as_text(*number, tree.octal, is_mode, layers).map_or_else(
                    || {
                        example(layers)
                            .map_or_else(|| "write text".to_owned(), |e| format!("for example {e}"))
                    },
                    |text| format!("write it in quotes: `{name} = \"{text}\"`"),
                ))
            }
            Value::Float(_) if wanted == "text" => Some("write it in quotes".to_owned()),
            _ if wanted == "a table" => Some(format!("write it in braces: `{name} = {{ … }}`")),
            _ => example(layers).map(|e| format!("for example {e}")),
        };
        let mut finding = Finding::error(
            "TYPE",
            format!(
                "{} must be {wanted}, not {}",
                self.here(),
                tree.value.noun()
            ),
        )
        .at(tree.place)
        .label(format!("wanted: {wanted}"));
        finding.help = help;
        self.find(finding);
    }

    fn right_word(&mut self, tree: &Tree, layers: &[&'a Layer]) -> bool {
        let Some(list) = layers
            .iter()
            .find_map(|l| l.get("enum"))
            .and_then(Json::as_array)
        else {
            return true;
        };
        let json = tree.to_json();
        if list.contains(&json) {
            return true;
        }
        let words: Vec<String> = list
            .iter()
            .map(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned))
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.wrong_word(tree, &words);
        false
    }

    fn wrong_word(&mut self, tree: &Tree, words: &[&str]) {
        // A value that is no text gets its quotes, too.
        let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
        let Some(text) = (match &tree.value {
            Value::Str(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }) else {
            let found = tree.value.noun();
            let finding = Finding::error(
                "TYPE",
                format!("{} must be a word, not {found}", self.here()),
            )
            .at(tree.place)
            .help(format!("write {}", any_of(&quoted)));
            self.find(finding);
            return;
        };
        let write = match &tree.value {
            Value::Str(_) => any_of(words),
            _ => any_of(&quoted),
        };
        let help = did_you_mean(&text, words).map_or_else(
            || format!("write {write}"),
            |w| format!("did you mean {}? It can be {}", shown(&w), any_of(words)),
        );
        let finding = Finding::error(
            "WORD",
            format!("{} cannot be {}", self.here(), shown(&text)),
        )
        .at(tree.place)
        .label("not one of the words")
        .help(help);
        self.find(finding);
    }

    fn table(&mut self, table: &Table, key: Place, layers: &[&'a Layer]) {
        let properties: Vec<(&'a str, &'a Json)> = layers
            .iter()
            .filter_map(|l| l.get("properties")?.as_object())
            .flat_map(|p| p.iter().map(|(k, v)| (k.as_str(), v)))
            .collect();
        let names: Vec<&str> = properties.iter().map(|(k, _)| *k).collect();
        let other = layers.iter().find_map(|l| l.get("additionalProperties"));
        let key_format = layers
            .iter()
            .find_map(|l| l.get("propertyNames")?.get("format")?.as_str());
        for (name, (place, tree)) in table {
            self.path.push(name.clone());
            if let Some((_, schema)) = properties.iter().find(|(known, _)| known == name) {
                self.node(tree, *place, schema);
            } else {
                match other {
                    Some(Json::Bool(false)) => self.unknown_key(name, *place, &names),
                    Some(schema) if self.right_key(name, *place, key_format) => {
                        self.node(tree, *place, schema);
                    }
                    _ => {}
                }
            }
            self.path.pop();
        }
        for required in layers
            .iter()
            .filter_map(|l| l.get("required")?.as_array())
            .flatten()
            .filter_map(Json::as_str)
        {
            if !table.contains_key(required) {
                let schema = properties
                    .iter()
                    .find(|(k, _)| *k == required)
                    .map(|(_, s)| *s);
                self.missing_key(required, key, schema);
            }
        }
    }

    fn unknown_key(&mut self, name: &str, place: Place, known: &[&str]) {
        self.path.pop();
        let message = format!("unknown key {}{}", shown(name), self.within());
        self.path.push(name.to_owned());
        let help = match did_you_mean(name, known) {
            Some(word) => format!("did you mean {}?", shown(&word)),
            None if !self.path.is_empty() && self.is_top_level(name) => {
                format!("it belongs at the top of the file: `[{name}]`")
            }
            None => format!("known here: {}", known.join(", ")),
        };
        self.find(
            Finding::error("KEY-UNKNOWN", message)
                .at(place)
                .label("not known here")
                .help(help),
        );
    }

    fn is_top_level(&self, name: &str) -> bool {
        self.root
            .get("properties")
            .is_some_and(|p| p.get(name).is_some())
    }

    fn right_key(&mut self, name: &str, place: Place, format: Option<&str>) -> bool {
        let Some(format) = format.and_then(format_named) else {
            return true;
        };
        let Err(sentence) = (format.check)(name) else {
            return true;
        };
        let finding = Finding::error("NAME", format!("{} is not {}", shown(name), format.noun))
            .at(place)
            .label(sentence)
            .help(format!("for example `{}`", format.example));
        self.find(finding);
        false
    }

    fn missing_key(&mut self, name: &str, place: Place, schema: Option<&'a Json>) {
        let layers = schema.map(|s| self.layers(s)).unwrap_or_default();
        let doc = layers.iter().find_map(|l| l.get("description")?.as_str());
        let line = match example(&layers) {
            Some(example) => format!("`{name} = {}`", example.trim_matches('`')),
            None if types(&layers) == ["object"] && self.path.is_empty() => format!("`[{name}]`"),
            None => shown(name),
        };
        let help = match doc {
            Some(doc) => format!("add {line}: {}", first_sentence(doc)),
            None => format!("add {line}"),
        };
        let finding = Finding::error(
            "KEY-MISSING",
            format!("{} is missing{}", shown(name), self.within()),
        )
        .at(place)
        .help(help);
        self.find(finding);
    }

    fn list(&mut self, tree: &Tree, list: &[Tree], layers: &[&'a Layer]) {
        let number = |key: &str| layers.iter().find_map(|l| l.get(key)?.as_u64());
        if number("minItems").is_some_and(|min| (list.len() as u64) < min) {
            let finding = Finding::error("RANGE", format!("{} has too few elements", self.here()))
                .at(tree.place)
                .help(format!(
                    "at least {}",
                    number("minItems").unwrap_or_default()
                ));
            self.find(finding);
        }
        let Some(items) = layers.iter().find_map(|l| l.get("items")) else {
            return;
        };
        for (at, element) in list.iter().enumerate() {
            self.path.push(at.to_string());
            self.node(element, element.place, items);
            self.path.pop();
        }
    }

    fn text(&mut self, tree: &Tree, text: &str, layers: &[&'a Layer]) {
        let Some(format) = layers
            .iter()
            .find_map(|l| l.get("format")?.as_str())
            .and_then(format_named)
        else {
            return;
        };
        let Err(sentence) = (format.check)(text) else {
            return;
        };
        let finding = Finding::error(
            "VALUE",
            format!("{}: {} is not {}", self.here(), shown(text), format.noun),
        )
        .at(tree.place)
        .label(sentence)
        .help(format!("for example `{}`", format.example));
        self.find(finding);
    }

    fn number(&mut self, tree: &Tree, number: i64, layers: &[&'a Layer]) {
        let bound = |key: &str| -> Vec<i64> {
            layers.iter().filter_map(|l| l.get(key)?.as_i64()).collect()
        };
        let min = bound("minimum").into_iter().max();
        let max = bound("maximum").into_iter().min();
        if min.is_some_and(|m| number < m) || max.is_some_and(|m| number > m) {
            let range = match (min, max) {
                (Some(min), Some(max)) => format!("from {min} to {max}"),
                (Some(min), None) => format!("{min} or more"),
                (None, Some(max)) => format!("{max} or less"),
                (None, None) => String::new(),
            };
            let finding = Finding::error("RANGE", format!("{} cannot be {number}", self.here()))
                .at(tree.place)
                .label("out of range")
                .help(format!("write a number {range}"));
            self.find(finding);
        }
    }
}

/// A number as the text that was perhaps meant, which the schema takes: as the four digits of a mode, or one without a unit
/// in seconds.
fn as_text(number: i64, octal: bool, is_mode: bool, layers: &[&Layer]) -> Option<String> {
    if octal {
        return Some(format!("{number:04o}"));
    }
    if is_mode {
        return Some(format!("{number:04}"));
    }
    let format = layers.iter().find_map(|l| l.get("format")?.as_str());
    let Some(format) = format.and_then(format_named) else {
        return Some(number.to_string());
    };
    let mut texts = [number.to_string(), format!("{number}s")].into_iter();
    texts.find(|text| (format.check)(text).is_ok())
}

/// Whether text is (in part) a template.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}
