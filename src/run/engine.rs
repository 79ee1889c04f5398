//! Observes, plans and carries out, over all nodes at once.

use super::batch::{Origin, batch};
use super::{Event, Events, Recap};
use crate::exit::Exit;
use crate::facts::{self, Facts};
use crate::node;
use crate::node::{
    Batch, ConnectOptions, Failure, NodeError, NodeState, Outcome, Prepared, Privilege, Session,
    SpoolEvent, scrub,
};
use crate::plan::orphan;
use crate::plan::{Decided, Held, Manifest, Plan, Share, Step, Wanted, wave};
use crate::resource::{Answer, Observe, Resource, Target};
use crate::role::Check;
use crate::sh::Call;
use crate::text::Vault;
use crate::verify;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// One node that takes part.
#[derive(Debug)]
pub struct Member {
    /// The node, as kinds may know it.
    pub target: Target,
    /// What it is to be, in step order.
    pub resources: Vec<Resource>,
    /// What is only looked at, for checks.
    pub watched: Vec<Resource>,
    /// How it is reached.
    pub connect: ConnectOptions,
    /// How the login becomes root.
    pub privilege: Privilege,
    /// Whether its /etc is kept by etckeeper.
    pub etckeeper: bool,
    /// Whether only some of its resources take part: then nothing is an orphan.
    pub partial: bool,
}

impl Member {
    /// What the node is to be, for deciding.
    pub fn wanted<'a>(&'a self, vault: &'a Vault) -> Wanted<'a> {
        Wanted {
            target: &self.target,
            resources: &self.resources,
            watched: &self.watched,
            vault,
        }
    }
}

/// Everything a run needs to know before it begins.
pub struct Setup {
    /// The nodes, in the site's order.
    pub members: Vec<Member>,
    /// The nodes of the cluster, of which some may not take part.
    pub cluster: BTreeSet<String>,
    /// The values of secrets.
    pub vault: Vault,
    /// What batches say of this run.
    pub origin: Origin,
    /// Tells whether a commit of the site is part of this checkout.
    pub ancestry: Option<Ancestry>,
    /// How many nodes are worked on at once.
    pub forks: usize,
}

impl Setup {
    fn member(&self, node: &str) -> &Member {
        self.members
            .iter()
            .find(|m| m.target.node == node)
            .expect("a node of this run")
    }
}

/// Tells whether a commit is part of a checkout; `None` where that cannot be told.
pub type Ancestry = Box<dyn Fn(&str) -> Option<bool> + Send>;

/// What the operator wants of a run under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Go on.
    #[default]
    GoOn,
    /// Stop after the step under way.
    Stop,
    /// Leave the batches to themselves.
    Detach,
}

/// Why a node takes no further part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened, with advice.
    pub why: String,
    /// What the whole command ends with because of it.
    pub exit: Exit,
}

/// How one node stands.
pub struct Look {
    /// What it said.
    pub answer: Answer,
    /// What is to be done.
    pub decided: Decided,
    /// What it is made of (the basics).
    pub facts: Facts,
}

/// Works on all nodes of one command. Its futures are not `Send`: run them in a `LocalSet`.
pub struct Engine {
    setup: Rc<Setup>,
    events: Events,
    wish: watch::Receiver<Wish>,
    sessions: BTreeMap<String, Rc<Session>>,
    troubles: BTreeMap<String, Trouble>,
    looks: BTreeMap<String, Look>,
    stages: BTreeMap<String, u32>,
    changed: BTreeMap<String, BTreeSet<String>>,
    not_run: BTreeMap<String, Vec<String>>,
}

impl Engine {
    /// Begins a command.
    pub fn new(setup: Setup, events: Events, wish: watch::Receiver<Wish>) -> Self {
        let nodes = setup
            .members
            .iter()
            .map(|m| m.target.node.clone())
            .collect();
        let _ = events.send(Event::Nodes { nodes });
        Self {
            setup: Rc::new(setup),
            events,
            wish,
            sessions: BTreeMap::new(),
            troubles: BTreeMap::new(),
            looks: BTreeMap::new(),
            stages: BTreeMap::new(),
            changed: BTreeMap::new(),
            not_run: BTreeMap::new(),
        }
    }

