//! Which items are done now: a wave is what needs no other node's answer. And for whom the others wait.

use super::{Item, NodePlan, Undone};
use crate::kind::{Address, Resource, StepMeta};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The reason why a node does not do all of its stage in this wave.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Members that still have something to do before it, or that it follows in turn.
    For(Vec<String>),
    /// Members that wait for a long step of theirs.
    AfterLong(Vec<String>),
    /// Members that will not get there in this run.
    Without(Vec<String>),
    /// Members that are not healthy, each with why: a step that rolls does not touch the next one meanwhile.
    Unhealthy(Vec<String>),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(nodes) => write!(f, "waits for {}", nodes.join(", ")),
            Self::AfterLong(nodes) => write!(f, "after a long step on {}", nodes.join(", ")),
            Self::Without(nodes) => write!(
                f,
                "not done without {}, which takes no part or does not answer",
                nodes.join(", ")
            ),
            Self::Unhealthy(why) => write!(f, "waits for health: {}", why.join("; ")),
        }
    }
}

/// The state of a cluster's members, for what concerns several of them.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The members of the cluster; waiting concerns them alone.
    pub cluster: &'a BTreeSet<String>,
    /// The nodes of this run. A step that waits for any other member is not done.
    pub part: &'a BTreeSet<String>,
    /// Those that failed in this run, or do not answer.
    pub failed: &'a BTreeSet<String>,
    /// The step at which a member waits for a long one: later steps that wait for all members wait for it too.
    pub waits_at: &'a BTreeMap<String, usize>,
    /// The reason why a member is not healthy, of those that are not.
    pub unhealthy: &'a BTreeMap<String, String>,
}

/// The items of this wave, and those that are held back.
#[derive(Clone, Debug)]
pub struct Wave<'a> {
    shares: BTreeMap<&'a str, Share<'a>>,
}

/// The items of one node in this wave.
#[derive(Clone, Debug)]
struct Share<'a> {
    items: &'a [Item],
    /// The number of them, from the first.
    now: usize,
    /// The reason that holds the next one back, if there is one.
    held: Option<Held>,
}

impl Wave<'_> {
    /// The items of each node that has any.
    pub fn todo(&self) -> BTreeMap<String, Vec<Item>> {
        let all = self.shares.iter().filter(|(_, share)| share.now > 0);
        all.map(|(node, share)| ((*node).to_owned(), share.items[..share.now].to_vec()))
            .collect()
    }

    /// The reason that holds a node's next item back, if there is one.
    pub fn held(&self, node: &str) -> Option<&Held> {
        self.shares.get(node)?.held.as_ref()
    }

    /// Whether a member's health is all that holds a node back.
    pub fn waits_for_health(&self) -> bool {
        let held = |share: &Share<'_>| matches!(share.held, Some(Held::Unhealthy(_)));
        self.shares.values().any(held)
    }

    /// Items that this run cannot do because they need members that will not get there.
    pub fn without(&self) -> BTreeMap<String, Undone> {
        let all = self.shares.iter().filter_map(|(node, share)| {
            let why = match &share.held {
                Some(Held::Without(lost)) => format!(" (waits for {})", lost.join(", ")),
                Some(held @ (Held::Unhealthy(_) | Held::AfterLong(_))) => format!(" ({held})"),
                Some(Held::For(_)) | None => return None,
            };
            let undone = Undone::of(&share.items[share.now..], &why);
            Some(((*node).to_owned(), undone))
        });
        all.collect()
    }
}

