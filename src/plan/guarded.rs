//! The windows in which items that can cut the operator off run under the guard.

use super::{Decided, Item};
use crate::kind::{Resource, Retire, Target, lets_in};
use crate::kinds::kind_named;
use crate::sh::Call;
use std::collections::BTreeSet;

/// A window of the guard: the state that it saves before the first change, and the calls that roll the running side
/// back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Paths that are saved by themselves: a file whole, of a folder owner and mode.
    pub own: Vec<String>,
    /// Files and folders that are saved with all that lies in them.
    pub whole: Vec<String>,
    /// Calls that note the running side.
    pub note: Vec<Call>,
    /// Calls before the files are rolled back.
    pub undo_first: Vec<Call>,
    /// Calls once all files are rolled back, in this order.
    pub undo: Vec<Call>,
}

impl Window {
    /// The window of these items of a node.
    pub fn of(items: &[Item], resources: &[Resource], target: &Target) -> Self {
        let concerned: Vec<&Resource> = items
            .iter()
            .flat_map(Item::addresses)
            .filter_map(|a| resources.iter().find(|r| r.address == *a))
            .collect();
        let removed = || items.iter().filter(|i| i.work.owns.is_gone());
        let writes = concerned.iter().flat_map(|r| r.files.writes.clone());
        // A removed path may be a folder.
        let mut whole: Vec<String> = writes
            .chain(removed().filter_map(|i| i.work.path.clone()))
            .collect();
        whole.sort();
        whole.dedup();
        let mut own: Vec<String> = items.iter().filter_map(|i| i.work.path.clone()).collect();
        own.retain(|path| !whole.contains(path));
        own.dedup();
        let retired = removed().flat_map(Item::addresses).filter_map(|address| {
            let kind = kind_named(&address.kind)?;
            let wanted = resources.iter().any(|r| r.address == *address);
            (!wanted).then(|| (kind.orphans().retire)(&address.name, target))
        });
        let retired: Vec<Retire> = retired.collect();
        let note = concerned.iter().flat_map(|r| r.guard.note.clone());
        let note = note.chain(retired.iter().flat_map(|r| r.note.clone()));
        let note = note.collect();
        let back = || concerned.iter().rev();
        let undo = retired.into_iter().rev().flat_map(|r| r.undo);
        let mut undo: Vec<Call> = undo
            .chain(back().flat_map(|r| r.guard.undo.clone()))
            .collect();
        // Resources of one kind that are rolled back together share one call.
        let mut said = Vec::new();
        undo.retain(|call| {
            let first = !said.contains(call);
            said.push(call.clone());
            first
        });
        Self {
            own,
            whole,
            note,
            undo_first: back().flat_map(|r| r.guard.undo_first.clone()).collect(),
            undo,
        }
    }
}

