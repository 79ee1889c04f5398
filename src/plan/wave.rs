//! Which items are done now: a wave is what needs no other node's answer.

use super::{Item, Undone};
use std::collections::{BTreeMap, BTreeSet};

/// Why a node does not do all of its stage in this wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Members that still have something to do before it, or that it follows in turn.
    For(Vec<String>),
    /// Members that will not get there in this run.
    Without(Vec<String>),
}

/// What is done now, and what is held back.
#[derive(Clone, Debug)]
pub struct Wave<'a> {
    shares: BTreeMap<&'a str, Share<'a>>,
}

/// What one node does in this wave.
#[derive(Clone, Debug)]
struct Share<'a> {
    items: &'a [Item],
    /// How many of them, from the first.
    now: usize,
    /// What holds the next one, if anything does.
    held: Option<Held>,
}

impl Wave<'_> {
    /// What each node does now, where it does anything.
    pub fn todo(&self) -> BTreeMap<String, Vec<Item>> {
        let all = self.shares.iter().filter(|(_, share)| share.now > 0);
        all.map(|(node, share)| ((*node).to_owned(), share.items[..share.now].to_vec()))
            .collect()
    }

    /// What holds a node's next item, if anything does.
    pub fn held(&self, node: &str) -> Option<&Held> {
        self.shares.get(node)?.held.as_ref()
    }

    /// What is not done in this run because it needs members that will not get there.
    pub fn without(&self) -> BTreeMap<String, Undone> {
        let all = self.shares.iter().filter_map(|(node, share)| {
            let Some(Held::Without(lost)) = &share.held else {
                return None;
            };
            let why = format!(" (waits for {})", lost.join(", "));
            let undone = Undone::of(&share.items[share.now..], &why);
            Some(((*node).to_owned(), undone))
        });
        all.collect()
    }
}

/// Cuts each node's items at the end of its stage and where it has to wait for others.
///
/// `cluster` are the members of the cluster; waiting concerns them alone. What waits for a member that is not `part` of
/// this run, or `failed` in it, is not done. What runs under the guard goes through one member at a time too, and stops
/// where another one failed; a member that was left out does not hold it.
pub fn next_wave<'a>(
    items: &'a BTreeMap<String, Vec<Item>>,
    cluster: &BTreeSet<String>,
    part: &BTreeSet<String>,
    failed: &BTreeSet<String>,
) -> Wave<'a> {
    let failed: Vec<String> = cluster.intersection(failed).cloned().collect();
    let is_lost = |n: &&String| !part.contains(*n) || failed.contains(*n);
    let lost: Vec<String> = cluster.iter().filter(is_lost).cloned().collect();
    let shares = items.iter().map(|(node, mine)| {
        let member = cluster.contains(node);
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
            if member && (meta.wait_all || meta.rolling || meta.once) && !lost.is_empty() {
                share.held = Some(Held::Without(lost.clone()));
                break;
            }
            if member && item.change.guarded && !failed.is_empty() {
                share.held = Some(Held::Without(failed.clone()));
                break;
            }
            let before = before(item, node, items, cluster);
            if !before.is_empty() {
                share.held = Some(Held::For(before));
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

/// The other members that an item of this node has to wait for.
fn before(
    item: &Item,
    node: &String,
    items: &BTreeMap<String, Vec<Item>>,
    cluster: &BTreeSet<String>,
) -> Vec<String> {
    let at = item.work.meta.index;
    let rolls = |i: &Item| i.work.meta.rolling || i.change.guarded;
    let comes_first = |other: &String, theirs: &[Item]| {
        let behind = |i: &Item| i.work.meta.index < at;
        let in_turn = |i: &Item| i.work.meta.index <= at && rolls(i);
        item.work.meta.wait_all && theirs.iter().any(behind)
            || rolls(item) && other < node && theirs.iter().any(|i| behind(i) || in_turn(i))
    };
    let others = items.iter().filter(|(other, theirs)| {
        *other != node
            && cluster.contains(node)
            && cluster.contains(*other)
            && comes_first(other, theirs)
    });
    others.map(|(other, _)| other.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{item, names};
    use super::*;

    fn counts(nodes: &[(&str, Vec<Item>)], lost: &[&str]) -> Vec<usize> {
        let items = nodes.iter().map(|(n, i)| ((*n).to_owned(), i.clone()));
        let items = items.collect();
        let part = names(&["node1", "node2", "alone"]);
        let wave = next_wave(&items, &names(&["node1", "node2"]), &part, &names(lost));
        wave.shares.values().map(|s| s.now).collect()
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
        let wave = next_wave(&alone, &cluster, &part, &names(&[]));
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
            let wave = next_wave(&items, &cluster, &part, &failed);
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
        let wave = next_wave(&both, &cluster, &cluster, &names(&[]));
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
