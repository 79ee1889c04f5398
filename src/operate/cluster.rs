//! The members of a cluster for an operation on what they run: observed by all of them, decided once, carried out by
//! one that holds the locks of all that answer, and observed again.

use super::watched::{MemberObservation, OPERATION, Watched, operated_steps};
use crate::exit::Exit;
use crate::kind::{Answer, Resource};
use crate::kinds::cluster::cib::Operated;
use crate::kinds::cluster::resource_manager;
use crate::node::{Holder, NodeState};
use crate::plan::{Content, Intent, Item, Recap};
use crate::platform::Manager;
use crate::run::{Engine, Event, Operation, OperationEnd, OperationStep, Setup};
use crate::sh::Call;
use crate::site::Site;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The end of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The word for it.
    pub end: OperationEnd,
    /// The exit code.
    pub exit: Exit,
    /// Its result, in words.
    pub what: String,
}

impl Ending {
    /// There is nothing to do.
    pub(super) fn nothing(what: impl Into<String>) -> Self {
        Self::new(OperationEnd::Nothing, Exit::Done, what)
    }

    /// It is not begun.
    pub(super) fn refused(exit: Exit, what: impl Into<String>) -> Self {
        Self::new(OperationEnd::Refused, exit, what)
    }

    /// It was done, and seen to be.
    pub(super) fn done(what: impl Into<String>) -> Self {
        Self::new(OperationEnd::Done, Exit::Done, what)
    }

    /// It did not come to its end.
    pub(super) fn failed(exit: Exit, what: impl Into<String>) -> Self {
        Self::new(OperationEnd::Failed, exit, what)
    }

    /// The plan that was agreed to is not the plan any more.
    fn changed() -> Self {
        Self::refused(
            Exit::Failed,
            "the cluster changed while you were asked; nothing was done, and the same command shows the new plan",
        )
    }

    fn new(end: OperationEnd, exit: Exit, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { end, exit, what }
    }
}

/// An operation on what a cluster runs: it is decided by what all members say, shown, agreed to and carried out.
pub trait ClusterOperation {
    /// The nodes that take part.
    fn nodes(&self) -> &[String];

    /// Sets a run up for this.
    fn prepare(&self, setup: &mut Setup);

    /// The name that a person types where it interrupts service; nothing where it never does.
    fn typed(&self) -> Option<&str> {
        None
    }

    /// The sentence before that question.
    fn warning(&self) -> String {
        "This interrupts service.".to_owned()
    }

    /// Carries it out; `agreed` asks a person, once there is something to do.
    fn run(
        &self,
        engine: &mut Engine,
        agreed: impl Future<Output = bool>,
    ) -> impl Future<Output = Ending>;
}

/// The members of a cluster.
#[derive(Debug)]
pub(super) struct OperatedCluster {
    pub(super) members: Vec<String>,
    pub(super) manager: Manager,
    watched: BTreeMap<String, Watched>,
}

/// The observations of all members, or why they gave none.
pub(super) struct Look {
    pub(super) sights: BTreeMap<String, MemberObservation>,
    pub(super) silent: BTreeMap<String, String>,
    /// Those of them that answered by something else than what they were asked: they run.
    pub(super) refusing: Vec<String>,
    /// The exit code for members that say nothing.
    pub(super) trouble: Exit,
    pub(super) held: Vec<(String, Holder)>,
}

/// One member's part in a step: what it is called, and what is called.
#[derive(Debug)]
pub(super) struct OperationPart {
    pub(super) node: String,
    pub(super) title: String,
    pub(super) calls: Vec<Call>,
    /// The contents that the calls need as files.
    pub(super) contents: Vec<Content>,
}

impl OperationPart {
    pub(super) fn new(node: &str, title: impl Into<String>, calls: Vec<Call>) -> Self {
        Self {
            node: node.to_owned(),
            title: title.into(),
            calls,
            contents: Vec::new(),
        }
    }

    /// With a text that its calls need as a file.
    pub(super) fn with(mut self, text: String) -> Self {
        self.contents.push(Content::Bytes(text.into_bytes()));
        self
    }

