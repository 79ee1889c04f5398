//! JSON Schemas as editors take them: for each mistake, one message that says what would be right.
//!
//! The schemas that `schemars` makes say "this or null", and "one of these constants" as alternatives. Of alternatives that
//! all fail, an editor can only say that none fits; so they become one schema wherever one says the same.

use super::schema::{Layer, is_null};
use serde_json::{Map, Value as Json, json};

/// Rewrites a whole schema for editors.
pub fn for_editors(schema: &mut Json) {
    let root = schema.clone();
    rewrite(schema, &root);
    let version = json!("https://json-schema.org/draft/2020-12/schema");
    if let Json::Object(layer) = schema
        && !layer.contains_key("$schema")
    {
        layer.shift_insert(0, "$schema".to_owned(), version);
    }
}

/// Calls a function for each schema directly below one.
pub fn children(schema: &mut Json, each: &mut dyn FnMut(&mut Json)) {
    let Json::Object(layer) = schema else {
        return;
    };
    for (keyword, value) in layer {
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Json::Object(named)) => {
                named.values_mut().for_each(&mut *each);
            }
            ("anyOf" | "oneOf" | "allOf", Json::Array(list)) => {
                list.iter_mut().for_each(&mut *each);
            }
            (
                "items" | "additionalProperties" | "propertyNames" | "not" | "if" | "then" | "else",
                one,
            ) => each(one),
            _ => {}
        }
    }
}

fn rewrite(schema: &mut Json, root: &Json) {
    children(schema, &mut |below| rewrite(below, root));
    let Json::Object(layer) = schema else {
        return;
    };
    if let Some(default) = layer.get_mut("default") {
        drop_nulls(default);
        if default.is_null() {
            layer.shift_remove("default");
        }
    }
    if let Some(Json::Array(types)) = layer.get_mut("type") {
        types.retain(|t| t != "null");
        if let [one] = types.as_slice() {
            layer["type"] = one.clone();
        }
    }
    // A date of TOML is a date to one editor and text to the other.
    if layer.get("format") == Some(&json!("date")) {
        layer.shift_remove("format");
        layer.shift_remove("type");
        layer.insert("pattern".to_owned(), json!("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"));
        let either = json!([{ "type": "string" }, { "type": "string", "format": "date" }]);
        layer.insert("anyOf".to_owned(), either);
        return;
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Json::Array(list)) = layer.get(keyword) else {
            continue;
        };
        let real: Vec<Json> = list.iter().filter(|a| !is_null(a)).cloned().collect();
        let one = match real.as_slice() {
            [one] => one.as_object().cloned(),
            several => as_one(several, root),
        };
        let Some(one) = one else {
            layer[keyword] = Json::Array(real);
            continue;
        };
        layer.shift_remove(keyword);
        for (key, value) in one {
            match (key.as_str(), layer.get_mut("description")) {
                ("description", Some(Json::String(own))) if real.len() > 1 => {
                    own.push_str("\n\n");
                    own.push_str(value.as_str().unwrap_or_default());
                }
                _ => _ = layer.entry(key).or_insert(value),
            }
        }
    }
    if layer.get("type") == Some(&json!("object")) {
        layer.entry("additionalProperties").or_insert(json!(true));
    }
}

/// Removes keys without a value; TOML has no null.
fn drop_nulls(value: &mut Json) {
    if let Json::Object(table) = value {
        table.retain(|_, v| !v.is_null());
        table.values_mut().for_each(drop_nulls);
    }
}

