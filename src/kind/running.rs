//! The running side of a kind: the observation of a resource besides its files, and the actions that converge it.

use super::contract::{Resource, Target};
use super::{Answer, Delta, FileChange, Observe, Payload, Permits, Verdict, Written};
use crate::sh::Call;
use crate::text::Vault;
use schemars::JsonSchema;
use serde_json::Value as Json;
use std::any::Any;

/// The desired state of a resource, and its observed state.
type Pair<'a, W, S> = (&'a W, &'a S);

/// The calls that converge resources.
type Actions<W, S> = fn(&[Pair<'_, W, S>], &Circumstances<'_>) -> Vec<Call>;

/// The running side of a kind whose desired state is a `W` and whose observed state is an `S`.
///
/// A kind names its own functions over [`Running::new`]'s defaults. All functions are pure.
pub struct Running<W: 'static, S: 'static> {
    /// Observes all resources of the kind at once, with a fixed number of processes.
    pub observe: fn(&[&W], &Target, &mut Observe),
    /// Parses the observed state of one resource; checks compare with its JSON.
    pub parse: fn(&W, &Target, &Answer) -> Result<S, String>,
    /// Compares one. Files are compared elsewhere.
    pub compare: fn(&W, &S, &Circumstances<'_>) -> Verdict,
    /// Compares one when a path that it [depends](super::Depends) on is written in this stage.
    pub compare_written: Option<fn(&W, &S, &Circumstances<'_>) -> Verdict>,
    /// Calls before the first path that it [depends](super::Depends) on is written, with every verdict.
    pub before_write: fn(&W, &S, &Target) -> Vec<Call>,
    /// Differences that only the value of a secret shows (a password, a key in a file of a folder). Never
    /// the values themselves.
    pub compare_secret: fn(&W, &S, &Vault) -> Vec<Delta>,
    /// The devices whose content its change overwrites. One that carries anything is refused unless the operator named
    /// that device in this command, whatever `compare` decides.
    pub destroys: fn(&W, &S) -> Vec<Overwritten>,
    /// The reason why the node is not healthy, as this resource shows: a `rolling` step does not go on to the other
    /// members meanwhile. `None` where the cluster was not formed yet, or was taken down by this tool.
    pub health: fn(&W, &S) -> Option<String>,
    /// The calls that converge one. Gets several only where they work [together](Manner::together).
    pub actions: Actions<W, S>,
    /// Contents that its actions need on the node as files (a password hash, a package): the action names the i-th by
    /// `Call::blob(i)`. Those of several that work together follow one another.
    pub contents: fn(&W, &S, &Vault) -> Vec<Payload>,
    /// The files that its actions write or remove, for the plan to show what becomes of each. One that turns out the
    /// same is passed over.
    pub changes: fn(&W, &S) -> Vec<FileChange>,
    /// Validators of the contents, before anything at all is changed. They name contents as actions do.
    pub preflight: fn(&W, &Target) -> Vec<Call>,
    /// Calls after the confirmation, for actions in a window of the guard: those that would make an unconfirmed change
    /// last (a firewall that is started at boot).
    pub confirmed: fn(&W, &S, &Target) -> Vec<Call>,
    /// The title of the change for these names; by default the kind's name and theirs.
    pub title: Option<fn(&str, &[Delta]) -> String>,
    /// See [`Manner::together`].
    pub together: bool,
    /// See [`Manner::ends_stage`].
    pub ends_stage: bool,
    /// See [`Manner::takes_up`].
    pub takes_up: &'static [&'static str],
    /// See [`Manner::shared`].
    pub shared: &'static [&'static str],
}

impl<W, S> Running<W, S> {
    /// One that is observed and has nothing to be changed.
    pub const fn new(
        observe: fn(&[&W], &Target, &mut Observe),
        parse: fn(&W, &Target, &Answer) -> Result<S, String>,
    ) -> Self {
        Self {
            observe,
            parse,
            compare: |_, _, _| Verdict::Same,
            compare_written: None,
            before_write: |_, _, _| Vec::new(),
            compare_secret: |_, _, _| Vec::new(),
            destroys: |_, _| Vec::new(),
            health: |_, _| None,
            actions: |_, _| Vec::new(),
            contents: |_, _, _| Vec::new(),
            changes: |_, _| Vec::new(),
            preflight: |_, _| Vec::new(),
            confirmed: |_, _, _| Vec::new(),
            title: None,
            together: false,
            ends_stage: false,
            takes_up: &[],
            shared: &[],
        }
    }
}

/// The circumstances of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The node.
    pub target: &'a Target,
    /// The operator's permits in this very command.
    pub permits: &'a Permits,
    /// The paths written in this stage; for actions, those written by the steps before theirs.
    pub written: &'a Written,
}

/// A device whose content is overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// The device, by the path that the operator names it with.
    pub device: String,
    /// The content that was found on it; empty where it is proven blank.
    pub carries: String,
}

/// The way in which the engine works with a kind's running side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// See [`Running::title`].
    pub title: Option<fn(&str, &[Delta]) -> String>,
    /// Whether neighbours of this kind that change are done in one action (packages in one transaction).
    pub together: bool,
    /// Whether a change of it ends a stage: later steps are observed again before they are decided.
    pub ends_stage: bool,
    /// Points of difference that take up what other steps write (a restart): a change of these alone comes after the last
    /// of these steps.
    pub takes_up: &'static [&'static str],
    /// Sections of its observation that the other members of the cluster see, as [`Answer::of`] gives them, for values
    /// that have to be equal or are decided together.
    pub shared: &'static [&'static str],
}

