//! The guests of a site, each with the nodes that it is on by libvirt's word.

use crate::kind::{Answer, Resource, of_kind, seen};
use crate::kinds::guests::guest::GuestKind;
use crate::site::Site;

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPlace {
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: String,
    /// The node it lives on.
    pub home: String,
    /// Whether another node takes it over.
    pub failover: bool,
    /// The nodes whose libvirt knows it, with its state there in libvirt's words.
    pub on: Vec<(String, String)>,
    /// The nodes that may have it and did not tell.
    pub untold: Vec<String>,
}

/// The guests, in the site's order, by the answers of the nodes; one that did not answer has none.
pub fn guests<'a>(
    site: &Site,
    resources: impl Fn(&str) -> &'a [Resource],
    answer: impl Fn(&str) -> Option<&'a Answer>,
) -> Vec<GuestPlace> {
    let guests = site.inventory.guest.iter().map(|(name, guest)| {
        let mut place = GuestPlace {
            name: name.to_string(),
            purpose: guest
                .doc
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            home: guest.node.to_string(),
            failover: guest.failover,
            on: Vec::new(),
            untold: Vec::new(),
        };
        for node in site.node_names() {
            let mut defined = of_kind::<GuestKind>(resources(node));
            let Some(resource) = defined.find(|r| r.address.name == place.name) else {
                continue;
            };
            let seen = answer(node).and_then(|answer| {
                let target = site.target(node);
                seen::<GuestKind>(resource, &target, answer).ok()
            });
            match seen.as_ref().and_then(|seen| seen.state()) {
                None => place.untold.push(node.to_owned()),
                Some("") => {}
                Some(state) => place.on.push((node.to_owned(), state.to_owned())),
            }
        }
        place
    });
    guests.collect()
}
