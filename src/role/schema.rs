//! The format of role files, for editors (JSON Schema) and for readers (the reference of all kinds).

use super::check::{CHECK_KEYS, CheckSeverity, Scope};
use super::step::STEP_KEYS;
use super::vars::VarType;
use crate::kind::validator::VALIDATORS;
use crate::kind::{Erased, Orphaned};
use crate::kinds::kinds;
use crate::platform::Platform;
use crate::site::Provision;
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;

/// The JSON Schema of a role file; a step is one of the kinds of the registry.
pub fn schema() -> Json {
    let mut defs = Map::new();
    let mut alternatives = Vec::new();
    for kind in kinds() {
        let name = format!("step_{}", kind.name());
        alternatives.push(json!({ "$ref": format!("#/$defs/{name}") }));
        let step = step(kind, &mut defs);
        defs.insert(name, step);
    }
    let text = |doc: &str| json!({ "type": "string", "description": doc });
    let words = |words: Vec<&str>, doc: &str| json!({ "enum": words, "description": doc });
    let ports = |doc: &str| {
        json!({ "description": doc, "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": 65535 },
            { "type": "string" },
            { "type": "array", "items": { "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 65535 }, { "type": "string" } ] } },
        ] })
    };
    let platforms: Map<String, Json> = Platform::keys()
        .into_iter()
        .map(|key| (key.into_owned(), json!(true)))
        .collect();
    let provides: Vec<Json> = Provision::ALL
        .iter()
        .map(|(word, _, doc)| json!({ "const": word, "description": doc }))
        .collect();
    let checks: Map<String, Json> = CHECK_KEYS
        .iter()
        .map(|(key, doc)| {
            let mut value = match *key {
                "code" => json!({ "type": "string", "pattern": "^[A-Z][A-Z0-9-]*$" }),
                "severity" => json!({ "enum": CheckSeverity::WORDS }),
                "scope" => json!({ "enum": Scope::WORDS }),
                "see" => json!({ "anyOf": alternatives }),
                "tcp" => json!({ "type": "object", "additionalProperties": false, "required": ["port"],
                    "properties": { "port": { "type": ["integer", "string"] }, "host": { "type": "string" } } }),
                "expect" => json!({ "type": "object" }),
                "same" => json!({ "type": "array", "items": { "type": "string" } }),
                _ => json!({ "type": "string" }),
            };
            value["description"] = json!(doc);
            ((*key).to_owned(), value)
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A role of Nodewright",
        "type": "object",
        "additionalProperties": false,
        "required": ["description"],
        "properties": {
            "description": text("Its purpose, in one line."),
            "after": { "type": "array", "items": { "type": "string" },
                       "description": "Roles that have to come before it on the same node." },
            "when": text("Expression; the role is left out where it does not hold."),
            "provides": { "type": "array", "description": "Its provisions for a node.",
                          "items": { "anyOf": provides } },
            "vars": { "type": "object", "description": "Variables that a site may set.", "additionalProperties": {
                "type": "object", "additionalProperties": false, "required": ["type", "doc"],
                "properties": {
                    "type": words(VarType::ALL.iter().map(|(w, _)| *w).collect(), "Its type."),
                    "default": { "description": "Its value where the site sets none." },
                    "required": { "type": "boolean", "description": "The site has to set it." },
                    "in_container": { "description": "Its value in a rehearsal in containers, whatever the site sets." },
                    "doc": text("Its purpose."),
                } } },
            "gone": { "type": "object", "additionalProperties": { "type": "string" },
                      "description": "Variables that an earlier version took, each with what to write now." },
            "platform": { "type": "object", "description": "Words that differ from platform to platform, by release (`el9`), family (`el`) or family from one release on (`el8+`); what means a release most exactly wins.",
                "additionalProperties": {
                    "type": "object", "additionalProperties": false, "properties": platforms } },
            "let": { "type": "object", "additionalProperties": { "type": "string" },
                     "description": "Expressions by name, for the whole role; each sees those before it.",
                     "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" } },
            "open": { "type": "array", "description": "Ports it needs open.", "items": {
                "type": "object", "additionalProperties": false, "required": ["zone"],
                "properties": {
                    "zone": text("The zone whose side they are open on."),
                    "from": { "description": "The permitted sources: `peers`, `operators`, `any`, a zone, an address or a \
                                              network; or a list of these.",
                              "type": ["string", "array"] },
                    "tcp": ports("Ports of TCP."),
                    "udp": ports("Ports of UDP."),
                    "proto": { "description": "Protocols of their own.", "type": ["string", "array"] },
                    "for_each": text(key_doc("for_each")),
                    "when": text(key_doc("when")),
                } } },
            "step": { "type": "array", "description": "Its steps, in this order.",
                      "items": { "anyOf": alternatives } },
            "check": { "type": "array", "description": "Questions about the running system.", "items": {
                "type": "object", "additionalProperties": false,
                "required": ["code", "severity", "expect", "remedy"],
                "properties": checks } },
        },
        "$defs": defs,
    })
}

