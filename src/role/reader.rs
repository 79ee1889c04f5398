//! Takes the keys of a table one by one, and reports all that is wrong with them at once.

use crate::site::{Finding, Place, Table, Tree, Value, any_of, did_you_mean, shown};

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The place where it is written.
    pub place: Place,
}

/// A table that is read key by key.
pub(super) struct Reader<'a, 'f> {
    table: &'a Table,
    place: Place,
    what: &'a str,
    known: Vec<&'a str>,
    findings: &'f mut Vec<Finding>,
}

impl<'a, 'f> Reader<'a, 'f> {
    /// Begins. `what` is how the table is called in messages: `a step`.
    pub(super) fn new(
        table: &'a Table,
        place: Place,
        what: &'a str,
        findings: &'f mut Vec<Finding>,
    ) -> Self {
        Self {
            table,
            place,
            what,
            known: Vec::new(),
            findings,
        }
    }

    /// The list of findings, for what is found besides.
    pub(super) fn findings(&mut self) -> &mut Vec<Finding> {
        self.findings
    }

    /// The value of a key, of any type.
    pub(super) fn any(&mut self, key: &'a str) -> Option<&'a Tree> {
        self.known.push(key);
        self.table.get(key).map(|(_, tree)| tree)
    }

    fn wrong(&mut self, key: &str, tree: &Tree, wanted: &str) {
        self.findings.push(
            Finding::error(
                "TYPE",
                format!("{} of {} is {}", shown(key), self.what, tree.value.noun()),
            )
            .at(tree.place)
            .label(format!("{wanted} is wanted")),
        );
    }

    /// Text.
    pub(super) fn text(&mut self, key: &'a str) -> Option<Placed<String>> {
        let tree = self.any(key)?;
        if let Some(text) = tree.as_str() {
            return Some(Placed {
                value: text.to_owned(),
                place: tree.place,
            });
        }
        self.wrong(key, tree, "text in quotes");
        None
    }

    /// Text that has to be there.
    pub(super) fn required(&mut self, key: &'a str) -> Option<Placed<String>> {
        if !self.table.contains_key(key) {
            self.known.push(key);
            self.findings.push(
                Finding::error(
                    "KEY-MISSING",
                    format!("{} has no {}", self.what, shown(key)),
                )
                .at(self.place),
            );
            return None;
        }
        self.text(key)
    }

    /// One of these words.
    pub(super) fn word(&mut self, key: &'a str, words: &[&str]) -> Option<Placed<String>> {
        let text = self.text(key)?;
        if words.contains(&text.value.as_str()) {
            return Some(text);
        }
        let mut finding = Finding::error(
            "WORD",
            format!(
                "{} of {} is {}, not {}",
                shown(key),
                self.what,
                shown(&text.value),
                any_of(words)
            ),
        )
        .at(text.place);
        if let Some(near) = did_you_mean(&text.value, words) {
            finding = finding.help(format!("did you mean {}?", shown(&near)));
        }
        self.findings.push(finding);
        None
    }

    /// True or false; false when it is missing.
    pub(super) fn flag(&mut self, key: &'a str) -> bool {
        let Some(tree) = self.any(key) else {
            return false;
        };
        if let Value::Bool(yes) = tree.value {
            return yes;
        }
        self.wrong(key, tree, "`true` or `false`");
        false
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, key: &'a str) -> Vec<Placed<String>> {
        let Some(tree) = self.any(key) else {
            return Vec::new();
        };
        let Value::Array(list) = &tree.value else {
            self.wrong(key, tree, "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in list {
            match item.as_str() {
                Some(text) => texts.push(Placed {
                    value: text.to_owned(),
                    place: item.place,
                }),
                None => self.wrong(key, item, "text in quotes"),
            }
        }
        texts
    }

    /// A table of tables, `[vars]` and the like: each with its name and place.
    pub(super) fn tables(&mut self, key: &'a str) -> Vec<(&'a str, Place, &'a Table)> {
        let Some(tree) = self.any(key) else {
            return Vec::new();
        };
        let Some(table) = tree.as_table() else {
            self.wrong(key, tree, "a table of tables");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, (place, tree)) in table {
            match tree.as_table() {
                Some(inner) => tables.push((name.as_str(), *place, inner)),
                None => self.wrong(name, tree, "a table"),
            }
        }
        tables
    }

    /// A list of tables, `[[step]]` and the like.
    pub(super) fn list(&mut self, key: &'a str) -> Vec<(Place, &'a Table)> {
        let Some(tree) = self.any(key) else {
            return Vec::new();
        };
        let Value::Array(list) = &tree.value else {
            let wanted = format!("`[[{key}]]`, in two brackets,");
            self.wrong(key, tree, &wanted);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in list {
            match item.as_table() {
                Some(inner) => tables.push((item.place, inner)),
                None => self.wrong(key, item, "a table"),
            }
        }
        tables
    }

    /// Reports the keys that were not read.
    pub(super) fn finish(self) {
        for (key, (place, _)) in self.table {
            if !self.known.contains(&key.as_str()) {
                self.findings
                    .push(unknown_key(key, *place, self.what, &self.known));
            }
        }
    }
}

/// A key that is not known, with the one that was perhaps meant.
pub(super) fn unknown_key(key: &str, place: Place, what: &str, known: &[&str]) -> Finding {
    let finding = Finding::error("KEY-UNKNOWN", format!("{what} has no key {}", shown(key)))
        .at(place)
        .label("not known");
    if let Some(near) = did_you_mean(key, known) {
        return finding.help(format!("did you mean {}?", shown(&near)));
    }
    let mut known = known.to_vec();
    known.sort_unstable();
    finding.help(format!("its keys are {}", any_of(&known)))
}
