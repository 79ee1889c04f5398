//! Renders the values of a role file deeply, with loops, conditions and templates inside them.

use super::file::Role;
use super::head::Head;
use super::library::Library;
use super::reader::Placed;
use super::template::TemplateError;
use crate::platform::Platform;
use crate::site::{Finding, Place, Sources, Table, Tree, Value as Node};

use minijinja::value::Value;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::ops::Range;

/// The names that a value sees while it is rendered.
#[derive(Clone, Debug)]
pub(super) struct Around {
    names: Vec<(String, Value)>,
}

impl Around {
    pub(super) fn new(names: &[(String, Value)]) -> Self {
        Self {
            names: names.to_vec(),
        }
    }

    /// Adds a name, or takes the place of what has it already.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.names.retain(|(n, _)| n != name);
        self.names.push((name.to_owned(), value));
    }

    fn value(&self) -> Value {
        let map: BTreeMap<String, Value> = self.names.iter().cloned().collect();
        Value::from(map)
    }
}

/// Renders values of one role for one node. A value that fails is reported and gives `None`.
pub(super) struct Renderer<'a> {
    pub(super) library: &'a Library,
    pub(super) sources: &'a Sources,
    pub(super) role: &'a Role,
    pub(super) platform: Platform,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Renderer<'_> {
    /// The surroundings of each round of a loop for which `when` holds; one round where there is no loop.
    pub(super) fn rounds(
        &mut self,
        each: Option<&Placed<Head>>,
        when: Option<&Placed<String>>,
        around: &Around,
    ) -> Vec<Around> {
        let mut rounds = match each {
            None => vec![around.clone()],
            Some(head) => match self.library.engine().each(&head.value, &around.value()) {
                Ok(rounds) => rounds
                    .into_iter()
                    .map(|names| {
                        let mut round = around.clone();
                        for (name, value) in names {
                            round.set(&name, value);
                        }
                        round
                    })
                    .collect(),
                Err(error) => {
                    self.report(&error, head.place, None);
                    Vec::new()
                }
            },
        };
        rounds.retain(|round| self.holds(when, round));
        rounds
    }

    /// Whether a condition holds; one that is not there does.
    pub(super) fn holds(&mut self, when: Option<&Placed<String>>, around: &Around) -> bool {
        let Some(when) = when else { return true };
        match self.library.engine().holds(&when.value, &around.value()) {
            Ok(holds) => holds,
            Err(error) => {
                self.report(&error, when.place, Some(&when.value));
                false
            }
        }
    }

    /// One text.
    pub(super) fn text(&mut self, text: &Placed<String>, around: &Around) -> Option<String> {
        match self.library.engine().value(&text.value, &around.value()) {
            Ok(Some(Json::String(rendered))) => Some(rendered),
            Ok(_) => {
                self.findings
                    .push(Finding::error("TYPE", "this has to be text").at(text.place));
                None
            }
            Err(error) => {
                self.report(&error, text.place, Some(&text.value));
                None
            }
        }
    }

    /// Evaluates an expression; an error is reported.
    pub(super) fn expression(&mut self, text: &Placed<String>, around: &Around) -> Option<Value> {
        let value = self
            .library
            .engine()
            .expression(&text.value, &around.value());
        value
            .map_err(|error| self.report(&error, text.place, Some(&text.value)))
            .ok()
    }

    /// A table, with what its templates and copies become as `content`.
    pub(super) fn table(&mut self, table: &Table, around: &Around) -> Option<Map<String, Json>> {
        let mut map = Map::new();
        let mut whole = true;
        let mut content: Option<Place> = None;
        for (key, (place, tree)) in table {
            if key == "for_each" || key == "when" {
                continue;
            }
            let Ok(value) = self.tree(tree, around) else {
                whole = false;
                continue;
            };
            let Some(value) = value else { continue };
            if !matches!(key.as_str(), "template" | "copy" | "content") {
                map.insert(key.clone(), value);
                continue;
            }
            if let Some(first) = content.replace(*place) {
                self.findings.push(
                    Finding::error("STEP", "a content is given in one way, not in two")
                        .at(*place)
                        .help("keep one of `content`, `template` and `copy`")
                        .also(first, "given here already"),
                );
                whole = false;
            }
            let text = match (key.as_str(), value.as_str()) {
                ("content", _) => Some(value),
                (_, None) => {
                    self.findings.push(
                        Finding::error(
                            "TYPE",
                            format!("`{key}` is the name of a file under templates/"),
                        )
                        .at(tree.place),
                    );
                    None
                }
                ("template", Some(name)) => self.template(name, tree.place, around).map(Json::from),
                (_, Some(name)) => self.copy(name, tree.place).map(Json::from),
            };
            match text {
                Some(text) => _ = map.insert("content".to_owned(), text),
                None => whole = false,
            }
        }
        whole.then_some(map)
    }

    fn template(&mut self, name: &str, place: Place, around: &Around) -> Option<String> {
        if !self.library.templates().any(|t| t == name) {
            return self.no_template(name, place);
        }
        if self.library.is_broken(name) {
            return None;
        }
        match self.library.engine().render(name, &around.value()) {
            Ok(text) => Some(text.as_marked().to_owned()),
            Err(error) => {
                self.report(&error, place, None);
                None
            }
        }
    }

    fn copy(&mut self, name: &str, place: Place) -> Option<String> {
        let text = self.library.copy(name).map(str::to_owned);
        if text.is_none() {
            return self.no_template(name, place);
        }
        text
    }

    fn no_template(&mut self, name: &str, place: Place) -> Option<String> {
        let finding = self.library.no_template(name, place);
        self.findings.push(finding);
        None
    }

    /// Any value. `Ok(None)` is a value that is none: its key is left out.
    fn tree(&mut self, tree: &Tree, around: &Around) -> Result<Option<Json>, ()> {
        match &tree.value {
            Node::Str(text) => match self.library.engine().value(text, &around.value()) {
                Ok(value) => Ok(value),
                Err(error) => {
                    self.report(&error, tree.place, Some(text));
                    Err(())
                }
            },
            Node::Array(list) => self.list(list, around).map(Some),
            Node::Table(table) => self
                .table(table, around)
                .map(Json::Object)
                .map(Some)
                .ok_or(()),
            _ => Ok(Some(tree.to_json())),
        }
    }

    /// A list; its tables may have `for_each` and `when`.
    fn list(&mut self, list: &[Tree], around: &Around) -> Result<Json, ()> {
        let mut items = Vec::new();
        let mut whole = true;
        for item in list {
            let rounds = match item.as_table() {
                Some(table) => self.item_rounds(table, around),
                None => vec![around.clone()],
            };
            for round in rounds {
                match self.tree(item, &round) {
                    Ok(value) => items.extend(value),
                    Err(()) => whole = false,
                }
            }
        }
        if whole {
            Ok(Json::Array(items))
        } else {
            Err(())
        }
    }

    fn item_rounds(&mut self, table: &Table, around: &Around) -> Vec<Around> {
        let text = |key: &str| {
            let (_, tree) = table.get(key)?;
            Some(Placed {
                value: tree.as_str()?.to_owned(),
                place: tree.place,
            })
        };
        let each = match text("for_each") {
            Some(head) => match Head::parse(&head.value) {
                Ok(value) => Some(Placed {
                    value,
                    place: head.place,
                }),
                // Reported when the file was read.
                Err(_) => return Vec::new(),
            },
            None => None,
        };
        self.rounds(each.as_ref(), text("when").as_ref(), around)
    }

    /// Reports an error of a template, or of a value that is written at this place.
    fn report(&mut self, error: &TemplateError, place: Place, text: Option<&str>) {
        let finding = if let Some(finding) = self.library.finding(error) {
            finding.also(place, "rendered for this step")
        } else {
            let place = text.map_or(place, |t| inside(self.sources, place, t, &error.range));
            let mut finding = Finding::error("TEMPLATE", error.message.clone()).at(place);
            finding.help.clone_from(&error.help);
            finding
        };
        let finding = self
            .missing_word(error)
            .map_or(finding.clone(), |(message, word)| {
                let mut better = finding
                    .clone()
                    .help(format!("set it there: `{} = …`", self.platform.word()));
                better.message = message;
                better.also(word, "the platforms it knows")
            });
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// A word of `[platform.WORD]` that this node's platform has not.
    fn missing_word(&self, error: &TemplateError) -> Option<(String, Place)> {
        let path = error.undefined.as_ref()?.strip_prefix("platform.")?;
        let word = path.split(['.', '[', ' ', '|']).next()?;
        let words = self.role.platform.get(word)?;
        words.on(self.platform).is_none().then(|| {
            (
                format!(
                    "role {} has no [platform.{word}] for {}",
                    self.role.name, self.platform
                ),
                words.place,
            )
        })
    }
}

/// The place of a range of bytes of a text that is written as a value at a place; the whole value where escapes in it
/// do not let one count.
pub(super) fn inside(sources: &Sources, place: Place, text: &str, range: &Range<usize>) -> Place {
    let Some(start) = sources.slice(place).find(text) else {
        return place;
    };
    Place {
        file: place.file,
        start: place.start + start + range.start,
        end: place.start + start + range.end.max(range.start + 1),
    }
}