    /// As a line of the plan.
    pub(super) fn step(&self) -> OperationStep {
        OperationStep {
            node: self.node.clone(),
            title: self.title.clone(),
        }
    }
}

impl OperatedCluster {
    /// Of this site.
    ///
    /// # Errors
    ///
    /// A site without a cluster, or a step that a kind refuses.
    pub(super) fn new(site: &Site) -> Result<Self, String> {
        Self::observing(site, |_| Vec::new())
    }

    /// The same, with more steps that are observed on a member.
    pub(super) fn observing(site: &Site, more: impl Fn(&str) -> Vec<Json>) -> Result<Self, String> {
        let members: Vec<String> = site.members().into_iter().map(Into::into).collect();
        let Some(first) = members.first() else {
            return Err("this site has no cluster: no `[cluster] members`".to_owned());
        };
        let manager = site.platform_of(first).manager();
        Self::watching(site, members, manager, |member| {
            let mut steps = operated_steps(site, member, manager);
            steps.extend(more(member));
            steps
        })
    }

    /// These nodes, each observed by these steps.
    ///
    /// # Errors
    ///
    /// A step that a kind refuses.
    pub(super) fn watching(
        site: &Site,
        members: Vec<String>,
        manager: Manager,
        steps: impl Fn(&str) -> Vec<Json>,
    ) -> Result<Self, String> {
        let mut watched = BTreeMap::new();
        for member in &members {
            let of = Watched::new(site.target(member), &steps(member))?;
            watched.insert(member.clone(), of);
        }
        Ok(Self {
            members,
            manager,
            watched,
        })
    }

    /// Observes these resources of a member too, as this operation's own: a step of it is none of their roles'.
    pub(super) fn also(&mut self, member: &str, resources: impl Iterator<Item = Resource>) {
        if let Some(watched) = self.watched.get_mut(member) {
            watched.resources.extend(resources.map(|mut resource| {
                OPERATION.clone_into(&mut resource.address.role);
                resource
            }));
        }
    }

    /// Refuses a node that is no member.
    pub(super) fn has(&self, node: &str) -> Result<(), String> {
        if self.members.iter().any(|m| m == node) {
            return Ok(());
        }
        Err(format!(
            "`{node}` is no member of the cluster: its members are {}",
            self.members.join(", ")
        ))
    }

    /// Sets a run up for this: nothing of what the nodes are to be takes part.
    pub(super) fn prepare(&self, setup: &mut Setup, intent: Intent) {
        setup.intent = intent;
        for member in &mut setup.members {
            member.resources.clear();
            member.partial = true;
            member.records_etc = false;
            let watched = self.watched.get(&member.target.node);
            member.watched = watched.map_or_else(Vec::new, |w| w.resources.clone());
        }
    }

    /// Observes all members.
    pub(super) async fn look(&self, engine: &mut Engine) -> Look {
        for member in &self.members {
            engine.try_again(member);
        }
        engine.observe().await;
        let mut answers = BTreeMap::new();
        let mut trouble = Exit::Unreachable;
        for member in &self.members {
            let failed = engine.failures().get(member);
            if let Some(failed) = failed {
                trouble = failed.exit;
            }
            let answer = match (engine.observed().get(member), failed) {
                (Some(observation), None) => Ok(observation.answer.clone()),
                (_, failed) => {
                    let why = failed.map(|f| f.why.clone());
                    Err(why.unwrap_or_else(|| "it was not asked".to_owned()))
                }
            };
            answers.insert(member.clone(), answer);
        }
        let mut look = self.read(answers, trouble);
        let failed = engine.failures().iter();
        let refusing = failed.filter(|(member, f)| !f.silent && look.silent.contains_key(*member));
        look.refusing = refusing.map(|(member, _)| member.clone()).collect();
        look
    }

    /// The same of these answers.
    pub(super) fn read(
        &self,
        answers: BTreeMap<String, Result<Answer, String>>,
        trouble: Exit,
    ) -> Look {
        let mut look = Look {
            sights: BTreeMap::new(),
            silent: BTreeMap::new(),
            refusing: Vec::new(),
            trouble,
            held: Vec::new(),
        };
        for (member, answer) in answers {
            match answer {
                Ok(answer) => {
                    if let Some(holder) = NodeState::read(&answer).holder {
                        look.held.push((member.clone(), holder));
                    }
                    let sight = self.watched[&member].read(&answer);
                    look.sights.insert(member, sight);
                }
                Err(why) => {
                    look.silent.insert(member, why);
                }
            }
        }
        look
    }

