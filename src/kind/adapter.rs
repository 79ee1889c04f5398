//! Takes the types off a kind, in one place.

use super::contract::{Erased, Kind, Resource, StepMeta, Target};
use super::{Address, Edit, Orphans, Runs};
use crate::shell::Shell;
use serde_json::Value as Json;
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

    fn own_only(&self) -> bool {
        K::OWN_ONLY
    }

    fn running(&self) -> &'static dyn Runs {
        K::RUNNING
    }

    fn orphans(&self) -> Orphans {
        K::ORPHANS
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(K::Want)
    }

    fn read(
        &'static self,
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
                let files = K::files(&want, target);
                files.edits.iter().try_for_each(Edit::validate)?;
                Ok(Resource {
                    address: Address {
                        role: role.to_owned(),
                        kind: K::NAME.to_owned(),
                        name: one_line(&K::name(&want)),
                    },
                    kind: self,
                    files,
                    depends: K::depends(&want, target),
                    guard: K::guard(&want, target),
                    absent: K::absent(&want),
                    want: Arc::new(want),
                    value: Arc::new(value),
                    step: Arc::clone(meta),
                })
            })
            .collect()
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
