//! What tests of decisions are made of.

use super::{Change, Item, Step};
use crate::kind::{Address, Resource, StepMeta, Target};
use crate::kinds::kind_named;
use crate::platform::Platform;
use serde_json::json;
use std::collections::BTreeSet;
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
            digest: String::new(),
        },
        work: Step {
            meta: Arc::new(meta),
            ..Step::default()
        },
    }
}

/// A command as a resource of this address.
pub(super) fn resource(text: &str, change: impl FnOnce(&mut StepMeta)) -> Resource {
    let mut meta = StepMeta::default();
    change(&mut meta);
    let target = Target {
        node: "node1".to_owned(),
        platform: Platform::Debian12,
    };
    let step = json!({ "command": ["true"], "creates": "/x" });
    let step = step.as_object().unwrap().clone();
    let kind = kind_named("command").unwrap();
    let mut all = kind.read("r", step, &Arc::new(meta), &target).unwrap();
    let mut one = all.remove(0);
    one.address = address(text);
    one
}