    /// Decides, shows the plan, has a person agree, looks and decides again, acts where the plan is still the same, and says
    /// how it ended. The members that its steps name are those that act.
    pub(super) async fn perform<P: AsRef<Operation>>(
        &self,
        engine: &mut Engine,
        command: String,
        agreed: impl Future<Output = bool>,
        decide: impl Fn(&Look) -> Result<P, Ending>,
        act: impl AsyncFnOnce(&mut Engine, Look, P, Instant) -> Result<Ending, Ending>,
    ) -> Ending {
        let mut began = None;
        let mut acting = Vec::new();
        let ending = match self.approved(engine, agreed, decide).await {
            Err(ending) => ending,
            Ok((look, plan)) => {
                let at = *began.insert(Instant::now());
                let steps = plan.as_ref().steps.iter();
                acting = steps.map(|step| step.node.clone()).collect();
                let acted = act(engine, look, plan, at).await;
                acted.unwrap_or_else(|ending| ending)
            }
        };
        self.conclude(engine, command, &ending, &acting, began);
        ending
    }

    /// The plan that a person agreed to, and the look after that.
    async fn approved<P: AsRef<Operation>>(
        &self,
        engine: &mut Engine,
        agreed: impl Future<Output = bool>,
        decide: impl Fn(&Look) -> Result<P, Ending>,
    ) -> Result<(Look, P), Ending> {
        let look = self.look(engine).await;
        let operation = decide(&look)?.as_ref().clone();
        let look = self
            .agreed(engine, &look, operation.clone(), agreed)
            .await?;
        let decision = decide(&look)?;
        if *decision.as_ref() == operation {
            Ok((look, decision))
        } else {
            Err(Ending::changed())
        }
    }

    /// Shows the plan, has a person agree to it, and looks again: while a question stands on the screen, a member may be lost.
    /// Gives that look, or why nothing is begun: another run holds a member, or nobody agreed.
    async fn agreed(
        &self,
        engine: &mut Engine,
        look: &Look,
        operation: Operation,
        agreed: impl Future<Output = bool>,
    ) -> Result<Look, Ending> {
        for (node, holder) in &look.held {
            super::meet(engine, node, holder);
        }
        if !look.held.is_empty() {
            return Err(Ending::refused(
                Exit::Locked,
                "another run is at work on the cluster; nothing was done",
            ));
        }
        engine.send(Event::Operation { operation });
        if agreed.await {
            Ok(self.look(engine).await)
        } else {
            let what = "Nothing was done";
            Err(Ending::new(OperationEnd::Declined, Exit::Pending, what))
        }
    }

    /// Carries parts out, in order, while the locks of all members that answer are held. Says what failed.
    pub(super) async fn carry_out(
        &self,
        engine: &mut Engine,
        look: &Look,
        parts: Vec<OperationPart>,
    ) -> Result<(), Ending> {
        let mut todo: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        let whose: Vec<String> = parts.iter().map(|p| p.node.clone()).collect();
        for part in parts {
            let OperationPart { node, title, .. } = part;
            let mut item = self.item(&node, title, part.calls);
            item.work.blobs = part.contents;
            todo.entry(node).or_default().push(item);
        }
        // The others only hold their lock meanwhile.
        let acting = whose.first().map_or("", String::as_str);
        for member in look.sights.keys() {
            todo.entry(member.clone()).or_insert_with(|| {
                let title = format!("{acting} changes how the cluster is operated");
                vec![self.item(member, title, Vec::new())]
            });
        }
        let done = engine.operate(&todo).await;
        match whose.iter().find(|node| !done.contains(*node)) {
            None => Ok(()),
            Some(node) => {
                let failed = engine.failures().get(node);
                let exit = failed.map_or(Exit::Failed, |f| f.exit);
                let why = failed.map_or("it did not run", |f| f.why.as_str());
                Err(Ending::failed(exit, format!("{node}: {why}")))
            }
        }
    }

