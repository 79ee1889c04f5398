//! The guests of the site and where they run (`nodewright guest list`, `nodewright guest show`). It changes no node.

use super::super::cluster::{Look, OperatedCluster};
use super::super::watched::operated_steps;
use super::{guest_named, hypervisor_step, hypervisors};
use crate::kinds::cluster::resource_manager::guest_service;
use crate::kinds::guests::power::runs;
use crate::plan::Intent;
use crate::run::{Engine, Setup};
use crate::site::Site;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The question.
#[derive(Debug)]
pub struct GuestQuery {
    cluster: OperatedCluster,
    guests: Vec<GuestState>,
}

/// All guests, as libvirt of the nodes and the resource manager have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct GuestList {
    /// Those of the site, in its order.
    pub guests: Vec<GuestState>,
    /// Those that the site does not have: by node, each with its state in libvirt's words.
    pub unknown: BTreeMap<String, BTreeMap<String, String>>,
    /// By node, why it did not say which guests it has.
    pub silent: BTreeMap<String, String>,
}

/// A guest of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct GuestState {
    /// Its name.
    pub guest: String,
    /// The node that the site gives it.
    pub node: String,
    /// Whether the other members start it where its own is gone.
    pub failover: bool,
    /// The way in which it is moved: `live`, or `restart`.
    pub migrate: String,
    /// Its memory, as the site has it.
    pub memory: String,
    /// Its processors.
    pub cpus: u16,
    /// The nodes on which it runs, each with its state in libvirt's words: more than one is never right.
    pub on: BTreeMap<String, String>,
    /// The nodes whose libvirt has it defined, and it does not run there.
    pub defined: Vec<String>,
    /// The way in which the resource manager has it: `Started`, `Stopped`, `FAILED`; nothing where none has it.
    pub resource: Option<String>,
}

impl GuestState {
    /// Its state in a word or two. `silent`: a node did not say which guests it has.
    pub fn words(&self, silent: bool) -> String {
        let mut states = self.on.values();
        match (states.next(), states.next()) {
            (Some(_), Some(_)) => "runs twice".to_owned(),
            (Some(state), None) => state.clone(),
            (None, _) if silent => "unknown".to_owned(),
            (None, _) => "off".to_owned(),
        }
    }
}

impl GuestQuery {
    /// Of this site: all its guests, or one.
    ///
    /// # Errors
    ///
    /// A name of no guest, or a site without guests.
    pub fn new(site: &Site, only: Option<&str>) -> Result<Self, String> {
        if let Some(name) = only {
            guest_named(site, name)?;
        }
        let nodes = hypervisors(site);
        let Some(first) = nodes.first() else {
            return Err("this site has no guest, and no cluster that could have one".to_owned());
        };
        let members = site.members();
        let manager = site
            .platform_of(members.first().copied().unwrap_or(first))
            .manager();
        let cluster = OperatedCluster::watching(site, nodes, manager, |node| {
            let mut steps = vec![hypervisor_step(site)];
            if members.contains(&node) {
                steps.extend(operated_steps(site, node, manager));
            }
            steps
        })?;
        let guests = site.inventory.guest.iter();
        let guests = guests.filter(|(name, _)| only.is_none_or(|only| name.as_str() == only));
        let guests = guests.map(|(name, guest)| GuestState {
            guest: name.to_string(),
            node: guest.node.to_string(),
            failover: guest.failover,
            migrate: json!(site.migrate_of(guest))
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            memory: guest.memory.to_string(),
            cpus: guest.cpus.get(),
            ..GuestState::default()
        });
        Ok(Self {
            guests: guests.collect(),
            cluster,
        })
    }

    /// The nodes that are asked.
    pub fn nodes(&self) -> &[String] {
        &self.cluster.members
    }

    /// Sets a run up for this. A node that takes longer than `within` to answer does not keep the others waiting.
    pub fn prepare(&self, setup: &mut Setup, within: Duration) {
        setup.answers_within = Some(within);
        self.cluster.prepare(setup, Intent::Look);
    }

    /// Asks the nodes.
    pub async fn ask(&self, engine: &mut Engine) -> GuestList {
        let look = self.cluster.look(engine).await;
        self.read(&look)
    }

    /// The list by what was seen.
    fn read(&self, look: &Look) -> GuestList {
        let mut list = GuestList {
            guests: self.guests.clone(),
            silent: look.silent.clone(),
            ..GuestList::default()
        };
        for (node, sight) in &look.sights {
            let seen = match &sight.hypervisor {
                Some(Ok(seen)) if seen.answers => seen,
                Some(Err(why)) => {
                    list.silent.insert(node.clone(), why.clone());
                    continue;
                }
                _ => {
                    let why = "libvirt does not answer".to_owned();
                    list.silent.insert(node.clone(), why);
                    continue;
                }
            };
            for guest in &mut list.guests {
                match seen.guests.get(&guest.guest) {
                    Some(state) if runs(state) => {
                        guest.on.insert(node.clone(), state.clone());
                    }
                    Some(_) => guest.defined.push(node.clone()),
                    None => {}
                }
            }
            for name in &seen.unknown {
                let state = seen.guests.get(name).cloned().unwrap_or_default();
                let here = list.unknown.entry(node.clone()).or_default();
                here.insert(name.clone(), state);
            }
        }
        let Some((_, sight)) = look.actor(|_| true) else {
            return list;
        };
        let places = sight
            .managed()
            .map_or(&[][..], |seen| seen.places.as_slice());
        for guest in &mut list.guests {
            let movable = sight.operated().map_or(&[][..], |o| o.movable.as_slice());
            let own = movable.iter().find(|m| m.is_guest(&guest.guest));
            let resource = own.map_or_else(|| guest_service(&guest.guest), |m| m.name.clone());
            let place = places.iter().find(|p| p.name == resource);
            guest.resource = place.map(|p| p.role.clone());
        }
        list
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