/// Cuts the items of a node into windows: each run of items that can cut the operator off becomes a stage of its own.
///
/// Items of the same role between two such items belong to the window, so that a file and the service that reads it
/// are rolled back together. An item that ends a stage ends a window too. `logins` are the accounts that this run and its
/// operators log in with.
pub fn windows(decided: &mut Decided, resources: &[Resource], logins: &BTreeSet<String>) {
    let items = &mut decided.items;
    for Item { change, work } in items.iter_mut() {
        let of_kind = || {
            let mine = resources
                .iter()
                .filter(|r| change.addresses.contains(&r.address));
            mine.into_iter().any(|r| r.guard.cuts_off.holds(logins))
        };
        change.guarded = work.path.as_deref().is_some_and(lets_in::path) || of_kind();
    }
    let role = |at: usize, items: &[Item]| {
        let change = &items[at].change;
        let first = change.addresses.first();
        (change.stage, first.map(|a| a.role.clone()))
    };
    let mut begin = 0;
    while begin < items.len() {
        let mine = role(begin, items);
        let mut end = begin + 1;
        while end < items.len() && role(end, items) == mine {
            end += 1;
        }
        let guarded = |i: &Item| i.change.guarded;
        if let (Some(first), Some(last)) = (
            items[begin..end].iter().position(guarded),
            items[begin..end].iter().rposition(guarded),
        ) {
            for item in &mut items[begin + first..=begin + last] {
                item.change.guarded = true;
            }
        }
        begin = end;
    }
    let mut stage = 0;
    let mut before: Option<(usize, bool)> = None;
    for Item { change, .. } in items.iter_mut() {
        let now = (change.stage, change.guarded);
        if before.is_some_and(|b| b != now) {
            stage += 1;
        }
        before = Some(now);
        change.stage = stage;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Owned;
    use super::super::for_tests::{address, item, resources, target};
    use super::*;
    use serde_json::json;

    /// An item of the resource of this address.
    fn of(index: usize, resource: &str, path: Option<&str>) -> Item {
        let mut item = item(index, 0, |_| ());
        item.change.addresses = vec![address(resource)];
        item.work.path = path.map(str::to_owned);
        item
    }

    #[test]
    fn a_window_saves_files_by_themselves_and_folders_of_a_kind_whole() {
        let steps = [
            json!({ "file": "/etc/ssh/sshd_config", "content": "" }),
            json!({ "tree": "/etc/shorewall", "files": [] }),
        ];
        let items = [
            of(
                0,
                "r/file:/etc/ssh/sshd_config",
                Some("/etc/ssh/sshd_config"),
            ),
            of(1, "r/tree:/etc/shorewall", None),
        ];
        let window = Window::of(&items, &resources(&steps), &target());
        assert_eq!(window.own, ["/etc/ssh/sshd_config"]);
        assert_eq!(window.whole, ["/etc/shorewall"]);
    }

    #[test]
    fn a_removed_path_is_saved_whole_and_its_kind_notes_what_it_ends() {
        let mut gone = of(0, "r/interface:vbr11", Some("/etc/network/x"));
        gone.work.owns = Owned::no_longer("/etc/network/x".to_owned());
        let window = Window::of(std::slice::from_ref(&gone), &[], &target());
        assert_eq!(window.own, [""; 0]);
        assert_eq!(window.whole, ["/etc/network/x"]);
        let words = |calls: &[Call]| calls.iter().map(Call::to_shell).collect::<Vec<_>>();
        assert_eq!(words(&window.note), ["nw_interface_note ifupdown vbr11"]);
        assert_eq!(words(&window.undo), ["nw_interface_undo ifupdown"]);
    }

    #[test]
    fn the_running_side_is_rolled_back_in_reverse() {
        let steps = [
            json!({ "packet_filter": "ipv4", "version": "5.2" }),
            json!({ "packet_filter": "ipv6", "version": "5.2" }),
        ];
        let items = [
            of(0, "r/packet_filter:ipv4", None),
            of(1, "r/packet_filter:ipv6", None),
        ];
        let all = resources(&steps);
        let window = Window::of(&items, &all, &target());
        let of = |i: usize| all[i].guard.undo.clone();
        assert!(!of(0).is_empty() && of(0) != of(1));
        assert_eq!(window.undo, [of(1), of(0)].concat());
    }

    #[test]
    fn what_interfaces_undo_together_is_one_call() {
        let bridge = |name: &str| json!({ "interface": name, "type": "bridge", "files": [] });
        let items = [
            of(0, "r/interface:vbr1", None),
            of(1, "r/interface:vbr2", None),
        ];
        let all = resources(&[bridge("vbr1"), bridge("vbr2")]);
        let window = Window::of(&items, &all, &target());
        let words = |calls: &[Call]| calls.iter().map(Call::to_shell).collect::<Vec<_>>();
        assert_eq!(
            words(&window.note),
            [
                "nw_interface_note ifupdown vbr1",
                "nw_interface_note ifupdown vbr2"
            ]
        );
        assert_eq!(words(&window.undo), ["nw_interface_undo ifupdown"]);
    }
}