    fn item(&self, member: &str, title: String, calls: Vec<Call>) -> Item {
        // Only named: nothing of it is ours afterwards.
        let watched = self.watched[member].resources.iter();
        let addresses = watched.map(|r| r.address.clone());
        super::item(addresses.collect(), title, String::new(), calls)
    }

    /// The same until then at the latest: a batch that is not done by then goes on by itself.
    pub(super) async fn carry_out_until(
        &self,
        engine: &mut Engine,
        look: &Look,
        parts: Vec<OperationPart>,
        end: Instant,
    ) -> Result<(), Ending> {
        let left = end.saturating_duration_since(Instant::now());
        let done = tokio::time::timeout(left, self.carry_out(engine, look, parts)).await;
        done.unwrap_or_else(|_| Err(Ending::failed(Exit::Failed, "it is still at work")))
    }

    /// Carries parts out, if any, and looks until nothing is missing any more, until then at the latest. Gives the last look; else
    /// the points that are missing in it, and the reason in parentheses where the parts failed.
    pub(super) async fn bring_about(
        &self,
        engine: &mut Engine,
        look: &Look,
        parts: Vec<OperationPart>,
        end: Instant,
        missing: impl Fn(&Look) -> Vec<String>,
    ) -> Result<Look, (Vec<String>, String)> {
        let done = if parts.is_empty() {
            Ok(())
        } else {
            self.carry_out_until(engine, look, parts, end).await
        };
        // Where they failed one more look decides.
        let left = match done {
            Ok(()) => end.saturating_duration_since(Instant::now()),
            Err(_) => Duration::ZERO,
        };
        let (look, reached) = self
            .until(engine, left, |look| missing(look).is_empty())
            .await;
        if reached {
            return Ok(look);
        }
        let why = done.err().map(|ending| format!(" ({})", ending.what));
        Err((missing(&look), why.unwrap_or_default()))
    }

    /// Looks again until something is seen, for so long at most; gives the last look.
    pub(super) async fn until(
        &self,
        engine: &mut Engine,
        within: Duration,
        seen: impl Fn(&Look) -> bool,
    ) -> (Look, bool) {
        let end = Instant::now() + within;
        loop {
            let look = self.look(engine).await;
            let is = seen(&look);
            if is || Instant::now() >= end || engine.pause(Duration::from_secs(1)).await {
                return (look, is);
            }
        }
    }

    /// Says how it ended: an event, and the line of each member.
    fn conclude(
        &self,
        engine: &Engine,
        command: String,
        ending: &Ending,
        acting: &[String],
        began: Option<Instant>,
    ) {
        if began.is_some() {
            let done = ending.end == OperationEnd::Done;
            let one = |node: &String| {
                let acts = acting.contains(node);
                Recap {
                    node: node.clone(),
                    changed: usize::from(acts && done),
                    undone: usize::from(acts && !done),
                    failed: (acts && !done).then(|| ending.what.clone()),
                    ..Recap::default()
                }
            };
            engine.send(Event::Recap {
                nodes: self.members.iter().map(one).collect(),
            });
        }
        engine.send(Event::Operated {
            command,
            end: ending.end,
            what: ending.what.clone(),
            milliseconds: began
                .map(|began| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)),
        });
    }
}

impl Look {
    /// The first member that answers and on which the resource manager runs, of these: it acts for all.
    pub(super) fn actor(&self, among: impl Fn(&str) -> bool) -> Option<(&str, &MemberObservation)> {
        let mut all = self.sights.iter();
        let found = all.find(|(node, sight)| among(node) && sight.managed().is_some());
        found.map(|(node, sight)| (node.as_str(), sight))
    }

    /// The reason why no member can act.
    pub(super) fn nobody(&self) -> Ending {
        if self.sights.is_empty() {
            let why: Vec<String> = self
                .silent
                .iter()
                .map(|(n, why)| format!("{n}: {why}"))
                .collect();
            Ending::refused(
                self.trouble,
                format!("no member answers: {}", why.join("; ")),
            )
        } else {
            let unknown = self.sights.iter().flat_map(|(node, sight)| {
                let all = sight.unknown().into_iter();
                all.map(move |why| format!("; {node}: {why}"))
            });
            let unknown: String = unknown.collect();
            Ending::refused(
                Exit::Findings,
                format!("the resource manager runs on no member that answers{unknown}"),
            )
        }
    }

