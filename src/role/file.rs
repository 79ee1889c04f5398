//! The file of a role, with every place, before anything is rendered.

use super::check::CheckEntry;
use super::head::Head;
use super::reader::{Placed, Reader};
use super::step::{Step, check_values, loop_head};
use super::template::{NAMES, Templates};
use super::vars::VarType;
use crate::platform::Platform;
use crate::site::{
    self, FileId, Finding, Place, Provision, Sources, Table, Tree, any_of, did_you_mean, shown,
};
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A role as it is written in its file.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name, which is the file's.
    pub name: String,
    /// The file.
    pub file: FileId,
    /// Its purpose, in one line.
    pub description: String,
    /// Roles that have to come before it on the same node.
    pub after: Vec<Placed<String>>,
    /// It is left out where this expression does not hold.
    pub when: Option<Placed<String>>,
    /// Its provisions for a node.
    pub provides: Vec<Provision>,
    /// Its variables.
    pub vars: IndexMap<String, Var>,
    /// Variables that an earlier version of it took, with what to write in their place.
    pub gone: BTreeMap<String, String>,
    /// Words that differ from platform to platform.
    pub platform: IndexMap<String, PlatformWords>,
    /// Expressions that it names, in this order: each sees those before it.
    pub lets: IndexMap<String, Placed<String>>,
    /// Ports it needs open.
    pub opens: Vec<OpenEntry>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// Questions about the running system.
    pub checks: Vec<CheckEntry>,
    /// Whether its file has no errors.
    pub sound: bool,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Var {
    /// The place where its name is written.
    pub place: Place,
    /// Its type.
    pub kind: VarType,
    /// Its value where the site sets none.
    pub default: Option<Json>,
    /// The site has to set it.
    pub required: bool,
    /// Its value in a rehearsal in containers, whatever the site sets.
    pub in_container: Option<Json>,
    /// Its purpose.
    pub doc: String,
}

/// A word by platform.
#[derive(Clone, Debug)]
pub struct PlatformWords {
    /// The place where its name is written.
    pub place: Place,
    /// Its value, by release (`el9`), family (`el`) or family from one release on (`el8+`). A release without a value
    /// is an error only where the word is used.
    pub by: Vec<(String, Json)>,
}

/// An `[[open]]` before it is rendered.
#[derive(Clone, Debug)]
pub struct OpenEntry {
    /// The place where it is written.
    pub place: Place,
    /// Once for each of these.
    pub each: Option<Placed<Head>>,
    /// Left out where this does not hold.
    pub when: Option<Placed<String>>,
    /// zone, from, tcp, udp, proto.
    pub own: Table,
}

impl Role {
    /// Reads a role's file; everything that is wrong with it is found at once.
    pub fn read(
        name: &str,
        file: FileId,
        sources: &Sources,
        engine: &Templates,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let before = findings.len();
        let tree = site::parse(sources, file, findings);
        let empty = Table::new();
        let table = tree.as_table().unwrap_or(&empty);
        let start = Place {
            file,
            start: 0,
            end: 0,
        };
        let mut reader = Reader::new(table, start, "a role", findings);
        let description = reader.required("description");
        let after = reader.texts("after");
        let when = reader.text("when");
        let provides = reader.texts("provides");
        let vars = reader.tables("vars");
        let gone = reader.any("gone");
        let platform = reader.tables("platform");
        let lets = reader.any("let");
        let opens = reader.list("open");
        let steps = reader.list("step");
        let checks = reader.list("check");
        reader.finish();
        let mut role = Self {
            name: name.to_owned(),
            file,
            description: description.map(|d| d.value).unwrap_or_default(),
            after,
            when,
            provides: Vec::new(),
            vars: IndexMap::new(),
            gone: BTreeMap::new(),
            platform: IndexMap::new(),
            lets: IndexMap::new(),
            opens: Vec::new(),
            steps: Vec::new(),
            checks: Vec::new(),
            sound: false,
        };
        let mut check = Syntax {
            sources,
            engine,
            findings,
        };
        check.expression(role.when.as_ref());
        role.provides = provisions(&provides, check.findings);
        for (name, place, table) in vars {
            if let Some(var) = Var::read(name, place, table, check.findings) {
                role.vars.insert(name.to_owned(), var);
            }
        }
        if let Some(tree) = gone {
            role.gone = read_gone(tree, check.findings);
        }
        for (name, place, table) in platform {
            let words = PlatformWords::read(place, table, check.findings);
            role.platform.insert(name.to_owned(), words);
        }
        if let Some(tree) = lets {
            role.lets = read_lets(tree, &mut check);
        }
        for (place, table) in opens {
            role.opens.push(OpenEntry::read(place, table, &mut check));
        }
        for (place, table) in steps {
            role.steps.extend(Step::read(place, table, &mut check));
        }
        for (place, table) in checks {
            role.checks
                .extend(CheckEntry::read(place, table, &mut check));
        }
        role.sound = check.findings.len() == before;
        role
    }
}

/// The provisions of these words; unknown ones are reported.
fn provisions(words: &[Placed<String>], findings: &mut Vec<Finding>) -> Vec<Provision> {
    let known = Provision::words();
    let mut all = Vec::new();
    for word in words {
        if let Some(what) = Provision::from_word(&word.value) {
            all.push(what);
            continue;
        }
        let help = did_you_mean(&word.value, &known).map_or_else(
            || format!("a role provides {}", any_of(&known)),
            |near| format!("did you mean {}?", shown(&near)),
        );
        let message = format!(
            "nothing that a role provides is called {}",
            shown(&word.value)
        );
        findings.push(
            Finding::error("PROVIDES", message)
                .at(word.place)
                .help(help),
        );
    }
    all
}