    fn say(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// The nodes that failed or cannot be reached, with why.
    pub fn troubles(&self) -> &BTreeMap<String, Trouble> {
        &self.troubles
    }

    /// How each node stands, as it was last seen.
    pub fn looks(&self) -> &BTreeMap<String, Look> {
        &self.looks
    }

    /// The open connections, by node.
    pub fn sessions(&self) -> &BTreeMap<String, Rc<Session>> {
        &self.sessions
    }

    fn live(&self) -> Vec<String> {
        let names = self.setup.members.iter().map(|m| m.target.node.clone());
        names.filter(|n| !self.troubles.contains_key(n)).collect()
    }

    fn fail(&mut self, node: &str, trouble: Trouble) {
        self.say(Event::Failed {
            node: node.to_owned(),
            why: trouble.why.clone(),
        });
        self.troubles.insert(node.to_owned(), trouble);
    }

    /// Connects where there is no connection yet, for commands that need nothing else.
    pub async fn connect(&mut self) {
        let (setup, events) = (Rc::clone(&self.setup), self.events.clone());
        let sessions = self.sessions.clone();
        let all = each(self.setup.forks, self.live(), move |node| {
            connect(
                Rc::clone(&setup),
                node.clone(),
                sessions.get(&node).cloned(),
                events.clone(),
            )
        })
        .await;
        let open = self.keep_or_fail(all);
        self.sessions.extend(open);
    }

    /// Asks every node how it stands: one trip each.
    pub async fn observe(&mut self) {
        self.connect().await;
        let (setup, events) = (Rc::clone(&self.setup), self.events.clone());
        let sessions = self.sessions.clone();
        let all = each(self.setup.forks, self.live(), move |node| {
            look(
                Rc::clone(&setup),
                Rc::clone(&sessions[&node]),
                node,
                events.clone(),
            )
        })
        .await;
        for (node, result) in all {
            match result {
                Ok(look) => {
                    for error in &look.decided.errors {
                        self.say(Event::Note {
                            node: Some(node.clone()),
                            text: error.clone(),
                        });
                    }
                    let broken = look.decided.errors.first().cloned();
                    self.looks.insert(node.clone(), look);
                    if let Some(why) = broken {
                        self.fail(
                            &node,
                            Trouble {
                                why,
                                exit: Exit::Failed,
                            },
                        );
                    }
                }
                Err(trouble) => self.fail(&node, trouble),
            }
        }
        self.settle_once();
    }

    /// Sends an event of the command's own.
    pub fn tell(&self, event: Event) {
        self.say(event);
    }

    /// The values of secrets.
    pub fn vault(&self) -> &Vault {
        &self.setup.vault
    }

    /// Asks every node something of the command's own.
    pub async fn ask_all(&mut self, make: impl Fn(&Member) -> Observe) -> BTreeMap<String, Answer> {
        self.connect().await;
        let questions: BTreeMap<String, Rc<Observe>> = self
            .setup
            .members
            .iter()
            .map(|m| (m.target.node.clone(), Rc::new(make(m))))
            .collect();
        let sessions = self.sessions.clone();
        let all = each(self.setup.forks, self.live(), move |node| {
            let (session, observe) = (Rc::clone(&sessions[&node]), Rc::clone(&questions[&node]));
            async move { session.ask(&observe).await.map_err(|e| from_error(&e)) }
        })
        .await;
        self.keep_or_fail(all)
    }

    /// Runs a script on these nodes at once: node, what it said, and the status on its last line.
    pub async fn script_all(
        &mut self,
        nodes: Vec<String>,
        script: &str,
    ) -> Vec<(String, String, i32)> {
        let live = self.live();
        let nodes = nodes.into_iter().filter(|n| live.contains(n)).collect();
        let (sessions, script) = (self.sessions.clone(), Rc::new(script.to_owned()));
        let all = each(self.setup.forks, nodes, move |node| {
            let (session, script) = (Rc::clone(&sessions[&node]), Rc::clone(&script));
            async move {
                session
                    .ask_script(&script)
                    .await
                    .map_err(|e| from_error(&e))
            }
        })
        .await;
        let replies = self.keep_or_fail(all);
        let split = |(node, reply): (String, crate::node::Reply)| {
            let text = String::from_utf8_lossy(&reply.stdout).into_owned();
            let (output, status) = text.rsplit_once('\n').unwrap_or(("", ""));
            let status = status.parse().unwrap_or(255);
            (node, output.to_owned(), status)
        };
        replies.into_iter().map(split).collect()
    }

    fn keep_or_fail<T>(
        &mut self,
        all: BTreeMap<String, Result<T, Trouble>>,
    ) -> BTreeMap<String, T> {
        let mut kept = BTreeMap::new();
        for (node, result) in all {
            match result {
                Ok(value) => {
                    kept.insert(node, value);
                }
                Err(trouble) => self.fail(&node, trouble),
            }
        }
        kept
    }

    /// The checks of every node that was seen.
    pub fn verify<'c>(
        &self,
        checks: impl Fn(&str) -> &'c [Check],
    ) -> Vec<(String, Vec<verify::Outcome>)> {
        let seen = self
            .setup
            .members
            .iter()
            .filter_map(|m| Some((m, self.looks.get(&m.target.node)?)));
        seen.map(|(member, look)| {
            let wanted = member.wanted(&self.setup.vault);
            let outcomes = verify::judge(
                checks(&member.target.node),
                &wanted,
                &look.decided,
                &look.answer,
            );
            (member.target.node.clone(), outcomes)
        })
        .collect()
    }

