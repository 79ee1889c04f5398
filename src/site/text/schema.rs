//! Reading a JSON Schema: types, alternatives, examples. A schema is taken as its layers: itself and all it refers to.

use super::super::words::types::format_named;
use super::tree::{Tree, Value};
use serde_json::{Map, Value as Json};

/// One object of a schema.
pub(in crate::site) type Layer = Map<String, Json>;

/// The one alternative that is not null, where there is only one.
pub(in crate::site) fn only_alternative(layer: &Layer) -> Option<&Json> {
    let list = layer
        .get("anyOf")
        .or_else(|| layer.get("oneOf"))?
        .as_array()?;
    let mut real = list.iter().filter(|a| !is_null(a));
    let first = real.next()?;
    real.next().is_none().then_some(first)
}

pub(in crate::site) fn is_null(schema: &Json) -> bool {
    schema.get("type").and_then(Json::as_str) == Some("null")
}

/// The alternatives, where there are several.
pub(in crate::site) fn alternatives<'a>(layers: &[&'a Layer]) -> Option<Vec<&'a Json>> {
    layers.iter().find_map(|layer| {
        let list = layer
            .get("anyOf")
            .or_else(|| layer.get("oneOf"))?
            .as_array()?;
        let real: Vec<_> = list.iter().filter(|a| !is_null(a)).collect();
        (real.len() > 1).then_some(real)
    })
}

pub(in crate::site) fn types<'a>(layers: &[&'a Layer]) -> Vec<&'a str> {
    let mut types: Vec<&str> = layers
        .iter()
        .filter_map(|l| l.get("type"))
        .flat_map(|t| match t {
            Json::String(one) => vec![one.as_str()],
            Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        })
        .filter(|t| *t != "null")
        .collect();
    types.dedup();
    types
}

pub(in crate::site) fn has_type(tree: &Tree, wanted: &str, layers: &[&Layer]) -> bool {
    match (&tree.value, wanted) {
        (Value::Table(_), "object")
        | (Value::Array(_), "array")
        | (Value::Str(_), "string")
        | (Value::Int(_), "integer" | "number")
        | (Value::Float(_), "number")
        | (Value::Bool(_), "boolean") => true,
        (Value::Datetime(_), "string") => layers
            .iter()
            .any(|l| l.get("format").and_then(Json::as_str) == Some("date")),
        _ => false,
    }
}

/// Whether the name of a secret is wanted: a table whose one key is `secret`.
pub(in crate::site) fn is_secret(layers: &[&Layer]) -> bool {
    layers.iter().any(|l| {
        l.get("properties")
            .and_then(Json::as_object)
            .is_some_and(|p| p.len() == 1 && p.contains_key("secret"))
    })
}

pub(in crate::site) fn noun(kind: &str) -> &'static str {
    match kind {
        "object" => "a table",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "something else",
    }
}

/// A good value, as it is written in TOML, in backticks.
pub(in crate::site) fn example(layers: &[&Layer]) -> Option<String> {
    let format = layers
        .iter()
        .find_map(|l| l.get("format")?.as_str())
        .and_then(format_named);
    if let Some(format) = format {
        return Some(format!("`\"{}\"`", format.example));
    }
    let word = layers.iter().find_map(|l| {
        let one = l
            .get("enum")
            .and_then(Json::as_array)
            .and_then(|e| e.first())
            .or_else(|| l.get("examples")?.as_array()?.first())
            .or_else(|| l.get("oneOf")?.as_array()?.first()?.get("const"))?;
        one.as_str()
    });
    word.map(|w| format!("`\"{w}\"`"))
}

pub(in crate::site) fn first_sentence(doc: &str) -> String {
    let doc = doc.replace('\n', " ");
    let end = doc.find(". ").map_or(doc.len(), |at| at + 1);
    let sentence = doc[..end].trim_end_matches('.');
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