/// The schema of a step of one kind; its own definitions go to `defs` under names that begin with the kind's.
fn step(kind: &dyn Erased, defs: &mut Map<String, Json>) -> Json {
    let mut schema = kind.schema().to_value();
    let prefix = format!("{}_", kind.name());
    rename_refs(&mut schema, &prefix);
    if let Some(Json::Object(own)) = schema.get_mut("$defs").map(Json::take) {
        defs.extend(
            own.into_iter()
                .map(|(name, def)| (format!("{prefix}{name}"), def)),
        );
    }
    let mut properties = Map::new();
    for (key, own) in schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        // A value that a template gives is text until it is rendered.
        let mut forms = vec![
            own.clone(),
            json!({ "type": "string", "pattern": "\\{[{%]" }),
        ];
        if key == kind.name() {
            forms.push(json!({ "type": ["array", "object"], "description": "Several at once." }));
        }
        let mut value = json!({ "anyOf": forms });
        if let Some(doc) = own.get("description") {
            value["description"] = doc.clone();
        }
        properties.insert(key.clone(), value);
    }
    if properties.contains_key("content") {
        let doc = "A file under templates/ that is rendered as the content.";
        properties.insert(
            "template".into(),
            json!({ "type": "string", "description": doc }),
        );
        let doc = "A file under templates/ that is the content as it is.";
        properties.insert(
            "copy".into(),
            json!({ "type": "string", "description": doc }),
        );
    }
    for (key, doc) in STEP_KEYS {
        let value = match key {
            "for_each" | "when" | "source" => json!({ "type": "string", "description": doc }),
            "wait" => json!({ "enum": ["all"], "description": doc }),
            _ => json!({ "type": "boolean", "description": doc }),
        };
        properties.entry(key).or_insert(value);
    }
    json!({
        "type": "object",
        "description": kind.doc(),
        "additionalProperties": false,
        "required": [kind.name()],
        "properties": properties,
    })
}

fn rename_refs(schema: &mut Json, prefix: &str) {
    match schema {
        Json::Object(map) => {
            if let Some(Json::String(reference)) = map.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("#/$defs/{prefix}{name}");
            }
            map.values_mut().for_each(|v| rename_refs(v, prefix));
        }
        Json::Array(list) => list.iter_mut().for_each(|v| rename_refs(v, prefix)),
        _ => {}
    }
}

fn key_doc(key: &str) -> &'static str {
    STEP_KEYS
        .iter()
        .find(|(k, _)| *k == key)
        .map_or("", |(_, doc)| doc)
}

/// The text before the table of what each kind does with orphans.
const ORPHANS: &str = "\n## Orphans\n\n\
    An orphan is a resource that an earlier run made and the site no longer wants. Every plan lists it. If all its files \
    are wholly Nodewright's and unchanged, a run removes it (the node keeps a copy, unless it held a secret); an orphan \
    that was changed stays, and so does what another step names, or what lies in the folder of another step. \
    `nodewright forget NODE ADDRESS` stops tracking it; it stays on the node.\n\n| kind | an orphan is | what that means |\n| --- | --- | --- |\n";

