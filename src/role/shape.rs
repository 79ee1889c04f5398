//! The shapes of the names in templates, by the site's schema and model: which keys a table has, whatever is in it
//! today.

use crate::site::{MODEL_OF_CLUSTER, MODEL_OF_GUEST, MODEL_OF_MIRROR, MODEL_OF_POOL, Site};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The shape of a value, as far as it is known before rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Not known.
    Any,
    /// A table with these keys and no others.
    Table(BTreeMap<String, Shape>),
    /// A table whose keys are names of the site.
    Map(Box<Shape>),
    /// A list.
    List(Box<Shape>),
    /// A key and its value.
    Pair(Box<Shape>),
}

impl Shape {
    /// The names that every role of a site sees.
    pub(super) fn names(site: &Site, node: &str) -> Vec<(String, Self)> {
        let own = site.node_model(node);
        let own = Self::Table(keys(&own));
        let member = match site.members_model() {
            Json::Array(list) => list.first().map_or(Self::Any, |m| Self::Table(keys(m))),
            _ => Self::Any,
        };
        let list = || Self::List(Box::new(member.clone()));
        let mut of_node = own;
        if let Self::Table(keys) = &mut of_node {
            keys.insert("peers".to_owned(), list());
        }
        let mut firewall = keys(&serde_json::json!(site.firewall(node)));
        firewall.insert("families".to_owned(), Self::Any);
        let names = [
            ("site", Self::site(site, &member)),
            ("node", of_node),
            ("members", list()),
            ("peers", list()),
            ("firewall", Self::Table(firewall)),
        ];
        let named = names
            .into_iter()
            .map(|(name, shape)| (name.to_owned(), shape));
        named.collect()
    }

    /// `site`: the tables of an inventory, with what the model adds to them.
    fn site(site: &Site, member: &Self) -> Self {
        let schema = crate::site::schema();
        let Self::Table(mut keys_of) = Self::of(&schema, &schema) else {
            return Self::Any;
        };
        if let Some(Self::Table(top)) = keys_of.remove("site") {
            keys_of.extend(top);
        }
        for (key, shape) in keys(&site.model()) {
            keys_of.entry(key).or_insert(shape);
        }
        keys_of.insert("node".to_owned(), Self::Map(Box::new(member.clone())));
        let add = |table: Option<&mut Self>, more: &[&str]| {
            if let Some(Self::Table(keys)) = table {
                keys.extend(more.iter().map(|k| ((*k).to_owned(), Self::Any)));
            }
        };
        add(keys_of.get_mut("cluster"), &MODEL_OF_CLUSTER);
        if let Some(Self::Map(mirror)) = keys_of.get_mut("mirror") {
            add(Some(mirror), &MODEL_OF_MIRROR);
        }
        if let Some(Self::Map(guest)) = keys_of.get_mut("guest") {
            add(Some(guest), &MODEL_OF_GUEST);
        }
        if let Some(Self::Map(pool)) = keys_of.get_mut("pool") {
            add(Some(pool), &MODEL_OF_POOL);
        }
        Self::Table(keys_of)
    }

    /// The shape that a JSON Schema describes; `root` is the whole schema, for its references.
    fn of(schema: &Json, root: &Json) -> Self {
        if let Some(path) = schema["$ref"].as_str() {
            let target = root.pointer(path.trim_start_matches('#'));
            return target.map_or(Self::Any, |t| Self::of(t, root));
        }
        if let Some(ways) = schema["anyOf"].as_array() {
            let mut ways = ways.iter().filter(|w| w["type"] != "null");
            return match (ways.next(), ways.next()) {
                (Some(one), None) => Self::of(one, root),
                _ => Self::Any,
            };
        }
        let more = &schema["additionalProperties"];
        match schema["properties"].as_object() {
            Some(properties) if !more.is_object() => Self::Table(
                properties
                    .iter()
                    .map(|(key, schema)| (key.clone(), Self::of(schema, root)))
                    .collect(),
            ),
            None if more.is_object() => Self::Map(Box::new(Self::of(more, root))),
            None if schema["items"].is_object() => {
                Self::List(Box::new(Self::of(&schema["items"], root)))
            }
            _ => Self::Any,
        }
    }

    /// The shape of the loop variable of a template's `for`.
    pub(super) fn item(&self) -> Self {
        match self {
            Self::List(item) => (**item).clone(),
            _ => Self::Any,
        }
    }

    /// The shape under a key or index that is not known.
    pub(super) fn any_item(&self) -> Self {
        match self {
            Self::List(item) | Self::Map(item) => (**item).clone(),
            _ => Self::Any,
        }
    }

    /// A table as a list of keys with their values.
    pub(super) fn pairs(self) -> Self {
        match self {
            Self::Map(value) => Self::List(Box::new(Self::Pair(value))),
            _ => Self::Any,
        }
    }

    /// The parts of an item that several names take.
    pub(super) fn parts(&self, count: usize) -> Vec<Self> {
        match self {
            Self::Pair(value) if count == 2 => vec![Self::Any, (**value).clone()],
            _ => vec![Self::Any; count],
        }
    }

    /// The shapes of a `for_each`'s variables: over a table, its keys, with their values where there are two variables.
    pub(super) fn round(&self, count: usize) -> Vec<Self> {
        match (self, count) {
            (Self::Map(value), 2) => vec![Self::Any, (**value).clone()],
            (_, 1) => vec![self.item()],
            _ => self.item().parts(count),
        }
    }
}

fn keys(table: &Json) -> BTreeMap<String, Shape> {
    let keys = table.as_object().into_iter().flatten();
    keys.map(|(key, _)| (key.clone(), Shape::Any)).collect()
}