/// Cuts each node's items at the end of its stage and where it has to wait for others.
///
/// Guarded items too are done on one member at a time, and stop where another member failed; a member that was left out
/// does not hold them. A `rolling` step waits until all other members are healthy.
pub fn next_wave<'a>(
    items: &'a BTreeMap<String, Vec<Item>>,
    situation: &Situation<'_>,
) -> Wave<'a> {
    let all = items.iter().map(|(node, items)| (node.as_str(), &**items));
    let all: BTreeMap<&str, &[Item]> = all.collect();
    let shares = items.iter().map(|(node, mine)| {
        let member = situation.cluster.contains(node);
        let mut share = Share {
            items: mine,
            now: 0,
            held: None,
        };
        for item in mine.iter().take_while(|i| i.change.stage == 0) {
            let meta = &item.work.meta;
            // All are through with what comes before, this one too: so they do it in one wave.
            let first = mine
                .first()
                .is_some_and(|i| i.work.meta.index == meta.index);
            if meta.wait_all && member && !first {
                break;
            }
            share.held = situation.held(meta, item.change.guarded, node, &all);
            if share.held.is_some() {
                break;
            }
            share.now += 1;
        }
        (node.as_str(), share)
    });
    Wave {
        shares: shares.collect(),
    }
}

/// Writes into a plan which members its steps wait for: steps with `wait_all`, `rolling` or `once`. A step after one
/// that is not done in this run is not done either.
pub fn say_who_is_awaited(
    plan: &mut NodePlan,
    resources: &[Resource],
    items: &BTreeMap<&str, &[Item]>,
    situation: &Situation<'_>,
) {
    let node = plan.node.clone();
    let step = |addresses: &[Address]| {
        let of = |r: &&Resource| addresses.contains(&r.address);
        resources.iter().find(of).map(|r| &*r.step)
    };
    let mut stopped = None;
    let mut held = |addresses: &[Address], guarded| {
        let held = situation.held(step(addresses)?, guarded, &node, items);
        match held.or_else(|| stopped.clone())? {
            Held::For(_) if !step(addresses)?.wait_all && !step(addresses)?.rolling => None,
            held @ (Held::Without(_) | Held::Unhealthy(_)) => {
                stopped = Some(held.clone());
                Some(held)
            }
            held => Some(held),
        }
    };
    for change in &mut plan.changes {
        change.held = held(&change.addresses, change.guarded);
    }
    for later in &mut plan.later {
        later.held = held(&later.addresses, false);
    }
}

