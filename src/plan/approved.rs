//! The approval of a plan: a run does nothing else.

use super::{Decided, Item, Plan, Remark};
use crate::kind::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The approved part of a plan, by node and resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    nodes: BTreeMap<String, BTreeMap<Address, Approval>>,
}

/// The approval for one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Approval {
    /// Digests of changes that were shown: of what was seen and of what is written.
    shown: BTreeSet<String>,
    /// Digests of what was shown to be written whatever an earlier step brings there: "create or replace".
    written: BTreeSet<String>,
    /// Whether it was approved by a table (decided later).
    open: bool,
}

/// The reason why a run changes nothing on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// Its change could destroy data or rights.
    Refused(Remark),
    /// A resource has to change that was not in the plan.
    Unplanned(Address),
    /// The file of a resource is no longer what the plan was made from.
    Moved(Address),
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Remark {
                address,
                what,
                remedy,
                ..
            }) => write!(f, "{address}: refused: {what}. {remedy}"),
            Self::Unplanned(address) => write!(
                f,
                "{address} has to change now, and was not in the plan; nothing more is done here. Run again."
            ),
            Self::Moved(address) => write!(
                f,
                "{address} is not as it was when the plan was made; nothing more is done here. Run again."
            ),
        }
    }
}

impl Approved {
    /// The approval of a whole plan: its changes and the resources that are decided later.
    pub fn of(plan: &Plan) -> Self {
        let mut nodes: BTreeMap<String, BTreeMap<Address, Approval>> = BTreeMap::new();
        for node in &plan.nodes {
            let approved = nodes.entry(node.node.clone()).or_default();
            for change in &node.changes {
                for address in &change.addresses {
                    let approval = approved.entry(address.clone()).or_default();
                    approval.shown.insert(change.digest.clone());
                    approval.written.extend(change.either.clone());
                }
            }
            for address in node.later.iter().flat_map(|l| &l.addresses) {
                approved.entry(address.clone()).or_default().open = true;
            }
        }
        Self { nodes }
    }

