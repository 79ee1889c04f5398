//! One `[[step]]`: its kind, its own keys, and the keys that every step may have.

use super::file::Syntax;
use super::head::Head;
use super::reader::{Placed, Reader, unknown_key};
use crate::kind::{Erased, StepMeta};
use crate::kinds::kind_named;
use crate::site::text::shape;
use crate::site::{Finding, Place, Table, Tree, Value, did_you_mean, shown};

/// The keys that every step may have, with what each means.
pub const STEP_KEYS: [(&str, &str); 8] = [
    (
        "for_each",
        "Head of a loop: `m in members`, `name, m in site.mirror`.",
    ),
    (
        "when",
        "Expression; the step is left out where it does not hold.",
    ),
    (
        "once",
        "Observed on every member of the cluster, done by one.",
    ),
    ("source", "The node that does a step with `once`."),
    (
        "wait",
        "`all`: every member is through with what comes before.",
    ),
    (
        "rolling",
        "One node at a time, while all other members are healthy: quorate, complete, without a pending fence.",
    ),
    (
        "long",
        "Its work may take hours: it goes on by itself and holds no lock, what comes after it on the node waits, and any later run goes on.",
    ),
    (
        "operate",
        "Operation, not configuration: done while forming, or by an explicit command.",
    ),
];

/// A step before it is rendered.
#[derive(Clone)]
pub struct Step {
    /// The place where it is written: its kind's key.
    pub place: Place,
    /// Its kind.
    pub kind: &'static dyn Erased,
    /// Once for each of these.
    pub each: Option<Placed<Head>>,
    /// Left out where this does not hold.
    pub when: Option<Placed<String>>,
    /// The expression for the member that does a `once` step.
    pub source: Option<Placed<String>>,
    /// Its other keys; place, index and source are given when it is rendered.
    pub meta: StepMeta,
    /// The kind's own keys.
    pub own: Table,
    /// Those of them that name a file or folder of the site, which is read when the step is rendered.
    pub site_keys: Vec<(String, SiteKey)>,
    /// Whether it was read without errors; a step with errors is not rendered.
    pub sound: bool,
}

/// The value that a key gets of the file or folder that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKey {
    /// The text of a file.
    Text,
    /// The packages in a folder.
    Packages,
    /// The raw image of a disk.
    Image,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step of {}", self.kind.name())
    }
}

impl Step {
    pub(super) fn read(place: Place, table: &Table, check: &mut Syntax<'_>) -> Option<Self> {
        let before = check.findings.len();
        let kind = kind_of(place, table, check.findings)?;
        let (place, _) = table[kind.name()];
        let properties = properties(kind);
        // A kind that has a key `source` of its own keeps it.
        let shared: Vec<&str> = STEP_KEYS
            .iter()
            .map(|(key, _)| *key)
            .filter(|key| !properties.iter().any(|p| p == key))
            .collect();
        let mut common = table.clone();
        common.retain(|key, _| shared.contains(&key.as_str()));
        let mut reader = Reader::new(&common, place, "a step", check.findings);
        let each = reader.text("for_each");
        let when = reader.text("when");
        let source = reader.text("source");
        let wait = reader.word("wait", &["all"]);
        let once = reader.flag("once");
        let rolling = reader.flag("rolling");
        let long = reader.flag("long");
        let operate = reader.flag("operate");
        if let Some(source) = &source
            && !once
        {
            reader.findings().push(
                Finding::error("STEP", "`source` names the node of a step with `once`")
                    .at(source.place)
                    .help("add `once = true`, or leave `source` out"),
            );
        }
        let mut own = table.clone();
        own.retain(|key, _| !shared.contains(&key.as_str()));
        let mut known: Vec<&str> = properties.iter().map(String::as_str).collect();
        if known.contains(&"content") {
            known.extend(["template", "copy"]);
        }
        let what = format!("a step of kind `{}`", kind.name());
        for (key, (place, _)) in &own {
            if !known.contains(&key.as_str()) {
                let mut known = known.clone();
                known.extend(&shared);
                check.findings.push(unknown_key(key, *place, &what, &known));
            }
        }
        check.expression(when.as_ref());
        check_values(&own, check);
        check_types(kind, place, &own, &known, check.findings);
        let each = each.and_then(|e| loop_head(&e, check));
        Some(Self {
            place,
            kind,
            each,
            when,
            source,
            meta: StepMeta {
                once,
                wait_all: wait.is_some(),
                rolling,
                long,
                operate,
                ..StepMeta::default()
            },
            own,
            site_keys: site_keys(kind),
            sound: check.findings.len() == before,
        })
    }
}

/// The keys of a kind's step, by its schema.
pub(super) fn properties(kind: &dyn Erased) -> Vec<String> {
    let schema = kind.schema();
    let properties = schema.get("properties").and_then(|p| p.as_object());
    properties
        .map(|p| p.keys().cloned().collect())
        .unwrap_or_default()
}

/// The keys of a kind's step that name something of the site, by its schema.
fn site_keys(kind: &dyn Erased) -> Vec<(String, SiteKey)> {
    let schema = kind.schema();
    let properties = schema.get("properties").and_then(|p| p.as_object());
    let key = |(name, schema): (&String, &serde_json::Value)| {
        let what = match schema["x-nodewright"].as_str()? {
            "text" => SiteKey::Text,
            "packages" => SiteKey::Packages,
            "image" => SiteKey::Image,
            _ => return None,
        };
        Some((name.clone(), what))
    };
    properties.into_iter().flatten().filter_map(key).collect()
}

