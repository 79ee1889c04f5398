//! Typed access to what was observed, for commands: they read an observation, and never its JSON.

use super::Answer;
use super::contract::{Kind, Observable, Resource, Target};

/// The resources that are of this kind.
pub fn of_kind<K: Kind>(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|r| r.want.is::<K::Want>())
}

/// The observed state of a resource of this kind.
pub fn seen<K: Observable>(
    resource: &Resource,
    target: &Target,
    answer: &Answer,
) -> Result<K::Seen, String> {
    if !resource.want.is::<K::Want>() {
        return Err(format!("{} is no {}", resource.address, K::NAME));
    }
    let seen = K::RUNNING.seen(resource, target, answer)?;
    let seen = seen.and_then(|seen| seen.downcast().ok());
    Ok(*seen.expect("a kind is read as what its running side sees"))
}
