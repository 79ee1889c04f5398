//! The reference for people: pages about inventories, role files, templates, checks and kinds, made from the schemas and
//! tables by which the program reads them.

use super::check::CHECK_KEYS;
use super::names_of_templates::{FILTERS, FUNCTIONS, METHODS, NODE, SITE, TESTS, TOP};
use super::step::STEP_KEYS;
use crate::kind::validator::VALIDATORS;
use crate::kind::{Erased, Orphaned};
use crate::kinds::kinds;
use crate::site::words::types::format_named;
use serde_json::Value as Json;

/// A page of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its word on the command line, and the name of its file.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// An introduction.
    pub text: String,
    /// Its sections.
    pub sections: Vec<PageSection>,
}

/// A section of a page: a table with at most four columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageSection {
    /// Its heading.
    pub heading: String,
    /// A text before the table.
    pub text: String,
    /// The headings of the columns.
    pub columns: [&'static str; 4],
    /// The rows.
    pub rows: Vec<[String; 4]>,
}

/// The columns of a table of keys.
const KEYS: [&str; 4] = ["key", "takes", "default", "meaning"];
/// The columns of a list of names.
const NAMES: [&str; 4] = ["name", "", "", "meaning"];

/// The names of all pages, each with its title.
pub const PAGES: [(&str, &str); 5] = [
    ("inventory", "The inventory"),
    ("role", "Role files"),
    ("templates", "What templates see"),
    ("checks", "What a check may expect"),
    ("kinds", "Kinds"),
];

/// The page of this name.
pub fn page(name: &str) -> Option<Page> {
    let (name, title) = PAGES.into_iter().find(|(n, _)| *n == name)?;
    let (text, sections) = match name {
        "inventory" => inventory(),
        "role" => role(),
        "templates" => templates(),
        "checks" => checks(),
        _ => all_kinds(),
    };
    Some(Page {
        name,
        title: title.to_owned(),
        text: text.to_owned(),
        sections,
    })
}

/// The page of one kind.
pub fn kind_page(kind: &'static dyn Erased) -> Page {
    let mut sections = of_kind(kind);
    Page {
        name: kind.name(),
        title: std::mem::take(&mut sections[0].heading),
        text: std::mem::take(&mut sections[0].text),
        sections,
    }
}

fn names(heading: &str, text: &str, names: &[(&str, &str)]) -> PageSection {
    let row = |(name, doc): &(&str, &str)| {
        [
            (*name).to_owned(),
            String::new(),
            String::new(),
            (*doc).to_owned(),
        ]
    };
    PageSection {
        heading: heading.to_owned(),
        text: text.to_owned(),
        columns: NAMES,
        rows: names.iter().map(row).collect(),
    }
}

fn inventory() -> (&'static str, Vec<PageSection>) {
    let schema = crate::site::schema();
    let mut sections = Vec::new();
    tables(Headings::Toml, "", false, (&schema, &schema), &mut sections);
    "Tables".clone_into(&mut sections[0].heading);
    let text = "An inventory is `inventory.toml`, or all files `inventory/*.toml` together, in TOML 1.0. A key without a \
                default may be left out, unless it is required. NAME is a name that you give.";
    (text, sections)
}

fn role() -> (&'static str, Vec<PageSection>) {
    let mut schema = super::schema::schema();
    let root = schema.clone();
    // Steps and checks have tables of their own below.
    for key in ["step", "check"] {
        schema["properties"][key]["items"] = Json::Null;
    }
    // Its keys are the words of releases and families, which its meaning names.
    schema["properties"]["platform"]["additionalProperties"] = Json::Null;
    let mut sections = Vec::new();
    tables(Headings::Toml, "", false, (&schema, &root), &mut sections);
    "Tables and keys".clone_into(&mut sections[0].heading);
    let of_kinds = "A step names one kind, with the kind's own keys (page `kinds`), and may have these. The kind's name may be \
                    a list. Each value may be a template; one that is one whole `{{ … }}` keeps its type.";
    sections.push(names("[[step]]", of_kinds, &STEP_KEYS));
    sections.push(names(
        "[[check]]",
        "A question about the running system; page `checks` says what can be expected.",
        &CHECK_KEYS,
    ));
    let text = "A role is `roles/NAME.toml`, with its templates below `templates/NAME/`.";
    (text, sections)
}

