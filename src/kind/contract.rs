//! The one trait of kinds, typed; erased in one place.

use super::{
    Address, Answer, Edit, FileChange, Folder, Observe, Orphaned, Payload, Retire, Verdict,
};
use crate::platform::Platform;
use crate::sh::Call;
use crate::shell::Shell;
use serde_json::Value as Json;
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a kind may know of the node: nothing that is observed, only what the site declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's name.
    pub node: String,
    /// The release it runs.
    pub platform: Platform,
}

/// What a kind's step asks for, read from the rendered step.
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

/// What is seen of a resource that lives in files alone: the engine looks at paths itself.
#[derive(Debug, serde::Serialize)]
pub struct Nothing {}

/// One kind of resource.
///
/// A kind that lives in files gives [`edits`](Kind::edits); one that has a running side gives `observe`, `parse`,
/// `compare` and `actions`. Many give both: a sysctl is a line in a file and a value in the kernel. All are pure.
pub trait Kind: Send + Sync + 'static {
    /// Its name, which is the key of a step: `package = "chrony"`.
    const NAME: &'static str;
    /// One sentence for the reference.
    const DOC: &'static str;
    /// Constant shell functions that its sections and actions call, and the pieces of [`shell`](crate::shell) that these
    /// call. Names start with `nw_NAME`.
    const SHELL: Shell = Shell::NONE;
    /// Whether a change of it ends a stage: what follows is observed again before it is decided.
    const ENDS_STAGE: bool = false;
    /// Sections of its observation that the other members of the cluster see, as [`Answer::of`] gives them: what has to
    /// be equal or decided together.
    const SHARED: &'static [&'static str] = &[];
    /// Only for roles of a site: shipped roles must not use it.
    const OWN_ONLY: bool = false;
    /// What becomes of an orphan of this kind: one that an earlier run made and the site no longer wants.
    const ORPHANED: Orphaned = Orphaned::Reported("it stays as it is");
    /// What is wanted. The field named like the kind holds the name.
    type Want: Want;
    /// What was seen; as JSON it is what checks compare with.
    type Seen: serde::Serialize + std::fmt::Debug + Send + Sync + 'static;

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

    /// What is wrong with the want, beyond what its type says: one sentence that also says what would be right.
    fn validate(_want: &Self::Want, _target: &Target) -> Result<(), String> {
        Ok(())
    }

    /// What it wants of files.
    fn edits(_want: &Self::Want, _target: &Target) -> Vec<Edit> {
        Vec::new()
    }

    /// Asks for all resources of the kind at once, with a fixed number of processes.
    fn observe(_wants: &[&Self::Want], _target: &Target, _observe: &mut Observe) {}

    /// Reads what was seen of one.
    fn parse(want: &Self::Want, target: &Target, answer: &Answer) -> Result<Self::Seen, String>;

    /// Compares the running side of one. Files are compared elsewhere.
    fn compare(_want: &Self::Want, _seen: &Self::Seen, _target: &Target) -> Verdict {
        Verdict::Same
    }

    /// What brings one there. `wants` holds several only where the kind says so by [`together`](Kind::together).
    fn actions(_wants: &[(&Self::Want, &Self::Seen)], _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// Contents that its actions need on the node as files (a password hash, a package): the action names the i-th by
    /// `Call::blob(i)`. Where several are done [`together`](Kind::together) their contents stand one after another.
    fn contents(_want: &Self::Want, _seen: &Self::Seen) -> Vec<Payload> {
        Vec::new()
    }

    /// The same, where what they are depends on the value of a secret (a version that is raised when the content
    /// changes).
    fn contents_with(
        want: &Self::Want,
        seen: &Self::Seen,
        _vault: &crate::text::Vault,
    ) -> Vec<Payload> {
        Self::contents(want, seen)
    }

    /// The files that its actions write or remove, for the plan to show what becomes of each. Those of its
    /// [`edits`](Kind::edits) are known. One that turns out the same is passed over.
    fn files(_want: &Self::Want, _seen: &Self::Seen) -> Vec<FileChange> {
        Vec::new()
    }

    /// A file that its actions write, by its path, with what the site says of its content: for people who want to see
    /// every file.
    fn rendered(_want: &Self::Want) -> Option<(String, crate::text::Text)> {
        None
    }

    /// Where its actions write a secret, when it holds one: what keeps a record of /etc leaves these out. The paths of
    /// its [`edits`](Kind::edits) are known.
    fn secret_paths(_want: &Self::Want) -> Vec<String> {
        Vec::new()
    }

    /// What differs in a way that only the value of a secret shows (a password, a key in a file of a folder). Never
    /// the values themselves.
    fn compare_secret(
        _want: &Self::Want,
        _seen: &Self::Seen,
        _vault: &crate::text::Vault,
    ) -> Vec<super::Delta> {
        Vec::new()
    }

    /// What has to accept the contents before anything at all is changed. Names contents as actions do.
    fn preflight(_want: &Self::Want, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// What is done, in a few words, for these names.
    fn title(names: &str, _deltas: &[super::Delta]) -> String {
        format!("{} {names}", Self::NAME)
    }

    /// Whether neighbours of this kind that change are done in one action (packages in one transaction).
    fn together() -> bool {
        false
    }

    /// Whether it needs a file's edits done before its own actions (most), or after (a file that a package brings).
    fn edits_first() -> bool {
        true
    }

    /// Paths that other steps may write and whose content concerns this resource (a service's configuration).
    /// When one of them is written in a stage, [`before_write`](Kind::before_write) runs first, and the resource is
    /// judged by [`compare_written`](Kind::compare_written).
    fn paths(_want: &Self::Want, _target: &Target) -> Vec<String> {
        Vec::new()
    }

    /// What runs before the first of its paths is written, whatever the verdict is.
    fn before_write(_want: &Self::Want, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// Compares one when one of its paths is written before its actions run. The actions are the same in both cases.
    fn compare_written(want: &Self::Want, seen: &Self::Seen, target: &Target) -> Verdict {
        Self::compare(want, seen, target)
    }

    /// Whether a change of it can cut the operator off, so that it runs under the guard. Paths that matter are known
    /// without this ([`lets_in::path`](super::lets_in::path)). `logins` are the accounts that operators use.
    fn cuts_off(_want: &Self::Want, _target: &Target, _logins: &BTreeSet<String>) -> bool {
        false
    }

    /// What its actions leave for after the confirmation, where they run in a window of the guard: what would make a
    /// change last that is not confirmed (a firewall that is started at boot). Called for what `actions` was called for.
    fn confirmed(_want: &Self::Want, _seen: &Self::Seen, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// Files and folders that its actions write, besides its [`edits`](Kind::edits): the guard keeps them whole and
    /// puts them back, and what has one of them among its [`paths`](Kind::paths) is judged as when it is written.
    fn touches(_want: &Self::Want, _target: &Target) -> Vec<String> {
        Vec::new()
    }

    /// What is noted before the first change of a window, in files of its own under `$NW_GUARD`, for
    /// [`undo`](Kind::undo). Holds for every resource whose step runs in a window.
    fn note(_want: &Self::Want, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// What has to happen before the files are rolled back: what did not run before ends by the files it was started with.
    fn undo_first(_want: &Self::Want, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// What brings the running side back to what was noted, once all files are as they were. Called in the reverse
    /// order of the steps, without any uploaded content, whether its action ran or not.
    fn undo(_want: &Self::Want, _target: &Target) -> Vec<Call> {
        Vec::new()
    }

    /// A folder that is its own with all that lies in it: nobody else's file in there is removed as an orphan.
    fn folder(_want: &Self::Want) -> Option<Folder> {
        None
    }

    /// What removes an orphan's folder, while it is still as it was written; `keep` says whether a copy is kept. Only
    /// for kinds with a [`folder`](Kind::folder) whose orphans are removed.
    fn remove_folder(_path: &str, _digest: &str, _keep: bool) -> Vec<Call> {
        Vec::new()
    }

    /// Why an orphan stays whatever its files are, by what was observed; `None` where they decide.
    fn keeps(_name: &str, _answer: &Answer) -> Option<String> {
        None
    }

    /// What ends the running side of an orphan before its files are removed.
    fn retire(_name: &str, _target: &Target) -> Retire {
        Retire::default()
    }

    /// What follows once files of its orphans were removed.
    fn after_removal(_target: &Target) -> Vec<Call> {
        Vec::new()
    }
}

/// What a step says besides its kind.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of a step, and they go in any mix"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepMeta {
    /// Position of the step in the node's whole list: roles in order, steps in order.
    pub index: usize,
    /// Where it is written: `roles/base.toml:12`.
    pub place: String,
    /// Asked of every member, done by one.
    pub once: bool,
    /// Who does what is done once.
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
    /// What is wanted; the kind knows its type.
    pub want: Arc<dyn Any + Send + Sync>,
    /// The same as JSON, for people and digests.
    pub value: Arc<Json>,
    /// What it wants of files.
    pub edits: Vec<Edit>,
    /// What its step says.
    pub step: Arc<StepMeta>,
}

impl Resource {
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

/// A [`Kind`] without its types: what the registry holds.
pub trait Erased: Send + Sync {
    /// See [`Kind::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Kind::DOC`].
    fn doc(&self) -> &'static str;
    /// See [`Kind::SHELL`].
    fn shell(&self) -> Shell;
    /// See [`Kind::ENDS_STAGE`].
    fn ends_stage(&self) -> bool;
    /// See [`Kind::SHARED`].
    fn shared(&self) -> &'static [&'static str];
    /// See [`Kind::OWN_ONLY`].
    fn own_only(&self) -> bool;
    /// See [`Kind::together`].
    fn together(&self) -> bool;
    /// See [`Kind::edits_first`].
    fn edits_first(&self) -> bool;
    /// See [`Kind::title`].
    fn title(&self, names: &str, deltas: &[super::Delta]) -> String;
    /// See [`Kind::contents_with`].
    fn contents(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
        vault: &crate::text::Vault,
    ) -> Result<Vec<Payload>, String>;
    /// See [`Kind::files`].
    fn files(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<FileChange>, String>;
    /// See [`Kind::rendered`].
    fn rendered(&self, resource: &Resource) -> Option<(String, crate::text::Text)>;
    /// See [`Kind::secret_paths`].
    fn secret_paths(&self, resource: &Resource) -> Vec<String>;
    /// See [`Kind::preflight`].
    fn preflight(&self, resource: &Resource, target: &Target) -> Vec<Call>;
    /// See [`Kind::compare_secret`].
    fn judge_secret(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
        vault: &crate::text::Vault,
    ) -> Result<Vec<super::Delta>, String>;
    /// JSON Schema of its step's own keys.
    fn schema(&self) -> schemars::Schema;
    /// Makes the resources of one rendered step (without the keys every step may have).
    fn read(
        &self,
        role: &str,
        step: serde_json::Map<String, Json>,
        meta: &Arc<StepMeta>,
        target: &Target,
    ) -> Result<Vec<Resource>, String>;
    /// Asks for all these resources, which are of this kind.
    fn observe(&self, resources: &[&Resource], target: &Target, observe: &mut Observe);
    /// Reads one and compares it: the verdict on its running side, and what was seen as JSON.
    fn judge(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<(Verdict, Json), String>;
    /// See [`Kind::paths`].
    fn paths(&self, resource: &Resource, target: &Target) -> Vec<String>;
    /// See [`Kind::before_write`].
    fn before_write(&self, resource: &Resource, target: &Target) -> Vec<Call>;
    /// See [`Kind::ORPHANED`].
    fn orphaned(&self) -> Orphaned;
    /// See [`Kind::folder`].
    fn folder(&self, resource: &Resource) -> Option<Folder>;
    /// See [`Kind::remove_folder`].
    fn remove_folder(&self, path: &str, digest: &str, keep: bool) -> Vec<Call>;
    /// See [`Kind::keeps`].
    fn keeps(&self, name: &str, answer: &Answer) -> Option<String>;
    /// See [`Kind::retire`].
    fn retire(&self, name: &str, target: &Target) -> Retire;
    /// See [`Kind::after_removal`].
    fn after_removal(&self, target: &Target) -> Vec<Call>;
    /// As [`judge`](Erased::judge), when one of the resource's [`paths`](Erased::paths) is written in this stage.
    fn judge_written(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<(Verdict, Json), String>;
    /// The actions for these resources, which are of this kind.
    fn actions(
        &self,
        resources: &[&Resource],
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<Call>, String>;
    /// See [`Kind::confirmed`].
    fn confirmed(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<Vec<Call>, String>;
    /// See [`Kind::cuts_off`].
    fn cuts_off(&self, resource: &Resource, target: &Target, logins: &BTreeSet<String>) -> bool;
    /// See [`Kind::touches`].
    fn touches(&self, resource: &Resource, target: &Target) -> Vec<String>;
    /// See [`Kind::note`].
    fn note(&self, resource: &Resource, target: &Target) -> Vec<Call>;
    /// See [`Kind::undo_first`].
    fn undo_first(&self, resource: &Resource, target: &Target) -> Vec<Call>;
    /// See [`Kind::undo`].
    fn undo(&self, resource: &Resource, target: &Target) -> Vec<Call>;
}