/// A schema with the one that it refers to put in its place; what it says itself wins.
pub fn inlined(schema: &Json, root: &Json) -> Json {
    let mut here = schema.clone();
    for _ in 0..8 {
        let Some(Json::String(reference)) =
            here.as_object_mut().and_then(|l| l.shift_remove("$ref"))
        else {
            break;
        };
        let found = reference.strip_prefix('#').and_then(|p| root.pointer(p));
        let (Json::Object(own), Some(Json::Object(found))) = (&mut here, found) else {
            break;
        };
        for (key, value) in found {
            own.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    here
}

/// One schema that accepts what any of several alternatives does, where each is of other types or a list of words.
fn as_one(alternatives: &[Json], root: &Json) -> Option<Layer> {
    let mut one = Map::new();
    let mut types: Vec<Json> = Vec::new();
    let mut text = AcceptedText::default();
    let mut docs = String::new();
    for alternative in alternatives {
        let mut alternative = inlined(alternative, root);
        rewrite(&mut alternative, root);
        let Json::Object(layer) = alternative else {
            return None;
        };
        let word = layer.get("const").and_then(Json::as_str);
        if let (Some(word), Some(doc)) = (word, layer.get("description").and_then(Json::as_str)) {
            docs.push_str(&format!("- `{word}`: {doc}\n"));
        }
        let of = match layer.get("type") {
            None if layer.contains_key("enum") || word.is_some() => vec![json!("string")],
            Some(Json::String(_)) => vec![layer["type"].clone()],
            Some(Json::Array(several)) => several.clone(),
            _ => return None,
        };
        for kind in of {
            if kind == "string" {
                text.add(&layer)?;
            } else if types.contains(&kind) {
                return None;
            }
            if !types.contains(&kind) {
                types.push(kind);
            }
        }
        let others = layer.into_iter().filter(|(key, _)| {
            !["type", "enum", "const", "pattern", "format", "description"].contains(&key.as_str())
                && !key.starts_with("x-")
        });
        for (key, value) in others {
            if one.get(&key).is_some_and(|there| *there != value) {
                return None;
            }
            one.insert(key, value);
        }
    }
    let alone = types.len() == 1;
    one.insert(
        "type".to_owned(),
        if alone {
            types.remove(0)
        } else {
            Json::Array(types)
        },
    );
    text.give(&mut one, alone);
    if !docs.is_empty() {
        one.insert("description".to_owned(), Json::String(docs));
    }
    Some(one)
}

/// The texts that a schema accepts.
#[derive(Default)]
pub struct AcceptedText {
    any: bool,
    words: Vec<String>,
    patterns: Vec<String>,
}

impl AcceptedText {
    /// Those of a schema that accepts text; `None` where another keyword than words and a pattern bounds it.
    pub fn of(layer: &Layer) -> Option<Self> {
        let mut text = Self::default();
        text.add(layer)?;
        Some(text)
    }

    fn add(&mut self, layer: &Layer) -> Option<()> {
        let words = layer.get("enum").and_then(Json::as_array);
        let word = layer.get("const");
        if let Some(Json::String(pattern)) = layer.get("pattern") {
            self.patterns.push(pattern.clone());
        } else if words.is_none() && word.is_none() {
            self.any = true;
        }
        for word in words.into_iter().flatten().chain(word) {
            self.words.push(word.as_str()?.to_owned());
        }
        Some(())
    }

    /// Whether every text is accepted.
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Accepts what a pattern matches, too.
    pub fn or_matching(&mut self, pattern: String) {
        self.patterns.push(pattern);
    }

    /// Writes the keywords into a schema; words are a list of values only where nothing else than text is accepted.
    pub fn give(self, layer: &mut Layer, alone: bool) {
        if self.any {
            return;
        }
        if alone && self.patterns.is_empty() {
            layer.insert("enum".to_owned(), json!(self.words));
            return;
        }
        let words: Vec<_> = self.words.iter().map(|w| regex_lite::escape(w)).collect();
        let words = (!words.is_empty()).then(|| format!("^({})$", words.join("|")));
        let all: Vec<_> = words.into_iter().chain(self.patterns).collect();
        if !all.is_empty() {
            layer.insert("pattern".to_owned(), json!(all.join("|")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_null_and_no_list_of_alternatives_is_left() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "default": { "type": ["string", "null"], "default": null },
                "sudo": { "anyOf": [{ "$ref": "#/$defs/Sudo" }, { "type": "null" }], "description": "By sudo." },
                "ports": { "anyOf": [
                    { "type": "integer", "minimum": 1 },
                    { "type": "array", "items": { "type": "string" } },
                ] },
                "release": { "anyOf": [
                    { "enum": ["el6", "a.b"] },
                    { "type": "string", "pattern": "^el6\\.[0-9]$", "x-minor-of": ["el6"] },
                ] },
            },
            "$defs": { "Sudo": { "description": "Whether by sudo.", "oneOf": [
                { "type": "string", "const": "none", "description": "Not at all." },
                { "type": "string", "const": "password" },
            ] } },
        });
        for_editors(&mut schema);
        assert_eq!(
            schema,
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "additionalProperties": true,
                "properties": {
                    "default": { "type": "string" },
                    "sudo": { "$ref": "#/$defs/Sudo", "description": "By sudo." },
                    "ports": { "type": ["integer", "array"], "minimum": 1, "items": { "type": "string" } },
                    "release": { "type": "string", "pattern": "^(el6|a\\.b)$|^el6\\.[0-9]$" },
                },
                "$defs": { "Sudo": {
                    "type": "string",
                    "enum": ["none", "password"],
                    "description": "Whether by sudo.\n\n- `none`: Not at all.\n",
                } },
            })
        );
    }

    #[test]
    fn alternatives_that_are_no_one_schema_stay() {
        let both = json!({ "anyOf": [
            { "type": "object", "properties": { "a": true }, "additionalProperties": false },
            { "type": "object", "properties": { "b": true }, "additionalProperties": false },
        ] });
        let mut schema = both.clone();
        rewrite(&mut schema, &both);
        assert_eq!(schema, both);
    }
}