fn templates() -> (&'static str, Vec<PageSection>) {
    let sections = vec![
        names(
            "Names",
            "Every template, and every value of a role file with `{{` or `{%` in it, sees these names and those of its loops.",
            &TOP,
        ),
        names(
            "node",
            "The keys of `node`. `members` and `peers` are lists of the same, without `peers`, `shoots` and `repositories`.",
            &NODE,
        ),
        names(
            "site",
            "The keys of `site`: all tables of the inventory (page `inventory`), the keys of `[site]` directly, and these.",
            &SITE,
        ),
        names("Functions", "", &FUNCTIONS),
        names(
            "Filters",
            "Beside those of minijinja, which are Jinja's.",
            &FILTERS,
        ),
        names("Tests", "Beside those of minijinja.", &TESTS),
        names("Methods of tables", "", &METHODS),
    ];
    let text = "Templates are minijinja's dialect of Jinja. A name that is not defined is an error; so is a boolean or none \
                where text is written. Facts are not visible: rendering is a function of the site alone.";
    (text, sections)
}

fn checks() -> (&'static str, Vec<PageSection>) {
    let mut sections = vec![names("[[check]]", "", &CHECK_KEYS)];
    let mut all: Vec<_> = kinds().collect();
    all.sort_by_key(|k| k.name());
    sections.extend(all.into_iter().filter_map(observed));
    let text = "A check names a step (`of`) or a kind (`see`) and what is expected of what that kind observes; a key's dots \
                lead into tables, and a list of values accepts each of them. `expect = {}` asks whether the step is as \
                wanted; a kind that is not here has files alone, and nothing else can be expected of it.";
    (text, sections)
}

/// The values that a kind observes; none where it has files alone.
fn observed(kind: &'static dyn Erased) -> Option<PageSection> {
    let schema = kind.running().seen_schema();
    let mut rows = Vec::new();
    seen("", &schema, &schema, 0, &mut rows);
    (!rows.is_empty()).then(|| PageSection {
        heading: kind.name().to_owned(),
        columns: ["expect", "takes", "", "meaning"],
        rows,
        ..PageSection::default()
    })
}

/// The rows of an observed state, with dots for the tables in it.
fn seen(before: &str, schema: &Json, root: &Json, depth: u8, rows: &mut Vec<[String; 4]>) {
    let table = resolve(schema, root);
    for (key, value) in table["properties"].as_object().into_iter().flatten() {
        let path = format!("{before}{key}");
        let doc = value["description"].as_str().unwrap_or_default();
        rows.push([
            path.clone(),
            takes(value, root),
            String::new(),
            doc.to_owned(),
        ]);
        if depth < 3 {
            seen(&format!("{path}."), value, root, depth + 1, rows);
        }
    }
    if let Some(each) = table.get("additionalProperties").filter(|e| e.is_object())
        && depth < 3
    {
        seen(&format!("{before}NAME."), each, root, depth + 1, rows);
    }
}

fn all_kinds() -> (&'static str, Vec<PageSection>) {
    let mut all: Vec<_> = kinds().collect();
    all.sort_by_key(|k| k.name());
    let mut orphans = names("Orphans", ORPHANS, &[]);
    orphans.columns = ["kind", "an orphan is", "", "meaning"];
    orphans.rows.extend(all.iter().map(|kind| {
        let (removed, says) = match kind.orphans().becomes {
            Orphaned::Removed(says) => ("removed", says),
            Orphaned::Reported(says) => ("reported", says),
        };
        [kind.name(), removed, "", says].map(str::to_owned)
    }));
    let mut validators = names("Validators", VALIDATORS_SAY, &[]);
    validators.columns = ["check", "", "", "accepts the new content when"];
    validators.rows.extend(VALIDATORS.iter().map(|validator| {
        [
            validator.usage(),
            String::new(),
            String::new(),
            validator.doc.to_owned(),
        ]
    }));
    let mut sections = vec![
        names("Keys of every step", "", &STEP_KEYS),
        orphans,
        validators,
    ];
    sections.extend(all.into_iter().flat_map(of_kind));
    let text = "A step of a role names one kind. Its name may be a list; each of its values may be a template, and one that \
                is a whole `{{ … }}` keeps its type.";
    (text, sections)
}