/// The reference of all kinds, in Markdown.
pub fn kinds_reference() -> String {
    let mut out = String::from(
        "# Kinds\n\nA step of a role names one kind. Its name may be a list; each of its values may be a template, and \
         one that is a whole `{{ … }}` keeps its type.\n\n## Keys of every step\n\n| key | meaning |\n| --- | --- |\n",
    );
    for (key, doc) in STEP_KEYS {
        let _ = writeln!(out, "| `{key}` | {doc} |");
    }
    let mut kinds = kinds().collect::<Vec<_>>();
    kinds.sort_by_key(|k| k.name());
    out.push_str(ORPHANS);
    for kind in &kinds {
        let (removed, says) = match kind.orphans().becomes {
            Orphaned::Removed(says) => ("removed", says),
            Orphaned::Reported(says) => ("reported", says),
        };
        let _ = writeln!(out, "| `{}` | {removed} | {says} |", kind.name());
    }
    out.push_str(
        "\n## Validators\n\nA `check` that has no `{staged}` names one of these, with its further words.\n\n\
         | check | accepts the new content when |\n| --- | --- |\n",
    );
    for validator in &VALIDATORS {
        let _ = writeln!(out, "| `{}` | {} |", validator.usage(), validator.doc);
    }
    for kind in kinds {
        let _ = writeln!(out, "\n## {}\n\n{}\n", kind.name(), kind.doc());
        let schema = kind.schema().to_value();
        keys(&schema, &schema, &mut out);
    }
    out
}

/// The table of a schema's keys.
fn keys(schema: &Json, root: &Json, out: &mut String) {
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    out.push_str("| key | takes | default | meaning |\n| --- | --- | --- | --- |\n");
    let mut inner = Vec::new();
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let default = match value.get("default") {
            Some(Json::Null) | None if required.contains(&key.as_str()) => "required".to_owned(),
            Some(Json::Null) | None => String::new(),
            Some(default) => format!("`{default}`"),
        };
        let doc = value["description"].as_str().unwrap_or_default();
        let takes = takes(value, root).replace('|', "\\|");
        let doc = doc.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(out, "| `{key}` | {takes} | {default} | {doc} |");
        let item = resolve(value.get("items").unwrap_or(value), root);
        if item.get("properties").is_some() {
            inner.push((key, item));
        }
    }
    for (key, item) in inner {
        let _ = writeln!(out, "\nEach of `{key}`:\n");
        keys(item, root, out);
    }
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
        "string" => "text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => format!("a list: {}", takes(&schema["items"], root)),
        "object" => "a table".to_owned(),
        _ => "anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_a_step_of_the_schema() {
        let schema = schema();
        for kind in kinds() {
            let step = &schema["$defs"][format!("step_{}", kind.name())];
            assert_eq!(step["required"], json!([kind.name()]));
            assert!(
                step["properties"]["for_each"].is_object(),
                "{}",
                kind.name()
            );
        }
        let mut refs = Vec::new();
        collect_refs(&schema, &mut refs);
        for reference in refs {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(
                schema.pointer(pointer).is_some(),
                "{reference} leads nowhere"
            );
        }
    }

    fn collect_refs(schema: &Json, refs: &mut Vec<String>) {
        match schema {
            Json::Object(map) => {
                refs.extend(map.get("$ref").and_then(Json::as_str).map(str::to_owned));
                map.values().for_each(|v| collect_refs(v, refs));
            }
            Json::Array(list) => list.iter().for_each(|v| collect_refs(v, refs)),
            _ => {}
        }
    }

    #[test]
    fn the_reference_has_every_kind_and_key() {
        let text = kinds_reference();
        for kind in kinds() {
            assert!(text.contains(&format!("\n## {}\n\n{}\n", kind.name(), kind.doc())));
        }
    }

    #[test]
    fn a_key_is_described_with_what_it_takes_and_its_default() {
        let schema = json!({
            "properties": {
                "thing": { "type": "string", "description": "Its name." },
                "state": { "$ref": "#/$defs/State", "description": "This\nor that." },
                "held": { "type": "boolean", "default": false, "description": "Kept." },
                "files": { "type": "array", "items": { "$ref": "#/$defs/Entry" } },
            },
            "required": ["thing"],
            "$defs": {
                "State": { "type": "string", "enum": ["present", "absent"] },
                "Entry": { "type": "object", "properties": { "mode": { "type": ["string", "null"] } } },
            },
        });
        let mut out = String::new();
        keys(&schema, &schema, &mut out);
        let rows: Vec<_> = out.lines().filter(|l| l.starts_with("| `")).collect();
        assert_eq!(
            rows,
            [
                "| `thing` | text | required | Its name. |",
                "| `state` | `present` or `absent` |  | This or that. |",
                "| `held` | `true` or `false` | `false` | Kept. |",
                "| `files` | a list: a table |  |  |",
                "| `mode` | text |  |  |",
            ]
        );
    }
}
