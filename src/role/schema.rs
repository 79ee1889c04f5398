//! The format of role files as a JSON Schema, for editors.

use super::check::{CHECK_KEYS, CheckSeverity, Scope};
use super::step::STEP_KEYS;
use super::vars::VarType;
use crate::kind::Erased;
use crate::kinds::kinds;
use crate::platform::Platform;
use crate::site::Provision;
use crate::site::text::editors::{AcceptedText, children, for_editors, inlined};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;

/// The JSON Schema of a role file; a step is one of the kinds of the registry.
pub fn schema() -> Json {
    let mut defs = Map::new();
    let step = step(&mut defs);
    defs.insert("step".to_owned(), step);
    let text = |doc: &str| json!({ "type": "string", "description": doc });
    let words = |words: Vec<&str>, doc: &str| json!({ "enum": words, "description": doc });
    let port = json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 65535 });
    let ports = |doc: &str| {
        let mut ports = port.clone();
        ports["type"] = json!(["integer", "string", "array"]);
        ports["items"] = port.clone();
        ports["description"] = json!(doc);
        ports
    };
    let platforms: Map<String, Json> = Platform::keys()
        .into_iter()
        .map(|key| (key.into_owned(), json!(true)))
        .collect();
    let provides: Vec<&str> = Provision::ALL.iter().map(|(word, ..)| *word).collect();
    let provisions = Provision::ALL.iter().fold(
        "Its provisions for a node.\n\n".to_owned(),
        |mut doc, (word, _, means)| {
            let _ = writeln!(doc, "- `{word}`: {means}");
            doc
        },
    );
    let checks: Map<String, Json> = CHECK_KEYS
        .iter()
        .map(|(key, doc)| {
            let mut value = match *key {
                "code" => json!({ "type": "string", "pattern": "^[A-Z][A-Z0-9-]*$" }),
                "severity" => json!({ "enum": CheckSeverity::WORDS }),
                "scope" => json!({ "enum": Scope::WORDS }),
                "see" => json!({ "$ref": "#/$defs/step" }),
                "tcp" => json!({ "type": "object", "additionalProperties": false, "required": ["port"],
                    "properties": { "port": { "type": ["integer", "string"] }, "host": { "type": "string" } } }),
                "expect" => json!({ "type": "object", "additionalProperties": true }),
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
            "provides": { "type": "array", "description": provisions, "items": { "enum": provides } },
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
                      "items": { "$ref": "#/$defs/step" } },
            "check": { "type": "array", "description": "Questions about the running system.", "items": {
                "type": "object", "additionalProperties": false,
                "required": ["code", "severity", "expect", "remedy"],
                "properties": checks } },
        },
        "$defs": defs,
    })
}

/// The schema of a step: of the one kind that it names. Beside what each kind takes stand all keys of all kinds, for
/// completion and for what no kind knows.
fn step(defs: &mut Map<String, Json>) -> Json {
    let all: Vec<(&dyn Erased, Json)> = kinds().map(|kind| (kind, step_of(kind))).collect();
    let mut keys = Map::new();
    let mut chosen = Vec::new();
    for (kind, own) in &all {
        let name = kind.name();
        // A key may be a kind and also a key of another kind, which it then belongs to.
        let owners: Vec<Json> = all
            .iter()
            .filter(|(other, of)| other.name() != name && of["properties"].get(name).is_some())
            .map(|(other, _)| json!({ "required": [other.name()] }))
            .collect();
        let mut named = json!({ "required": [name] });
        if !owners.is_empty() {
            named["not"] = json!({ "anyOf": owners });
        }
        chosen.push(json!({ "if": named, "then": { "$ref": format!("#/$defs/step_{name}") } }));
        for (key, value) in own["properties"].as_object().into_iter().flatten() {
            keys.entry(key.clone())
                .or_insert_with(|| match value.get("description") {
                    Some(doc) => json!({ "description": doc }),
                    None => json!(true),
                });
        }
    }
    for (kind, own) in all {
        keys.insert(
            kind.name().to_owned(),
            json!({ "description": own["description"], "additionalProperties": true }),
        );
        defs.insert(format!("step_{}", kind.name()), own);
    }
    let named: Vec<Json> = kinds().map(|k| json!({ "required": [k.name()] })).collect();
    chosen.push(json!({
        "if": { "not": { "anyOf": named } },
        "then": { "required": ["a kind, such as file or package"] },
    }));
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": keys,
        "allOf": chosen,
    })
}

/// The schema of a step of one kind.
fn step_of(kind: &dyn Erased) -> Json {
    let mut schema = kind.schema().to_value();
    for_editors(&mut schema);
    let root = schema.clone();
    let mut schema = as_written(&schema, &root);
    let mut properties = match schema.get_mut("properties").map(Json::take) {
        Some(Json::Object(properties)) => properties,
        _ => Map::new(),
    };
    if let Some(Json::Object(name)) = properties.get_mut(kind.name()) {
        name.insert("type".to_owned(), json!(["string", "array", "object"]));
        name.insert("additionalProperties".to_owned(), json!(true));
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

/// A table of a step as it is written, before anything is rendered: any value may be a template, a table of its own may be
/// repeated or left out, and a content may be a file under templates/.
fn as_written(table: &Json, root: &Json) -> Json {
    let mut table = table.clone();
    children(&mut table, &mut |value| *value = or_template(value, root));
    let Json::Object(layer) = &mut table else {
        return table;
    };
    let Some(Json::Object(properties)) = layer.get_mut("properties") else {
        return table;
    };
    let text = |doc: &str| json!({ "type": "string", "description": doc });
    if properties.contains_key("content") {
        let doc = "A file under templates/ that is rendered as the content.";
        properties.insert("template".to_owned(), text(doc));
        let doc = "A file under templates/ that is the content as it is.";
        properties.insert("copy".to_owned(), text(doc));
        if let Some(Json::Array(required)) = layer.get_mut("required") {
            required.retain(|key| key != "content");
        }
    }
    if let Some(Json::Object(properties)) = layer.get_mut("properties") {
        for key in ["for_each", "when"] {
            properties.entry(key).or_insert_with(|| text(key_doc(key)));
        }
    }
    table
}

/// A value, or text that a template renders to one. The pattern's name says in an editor's message what was wanted.
fn or_template(value: &Json, root: &Json) -> Json {
    let mut value = as_written(&inlined(value, root), root);
    let Json::Object(layer) = &mut value else {
        return value;
    };
    layer.shift_remove("format");
    layer.shift_remove("$defs");
    let types: Vec<String> = match layer.get("type") {
        Some(Json::String(one)) => vec![one.clone()],
        Some(Json::Array(all)) => all
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        _ => return value,
    };
    let has_text = types.iter().any(|t| t == "string");
    let mut accepted = if has_text {
        AcceptedText::of(layer).unwrap_or_default()
    } else {
        AcceptedText::default()
    };
    if accepted.is_any() {
        return value;
    }
    if has_text {
        accepted.or_matching("\\{[{%]".to_owned());
        layer.shift_remove("enum");
        layer.shift_remove("const");
    } else {
        accepted.or_matching(format!("(?<{}_or_template>\\{{[{{%])", types.join("_or_")));
        let mut types: Vec<Json> = types.into_iter().map(Json::String).collect();
        types.push(json!("string"));
        layer.insert("type".to_owned(), Json::Array(types));
    }
    accepted.give(layer, false);
    value
}

fn key_doc(key: &str) -> &'static str {
    STEP_KEYS
        .iter()
        .find(|(k, _)| *k == key)
        .map_or("", |(_, doc)| doc)
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
}