    /// What is done once in a cluster is done by one member, and by none where any member has it already.
    fn settle_once(&mut self) {
        let cluster = &self.setup.cluster;
        let mut doers: BTreeMap<String, Option<String>> = BTreeMap::new();
        for node in self.looks.keys().filter(|n| cluster.contains(*n)) {
            let member = self.setup.members.iter().find(|m| m.target.node == *node);
            for resource in member
                .into_iter()
                .flat_map(|m| &m.resources)
                .filter(|r| r.step.once)
            {
                let address = resource.address.to_string();
                let done = self.looks[node].decided.same.contains(&address);
                let doer = doers.entry(address).or_insert_with(|| {
                    Some(resource.step.source.clone().unwrap_or_else(|| node.clone()))
                });
                if done {
                    *doer = None;
                }
            }
        }
        for (node, look) in &mut self.looks {
            let not_mine = |addresses: &[crate::resource::Address]| {
                addresses.iter().all(|a| {
                    doers
                        .get(&a.to_string())
                        .is_some_and(|d| d.as_ref() != Some(node))
                })
            };
            let decided = &mut look.decided;
            let keep: Vec<bool> = decided
                .steps
                .iter()
                .map(|s| !not_mine(&s.addresses))
                .collect();
            let mut kept = keep.iter();
            decided.steps.retain(|_| *kept.next().unwrap_or(&true));
            let mut kept = keep.iter();
            decided
                .plan
                .changes
                .retain(|_| *kept.next().unwrap_or(&true));
        }
    }

    /// The plan, from what was last seen.
    pub fn plan(&self) -> Plan {
        let names = self.setup.members.iter().map(|m| &m.target.node);
        Plan {
            nodes: names
                .filter_map(|n| Some(self.looks.get(n)?.decided.plan.clone()))
                .collect(),
        }
    }

