//! Which steps are done now: a wave is what needs no other node's answer.

use super::Step;
use std::collections::{BTreeMap, BTreeSet};

/// Why a node does not do all of its stage in this wave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Members that still have something to do before it, or that it follows in turn.
    For(Vec<String>),
    /// Members that will not get there in this run.
    Without(Vec<String>),
}

/// What one node does in this wave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many of its steps, from the first.
    pub steps: usize,
    /// What holds the next one, if anything does.
    pub held: Option<Held>,
}

/// Cuts each node's steps at the end of its stage and where it has to wait for others.
///
/// `members` are the nodes of the cluster; waiting concerns them alone. `lost` are those that failed, cannot be reached
/// or were left out: what waits for them is not done. What runs under the guard goes through one member at a time too,
/// and stops where another one `failed` in this run; a member that was left out does not hold it.
pub fn wave(
    steps: &BTreeMap<String, Vec<Step>>,
    members: &BTreeSet<String>,
    lost: &BTreeSet<String>,
    failed: &BTreeSet<String>,
) -> BTreeMap<String, Share> {
    let failed: Vec<String> = members.intersection(failed).cloned().collect();
    let lost: Vec<String> = members.intersection(lost).cloned().collect();
    steps
        .iter()
        .map(|(node, mine)| {
            let others = || {
                steps.iter().filter(|(other, _)| {
                    *other != node && members.contains(node) && members.contains(*other)
                })
            };
            let mut share = Share::default();
            for step in mine.iter().take_while(|s| s.stage == 0) {
                let at = step.meta.index;
                // All are through with what comes before, this one too: so they do it in one wave.
                let first = mine.first().is_some_and(|s| s.meta.index == at);
                if step.meta.wait_all && members.contains(node) && !first {
                    break;
                }
                let mut wait_for = Vec::new();
                if step.meta.wait_all {
                    wait_for.extend(
                        others()
                            .filter(|(_, theirs)| theirs.iter().any(|s| s.meta.index < at))
                            .map(|(other, _)| other.clone()),
                    );
                }
                let rolls = |s: &Step| s.meta.rolling || s.guarded;
                if rolls(step) {
                    wait_for.extend(
                        others()
                            .filter(|(other, theirs)| {
                                *other < node
                                    && theirs.iter().any(|s| {
                                        s.meta.index <= at && (rolls(s) || s.meta.index < at)
                                    })
                            })
                            .map(|(other, _)| other.clone()),
                    );
                }
                let waits = members.contains(node)
                    && (step.meta.wait_all || step.meta.rolling || step.meta.once);
                if waits && !lost.is_empty() {
                    share.held = Some(Held::Without(lost.clone()));
                    break;
                }
                if members.contains(node) && step.guarded && !failed.is_empty() {
                    share.held = Some(Held::Without(failed.clone()));
                    break;
                }
                if !wait_for.is_empty() {
                    wait_for.dedup();
                    share.held = Some(Held::For(wait_for));
                    break;
                }
                share.steps += 1;
            }
            (node.clone(), share)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::StepMeta;
    use std::sync::Arc;

    fn step(index: usize, stage: usize, change: impl FnOnce(&mut StepMeta)) -> Step {
        let mut meta = StepMeta {
            index,
            ..StepMeta::default()
        };
        change(&mut meta);
        Step {
            addresses: Vec::new(),
            title: String::new(),
            meta: Arc::new(meta),
            stage,
            preflight: Vec::new(),
            calls: Vec::new(),
            confirmed: Vec::new(),
            blobs: Vec::new(),
            path: None,
            owns: (String::new(), String::new(), false),
            guarded: false,
            digest: String::new(),
        }
    }

    fn counts(nodes: &[(&str, Vec<Step>)], lost: &[&str]) -> Vec<usize> {
        let members = ["node1", "node2"].map(str::to_owned).into();
        let steps = nodes
            .iter()
            .map(|(n, s)| ((*n).to_owned(), s.clone()))
            .collect();
        let lost = lost.iter().map(|n| (*n).to_owned()).collect();
        wave(&steps, &members, &lost, &lost)
            .values()
            .map(|s| s.steps)
            .collect()
    }

    #[test]
    fn a_stage_ends_a_wave() {
        assert_eq!(
            counts(
                &[(
                    "node1",
                    vec![step(0, 0, |_| ()), step(1, 0, |_| ()), step(2, 1, |_| ())]
                )],
                &[]
            ),
            [2]
        );
    }

    #[test]
    fn waiting_for_all_needs_the_others_to_be_through() {
        let wait = |i| step(i, 0, |m| m.wait_all = true);
        let plain = |i| step(i, 0, |_| ());
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
        let roll = |i| step(i, 0, |m| m.rolling = true);
        let plain = |i| step(i, 0, |_| ());
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
        let guarded = |i| Step {
            guarded: true,
            ..step(i, 0, |_| ())
        };
        let both = [("node1", vec![guarded(1)]), ("node2", vec![guarded(1)])];
        assert_eq!(counts(&both, &[]), [1, 0]);
        assert_eq!(counts(&[("node2", vec![guarded(1)])], &["node1"]), [0]);
        let members = ["node1", "node2"].map(str::to_owned).into();
        let alone = [("node2".to_owned(), vec![guarded(1)])].into();
        let left_out = BTreeSet::from(["node1".to_owned()]);
        let shares = wave(&alone, &members, &left_out, &BTreeSet::new());
        assert_eq!(shares["node2"].steps, 1);
    }

    #[test]
    fn nodes_outside_the_cluster_wait_for_nobody() {
        let wait = |i| step(i, 0, |m| m.wait_all = true);
        assert_eq!(
            counts(
                &[
                    ("alone", vec![wait(1)]),
                    ("node1", vec![step(0, 0, |_| ())])
                ],
                &["node2"]
            ),
            [1, 1]
        );
    }
}