    /// The reason why a member is not fit to carry what runs on another one, `instead_of`: nothing where it is whole.
    /// A thing that waits only until that one is fenced is no reason where it is to be `fenced`.
    pub(super) fn unfit(&self, member: &str, instead_of: &str, fenced: bool) -> Vec<String> {
        let Some(sight) = self.sights.get(member) else {
            let why = self
                .silent
                .get(member)
                .map_or("it was not asked", String::as_str);
            return vec![format!("{member} does not answer: {why}")];
        };
        let mut reasons = sight.unknown();
        let mut add = |why: String| reasons.push(format!("{member} {why}"));
        match &sight.membership {
            Some(Ok(seen)) if !seen.running => add("is not in the cluster".to_owned()),
            Some(Ok(seen)) if !seen.quorate => add("has no quorum".to_owned()),
            _ => {}
        }
        match sight.managed() {
            None => add("does not run the resource manager".to_owned()),
            Some(seen) => {
                let lists = |names: &[String]| names.iter().any(|n| n == member);
                if lists(&seen.offline) {
                    add("is offline".to_owned());
                }
                if lists(&seen.standby) {
                    add("is in standby".to_owned());
                }
                for lost in seen.unclean.iter().filter(|n| !fenced || *n != instead_of) {
                    add(format!("waits for {lost} to be fenced"));
                }
            }
        }
        if let (Some(seen), Some(operated)) = (sight.managed(), sight.operated()) {
            if operated.drained.contains_key(member) {
                add("is drained itself".to_owned());
            }
            let parts = operated.movable.iter().flat_map(|m| &m.parts);
            let failed = parts.flat_map(|part| {
                let of = move |f: &&String| f.starts_with(&format!("{part}_"));
                seen.failures.iter().filter(of)
            });
            let here = format!(" on {member}: ");
            for failure in failed.filter(|f| f.contains(&here)) {
                add(format!(
                    "failed at {failure} (once the cause is mended, `crm_resource --cleanup` forgets it)"
                ));
            }
        }
        for (name, mirror) in &sight.mirrors {
            let Ok(mirror) = mirror else { continue };
            if !mirror.is_up_to_date() {
                add(format!(
                    "has no data of mirror {name} that is up to date: {}",
                    mirror.words()
                ));
            } else if mirror.is_suspended() && !fenced {
                add(format!("waits with all writes to mirror {name}"));
            }
        }
        if let Some(Ok(seen)) = sight.dlm.as_ref().filter(|_| !fenced) {
            for waiting in &seen.waiting {
                add(format!("gets no locks: {waiting}"));
            }
        }
        reasons
    }

    /// Refuses where one of these members is not fit.
    pub(super) fn all_fit<'a>(
        &self,
        members: impl Iterator<Item = &'a String>,
        instead_of: &str,
        fenced: bool,
    ) -> Result<(), Ending> {
        let mut exit = Exit::Findings;
        let mut reasons = Vec::new();
        for member in members {
            if self.silent.contains_key(member) {
                exit = self.trouble;
            }
            reasons.extend(self.unfit(member, instead_of, fenced));
        }
        reasons.dedup();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Ending::refused(exit, reasons.join("; ")))
        }
    }

    /// The way in which Pacemaker is operated, as the acting member says.
    pub(super) fn operated(sight: &MemberObservation) -> Result<&Operated, Ending> {
        sight.operated().ok_or_else(|| {
            let why = sight.unknown().join("; ");
            Ending::refused(
                Exit::Findings,
                format!("the cluster's configuration is unknown: {why}"),
            )
        })
    }

    /// The place where a resource runs, as a member sees it.
    pub(super) fn runs_on<'a>(
        seen: &'a resource_manager::Seen,
        resource: &str,
    ) -> impl Iterator<Item = &'a str> {
        let places: Vec<_> = seen.places.iter().filter(|p| p.name == resource).collect();
        places
            .into_iter()
            .flat_map(|p| p.nodes.iter().map(String::as_str))
    }
}