    /// Carries out what was approved, wave by wave, and observes again what it changed.
    ///
    /// `approved` is the plan that was shown. What a later stage brings up and is not in it is not done.
    pub async fn carry_out(&mut self, approved: &Plan) -> Vec<Recap> {
        let allowed = allowed(approved);
        loop {
            let steps = self.steps(&allowed);
            let lost: BTreeSet<String> = self.troubles.keys().cloned().collect();
            let shares = wave(&steps, &self.setup.cluster, &lost);
            let todo: BTreeMap<String, Vec<Step>> = steps
                .iter()
                .map(|(n, s)| (n.clone(), s[..shares[n].steps].to_vec()))
                .filter(|(_, s)| !s.is_empty())
                .collect();
            self.note_rest(&steps, &shares);
            if todo.is_empty() || *self.wish.borrow() != Wish::GoOn {
                break;
            }
            let done = self.wave(&todo).await;
            self.observe().await;
            self.confirm(&todo, &done);
        }
        self.recap()
    }

    /// The steps that may be done, by node; what nobody approved fails its node.
    fn steps(
        &mut self,
        allowed: &BTreeMap<String, BTreeSet<String>>,
    ) -> BTreeMap<String, Vec<Step>> {
        let mut all = BTreeMap::new();
        for node in self.live() {
            let Some(look) = self.looks.get(&node) else {
                continue;
            };
            if let Some(refusal) = look.decided.plan.refusals.first() {
                let why = format!(
                    "{}: refused: {}. {}",
                    refusal.address, refusal.what, refusal.remedy
                );
                self.fail(
                    &node,
                    Trouble {
                        why,
                        exit: Exit::Refused,
                    },
                );
                continue;
            }
            let strange = look
                .decided
                .steps
                .iter()
                .flat_map(|s| &s.addresses)
                .map(ToString::to_string);
            let strange = strange
                .into_iter()
                .find(|a| !allowed.get(&node).is_some_and(|ok| ok.contains(a)));
            if let Some(address) = strange {
                let why = format!(
                    "{address} has to change now, and was not in the plan; nothing more is done here. Run again."
                );
                self.fail(
                    &node,
                    Trouble {
                        why,
                        exit: Exit::Failed,
                    },
                );
                continue;
            }
            all.insert(node, look.decided.steps.clone());
        }
        all
    }

    /// Remembers what is held back, for the recap.
    fn note_rest(&mut self, steps: &BTreeMap<String, Vec<Step>>, shares: &BTreeMap<String, Share>) {
        self.not_run.clear();
        for (node, share) in shares {
            let rest = &steps[node][share.steps..];
            if let (Some(Held::Without(lost)), false) = (&share.held, rest.is_empty()) {
                let rest = rest
                    .iter()
                    .map(|s| format!("{} (waits for {})", s.title, lost.join(", ")));
                self.not_run.insert(node.clone(), rest.collect());
            }
        }
    }

    /// Prepares one wave on all its nodes, releases it and follows it. Gives the nodes whose batch ran to its end.
    async fn wave(&mut self, todo: &BTreeMap<String, Vec<Step>>) -> BTreeSet<String> {
        let ready = self.prepare(todo).await;
        let mut running: JoinSet<(
            String,
            Result<Option<Outcome>, NodeError>,
            Vec<String>,
            String,
        )> = JoinSet::new();
        for (node, mut ready) in ready {
            let session = Rc::clone(&self.sessions[&node]);
            let wish = self.wish.clone();
            running.spawn_local(async move {
                let result = match session.release(&ready.prepared).await {
                    // Lost in this very moment: following tells whether it began.
                    Err(error) if !error.is_unreachable() => Err(error),
                    _ => follow(&session, &mut ready.prepared, &ready.said, wish).await,
                };
                drop(ready.said);
                let said = ready.watcher.await.unwrap_or_default();
                (node, result, ready.titles, said)
            });
        }
        let mut done = BTreeSet::new();
        while let Some(joined) = running.join_next().await {
            let Ok((node, result, titles, said)) = joined else {
                continue;
            };
            match result {
                Ok(Some(Outcome::Finished)) => {
                    done.insert(node);
                }
                Ok(Some(outcome)) => self.fail(&node, outcome_says(&outcome, &titles, &said)),
                Ok(None) => {
                    let run = &self.setup.origin.run;
                    let why = format!(
                        "goes on without us; `nodewright attach {node} {run}` follows it again"
                    );
                    self.fail(
                        &node,
                        Trouble {
                            why,
                            exit: Exit::Failed,
                        },
                    );
                }
                Err(error) => self.fail(&node, from_error(&error)),
            }
        }
        done
    }