/// Compares the values that are known before rendering with the types of the kind's keys.
fn check_types(
    kind: &dyn Erased,
    place: Place,
    own: &Table,
    known: &[&str],
    findings: &mut Vec<Finding>,
) {
    let schema = kind.schema().to_value();
    let mut table = as_rendered(own);
    table.retain(|key, _| known.contains(&key.as_str()));
    let mut several = false;
    if let Some((_, name)) = table.get_mut(kind.name())
        && matches!(name.value, Value::Array(_) | Value::Table(_))
    {
        // Each of several names becomes a step of its own, perhaps with a value beside it.
        name.value = later();
        several = true;
    }
    let options = shape::Options {
        templates: true,
        path: vec![kind.name().to_owned()],
    };
    let tree = Tree {
        octal: false,
        place,
        value: Value::Table(table),
    };
    let mut found = Vec::new();
    shape::check_with(&tree, &schema, &options, &mut found);
    found.retain(|f| !(several && f.code == "KEY-MISSING"));
    findings.append(&mut found);
}

/// A value that is only known once it is rendered.
fn later() -> Value {
    Value::Str("{{ }}".to_owned())
}

/// A table as its kind will see it: without loops and conditions, with `content` for templates and copies.
fn as_rendered(table: &Table) -> Table {
    let mut rendered = Table::new();
    for (key, (place, tree)) in table {
        let (key, value) = match (key.as_str(), &tree.value) {
            ("for_each" | "when", _) => continue,
            ("template" | "copy", _) => ("content", later()),
            (key, Value::Table(inner)) => (key, Value::Table(as_rendered(inner))),
            (key, Value::Array(list)) => {
                let list = list.iter().map(|item| match &item.value {
                    Value::Table(inner) => Tree {
                        octal: false,
                        place: item.place,
                        value: Value::Table(as_rendered(inner)),
                    },
                    _ => item.clone(),
                });
                (key, Value::Array(list.collect()))
            }
            (key, value) => (key, value.clone()),
        };
        let tree = Tree {
            octal: tree.octal,
            place: tree.place,
            value,
        };
        rendered.insert(key.to_owned(), (*place, tree));
    }
    rendered
}

/// The one kind of a step. A key may be a kind and also a key of another kind (a file has a `group`): the kind is the
/// one that knows all the others.
fn kind_of(
    place: Place,
    table: &Table,
    findings: &mut Vec<Finding>,
) -> Option<&'static dyn Erased> {
    let kinds: Vec<_> = table.keys().filter_map(|key| kind_named(key)).collect();
    let owner = kinds.iter().copied().find(|kind| {
        let properties = properties(*kind);
        kinds
            .iter()
            .all(|other| properties.iter().any(|p| p == other.name()))
    });
    if owner.is_some() {
        return owner;
    }
    let names: Vec<_> = kinds.iter().map(|k| k.name()).collect();
    if let [_, second, ..] = names.as_slice() {
        findings.push(
            Finding::error(
                "STEP",
                format!("a step has one kind; this one has {}", names.len()),
            )
            .at(table[*second].0)
            .label(format!("{} is a kind too", shown(second)))
            .help("make a step of each"),
        );
        return None;
    }
    let all: Vec<_> = crate::kinds::kinds().map(Erased::name).collect();
    let near = table.iter().find_map(|(key, (place, _))| {
        let shared = STEP_KEYS.iter().any(|(k, _)| k == key);
        (!shared).then(|| Some((*place, key, did_you_mean(key, &all)?)))?
    });
    findings.push(match near {
        Some((place, key, near)) => {
            Finding::error("STEP", format!("there is no kind {}", shown(key)))
                .at(place)
                .help(format!("did you mean {}?", shown(&near)))
        }
        None => Finding::error("STEP", "this step has no kind")
            .at(place)
            .help("name one, such as `package = \"chrony\"`; `nodewright kinds` lists all"),
    });
    None
}

/// Reads the head of a loop and reports what is wrong with it.
pub(super) fn loop_head(text: &Placed<String>, check: &mut Syntax<'_>) -> Option<Placed<Head>> {
    match Head::parse(&text.value) {
        Ok(head) => {
            check.expression(Some(&Placed {
                value: head.expression.clone(),
                place: text.place,
            }));
            Some(Placed {
                value: head,
                place: text.place,
            })
        }
        Err(why) => {
            check
                .findings
                .push(Finding::error("LOOP", why).at(text.place));
            None
        }
    }
}

/// Reports every text in a table that cannot be read as a template.
pub(super) fn check_values(table: &Table, check: &mut Syntax<'_>) {
    for (key, (_, tree)) in table {
        check_value(key, tree, check);
    }
}

fn check_value(key: &str, tree: &Tree, check: &mut Syntax<'_>) {
    match &tree.value {
        Value::Str(text) if key == "for_each" => {
            let text = Placed {
                value: text.clone(),
                place: tree.place,
            };
            loop_head(&text, check);
        }
        Value::Str(text) if key == "when" => check.expression(Some(&Placed {
            value: text.clone(),
            place: tree.place,
        })),
        Value::Str(text) => {
            if let Err(error) = check.engine.check_value(text) {
                let place = super::render::inside(check.sources, tree.place, text, &error.range);
                check
                    .findings
                    .push(Finding::error("TEMPLATE", error.message).at(place));
            }
        }
        Value::Array(list) => list.iter().for_each(|item| check_value("", item, check)),
        Value::Table(table) => check_values(table, check),
        _ => {}
    }
}