const VALIDATORS_SAY: &str =
    "A `check` that has no `{staged}` names one of these, with its further words.";

/// The text before the table of what each kind does with orphans.
const ORPHANS: &str = "An orphan is a resource that an earlier run made and the site no longer wants. Every plan lists it. If \
    all its files are wholly Nodewright's and unchanged, a run removes it (the node keeps a copy, unless it held a secret); an \
    orphan that was changed stays, and so does what another step names, or what lies in the folder of another step. \
    `nodewright forget NODE ADDRESS` stops tracking it; it stays on the node.";

/// A kind: a section with its purpose, and the tables of its keys and of what it observes.
fn of_kind(kind: &'static dyn Erased) -> Vec<PageSection> {
    let schema = kind.schema().to_value();
    let mut sections = Vec::new();
    tables(
        Headings::Path,
        kind.name(),
        false,
        (&schema, &schema),
        &mut sections,
    );
    kind.doc().clone_into(&mut sections[0].text);
    if let Some(observed) = observed(kind) {
        sections.push(PageSection {
            heading: format!("{}, as a check sees it", kind.name()),
            ..observed
        });
    }
    sections
}

/// Headings of the tables in a table.
#[derive(Clone, Copy)]
enum Headings {
    /// As in a file of TOML: `[node.NAME]`, `[[open]]`.
    Toml,
    /// Only the path.
    Path,
}

impl Headings {
    fn of(self, path: &str, is_list: bool) -> String {
        match (self, path, is_list) {
            (Self::Path, ..) | (_, "", _) => path.to_owned(),
            (Self::Toml, _, true) => format!("[[{path}]]"),
            (Self::Toml, _, false) => format!("[{path}]"),
        }
    }
}

/// The table of a schema's keys, and those of the tables in it.
fn tables(
    headings: Headings,
    path: &str,
    is_list: bool,
    (schema, root): (&Json, &Json),
    sections: &mut Vec<PageSection>,
) {
    let table = resolve(schema, root);
    let required: Vec<_> = table["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let properties = || table["properties"].as_object().into_iter().flatten();
    let row = |(key, value): (&String, &Json)| {
        let default = match value.get("default") {
            Some(Json::Null) | None if required.contains(&key.as_str()) => "required".to_owned(),
            Some(Json::Null | Json::Object(_)) | None => String::new(),
            Some(default) => format!("`{default}`"),
        };
        let doc = value["description"].as_str().unwrap_or_default();
        [key.clone(), takes(value, root), default, doc.to_owned()]
    };
    sections.push(PageSection {
        heading: headings.of(path, is_list),
        columns: KEYS,
        rows: properties().map(row).collect(),
        ..PageSection::default()
    });
    for (key, value) in properties() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let inner = resolve(value, root);
        let each = |key: &str| {
            let each = inner.get(key).map(|each| resolve(each, root));
            each.filter(|each| each["properties"].is_object())
        };
        let (inner, path, is_list) = match (each("additionalProperties"), each("items")) {
            (Some(each), _) => (each, format!("{path}.NAME"), false),
            (None, Some(each)) => (each, path, true),
            (None, None) => (inner, path, false),
        };
        // No table holds itself, so this ends; a schema that did would be cut off here.
        let shallow = path.matches('.').count() < 8;
        if inner["properties"].is_object() && !is_secret(inner) && shallow {
            tables(headings, &path, is_list, (inner, root), sections);
        }
    }
}

/// Whether a value is the name of a secret.
fn is_secret(schema: &Json) -> bool {
    let properties = schema["properties"].as_object();
    properties.is_some_and(|p| p.len() == 1 && p.contains_key("secret"))
}

fn resolve<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    let mut here = schema;
    for _ in 0..8 {
        let reference = here.get("$ref").and_then(Json::as_str);
        let one = here
            .get("anyOf")
            .and_then(Json::as_array)
            .and_then(|all| all.iter().find(|s| s["type"] != "null"));
        here = match (reference.and_then(|r| r.strip_prefix('#')), one) {
            (Some(pointer), _) => root.pointer(pointer).unwrap_or(&Json::Null),
            (None, Some(one)) => one,
            (None, None) => return here,
        };
    }
    here
}