    /// Uploads and checks; a cluster's nodes in name order, all or none.
    async fn prepare(&mut self, todo: &BTreeMap<String, Vec<Step>>) -> BTreeMap<String, Ready> {
        let mut batches = BTreeMap::new();
        for (node, steps) in todo {
            let stage = self.stages.entry(node.clone()).or_insert(0);
            let member = self.setup.member(node);
            let batch = batch(&self.setup.origin, *stage, steps, member, &self.setup.vault);
            *stage += 1;
            self.say(Event::Batch {
                node: node.clone(),
                run: batch.run.to_string(),
                steps: batch.steps.len(),
            });
            batches.insert(node.clone(), batch);
        }
        let (cluster, others): (Vec<String>, Vec<String>) = todo
            .keys()
            .cloned()
            .partition(|n| self.setup.cluster.contains(n));
        let batches = Rc::new(batches);
        let mut ready = BTreeMap::new();
        for node in cluster {
            match get_ready(
                Rc::clone(&self.setup),
                Rc::clone(&self.sessions[&node]),
                &batches[&node],
                self.events.clone(),
            )
            .await
            {
                Ok(one) => {
                    ready.insert(node, one);
                }
                Err(trouble) => {
                    self.fail(&node, trouble);
                    for (other, one) in std::mem::take(&mut ready) {
                        let _ = self.sessions[&other].abandon(&one.prepared).await;
                        let why =
                            format!("{node} could not be prepared, so nothing is done here either");
                        self.fail(
                            &other,
                            Trouble {
                                why,
                                exit: Exit::Failed,
                            },
                        );
                    }
                    break;
                }
            }
        }
        let (setup, sessions, events) = (
            Rc::clone(&self.setup),
            self.sessions.clone(),
            self.events.clone(),
        );
        let all = each(self.setup.forks, others, move |node| {
            let (setup, session, batches) = (
                Rc::clone(&setup),
                Rc::clone(&sessions[&node]),
                Rc::clone(&batches),
            );
            let events = events.clone();
            async move { get_ready(setup, session, &batches[&node], events).await }
        })
        .await;
        let all = self.keep_or_fail(all);
        ready.extend(all);
        ready
    }

    /// What was done must be seen to be done.
    fn confirm(&mut self, todo: &BTreeMap<String, Vec<Step>>, done: &BTreeSet<String>) {
        for (node, steps) in todo.iter().filter(|(n, _)| done.contains(*n)) {
            let Some(look) = self
                .looks
                .get(node)
                .filter(|_| !self.troubles.contains_key(node))
            else {
                continue;
            };
            let still: BTreeSet<String> = look
                .decided
                .steps
                .iter()
                .flat_map(|s| &s.addresses)
                .map(ToString::to_string)
                .collect();
            let changed = self.changed.entry(node.clone()).or_default();
            let mut unreached = None;
            for address in steps
                .iter()
                .flat_map(|s| &s.addresses)
                .map(ToString::to_string)
            {
                if still.contains(&address) {
                    unreached.get_or_insert(address);
                } else {
                    changed.insert(address);
                }
            }
            if let Some(address) = unreached {
                let change = look
                    .decided
                    .plan
                    .changes
                    .iter()
                    .find(|c| c.addresses.iter().any(|a| a.to_string() == address));
                let deltas = change.map_or(String::new(), |c| {
                    c.deltas
                        .iter()
                        .map(|d| format!(" ({}: {}, wanted {})", d.what, d.from, d.to))
                        .collect()
                });
                let why = format!("{address} was done and did not reach its state{deltas}");
                self.fail(
                    node,
                    Trouble {
                        why,
                        exit: Exit::Failed,
                    },
                );
            }
        }
    }