    /// Whether the approval covers everything that is to be done on a node now.
    ///
    /// # Errors
    ///
    /// The first item that it does not cover.
    pub fn permits(&self, decided: &Decided) -> Result<(), Barred> {
        if let Some(refusal) = decided.refusals.first() {
            return Err(Barred::Refused(refusal.clone()));
        }
        let node = self.nodes.get(&decided.node);
        let approval = |address: &Address| node.and_then(|approved| approved.get(address));
        for item in &decided.items {
            for address in item.addresses() {
                match approval(address) {
                    None => return Err(Barred::Unplanned(address.clone())),
                    Some(approval) if !approval.covers(item) => {
                        return Err(Barred::Moved(address.clone()));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }
}

impl Approval {
    /// Whether an item was approved. Items that write files are compared by digest in every stage, so a file that was
    /// edited since the plan was made is not replaced unseen. The running side of a resource follows from the work
    /// before it, here and on other members: it is compared by address.
    fn covers(&self, item: &Item) -> bool {
        let writes = item.work.path.is_some() || !item.work.owns.path.is_empty();
        self.open
            || !writes
            || self.shown.contains(&item.change.digest)
            || self.written.contains(&item.work.owns.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::{address, item};
    use super::super::{Later, NodePlan};
    use super::*;

    /// An item for one resource.
    fn of(name: &str, stage: usize, path: Option<&str>, digest: &str) -> Item {
        let mut item = item(0, stage, |_| ());
        item.change.addresses = vec![address(name)];
        item.change.digest = digest.to_owned();
        item.work.path = path.map(ToOwned::to_owned);
        item
    }

    fn node1(items: Vec<Item>) -> Decided {
        Decided {
            node: "node1".to_owned(),
            items,
            ..Decided::default()
        }
    }

    fn approved(items: Vec<Item>) -> Approved {
        Approved::of(&Plan {
            nodes: vec![node1(items).plan()],
            ..Plan::default()
        })
    }

    const FILE: &str = "r/file:/a";
    const SERVICE: &str = "r/service:s";

    #[test]
    fn what_was_shown_is_done_and_less_of_it_too() {
        let both = || vec![of(FILE, 0, Some("/a"), "d1"), of(SERVICE, 1, None, "d2")];
        let approved = approved(both());
        assert_eq!(approved.permits(&node1(both())), Ok(()));
        assert_eq!(approved.permits(&node1(both().split_off(1))), Ok(()));
        assert_eq!(approved.permits(&node1(Vec::new())), Ok(()));
    }

    #[test]
    fn what_was_not_shown_is_not_done() {
        let approved = approved(vec![of(FILE, 0, Some("/a"), "d1")]);
        let strange = || vec![of(FILE, 0, Some("/a"), "d1"), of(SERVICE, 0, None, "d2")];
        let barred = approved.permits(&node1(strange())).unwrap_err();
        assert_eq!(barred, Barred::Unplanned(address(SERVICE)));
        assert_eq!(
            barred.to_string(),
            "r/service:s has to change now, and was not in the plan; nothing more is done here. Run again."
        );
        // One resource of an item is enough.
        let mut shared = of(FILE, 0, Some("/a"), "d1");
        shared.change.addresses.push(address(SERVICE));
        assert!(approved.permits(&node1(vec![shared])).is_err());
        // An approval for one node does not hold for another.
        let other = Decided {
            node: "node2".to_owned(),
            ..node1(vec![of(FILE, 0, Some("/a"), "d1")])
        };
        let barred = Barred::Unplanned(address(FILE));
        assert_eq!(approved.permits(&other), Err(barred));
    }

    #[test]
    fn a_file_that_somebody_changed_since_is_not_replaced_unseen() {
        let shown = approved(vec![of(FILE, 0, Some("/a"), "d1")]);
        let now = node1(vec![of(FILE, 0, Some("/a"), "d9")]);
        assert_eq!(shown.permits(&now), Err(Barred::Moved(address(FILE))));
        // In a later stage too: somebody wrote it while an earlier one ran.
        let staged = approved(vec![of(FILE, 1, Some("/a"), "d1")]);
        assert_eq!(staged.permits(&now), Err(Barred::Moved(address(FILE))));
        // A folder that a kind writes itself is no different.
        let folder = |digest| {
            let mut item = of(FILE, 1, None, digest);
            item.work.owns.path = "/a".to_owned();
            vec![item]
        };
        let moved = approved(folder("d1")).permits(&node1(folder("d9")));
        assert_eq!(moved, Err(Barred::Moved(address(FILE))));
        assert_eq!(approved(folder("d1")).permits(&node1(folder("d1"))), Ok(()));
        // The change of a service may follow from what the run did before it.
        let running = approved(vec![of(SERVICE, 0, None, "d1")]);
        let now = node1(vec![of(SERVICE, 0, None, "d9")]);
        assert_eq!(running.permits(&now), Ok(()));
    }

    #[test]
    fn what_a_package_brings_first_is_replaced_by_what_was_shown() {
        let written = |digest: &str, written: &str| {
            let mut item = of(FILE, 1, Some("/a"), digest);
            item.work.owns.digest = written.to_owned();
            item
        };
        let mut shown = written("d1", "w1");
        shown.change.either = Some("w1".to_owned());
        let approved = approved(vec![shown]);
        assert_eq!(approved.permits(&node1(vec![written("d9", "w1")])), Ok(()));
        let other = approved.permits(&node1(vec![written("d9", "w2")]));
        assert_eq!(other, Err(Barred::Moved(address(FILE))));
    }

    #[test]
    fn what_is_decided_later_is_approved_by_its_table() {
        let later = Later {
            addresses: vec![address(FILE)],
            after: address(SERVICE),
            table: "there: edited".to_owned(),
            held: None,
            diffs: Vec::new(),
        };
        let plan = Plan {
            nodes: vec![NodePlan {
                node: "node1".to_owned(),
                later: vec![later],
                ..NodePlan::default()
            }],
            ..Plan::default()
        };
        let now = node1(vec![of(FILE, 0, Some("/a"), "any")]);
        assert_eq!(Approved::of(&plan).permits(&now), Ok(()));
    }

    #[test]
    fn a_refusal_keeps_everything_from_being_done() {
        let shown = vec![of(FILE, 0, Some("/a"), "d1")];
        let refusal = Remark {
            address: address(FILE),
            what: "/a is a directory".to_owned(),
            remedy: "look".to_owned(),
            device: None,
        };
        let now = Decided {
            refusals: vec![refusal.clone()],
            ..node1(shown.clone())
        };
        let barred = approved(shown).permits(&now).unwrap_err();
        assert_eq!(
            barred.to_string(),
            "r/file:/a: refused: /a is a directory. look"
        );
        assert_eq!(barred, Barred::Refused(refusal));
    }
}
