//! Takes the types off a kind, in one place.

use super::Erased;
use super::contract::{Kind, Resource, StepMeta, Target};
use super::{
    Address, Answer, Edit, FileChange, Folder, Observe, Orphaned, Payload, Retire, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

/// Wraps a [`Kind`] for the registry.
pub(crate) struct Adapter<K>(PhantomData<K>);

impl<K> Adapter<K> {
    /// The one value of it.
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// A name as plans, logs and the manifest can hold it: on one line, without control characters, and not without end.
fn one_line(name: &str) -> String {
    const LONG: usize = 200;
    let line: String = name
        .chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if line.chars().count() <= LONG {
        return line;
    }
    let start: String = line.chars().take(LONG - 20).collect();
    let digest = crate::digest::sha256(name.as_bytes());
    format!("{start}… {}", &digest[..16])
}

fn want<K: Kind>(resource: &Resource) -> &K::Want {
    resource
        .want
        .downcast_ref()
        .expect("a resource is handed to its own kind")
}

/// What is wanted, with what was seen of it.
fn seen<'a, K: Kind>(
    resource: &'a Resource,
    target: &Target,
    answer: &Answer,
) -> Result<(&'a K::Want, K::Seen), String> {
    let want = want::<K>(resource);
    Ok((want, K::parse(want, target, answer)?))
}

/// What was seen, for checks.
fn json(seen: &impl serde::Serialize) -> Result<Json, String> {
    serde_json::to_value(seen).map_err(|e| e.to_string())
}

impl<K: Kind> Erased for Adapter<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn doc(&self) -> &'static str {
        K::DOC
    }

    fn shell(&self) -> Shell {
        K::SHELL
    }

    fn ends_stage(&self) -> bool {
        K::ENDS_STAGE
    }

    fn together(&self) -> bool {
        K::together()
    }

    fn edits_first(&self) -> bool {
        K::edits_first()
    }

    fn title(&self, names: &str, deltas: &[super::Delta]) -> String {
        K::title(names, deltas)
    }

    fn contents(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
        vault: &crate::text::Vault,
    ) -> Result<Vec<Payload>, String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok(K::contents_with(want, &seen, vault))
    }

    fn files(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<FileChange>, String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok(K::files(want, &seen))
    }

    fn secret_paths(&self, resource: &Resource) -> Vec<String> {
        K::secret_paths(want::<K>(resource))
    }

    fn preflight(&self, resource: &Resource, target: &Target) -> Vec<Call> {
        K::preflight(want::<K>(resource), target)
    }

    fn judge_secret(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
        vault: &crate::text::Vault,
    ) -> Result<Vec<super::Delta>, String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok(K::compare_secret(want, &seen, vault))
    }

    fn rendered(&self, resource: &Resource) -> Option<(String, crate::text::Text)> {
        K::rendered(want::<K>(resource))
    }

    fn shared(&self) -> &'static [&'static str] {
        K::SHARED
    }

    fn own_only(&self) -> bool {
        K::OWN_ONLY
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(K::Want)
    }

    fn read(
        &self,
        role: &str,
        step: serde_json::Map<String, Json>,
        meta: &Arc<StepMeta>,
        target: &Target,
    ) -> Result<Vec<Resource>, String> {
        K::split(step)
            .into_iter()
            .map(|value| {
                let want: K::Want = serde_path_to_error::deserialize(&value).map_err(|e| {
                    let path = e.path().to_string();
                    if path == "." {
                        e.inner().to_string()
                    } else {
                        format!("`{path}`: {}", e.inner())
                    }
                })?;
                K::validate(&want, target)?;
                let edits = K::edits(&want, target);
                edits.iter().try_for_each(Edit::validate)?;
                Ok(Resource {
                    address: Address {
                        role: role.to_owned(),
                        kind: K::NAME.to_owned(),
                        name: one_line(&K::name(&want)),
                    },
                    kind: crate::kinds::kind_named(K::NAME)
                        .expect("a kind is registered under its name"),
                    edits,
                    want: Arc::new(want),
                    value: Arc::new(value),
                    step: Arc::clone(meta),
                })
            })
            .collect()
    }

    fn observe(&self, resources: &[&Resource], target: &Target, observe: &mut Observe) {
        let wants: Vec<_> = resources.iter().map(|r| want::<K>(r)).collect();
        observe.functions(K::SHELL);
        K::observe(&wants, target, observe);
    }

    fn judge(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<(Verdict, Json), String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok((K::compare(want, &seen, target), json(&seen)?))
    }

    fn paths(&self, resource: &Resource, target: &Target) -> Vec<String> {
        K::paths(want::<K>(resource), target)
    }

    fn before_write(&self, resource: &Resource, target: &Target) -> Vec<Call> {
        K::before_write(want::<K>(resource), target)
    }

    fn orphaned(&self) -> Orphaned {
        K::ORPHANED
    }

    fn folder(&self, resource: &Resource) -> Option<Folder> {
        K::folder(want::<K>(resource))
    }

    fn remove_folder(&self, path: &str, digest: &str, keep: bool) -> Vec<Call> {
        K::remove_folder(path, digest, keep)
    }

    fn keeps(&self, name: &str, answer: &Answer) -> Option<String> {
        K::keeps(name, answer)
    }

    fn retire(&self, name: &str, target: &Target) -> Retire {
        K::retire(name, target)
    }

    fn after_removal(&self, target: &Target) -> Vec<Call> {
        K::after_removal(target)
    }

    fn judge_written(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<(Verdict, Json), String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok((K::compare_written(want, &seen, target), json(&seen)?))
    }

    fn actions(
        &self,
        resources: &[&Resource],
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<Call>, String> {
        let both = resources.iter().map(|r| seen::<K>(r, target, answer));
        let both = both.collect::<Result<Vec<_>, _>>()?;
        let borrowed: Vec<_> = both.iter().map(|(w, s)| (*w, s)).collect();
        Ok(K::actions(&borrowed, target))
    }

    fn confirmed(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<Call>, String> {
        let (want, seen) = seen::<K>(resource, target, answer)?;
        Ok(K::confirmed(want, &seen, target))
    }

    fn cuts_off(&self, resource: &Resource, target: &Target, logins: &BTreeSet<String>) -> bool {
        K::cuts_off(want::<K>(resource), target, logins)
    }

    fn touches(&self, resource: &Resource, target: &Target) -> Vec<String> {
        K::touches(want::<K>(resource), target)
    }

    fn note(&self, resource: &Resource, target: &Target) -> Vec<Call> {
        K::note(want::<K>(resource), target)
    }

    fn undo_first(&self, resource: &Resource, target: &Target) -> Vec<Call> {
        K::undo_first(want::<K>(resource), target)
    }

    fn undo(&self, resource: &Resource, target: &Target) -> Vec<Call> {
        K::undo(want::<K>(resource), target)
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(one_line("/etc/a b ü"), "/etc/a b ü");
        assert_eq!(one_line("a\nr/file:x\t/etc"), "a\\nr/file:x\\t/etc");
        let long = one_line(&"x".repeat(70_000));
        assert_eq!(long.chars().count(), 198);
        assert_ne!(long, one_line(&"x".repeat(70_001)));
    }
}