    fn recap(&self) -> Vec<Recap> {
        let recap: Vec<Recap> = self
            .setup
            .members
            .iter()
            .map(|m| {
                let node = m.target.node.clone();
                let look = self.looks.get(&node);
                let mut not_run = self.not_run.get(&node).cloned().unwrap_or_default();
                if self.troubles.contains_key(&node) {
                    not_run.extend(
                        look.iter()
                            .flat_map(|l| &l.decided.steps)
                            .map(|s| s.title.clone()),
                    );
                }
                Recap {
                    same: look.map_or(0, |l| l.decided.plan.same),
                    changed: self.changed.get(&node).map_or(0, BTreeSet::len),
                    failed: self.troubles.get(&node).map(|t| t.why.clone()),
                    not_run,
                    findings: look.map_or(0, |l| l.decided.plan.findings.len()),
                    node,
                }
            })
            .collect();
        self.say(Event::Recap {
            nodes: recap.clone(),
        });
        recap
    }
}

/// Sends what a batch says on, with its steps' titles and without secrets, until its sender is dropped. What a step or
/// validator that failed said last comes back.
async fn watch(
    node: String,
    vault: Vault,
    events: Events,
    steps: usize,
    mut said: mpsc::UnboundedReceiver<SpoolEvent>,
) -> String {
    let (mut titles, mut output) = (BTreeMap::new(), String::new());
    let mut last = String::new();
    while let Some(event) = said.recv().await {
        let node = node.clone();
        let event = match event {
            SpoolEvent::Begin(step, title) => {
                titles.insert(step, title.clone());
                Event::StepBegin {
                    node,
                    step,
                    of: steps,
                    title,
                }
            }
            SpoolEvent::Output(_, text) => {
                output.push_str(&scrub(&text, &vault));
                output.push('\n');
                continue;
            }
            SpoolEvent::End(step, status) => {
                let output = std::mem::take(&mut output).trim_end().to_owned();
                last.clone_from(&output);
                let title = titles.get(&step).cloned().unwrap_or_default();
                Event::StepEnd {
                    node,
                    step,
                    title,
                    status,
                    output,
                }
            }
            SpoolEvent::Note(text) => Event::Note {
                node: Some(node),
                text: scrub(&text, &vault),
            },
            SpoolEvent::Lost(why) => Event::Lost { node, why },
            SpoolEvent::Following => Event::Following { node },
            _ => continue,
        };
        let _ = events.send(event);
    }
    if output.is_empty() {
        last
    } else {
        output.trim_end().to_owned()
    }
}

/// Follows a batch to its end, listening to the operator. `None` when it was let go.
async fn follow(
    session: &Session,
    prepared: &mut Prepared,
    said: &mpsc::UnboundedSender<SpoolEvent>,
    mut wish: watch::Receiver<Wish>,
) -> Result<Option<Outcome>, NodeError> {
    let run = prepared.run().clone();
    let following = session.follow(prepared, said);
    tokio::pin!(following);
    loop {
        tokio::select! {
            result = &mut following => return result.map(Some),
            changed = wish.changed() => {
                if changed.is_err() {
                    return following.await.map(Some);
                }
                let now = *wish.borrow_and_update();
                match now {
                    Wish::GoOn => {}
                    Wish::Stop => {
                        let _ = session.stop(&run).await;
                    }
                    Wish::Detach => return Ok(None),
                }
            }
        }
    }
}

