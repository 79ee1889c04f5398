//! Helpers for the tests of decisions.

use super::{Change, Item, PlannedStep, Situation, Wave, next_wave};
use crate::kind::{Address, Resource, StepMeta, Target};
use crate::kinds::kind_named;
use crate::platform::Platform;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An address.
pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// Names of nodes.
pub(super) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

/// An item of a step, without anything to call.
pub(super) fn item(index: usize, stage: usize, change: impl FnOnce(&mut StepMeta)) -> Item {
    let mut meta = StepMeta {
        index,
        ..StepMeta::default()
    };
    change(&mut meta);
    Item {
        change: Change {
            addresses: Vec::new(),
            title: String::new(),
            deltas: Vec::new(),
            diffs: Vec::new(),
            stage,
            guarded: false,
            interrupts: false,
            held: None,
            digest: String::new(),
            either: None,
        },
        work: PlannedStep {
            meta: Arc::new(meta),
            ..PlannedStep::default()
        },
    }
}

/// The node that tests decide for.
pub(super) fn target() -> Target {
    Target {
        node: "node1".to_owned(),
        platform: Platform::Debian12,
    }
}

/// The resources of these steps, in order.
pub(super) fn resources(steps: &[Json]) -> Vec<Resource> {
    let read = |(index, step): (usize, &Json)| {
        let step = step.as_object().unwrap().clone();
        let kind = step.keys().find_map(|key| kind_named(key)).unwrap();
        let meta = StepMeta {
            index,
            operate: step.contains_key("resource_manager"),
            ..StepMeta::default()
        };
        kind.read("r", step, &Arc::new(meta), &target()).unwrap()
    };
    steps.iter().enumerate().flat_map(read).collect()
}

/// A command as a resource of this address.
pub(super) fn resource(text: &str, change: impl FnOnce(&mut StepMeta)) -> Resource {
    let mut meta = StepMeta::default();
    change(&mut meta);
    let mut all = resources(&[json!({ "command": ["true"], "creates": "/x" })]);
    let mut one = all.remove(0);
    one.address = address(text);
    one.step = Arc::new(meta);
    one
}

/// The next wave of members that are healthy and wait for nothing long.
pub(super) fn wave_of<'a>(
    items: &'a BTreeMap<String, Vec<Item>>,
    cluster: &BTreeSet<String>,
    part: &BTreeSet<String>,
    failed: &BTreeSet<String>,
) -> Wave<'a> {
    next_wave(
        items,
        &Situation {
            cluster,
            part,
            failed,
            waits_at: &BTreeMap::new(),
            unhealthy: &BTreeMap::new(),
        },
    )
}