impl Situation<'_> {
    /// The reason why a step of this node has to wait, if it has to.
    fn held(
        &self,
        step: &StepMeta,
        guarded: bool,
        node: &str,
        items: &BTreeMap<&str, &[Item]>,
    ) -> Option<Held> {
        if !self.cluster.contains(node) {
            return None;
        }
        let failed: Vec<String> = self.cluster.intersection(self.failed).cloned().collect();
        let is_lost = |n: &&String| !self.part.contains(*n) || failed.contains(*n);
        let lost: Vec<String> = self.cluster.iter().filter(is_lost).cloned().collect();
        if (step.wait_all || step.rolling || step.once) && !lost.is_empty() {
            return Some(Held::Without(lost));
        }
        if guarded && !failed.is_empty() {
            return Some(Held::Without(failed));
        }
        let unhealthy = self.others_unhealthy(node);
        if step.rolling && !unhealthy.is_empty() {
            return Some(Held::Unhealthy(unhealthy));
        }
        let before = self.before(step, guarded, node, items);
        let waits = before.iter().any(|n| self.waits_at.contains_key(n));
        let held = if waits { Held::AfterLong } else { Held::For };
        (!before.is_empty()).then(|| held(before))
    }

    /// The other members that are not healthy, each with why.
    fn others_unhealthy(&self, node: &str) -> Vec<String> {
        let all = self.unhealthy.iter();
        all.filter(|(other, _)| *other != node && self.cluster.contains(*other))
            .map(|(other, why)| format!("{other}: {why}"))
            .collect()
    }

    /// The other members that a step of this node, a member, has to wait for.
    fn before(
        &self,
        step: &StepMeta,
        guarded: bool,
        node: &str,
        items: &BTreeMap<&str, &[Item]>,
    ) -> Vec<String> {
        let at = step.index;
        let in_turn = step.rolling || guarded;
        let comes_first = |other: &str, theirs: &[Item]| {
            let behind = |i: &Item| i.work.meta.index < at;
            let rolls = |i: &Item| i.work.meta.rolling || i.change.guarded;
            let first = |i: &Item| behind(i) || i.work.meta.index <= at && rolls(i);
            let waits = self.waits_at.get(other).is_some_and(|first| *first < at);
            step.wait_all && (waits || theirs.iter().any(behind))
                || in_turn && other < node && theirs.iter().any(first)
        };
        let others = items.iter().filter(|(other, theirs)| {
            **other != node && self.cluster.contains(**other) && comes_first(other, theirs)
        });
        others.map(|(other, _)| (*other).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Later;
    use super::super::for_tests::{address, item, names, resource, wave_of};
    use super::*;

    fn counts(nodes: &[(&str, Vec<Item>)], lost: &[&str]) -> Vec<usize> {
        let items = nodes.iter().map(|(n, i)| ((*n).to_owned(), i.clone()));
        let items = items.collect();
        let part = names(&["node1", "node2", "alone"]);
        let wave = wave_of(&items, &names(&["node1", "node2"]), &part, &names(lost));
        wave.shares.values().map(|s| s.now).collect()
    }

    #[test]
    fn what_rolls_waits_until_the_others_are_healthy_and_says_for_what() {
        let rolls = |i| item(i, 0, |m| m.rolling = true);
        let items: BTreeMap<String, Vec<Item>> = [
            ("node1".to_owned(), vec![item(0, 0, |_| ()), rolls(1)]),
            ("alone".to_owned(), vec![rolls(1)]),
        ]
        .into();
        let both = names(&["node1", "node2"]);
        let all = names(&["node1", "node2", "alone"]);
        let with = |unhealthy: &[(&str, &str)]| {
            let unhealthy: BTreeMap<String, String> = unhealthy
                .iter()
                .map(|(node, why)| ((*node).to_owned(), (*why).to_owned()))
                .collect();
            let situation = Situation {
                cluster: &both,
                part: &all,
                failed: &names(&[]),
                waits_at: &BTreeMap::new(),
                unhealthy: &unhealthy,
            };
            let wave = next_wave(&items, &situation);
            let todo = wave.todo();
            let titles = wave.without().remove("node1").map(|u| u.titles);
            (todo["node1"].len(), todo["alone"].len(), titles)
        };
        assert_eq!(with(&[]), (2, 1, None));
        // A change on a node that is unhealthy itself does not wait for its own health.
        assert_eq!(with(&[("node1", "not quorate")]), (2, 1, None));
        let held = Some(vec![" (waits for health: node2: not quorate)".to_owned()]);
        assert_eq!(with(&[("node2", "not quorate")]), (1, 1, held));
    }

    /// The members that a plan of node2 waits for, step by step; the last step is decided later.
    fn awaited(part: &[&str], failed: &[&str], unhealthy: &[(&str, &str)]) -> Vec<String> {
        type Row = (&'static str, fn(&mut StepMeta));
        let rows: [Row; 6] = [
            ("r/command:plain", |_| ()),
            ("r/command:all", |m| m.wait_all = true),
            ("r/command:rolled", |m| m.rolling = true),
            ("r/command:once", |m| m.once = true),
            ("r/command:after", |_| ()),
            ("r/command:later", |m| m.wait_all = true),
        ];
        let all = rows.iter().enumerate();
        let resources = all.clone().map(|(index, (name, set))| {
            resource(name, |m| {
                m.index = index;
                set(m);
            })
        });
        let resources: Vec<Resource> = resources.collect();
        let mine = all.take(5).map(|(index, (name, set))| {
            let mut item = item(index, 0, set);
            item.change.addresses = vec![address(name)];
            item
        });
        let mine: Vec<Item> = mine.collect();
        let theirs = vec![item(0, 0, |_| ()), item(2, 0, |m| m.rolling = true)];
        let mut plan = NodePlan {
            node: "node2".to_owned(),
            changes: mine.iter().map(|i| i.change.clone()).collect(),
            later: vec![Later {
                addresses: vec![address("r/command:later")],
                after: address("r/command:plain"),
                table: String::new(),
                held: None,
                diffs: Vec::new(),
            }],
            ..NodePlan::default()
        };
        let unhealthy = unhealthy.iter();
        let unhealthy = unhealthy.map(|(node, why)| ((*node).to_owned(), (*why).to_owned()));
        let situation = Situation {
            cluster: &names(&["node1", "node2"]),
            part: &names(part),
            failed: &names(failed),
            waits_at: &BTreeMap::new(),
            unhealthy: &unhealthy.collect(),
        };
        let items: BTreeMap<&str, &[Item]> = [("node1", &*theirs), ("node2", &*mine)].into();
        say_who_is_awaited(&mut plan, &resources, &items, &situation);
        let changes = plan.changes.iter().map(|c| &c.held);
        let all = changes.chain(plan.later.iter().map(|l| &l.held));
        all.map(|held| held.as_ref().map_or_else(String::new, ToString::to_string))
            .collect()
    }

    #[test]
    fn a_plan_says_for_whom_each_step_waits() {
        let both = ["node1", "node2"];
        let waits = "waits for node1";
        assert_eq!(awaited(&both, &[], &[]), ["", waits, waits, "", "", waits]);
        // Steps after one that is not done are not done either.
        let without = "not done without node1, which takes no part or does not answer";
        let all_but_first = ["", without, without, without, without, without];
        assert_eq!(awaited(&["node2"], &[], &[]), all_but_first);
        assert_eq!(awaited(&both, &["node1"], &[]), all_but_first);
        let health = "waits for health: node1: not quorate";
        assert_eq!(
            awaited(&both, &[], &[("node1", "not quorate")]),
            ["", waits, health, health, health, waits]
        );
    }

    #[test]
    fn a_stage_ends_a_wave() {
        assert_eq!(
            counts(
                &[(
                    "node1",
                    vec![item(0, 0, |_| ()), item(1, 0, |_| ()), item(2, 1, |_| ())]
                )],
                &[]
            ),
            [2]
        );
    }

    #[test]
    fn what_waits_for_all_waits_for_a_members_long_step_too() {
        let items: BTreeMap<String, Vec<Item>> = [
            ("node1".to_owned(), Vec::new()),
            (
                "node2".to_owned(),
                vec![item(5, 0, |m| m.wait_all = true), item(6, 0, |_| ())],
            ),
        ]
        .into();
        let both = names(&["node1", "node2"]);
        let held_with = |at: usize| {
            let waits_at = [("node1".to_owned(), at)].into();
            let wave = next_wave(
                &items,
                &Situation {
                    cluster: &both,
                    part: &both,
                    failed: &names(&[]),
                    waits_at: &waits_at,
                    unhealthy: &BTreeMap::new(),
                },
            );
            (wave.held("node2").cloned(), wave.todo().len())
        };
        let by_node1 = Some(Held::AfterLong(vec!["node1".to_owned()]));
        assert_eq!(held_with(4), (by_node1, 0));
        assert_eq!(held_with(5), (None, 1));
    }

    #[test]
    fn waiting_for_all_needs_the_others_to_be_through() {
        let wait = |i| item(i, 0, |m| m.wait_all = true);
        let plain = |i| item(i, 0, |_| ());
        assert_eq!(
            counts(
                &[
                    ("node1", vec![plain(0), wait(1)]),
                    ("node2", vec![plain(0), wait(1)])
                ],
                &[]
            ),
            [1, 1]
        );
        assert_eq!(
            counts(&[("node1", vec![wait(1)]), ("node2", vec![wait(1)])], &[]),
            [1, 1]
        );
        assert_eq!(
            counts(&[("node1", vec![wait(1)]), ("node2", vec![plain(2)])], &[]),
            [1, 1]
        );
        // One is there already: it does not go ahead, and neither does the one that comes after.
        let apart = [
            ("node1", vec![wait(1), wait(2)]),
            ("node2", vec![plain(0), wait(1), wait(2)]),
        ];
        assert_eq!(counts(&apart, &[]), [0, 1]);
        let together = [
            ("node1", vec![wait(1), wait(2)]),
            ("node2", vec![wait(1), wait(2)]),
        ];
        assert_eq!(counts(&together, &[]), [1, 1]);
        assert_eq!(
            counts(&[("node1", vec![plain(0), wait(1)])], &["node2"]),
            [1]
        );
    }

    #[test]
    fn rolling_goes_through_one_node_at_a_time() {
        let roll = |i| item(i, 0, |m| m.rolling = true);
        let plain = |i| item(i, 0, |_| ());
        assert_eq!(
            counts(
                &[
                    ("node1", vec![plain(0), roll(1)]),
                    ("node2", vec![plain(0), roll(1)])
                ],
                &[]
            ),
            [2, 1]
        );
        assert_eq!(
            counts(&[("node1", vec![]), ("node2", vec![roll(1)])], &[]),
            [0, 1]
        );
        assert_eq!(counts(&[("node2", vec![roll(1)])], &["node1"]), [0]);
    }

    #[test]
    fn the_guard_is_on_at_one_member_at_a_time() {
        let guarded = |i| {
            let mut item = item(i, 0, |_| ());
            item.change.guarded = true;
            item
        };
        let both = [("node1", vec![guarded(1)]), ("node2", vec![guarded(1)])];
        assert_eq!(counts(&both, &[]), [1, 0]);
        assert_eq!(counts(&[("node2", vec![guarded(1)])], &["node1"]), [0]);
        let alone = [("node2".to_owned(), vec![guarded(1)])].into();
        let (cluster, part) = (names(&["node1", "node2"]), names(&["node2"]));
        let wave = wave_of(&alone, &cluster, &part, &names(&[]));
        assert_eq!(wave.todo()["node2"].len(), 1, "node1 was left out");
    }

    #[test]
    fn nodes_outside_the_cluster_wait_for_nobody() {
        let wait = |i| item(i, 0, |m| m.wait_all = true);
        assert_eq!(
            counts(
                &[
                    ("alone", vec![wait(1)]),
                    ("node1", vec![item(0, 0, |_| ())])
                ],
                &["node2"]
            ),
            [1, 1]
        );
    }

    #[test]
    fn what_needs_a_member_that_is_lost_is_undone_and_what_waits_its_turn_is_not() {
        let wait = |i| item(i, 0, |m| m.wait_all = true);
        let cluster = names(&["node1", "node2"]);
        let mut titled = wait(1);
        titled.change.title = "form".to_owned();
        let items = [(
            "node1".to_owned(),
            vec![titled, item(2, 0, |_| ()), item(3, 1, |_| ())],
        )]
        .into();
        for (part, failed) in [
            // Left out of a partial selection, and lost in this run.
            (names(&["node1"]), names(&[])),
            (names(&["node1", "node2"]), names(&["node2"])),
        ] {
            let wave = wave_of(&items, &cluster, &part, &failed);
            assert!(wave.todo().is_empty());
            let undone = &wave.without()["node1"];
            assert_eq!(undone.titles[0], "form (waits for node2)");
            // All that comes after it too.
            assert_eq!(undone.titles.len(), 3);
        }
        let both = [
            ("node1".to_owned(), vec![wait(1)]),
            ("node2".to_owned(), vec![item(0, 0, |_| ()), wait(1)]),
        ]
        .into();
        let wave = wave_of(&both, &cluster, &cluster, &names(&[]));
        let turn = Held::For(vec!["node2".to_owned()]);
        assert_eq!(wave.held("node1"), Some(&turn));
        assert!(wave.without().is_empty());
        assert_eq!(wave.todo().keys().collect::<Vec<_>>(), ["node2"]);
    }

    #[test]
    fn a_lost_node_outside_the_cluster_holds_nobody() {
        let wait = |i| item(i, 0, |m| m.wait_all = true);
        let both = [("node1", vec![wait(1)]), ("node2", vec![wait(1)])];
        assert_eq!(counts(&both, &["alone"]), [1, 1]);
    }
}
