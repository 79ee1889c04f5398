//! The one trait of kinds, typed; erased in one place.

use super::running::FilesAlone;
use super::{Address, Depends, Files, Guarding, Orphans, Runs};
use crate::platform::Platform;
use crate::shell::Shell;
use serde_json::Value as Json;
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A kind's view of the node: only the site's declarations, no observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's name.
    pub node: String,
    /// The release it runs.
    pub platform: Platform,
}

/// The desired state of a kind's step, read from the rendered step.
pub trait Want:
    serde::de::DeserializeOwned + schemars::JsonSchema + Clone + std::fmt::Debug + Send + Sync + 'static
{
}
impl<
    T: serde::de::DeserializeOwned
        + schemars::JsonSchema
        + Clone
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
> Want for T
{
}

/// One kind of resource: its desired state, and the facets that it has. All functions are pure.
///
/// A kind that lives in files gives [`files`](Kind::files); one that has a running side names it in
/// [`RUNNING`](Kind::RUNNING). Many have both: a sysctl is a line in a file and a value in the kernel. A facet that a
/// kind does not name it does not have.
pub trait Kind: Send + Sync + 'static {
    /// Its name, which is the key of a step: `package = "chrony"`.
    const NAME: &'static str;
    /// One sentence for the reference.
    const DOC: &'static str;
    /// Constant shell functions that its sections and actions call, and the pieces of [`shell`](crate::shell) that these
    /// call. Names start with `nw_NAME`.
    const SHELL: Shell = Shell::NONE;
    /// Only for roles of a site: shipped roles must not use it.
    const OWN_ONLY: bool = false;
    /// Its running side: a [`Running`](super::Running).
    const RUNNING: &'static dyn Runs = &FilesAlone;
    /// The fate of an orphan of this kind: one that an earlier run made and the site no longer wants.
    const ORPHANS: Orphans = Orphans::reported("it stays as it is");
    /// The desired state. The field named like the kind holds the name.
    type Want: Want;

    /// The resource's name in its address.
    fn name(want: &Self::Want) -> String;

    /// Splits one step into wants where its name is a list; most kinds take the value as it is.
    /// The default makes one resource of each element when the value under [`NAME`](Kind::NAME) is a list.
    fn split(mut step: serde_json::Map<String, Json>) -> Vec<Json> {
        match step.remove(Self::NAME) {
            Some(Json::Array(names)) => names
                .into_iter()
                .map(|name| {
                    let mut one = step.clone();
                    one.insert(Self::NAME.to_owned(), name);
                    Json::Object(one)
                })
                .collect(),
            Some(name) => {
                step.insert(Self::NAME.to_owned(), name);
                vec![Json::Object(step)]
            }
            None => vec![Json::Object(step)],
        }
    }

    /// The fault of a desired state beyond its type: one sentence that also names what would be right.
    fn validate(_want: &Self::Want, _target: &Target) -> Result<(), String> {
        Ok(())
    }

    /// Its files.
    fn files(_want: &Self::Want, _target: &Target) -> Files {
        Files::default()
    }

    /// The paths of other steps that it depends on.
    fn depends(_want: &Self::Want, _target: &Target) -> Depends {
        Depends::default()
    }

    /// Its part in the guard.
    fn guard(_want: &Self::Want, _target: &Target) -> Guarding {
        Guarding::default()
    }

    /// Whether the desired state is absence, so that nothing of it is ours afterwards.
    fn absent(_want: &Self::Want) -> bool {
        false
    }
}

/// A kind whose observation commands read, by [`seen`](super::seen).
pub trait Observable: Kind {
    /// The observed state, which its running side's `parse` makes of an answer.
    type Seen: 'static;
}

/// The keys of a step besides its kind.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of a step, and they go in any mix"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepMeta {
    /// Position of the step in the node's whole list: roles in order, steps in order.
    pub index: usize,
    /// The place where it is written: `roles/base.toml:12`.
    pub place: String,
    /// Observed on every member, done by one.
    pub once: bool,
    /// The member that does a `once` step; any member without it.
    pub source: Option<String>,
    /// All members have to be through with what comes before.
    pub wait_all: bool,
    /// One node at a time.
    pub rolling: bool,
    /// May take hours.
    pub long: bool,
    /// Done while forming and by explicit commands only.
    pub operate: bool,
}

/// One thing wanted of one node.
#[derive(Clone)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// The kind.
    pub kind: &'static dyn Erased,
    /// The desired state; the kind knows its type.
    pub want: Arc<dyn Any + Send + Sync>,
    /// The same as JSON, for display and digests.
    pub value: Arc<Json>,
    /// Its files.
    pub files: Files,
    /// The paths that it depends on.
    pub depends: Depends,
    /// Its part in the guard.
    pub guard: Guarding,
    /// Whether it is wanted absent.
    pub absent: bool,
    /// The keys of its step besides its kind.
    pub step: Arc<StepMeta>,
}

impl Resource {
    /// The desired state, for the functions of its own kind.
    pub(super) fn want<W: 'static>(&self) -> &W {
        self.want
            .downcast_ref()
            .expect("a resource is handed to its own kind")
    }

    /// The names of the secrets that its contents and values hold.
    pub fn secrets(&self) -> BTreeSet<String> {
        crate::text::Text::plain(self.value.to_string()).secrets()
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.address)
    }
}

/// A [`Kind`] without its types, for the registry. The facets of one resource are in the [`Resource`].
pub trait Erased: Send + Sync {
    /// See [`Kind::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Kind::DOC`].
    fn doc(&self) -> &'static str;
    /// See [`Kind::SHELL`].
    fn shell(&self) -> Shell;
    /// See [`Kind::OWN_ONLY`].
    fn own_only(&self) -> bool;
    /// See [`Kind::RUNNING`].
    fn running(&self) -> &'static dyn Runs;
    /// See [`Kind::ORPHANS`].
    fn orphans(&self) -> Orphans;
    /// JSON Schema of its step's own keys.
    fn schema(&self) -> schemars::Schema;
    /// Makes the resources of one rendered step (without the keys every step may have).
    fn read(
        &'static self,
        role: &str,
        step: serde_json::Map<String, Json>,
        meta: &Arc<StepMeta>,
        target: &Target,
    ) -> Result<Vec<Resource>, String>;
}
