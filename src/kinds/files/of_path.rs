//! The keys that the kinds of one file or folder share, declared once.

use crate::kind::valid::Presence;
use crate::kind::{Attributes, EditChange, Files};
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The keys of a step about a path: those of its own kind, and those that all kinds of paths share.
#[derive(Clone, Debug)]
pub struct OfPath<W> {
    own: W,
    shared: Shared,
}

/// The shared keys.
#[derive(Clone, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shared {
    /// Name of the owner; root for what is new.
    owner: Option<String>,
    /// Name of the group; root for what is new.
    group: Option<String>,
    /// The mode, such as "0644", which a new file gets without this key (0600 where it holds a secret), a new folder 0755.
    mode: Option<String>,
    /// `present` (the default) or `absent`: of a file that others have as well only what this step names; a folder only while
    /// it is empty.
    #[serde(default)]
    state: Presence,
}

impl<W> OfPath<W> {
    /// Whether it is wanted absent.
    pub(super) fn absent(&self) -> bool {
        self.shared.state == Presence::Absent
    }

    /// The value, unless it is wanted absent.
    pub(super) fn present<T>(&self, value: T) -> Option<T> {
        self.shared.state.then(value)
    }

    /// One edit of this path, with owner, group and mode.
    pub(super) fn edit(&self, path: &str, change: EditChange) -> Files {
        let Shared {
            owner, group, mode, ..
        } = self.shared.clone();
        Files::edit(path, change, Attributes { owner, group, mode })
    }
}

impl<W> std::ops::Deref for OfPath<W> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.own
    }
}

/// A part of a step's keys; a fault names the key.
fn part<T: DeserializeOwned, E: Error>(keys: Map<String, Json>) -> Result<T, E> {
    serde_path_to_error::deserialize(Json::Object(keys)).map_err(|error| {
        let path = error.path().to_string();
        if path == "." {
            E::custom(error.inner())
        } else {
            E::custom(format!("`{path}`: {}", error.inner()))
        }
    })
}

impl<'de, W: DeserializeOwned> serde::Deserialize<'de> for OfPath<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let keys = Map::<String, Json>::deserialize(deserializer)?;
        let (shared, own) = keys
            .into_iter()
            .partition(|(key, _)| matches!(key.as_str(), "owner" | "group" | "mode" | "state"));
        Ok(Self {
            own: part(own)?,
            shared: part(shared)?,
        })
    }
}

impl<W: schemars::JsonSchema> schemars::JsonSchema for OfPath<W> {
    fn schema_name() -> Cow<'static, str> {
        W::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut own = W::json_schema(generator);
        let shared = Shared::json_schema(generator);
        let keys =
            |schema: &schemars::Schema| schema.get("properties").and_then(Json::as_object).cloned();
        let mut all = keys(&own).unwrap_or_default();
        all.extend(keys(&shared).unwrap_or_default());
        own.insert("properties".to_owned(), Json::Object(all));
        own
    }
}
