//! Typed access to what was observed, for commands: they read an observation, and never its JSON.

use super::Answer;
use super::contract::{Kind, Resource, Target};

/// The resources that are of this kind.
pub fn of_kind<K: Kind>(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    resources.iter().filter(|r| r.want.is::<K::Want>())
}

/// What was seen of a resource of this kind.
pub fn seen<K: Kind>(
    resource: &Resource,
    target: &Target,
    answer: &Answer,
) -> Result<K::Seen, String> {
    let want = resource
        .want
        .downcast_ref()
        .ok_or_else(|| format!("{} is no {}", resource.address, K::NAME))?;
    K::parse(want, target, answer)
}
