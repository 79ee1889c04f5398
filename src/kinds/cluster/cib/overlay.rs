//! Merges the desired elements into the live CIB: everything else stays, also what an operator set by hand.

use super::Delta;
use super::element::Element;
use std::collections::BTreeMap;

/// The live configuration merged with the desired one. `owned` are prefixes of IDs: a live element with one of them
/// that is not desired is removed.
pub(super) fn overlay(live: &Element, wanted: &Element, owned: &[String]) -> Element {
    let mut new = live.clone();
    for section in &wanted.children {
        let at = if let Some(at) = new.children.iter().position(|c| c.tag == section.tag) {
            at
        } else {
            // The schema leaves the order of sections open.
            new.children.push(Element {
                tag: section.tag.clone(),
                ..Element::default()
            });
            new.children.len() - 1
        };
        put(&mut new.children[at], section);
    }
    let kept = |child: &Element, section: &str| {
        let ours = owned.iter().any(|o| child.id().starts_with(o.as_str()));
        let wanted = wanted.child(section);
        !ours || wanted.is_some_and(|s| s.children.iter().any(|c| c.id() == child.id()))
    };
    for section in &mut new.children {
        let tag = section.tag.clone();
        section.children.retain(|child| kept(child, &tag));
    }
    new
}

fn put(live: &mut Element, wanted: &Element) {
    for child in &wanted.children {
        let known = live.children.iter_mut().find(|c| c.id() == child.id());
        let Some(known) = known else {
            live.children.push(child.clone());
            continue;
        };
        if matches!(
            child.tag.as_str(),
            "cluster_property_set" | "meta_attributes"
        ) {
            properties(known, child);
            continue;
        }
        let mut next = child.clone();
        // The way in which it is operated (`target-role`, `is-managed`) is an operator's to say.
        let operated = known.children.iter().filter(|c| c.tag == "meta_attributes");
        for meta in operated {
            if !next.children.iter().any(|c| c.id() == meta.id()) {
                next.children.insert(0, meta.clone());
            }
        }
        if next.canonical() != known.canonical() {
            *known = next;
        }
    }
}

/// Sets of properties are shared with Pacemaker itself: only those that are wanted are set.
fn properties(known: &mut Element, wanted: &Element) {
    for pair in &wanted.children {
        let there = known
            .children
            .iter_mut()
            .find(|c| c.get("name") == pair.get("name"));
        match there {
            Some(there) => {
                let value = pair.get("value").to_owned();
                there.attributes.insert("value".to_owned(), value);
            }
            None => known.children.push(pair.clone()),
        }
    }
}

/// The points in which two configurations differ.
pub(super) fn differences(live: &Element, new: &Element) -> Vec<Delta> {
    let (mut from, mut to) = (BTreeMap::new(), BTreeMap::new());
    points(live, "", &mut from);
    points(new, "", &mut to);
    let keys: std::collections::BTreeSet<_> = from.keys().chain(to.keys()).collect();
    keys.into_iter()
        .filter(|key| from.get(*key) != to.get(*key))
        .map(|key| {
            let value = |map: &BTreeMap<String, String>| map.get(key).cloned().unwrap_or_default();
            Delta::new(key, value(&from), value(&to))
        })
        .collect()
}

/// Each pair of name and value by what it belongs to, and each other element with its attributes.
fn points(element: &Element, owner: &str, all: &mut BTreeMap<String, String>) {
    if element.tag == "nvpair" {
        let key = format!("{owner} {}", element.get("name"));
        all.insert(key, element.get("value").to_owned());
        return;
    }
    // The ID of a set of attributes identifies nothing; that of its parent does, where it has one.
    let set = element.tag.ends_with("_attributes");
    let name = if element.id().is_empty() || (set && !owner.is_empty()) {
        owner
    } else {
        element.id()
    };
    if !element.id().is_empty() && !set && element.tag != "cluster_property_set" {
        let words: Vec<String> = element
            .attributes
            .iter()
            .filter(|(key, _)| *key != "id")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        all.insert(name.to_owned(), words.join(" "));
    }
    for child in &element.children {
        points(child, name, all);
    }
}
