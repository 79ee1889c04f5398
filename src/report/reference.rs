//! The reference of kinds, as Markdown, from the types themselves.

use crate::resource::Erased;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// What a step of this kind says: one section with a list of its keys.
pub fn kind(kind: &dyn Erased) -> String {
    let schema = kind.schema().to_value();
    let mut text = format!("## {}\n\n{}\n\n", kind.name(), kind.doc());
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let keys = schema["properties"].as_object().into_iter().flatten();
    for (name, of) in keys {
        let needed = required.iter().any(|r| *r == name);
        let _ = write!(text, "- `{name}`: {}", type_words(of, &schema));
        match of.get("default").filter(|d| !d.is_null()) {
            Some(default) if !needed => {
                let _ = write!(text, ", by default `{default}`");
            }
            _ if needed => text.push_str(", required"),
            _ => {}
        }
        text.push('.');
        if let Some(doc) = of["description"].as_str() {
            let _ = write!(
                text,
                " {}",
                doc.split_whitespace().collect::<Vec<_>>().join(" ")
            );
        }
        text.push('\n');
    }
    text
}

/// A schema's type in words: `text`, `list of text`, `"a" or "b"`.
fn type_words(of: &Json, root: &Json) -> String {
    if let Some(path) = of["$ref"].as_str() {
        let target = path.strip_prefix('#').and_then(|p| root.pointer(p));
        return target.map_or_else(|| "any value".into(), |t| type_words(t, root));
    }
    if let Some(value) = of.get("const") {
        return format!("`{value}`");
    }
    if let Some(words) = of["enum"].as_array() {
        let words: Vec<_> = words
            .iter()
            .filter(|w| !w.is_null())
            .map(|w| format!("`{w}`"))
            .collect();
        return words.join(" or ");
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(cases) = of[key].as_array() {
            let mut words: Vec<_> = cases.iter().map(|c| type_words(c, root)).collect();
            words.retain(|w| w != "nothing");
            words.dedup();
            return words.join(" or ");
        }
    }
    match &of["type"] {
        Json::String(word) => one_type(word, of, root),
        Json::Array(words) => {
            let words = words
                .iter()
                .filter_map(Json::as_str)
                .filter(|w| *w != "null");
            words
                .map(|w| one_type(w, of, root))
                .collect::<Vec<_>>()
                .join(" or ")
        }
        _ => "any value".into(),
    }
}

fn one_type(word: &str, of: &Json, root: &Json) -> String {
    match word {
        "string" => "text".into(),
        "integer" => "number".into(),
        "number" => "number with a fraction".into(),
        "boolean" => "`true` or `false`".into(),
        "array" => format!("list of {}", type_words(&of["items"], root)),
        "object" => "table".into(),
        "null" => "nothing".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_described_by_its_type() {
        let package = crate::resource::kind_named("package").unwrap();
        insta::assert_snapshot!(kind(package), @r#"
        ## package

        Packages; all of a stage in one transaction of yum, dnf or apt.

        - `package`: text, required. Name of the package.
        - `state`: `"present"` or `"absent"`. `present` (the default) or `absent`.
        - `held`: `true` or `false`, by default `false`. Kept at the installed version by the package manager (`versionlock`, `apt-mark hold`).
        "#);
    }

    #[test]
    fn types_are_told_in_words() {
        let words = |schema: &str| {
            let schema: Json = serde_json::from_str(schema).unwrap();
            type_words(&schema, &schema)
        };
        assert_eq!(
            words(r#"{"type":["array","null"],"items":{"type":"string"}}"#),
            "list of text"
        );
        assert_eq!(
            words(
                r##"{"anyOf":[{"$ref":"#/$defs/A"},{"type":"null"}],"$defs":{"A":{"enum":["x","y"]}}}"##
            ),
            "`\"x\"` or `\"y\"`"
        );
    }
}