/// What became of a batch that did not end well.
fn outcome_says(outcome: &Outcome, titles: &[String], said: &str) -> Trouble {
    let with = |text: &str| {
        if said.is_empty() {
            text.to_owned()
        } else {
            format!("{text}:\n{said}")
        }
    };
    let why = match outcome {
        Outcome::Finished => String::new(),
        // What the step said has been shown as it failed.
        Outcome::Failed { step, status } => match titles.get(*step) {
            Some(title) => format!("{title}: failed with status {status}"),
            None => format!("a step failed with status {status}"),
        },
        Outcome::Refused { .. } => with("a validator refused, and nothing was changed"),
        Outcome::Stopped { .. } => "stopped between two steps, as you asked".to_owned(),
        Outcome::Locked(holder) => format!("held by {holder}"),
        Outcome::Abandoned => "sent home before it began; nothing was changed".to_owned(),
        Outcome::GaveUp => {
            "waited too long for the word to begin; nothing was changed. Run again".to_owned()
        }
        Outcome::Broken(why) => format!("the batch could not go on: {why}"),
        Outcome::Died => {
            "the batch is gone without a last word (killed, or the node went down). Run again"
                .to_owned()
        }
    };
    let exit = if matches!(outcome, Outcome::Locked(_)) {
        Exit::Locked
    } else {
        Exit::Failed
    };
    Trouble { why, exit }
}

/// A failure over SSH as trouble of its node.
fn from_error(error: &NodeError) -> Trouble {
    let exit = if matches!(error.failure, Failure::Locked(_)) {
        Exit::Locked
    } else if error.is_unreachable() {
        Exit::Unreachable
    } else {
        Exit::Failed
    };
    let advice = error.advice();
    let why = if advice.is_empty() {
        error.failure.to_string()
    } else {
        format!("{}. {advice}", error.failure)
    };
    Trouble { why, exit }
}

/// The addresses of a plan, by node: what changes and what is decided later.
fn allowed(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let of = |node: &crate::plan::NodePlan| {
        let changes = node.changes.iter().flat_map(|c| &c.addresses);
        let later = node.later.iter().map(|l| &l.address);
        changes.chain(later).map(ToString::to_string).collect()
    };
    plan.nodes.iter().map(|n| (n.node.clone(), of(n))).collect()
}

/// A batch that is ready on its node, with what listens to it.
struct Ready {
    prepared: Prepared,
    titles: Vec<String>,
    said: mpsc::UnboundedSender<SpoolEvent>,
    watcher: JoinHandle<String>,
}

async fn get_ready(
    setup: Rc<Setup>,
    session: Rc<Session>,
    batch: &Batch,
    events: Events,
) -> Result<Ready, Trouble> {
    let (said, heard) = mpsc::unbounded_channel();
    let node = session.node().to_owned();
    let watcher = tokio::task::spawn_local(watch(
        node,
        setup.vault.clone(),
        events,
        batch.steps.len(),
        heard,
    ));
    match session.prepare(batch, &said).await {
        Ok(prepared) => {
            let titles = batch.steps.iter().map(|s| s.title.clone()).collect();
            Ok(Ready {
                prepared,
                titles,
                said,
                watcher,
            })
        }
        Err(error) => {
            drop(said);
            let output = watcher.await.unwrap_or_default();
            let mut trouble = from_error(&error);
            if !output.is_empty() {
                trouble.why = format!("{}:\n{output}", trouble.why);
            }
            Err(trouble)
        }
    }
}

async fn connect(
    setup: Rc<Setup>,
    node: String,
    open: Option<Rc<Session>>,
    events: Events,
) -> Result<Rc<Session>, Trouble> {
    if let Some(session) = open {
        return Ok(session);
    }
    let member = setup.member(&node);
    let _ = events.send(Event::Connecting { node: node.clone() });
    let session = Session::connect(&member.connect, member.privilege.clone())
        .await
        .map_err(|e| from_error(&e))?;
    let _ = events.send(Event::Connected {
        node,
        way: session.way().to_owned(),
        warm: session.is_warm(),
    });
    Ok(Rc::new(session))
}

