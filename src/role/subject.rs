//! The node that roles are expanded for, as they see it.

use super::file::Role;
use crate::firewall::zones::NodeFirewall;
use crate::platform::Platform;
use crate::site::{Finding, Place, Site, any_of, did_you_mean, shown};
use indexmap::IndexMap;
use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A node and what is known of it without asking it.
pub struct Subject {
    /// Its name.
    pub node: String,
    /// The release it runs.
    pub platform: Platform,
    /// Its roles in order, each with the place where it is named.
    pub roles: Vec<(String, Option<Place>)>,
    /// The names for templates: `site`, `node`, `members`, `peers`.
    pub context: Vec<(String, Value)>,
    /// Variables by role and name, the nearest first: node, groups, site.
    pub vars: Vec<Level>,
    /// The node's firewall without what the roles open.
    pub firewall: NodeFirewall,
    /// The name or address that it is reached at.
    pub host: String,
    /// It is rehearsed in a container.
    pub in_container: bool,
    /// It is no member of a cluster with others.
    pub alone: bool,
    /// The zones of the site, the serial line as `serial`.
    pub zones: Vec<String>,
}

/// Variables that are set at one place of the site.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The values that are written there: `vars.ROLE.NAME`, and free ones.
    pub values: IndexMap<String, Json>,
    /// The place where each is written, by role and name.
    pub places: BTreeMap<(String, String), Place>,
}

impl Level {
    fn of(site: &Site, path: &[&str], values: &IndexMap<String, Json>) -> Self {
        let mut places = BTreeMap::new();
        for (role, set) in values {
            for name in set.as_object().into_iter().flat_map(Map::keys) {
                let path = [path, &["vars", role, name]].concat();
                if let Some(place) = site.value_place(&path) {
                    places.insert((role.clone(), name.clone()), place);
                }
            }
        }
        Self {
            values: values.clone(),
            places,
        }
    }

    fn place(&self, role: &str, name: &str) -> Option<Place> {
        self.places
            .get(&(role.to_owned(), name.to_owned()))
            .copied()
    }
}

/// The names that all nodes of a site share: made once, however many nodes there are.
pub(super) struct Common {
    site: Value,
    members: Value,
}

impl Common {
    pub(super) fn of(site: &Site) -> Self {
        Self {
            site: Value::from(Serde(site.model())),
            members: Value::from(Serde(site.members_model())),
        }
    }
}

impl Subject {
    /// A node of a site.
    pub fn of(site: &Site, node: &str) -> Self {
        Self::among(site, node, &Common::of(site))
    }

    /// A node of a site of which this is known already.
    pub(super) fn among(site: &Site, node: &str, common: &Common) -> Self {
        let model = site.node_model(node);
        let peers = model.get("peers").cloned().unwrap_or_default();
        let mut vars = Vec::new();
        if let Some(found) = site.node(node) {
            vars.push(Level::of(site, &["node", node], &found.vars));
        }
        let groups: Vec<_> = site
            .inventory
            .group
            .iter()
            .filter(|(_, group)| group.nodes.iter().any(|n| n == node))
            .collect();
        // A value of a later group wins over that of an earlier one, as in the site's model.
        for (name, group) in groups.iter().rev() {
            vars.push(Level::of(site, &["group", name.as_str()], &group.vars));
        }
        vars.push(Level::of(site, &[], &site.inventory.vars));
        let roles = site.roles_of(node).into_iter().map(|role| {
            let place = groups.iter().find_map(|(name, group)| {
                let at = group.roles.iter().position(|r| *r == *role)?;
                site.value_place(&["group", name.as_str(), "roles", &at.to_string()])
            });
            (role, place)
        });
        let names = [
            ("site", common.site.clone()),
            ("node", Value::from(Serde(model))),
            ("members", common.members.clone()),
            ("peers", Value::from(Serde(peers))),
        ];
        Self {
            node: node.to_owned(),
            platform: site.platform_of(node),
            roles: roles.collect(),
            context: names
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            vars,
            firewall: site.firewall(node),
            host: site.login(node).host,
            in_container: site.in_containers(),
            alone: site.peers_of(node).is_empty(),
            zones: site.zone_names(),
        }
    }

    /// The values of a role's `vars` on this node; faults are reported.
    pub(super) fn vars(&self, role: &Role, findings: &mut Vec<Finding>) -> Value {
        let mut found = serde_json::Map::new();
        for (name, var) in &role.vars {
            if let Some(value) = var.in_container.as_ref().filter(|_| self.in_container) {
                found.insert(name.clone(), value.clone());
                continue;
            }
            let set = self.vars.iter().find_map(|level| {
                let value = level.values.get(&role.name)?.get(name)?;
                Some((value, level.place(&role.name, name)))
            });
            if let Some((value, place)) = set {
                if let Err(why) = var.kind.check(value) {
                    findings.push(
                        Finding::error("VAR", why)
                            .at(place)
                            .label(format!("`vars.{name}` of role `{}`", role.name))
                            .help(var.doc.clone())
                            .also(var.place, "declared here"),
                    );
                }
                found.insert(name.clone(), value.clone());
            } else if let Some(value) = &var.default {
                found.insert(name.clone(), value.clone());
            } else if var.required {
                findings.push(
                    Finding::error(
                        "VAR",
                        format!("role {} needs variable {}", shown(&role.name), shown(name)),
                    )
                    .at(var.place)
                    .label(var.doc.clone())
                    .help(format!(
                        "write `[vars.{}]` with `{name} = …` in the site",
                        role.name
                    )),
                );
            }
        }
        self.unknown_vars(role, findings);
        Value::from(Serde(Json::Object(found)))
    }

    fn unknown_vars(&self, role: &Role, findings: &mut Vec<Finding>) {
        let known: Vec<_> = role.vars.keys().collect();
        for level in &self.vars {
            let Some(Json::Object(set)) = level.values.get(&role.name) else {
                continue;
            };
            for name in set.keys().filter(|n| !role.vars.contains_key(*n)) {
                let help = match did_you_mean(name, &known) {
                    _ if role.gone.contains_key(name) => role.gone[name].clone(),
                    Some(near) => format!("did you mean {}?", shown(&near)),
                    None if known.is_empty() => "it has none".to_owned(),
                    None => format!("it has {}", any_of(&known)),
                };
                findings.push(
                    Finding::error(
                        "VAR",
                        format!("role {} has no variable {}", shown(&role.name), shown(name)),
                    )
                    .at(level.place(&role.name, name))
                    .help(help),
                );
            }
        }
    }

    /// The words of this node's platform.
    pub(super) fn words(&self, role: &Role) -> Value {
        let words = role
            .platform
            .iter()
            .filter_map(|(name, words)| Some((name.clone(), words.on(self.platform)?.clone())));
        Value::from(Serde(Json::Object(words.collect())))
    }
}