/// The values that a key takes, in words.
fn takes(schema: &Json, root: &Json) -> String {
    let schema = resolve(schema, root);
    let alternatives = schema.get("oneOf").and_then(Json::as_array);
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        let words: Vec<_> = words.iter().filter_map(Json::as_str).collect();
        return crate::site::any_of(&words);
    }
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return format!("`{word}`");
    }
    if let Some(alternatives) = alternatives {
        let words: Vec<_> = alternatives.iter().map(|a| takes(a, root)).collect();
        return words.join(" or ");
    }
    let name = match &schema["type"] {
        Json::String(name) => name.as_str(),
        Json::Array(names) => names.first().and_then(Json::as_str).unwrap_or_default(),
        _ => "",
    };
    match name {
        "string" => match schema["format"].as_str().and_then(format_named) {
            Some(format) => format!("{}, such as `{}`", format.noun, format.example),
            None => "text".to_owned(),
        },
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => format!("a list, each: {}", takes(&schema["items"], root)),
        "object" if is_secret(schema) => "`{ secret = \"NAME\" }`".to_owned(),
        "object" => match schema.get("additionalProperties") {
            Some(each) if each.is_object() => format!("a table, each: {}", takes(each, root)),
            _ => "a table".to_owned(),
        },
        _ => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_pages_have_every_kind_table_and_key() {
        let headings = |name: &str| -> Vec<String> {
            let sections = page(name).unwrap().sections;
            sections.into_iter().map(|s| s.heading).collect()
        };
        let all = headings("kinds");
        for kind in kinds() {
            assert!(all.iter().any(|h| h == kind.name()), "{}", kind.name());
        }
        let all = headings("inventory");
        for table in [
            "[site]",
            "[node.NAME]",
            "[zone.NAME]",
            "[guest.NAME]",
            "[cluster]",
        ] {
            assert!(all.iter().any(|h| h == table), "{table}: {all:?}");
        }
        let schema = crate::site::schema();
        let first = &page("inventory").unwrap().sections[0];
        for table in schema["properties"].as_object().unwrap().keys() {
            assert!(first.rows.iter().any(|row| row[0] == *table), "{table}");
        }
    }

    #[test]
    fn every_key_has_a_meaning() {
        for (name, _) in PAGES {
            for section in page(name).unwrap().sections {
                for row in &section.rows {
                    assert!(
                        !row[3].is_empty(),
                        "{name}: {}: {}",
                        section.heading,
                        row[0]
                    );
                }
            }
        }
    }

    #[test]
    fn a_key_is_described_with_what_it_takes_and_its_default() {
        let schema = json!({
            "properties": {
                "thing": { "type": "string", "description": "Its name." },
                "state": { "$ref": "#/$defs/State", "description": "This or that." },
                "held": { "type": "boolean", "default": false, "description": "Kept." },
                "day": { "type": ["string", "null"], "format": "date" },
                "files": { "type": "array", "items": { "$ref": "#/$defs/Entry" } },
                "ways": { "type": "object", "additionalProperties": { "$ref": "#/$defs/Entry" } },
            },
            "required": ["thing"],
            "$defs": {
                "State": { "type": "string", "enum": ["present", "absent"] },
                "Entry": { "type": "object", "properties": { "mode": { "type": ["string", "null"] } } },
            },
        });
        let mut sections = Vec::new();
        tables(
            Headings::Toml,
            "a",
            false,
            (&schema, &schema),
            &mut sections,
        );
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        assert_eq!(
            sections[0].rows,
            [
                row(["thing", "text", "required", "Its name."]),
                row(["state", "`present` or `absent`", "", "This or that."]),
                row(["held", "`true` or `false`", "`false`", "Kept."]),
                row(["day", "a day, such as `2027-06-30`", "", ""]),
                row(["files", "a list, each: a table", "", ""]),
                row(["ways", "a table, each: a table", "", ""]),
            ]
        );
        let headings: Vec<_> = sections.iter().map(|s| s.heading.as_str()).collect();
        assert_eq!(headings, ["[a]", "[[a.files]]", "[a.ways.NAME]"]);
    }
}