async fn look(
    setup: Rc<Setup>,
    session: Rc<Session>,
    node: String,
    events: Events,
) -> Result<Look, Trouble> {
    let member = setup.member(&node);
    let wanted = member.wanted(&setup.vault);
    let mut observe = Observe::default();
    facts::observe_basics(&mut observe);
    node::observe_state(&mut observe);
    node::observe_journal(&mut observe, 200);
    wanted.observe(&mut observe);
    let answer = session.ask(&observe).await.map_err(|e| from_error(&e))?;
    let _ = events.send(Event::Observed {
        node: node.clone(),
        resources: member.resources.len(),
    });
    let facts = Facts::parse(&answer);
    if facts.platform != Some(member.target.platform) {
        let why = format!(
            "the site declares {} for {node}, and it runs {}: nothing is done. Declare what it runs, or install what is declared.",
            member.target.platform, facts.release
        );
        return Err(Trouble {
            why,
            exit: Exit::Findings,
        });
    }
    let state = NodeState::read(&answer);
    tell_of_last(&state, &node, &events);
    let manifest = Manifest::parse(&state.manifest);
    let mut decided = wanted.decide(&answer, &manifest);
    if member.partial {
        decided.plan.orphans.clear();
    }
    let questions = orphan::questions(&decided);
    let sums = if questions.is_empty() {
        BTreeMap::new()
    } else {
        sums(&session, questions).await?
    };
    orphan::settle(&mut decided, &manifest, &sums);
    Ok(Look {
        answer,
        decided,
        facts,
    })
}

/// What an earlier run left: one that died in the middle, or one that is at work right now.
fn tell_of_last(state: &NodeState, node: &str, events: &Events) {
    let note = |text: String| {
        let _ = events.send(Event::Note {
            node: Some(node.to_owned()),
            text,
        });
    };
    if let Some(holder) = &state.holder {
        note(format!("held right now by {holder}"));
    }
    if let Some(last) = state
        .last
        .as_ref()
        .filter(|l| l.outcome == Some(Outcome::Died))
    {
        let done = last.finished().len();
        let middle = last.interrupted().map_or(String::new(), |(_, title)| {
            format!(", and ended in the middle of: {title}")
        });
        note(format!(
            "run {} broke there: {done} steps were done{middle}",
            last.run
        ));
    }
}

/// The digests of some files, asked in a trip of its own: only where something is no longer wanted.
async fn sums(session: &Session, paths: Vec<String>) -> Result<BTreeMap<String, String>, Trouble> {
    let mut observe = Observe::default();
    observe.section("orphans", Call::new("sha256sum").arg("--").args(paths));
    let answer = session.ask(&observe).await.map_err(|e| from_error(&e))?;
    let text = answer.text("orphans");
    let lines = text.lines().filter_map(|l| l.split_once("  "));
    Ok(lines
        .map(|(sum, path)| (path.to_owned(), sum.to_owned()))
        .collect())
}

/// Does the same on several nodes, at most `forks` at once.
pub(super) async fn each<T: 'static, F, Work>(
    forks: usize,
    nodes: Vec<String>,
    work: F,
) -> BTreeMap<String, T>
where
    F: Fn(String) -> Work,
    Work: Future<Output = T> + 'static,
{
    let gate = Rc::new(Semaphore::new(forks.max(1)));
    let mut tasks = JoinSet::new();
    for node in nodes {
        let (gate, work) = (Rc::clone(&gate), work(node.clone()));
        tasks.spawn_local(async move {
            let _place = gate.acquire().await;
            (node, work.await)
        });
    }
    let mut results = BTreeMap::new();
    while let Some(joined) = tasks.join_next().await {
        if let Ok((node, result)) = joined {
            results.insert(node, result);
        }
    }
    results
}

/// Today in UTC, as `2026-11-20`.
pub fn today() -> String {
    let run = crate::node::RunId::now()
        .map(|r| r.to_string())
        .unwrap_or_default();
    match (run.get(..4), run.get(4..6), run.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => String::new(),
    }
}