/// The replacements of variables that were removed.
fn read_gone(tree: &Tree, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut gone = BTreeMap::new();
    let wrong = |place| Finding::error("TYPE", "`gone` has a sentence for each variable").at(place);
    let Some(table) = tree.as_table() else {
        findings.push(wrong(tree.place));
        return gone;
    };
    for (name, (_, tree)) in table {
        match tree.as_str() {
            Some(text) => _ = gone.insert(name.clone(), text.to_owned()),
            None => findings.push(wrong(tree.place)),
        }
    }
    gone
}

/// The expressions that a role names.
fn read_lets(tree: &Tree, check: &mut Syntax<'_>) -> IndexMap<String, Placed<String>> {
    let mut lets = IndexMap::new();
    let wrong = |place| {
        Finding::error("TYPE", "`let` has an expression for each name")
            .at(place)
            .help("for example `managed = \"node.devices | selectattr('managed') | list\"`")
    };
    let Some(table) = tree.as_table() else {
        check.findings.push(wrong(tree.place));
        return lets;
    };
    for (name, (place, tree)) in table {
        if NAMES.contains(&name.as_str()) {
            let why = format!("{} is a name that every role has", shown(name));
            let finding = Finding::error("LET", why).at(*place);
            check.findings.push(finding.help("give it another name"));
        } else if !is_name(name) {
            let why = format!("{} is no name of a value", shown(name));
            let finding = Finding::error("LET", why).at(*place);
            let help = "a name begins with a small letter and has small letters, digits and `_`";
            check.findings.push(finding.help(help));
        }
        let Some(text) = tree.as_str() else {
            check.findings.push(wrong(tree.place));
            continue;
        };
        let expression = Placed {
            value: text.to_owned(),
            place: tree.place,
        };
        check.expression(Some(&expression));
        lets.insert(name.clone(), expression);
    }
    lets
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The context in which a file's expressions are checked while it is read.
pub(super) struct Syntax<'a> {
    pub(super) sources: &'a Sources,
    pub(super) engine: &'a Templates,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Syntax<'_> {
    /// Reports an expression that cannot be read.
    pub(super) fn expression(&mut self, text: Option<&Placed<String>>) {
        let Some(text) = text else { return };
        if let Err(error) = self.engine.check_expression(&text.value) {
            let place = super::render::inside(self.sources, text.place, &text.value, &error.range);
            self.findings
                .push(Finding::error("TEMPLATE", error.message).at(place));
        }
    }
}

impl Var {
    fn read(name: &str, place: Place, table: &Table, findings: &mut Vec<Finding>) -> Option<Self> {
        let words: Vec<_> = VarType::ALL.iter().map(|(w, _)| *w).collect();
        let mut reader = Reader::new(table, place, "a variable", findings);
        let kind = if table.contains_key("type") {
            reader.word("type", &words)
        } else {
            reader.required("type")
        };
        let default = reader.any("default");
        let required = reader.flag("required");
        let in_container = reader.any("in_container");
        let doc = reader.required("doc");
        if default.is_some() == required {
            let message = if required {
                format!("variable {} is required and has a default", shown(name))
            } else {
                format!("variable {} has no default", shown(name))
            };
            reader.findings().push(
                Finding::error("VAR", message)
                    .at(place)
                    .help("give it a `default`, or `required = true` where the site has to set it"),
            );
        }
        reader.finish();
        let kind = VarType::from_word(&kind?.value)?;
        for tree in default.into_iter().chain(in_container) {
            if let Err(why) = kind.check(&tree.to_json()) {
                findings.push(Finding::error("VAR", why).at(tree.place));
            }
        }
        Some(Self {
            place,
            kind,
            default: default.map(Tree::to_json),
            required,
            in_container: in_container.map(Tree::to_json),
            doc: doc?.value,
        })
    }
}

impl PlatformWords {
    /// Its value on a platform: under the nearest key that means it.
    pub fn on(&self, platform: Platform) -> Option<&Json> {
        let fitting = self
            .by
            .iter()
            .filter_map(|(key, value)| Some((platform.fits(key)?, value)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, value)| value)
    }

    fn read(place: Place, table: &Table, findings: &mut Vec<Finding>) -> Self {
        let known = Platform::keys();
        let mut by = Vec::new();
        for (word, (key, tree)) in table {
            if Platform::all().any(|p| p.fits(word).is_some()) {
                by.push((word.clone(), tree.to_json()));
                continue;
            }
            let help = did_you_mean(word, &known).map_or_else(
                || format!("platforms and families of them are {}", any_of(&known)),
                |near| format!("did you mean {}?", shown(&near)),
            );
            findings.push(
                Finding::error("PLATFORM", format!("there is no platform {}", shown(word)))
                    .at(*key)
                    .help(help),
            );
        }
        Self { place, by }
    }
}

impl OpenEntry {
    fn read(place: Place, table: &Table, check: &mut Syntax<'_>) -> Self {
        let mut own = table.clone();
        let mut reader = Reader::new(table, place, "an open port", check.findings);
        reader.required("zone");
        for key in ["from", "tcp", "udp", "proto"] {
            reader.any(key);
        }
        let each = reader.text("for_each");
        let when = reader.text("when");
        if !["tcp", "udp", "proto"]
            .iter()
            .any(|key| table.contains_key(*key))
        {
            reader.findings().push(
                Finding::error("OPEN", "this opens nothing")
                    .at(place)
                    .help("say `tcp = […]`, `udp = […]` or `proto = […]`"),
            );
        }
        reader.finish();
        own.shift_remove("for_each");
        own.shift_remove("when");
        check.expression(when.as_ref());
        check_values(&own, check);
        Self {
            place,
            each: each.and_then(|e| loop_head(&e, check)),
            when,
            own,
        }
    }
}