/// One resource, observed and compared.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The verdict about its running side.
    pub verdict: Verdict,
    /// The observed state, for checks.
    pub seen: Json,
    /// See [`Running::compare_secret`].
    pub secret: Vec<Delta>,
    /// See [`Running::destroys`].
    pub destroys: Vec<Overwritten>,
    /// See [`Running::health`].
    pub unhealthy: Option<String>,
    /// See [`Running::before_write`].
    pub before_write: Vec<Call>,
}

/// The work that converges resources.
#[derive(Clone, Debug, Default)]
pub struct Mend {
    /// See [`Running::actions`].
    pub calls: Vec<Call>,
    /// See [`Running::contents`].
    pub contents: Vec<Payload>,
    /// See [`Running::changes`], with the place of its resource among those that are changed.
    pub changes: Vec<(usize, FileChange)>,
    /// See [`Running::preflight`].
    pub preflight: Vec<Call>,
    /// See [`Running::confirmed`].
    pub confirmed: Vec<Call>,
}

/// A [`Running`] without its types. Its defaults are those of a kind that has files alone.
pub trait Runs: Send + Sync {
    /// The way in which the engine works with it.
    fn manner(&self) -> Manner {
        Manner::default()
    }

    /// The JSON Schema of the observed state, which checks read; an empty one where nothing is observed.
    fn seen_schema(&self) -> Json {
        serde_json::json!({ "type": "object", "additionalProperties": false })
    }

    /// Observes all these resources, which are of one kind.
    fn observe(&self, _resources: &[&Resource], _target: &Target, _observe: &mut Observe) {}

    /// Reads one and compares it.
    fn compare(
        &self,
        _resource: &Resource,
        _answer: &Answer,
        _circumstances: &Circumstances<'_>,
        _vault: &Vault,
    ) -> Result<Compared, String> {
        Ok(Compared {
            verdict: Verdict::Same,
            seen: Json::Object(serde_json::Map::new()),
            secret: Vec::new(),
            destroys: Vec::new(),
            unhealthy: None,
            before_write: Vec::new(),
        })
    }

    /// The work that converges these resources, which are of one kind.
    fn mend(
        &self,
        _resources: &[&Resource],
        _circumstances: &Circumstances<'_>,
        _answer: &Answer,
        _vault: &Vault,
    ) -> Result<Mend, String> {
        Ok(Mend::default())
    }

    /// The observed state of one, in its kind's own type; `None` where nothing is observed.
    fn seen(
        &self,
        _resource: &Resource,
        _target: &Target,
        _answer: &Answer,
    ) -> Result<Option<Box<dyn Any>>, String> {
        Ok(None)
    }
}

/// The running side of a kind that has files alone: there is none.
pub(super) struct FilesAlone;

impl Runs for FilesAlone {}

impl<W: Send + Sync, S: serde::Serialize + JsonSchema> Running<W, S> {
    fn read<'r>(
        &self,
        resource: &'r Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<(&'r W, S), String> {
        let want = resource.want::<W>();
        Ok((want, (self.parse)(want, target, answer)?))
    }
}

impl<W: Send + Sync, S: serde::Serialize + JsonSchema> Runs for Running<W, S> {
    fn manner(&self) -> Manner {
        Manner {
            title: self.title,
            together: self.together,
            ends_stage: self.ends_stage,
            takes_up: self.takes_up,
            shared: self.shared,
        }
    }

    fn seen_schema(&self) -> Json {
        let settings = schemars::generate::SchemaSettings::default().for_serialize();
        settings
            .into_generator()
            .into_root_schema_for::<S>()
            .to_value()
    }

    fn observe(&self, resources: &[&Resource], target: &Target, observe: &mut Observe) {
        let wants: Vec<&W> = resources.iter().map(|r| r.want()).collect();
        (self.observe)(&wants, target, observe);
    }

    fn compare(
        &self,
        resource: &Resource,
        answer: &Answer,
        circumstances: &Circumstances<'_>,
        vault: &Vault,
    ) -> Result<Compared, String> {
        let (want, seen) = self.read(resource, circumstances.target, answer)?;
        let mut paths = resource.depends.paths.iter();
        let mut written = || paths.any(|path| circumstances.written.concerns(path));
        let compare = match self.compare_written {
            Some(compare) if written() => compare,
            _ => self.compare,
        };
        Ok(Compared {
            verdict: compare(want, &seen, circumstances),
            secret: (self.compare_secret)(want, &seen, vault),
            destroys: (self.destroys)(want, &seen),
            unhealthy: (self.health)(want, &seen),
            before_write: (self.before_write)(want, &seen, circumstances.target),
            seen: serde_json::to_value(&seen).map_err(|e| e.to_string())?,
        })
    }

    fn mend(
        &self,
        resources: &[&Resource],
        circumstances: &Circumstances<'_>,
        answer: &Answer,
        vault: &Vault,
    ) -> Result<Mend, String> {
        let target = circumstances.target;
        let all = resources.iter().map(|r| self.read(r, target, answer));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let borrowed: Vec<Pair<'_, W, S>> = all.iter().map(|(w, s)| (*w, s)).collect();
        let mut work = Mend {
            calls: (self.actions)(&borrowed, circumstances),
            ..Mend::default()
        };
        for (at, (want, seen)) in borrowed.into_iter().enumerate() {
            work.contents.extend((self.contents)(want, seen, vault));
            let changes = (self.changes)(want, seen);
            work.changes.extend(changes.into_iter().map(|c| (at, c)));
            work.preflight.extend((self.preflight)(want, target));
            work.confirmed.extend((self.confirmed)(want, seen, target));
        }
        Ok(work)
    }

    fn seen(
        &self,
        resource: &Resource,
        target: &Target,
        answer: &Answer,
    ) -> Result<Option<Box<dyn Any>>, String> {
        let (_, seen) = self.read(resource, target, answer)?;
        Ok(Some(Box::new(seen)))
    }
}
