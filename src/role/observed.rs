//! The values that each kind observes, which a check can expect: by the JSON Schemas of the kinds' observed states.

use super::reader::Placed;
use crate::kind::Erased;
use crate::site::{Finding, Tree, any_of, did_you_mean, shown};
use serde_json::Value as Json;

/// All schemas that a value may have: itself with what it refers to, and its alternatives.
fn forms<'a>(schema: &'a Json, root: &'a Json) -> Vec<&'a Json> {
    let mut forms = Vec::new();
    let mut open = vec![schema];
    while let Some(one) = open.pop() {
        if forms.len() > 32 {
            break;
        }
        forms.push(one);
        let reference = one["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
        open.extend(reference.and_then(|pointer| root.pointer(pointer)));
        for keyword in ["anyOf", "oneOf", "allOf"] {
            open.extend(one[keyword].as_array().into_iter().flatten());
        }
    }
    forms
}

/// Whether a key, whose dots lead into tables, is a value of such a state; else the keys that there are in its place.
fn find(key: &str, state: &Json) -> Result<(), Vec<String>> {
    let mut here = vec![state];
    for part in key.split('.') {
        let all: Vec<&Json> = here.iter().flat_map(|s| forms(s, state)).collect();
        let tables = || all.iter().filter_map(|s| s["properties"].as_object());
        let next: Vec<&Json> = tables().filter_map(|t| t.get(part)).collect();
        let open: Vec<&Json> = all
            .iter()
            .map(|s| &s["additionalProperties"])
            .filter(|s| s.is_object())
            .collect();
        let unknown = all.iter().any(|s| {
            s["additionalProperties"] == true
                || s.as_bool() == Some(true)
                || s.as_object()
                    .is_some_and(|s| !s.keys().any(|k| k != "description"))
        });
        if unknown {
            return Ok(());
        }
        here = [next, open].concat();
        if here.is_empty() {
            return Err(tables().flat_map(|t| t.keys().cloned()).collect());
        }
    }
    Ok(())
}

/// Reports a key of `expect` or a name of `same` that a kind does not observe.
pub(super) fn expected(
    kind: &dyn Erased,
    expect: Option<&Tree>,
    same: &[Placed<String>],
    findings: &mut Vec<Finding>,
) {
    let state = kind.running().seen_schema();
    let keys = expect.and_then(Tree::as_table).into_iter().flatten();
    let keys = keys.map(|(key, (place, _))| (key, *place));
    for (key, place) in keys.chain(same.iter().map(|n| (&n.value, n.place))) {
        let Err(known) = find(key, &state) else {
            continue;
        };
        let message = format!("kind {} observes no {}", shown(kind.name()), shown(key));
        let help = match did_you_mean(key, &known) {
            Some(near) => format!("did you mean {}?", shown(&near)),
            None if known.is_empty() => {
                "leave it empty, `expect = {}`: the step has to be as wanted".to_owned()
            }
            None => format!("it observes {}", any_of(&known)),
        };
        findings.push(Finding::error("CHECK", message).at(place).help(help));
    }
}

/// The kind that an `of` names, where that is written out: `service:sshd`, `base/service:{{ name }}`.
pub(super) fn kind_of(text: &str) -> Option<&'static dyn Erased> {
    let (head, _) = text.split_once(':')?;
    let kind = head.rsplit('/').next()?;
    crate::kinds::kind_named(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_leads_into_tables_and_alternatives() {
        let state = json!({
            "type": "object",
            "properties": {
                "state": { "$ref": "#/$defs/State" },
                "disks": { "type": "object", "additionalProperties": { "$ref": "#/$defs/Disk" } },
                "any": true,
            },
            "$defs": {
                "State": { "oneOf": [
                    { "type": "string", "const": "off" },
                    { "type": "object", "properties": { "on": { "type": "integer" } } },
                ] },
                "Disk": { "type": "object", "properties": { "free": { "type": "boolean" } } },
            },
        });
        for key in ["state", "state.on", "disks.sda.free", "any.thing"] {
            assert_eq!(find(key, &state), Ok(()), "{key}");
        }
        let there = |names: &[&str]| Err(names.iter().map(|n| (*n).to_owned()).collect());
        assert_eq!(find("stat", &state), there(&["state", "disks", "any"]));
        assert_eq!(find("state.off", &state), there(&["on"]));
        assert_eq!(find("disks.sda.fre", &state), there(&["free"]));
        assert_eq!(find("state.on.deep", &state), there(&[]));
    }

    #[test]
    fn each_kind_describes_what_it_observes() {
        for kind in crate::kinds::kinds() {
            let state = kind.running().seen_schema();
            assert!(find("no such value", &state).is_err(), "{}", kind.name());
        }
    }
}
