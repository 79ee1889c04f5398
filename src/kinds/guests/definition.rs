//! Compares definitions of guests by their meaning: libvirt adds addresses, controllers and defaults, and renames some
//! values.

use crate::kind::Delta;
use crate::kinds::cluster::cib::element::Element;

/// Elements of which a guest has those of the site and no others.
const OWNED: [&str; 6] = ["disk", "interface", "hostdev", "graphics", "video", "boot"];

/// Elements that are exchanged whole, since what libvirt added to the former one may not fit the new one.
const WHOLE: [&str; 6] = ["disk", "interface", "hostdev", "graphics", "video", "cpu"];

/// The value that identifies an element among siblings with the same tag; `None` where only their order does.
fn key(element: &Element) -> Option<String> {
    let (child, attribute) = match element.tag.as_str() {
        "disk" => ("target", "dev"),
        "interface" => ("mac", "address"),
        _ => return None,
    };
    let value = element.child(child).map(|c| c.get(attribute));
    value.map(str::to_ascii_lowercase)
}

/// The place among `all` of the element that is to be the `nth` wanted one of its name.
fn partner(all: &[Element], wanted: &Element, nth: usize) -> Option<usize> {
    let alike = all.iter().enumerate().filter(|(_, e)| e.tag == wanted.tag);
    match key(wanted) {
        Some(own) => alike
            .filter(|(_, e)| key(e).as_ref() == Some(&own))
            .map(|(i, _)| i)
            .next(),
        None => alike.map(|(i, _)| i).nth(nth),
    }
}

/// The wanted children, each with the place of its partner.
fn pairs<'a>(wanted: &'a Element, seen: &Element) -> Vec<(&'a Element, Option<usize>)> {
    let children = wanted.children.iter().enumerate();
    let pairs = children.map(|(i, child)| {
        let before = wanted.children[..i].iter();
        let nth = before.filter(|c| c.tag == child.tag).count();
        (child, partner(&seen.children, child, nth))
    });
    pairs.collect()
}

/// Whether an attribute says what is wanted. A machine type without version is written with the version that it was
/// defined by.
fn same(tag: &str, attribute: &str, wanted: &str, seen: &str) -> bool {
    match (tag, attribute, wanted) {
        ("type", "machine", "pc") => {
            seen == "pc"
                || ["pc-i440fx-", "pc-0", "pc-1", "rhel"]
                    .iter()
                    .any(|p| seen.starts_with(p))
        }
        ("type", "machine", "q35") => seen == "q35" || seen.starts_with("pc-q35-"),
        ("mac", ..) => wanted.eq_ignore_ascii_case(seen),
        _ => wanted == seen,
    }
}

/// The positions of elements with a tag of [`OWNED`] that are no longer desired.
fn surplus(wanted: &Element, seen: &Element) -> Vec<usize> {
    let kept: Vec<usize> = pairs(wanted, seen).iter().filter_map(|(_, i)| *i).collect();
    let all = seen.children.iter().enumerate();
    let owned = all.filter(|(i, e)| OWNED.contains(&e.tag.as_str()) && !kept.contains(i));
    owned.map(|(i, _)| i).collect()
}

/// A few words for what an element is about.
fn words(element: &Element) -> String {
    let mut named = ["source", "model", "mac", "target"].iter();
    let child = named.find_map(|tag| element.child(tag));
    let values = |e: &Element| e.attributes.values().cloned().collect::<Vec<_>>().join(" ");
    match child {
        _ if !element.text.is_empty() => element.text.clone(),
        Some(child) => values(child),
        None if element.attributes.is_empty() => "there".to_owned(),
        None => values(element),
    }
}

/// The name of an element in a plan.
fn label(path: &str, element: &Element) -> String {
    let own = match key(element) {
        Some(key) => format!("{} {key}", element.tag),
        None => element.tag.clone(),
    };
    match path {
        "" | "devices" => own,
        _ => format!("{path} {own}"),
    }
}

/// The differences between a definition and the desired one. Parts that libvirt added are no differences.
pub(super) fn differences(wanted: &Element, seen: &Element) -> Vec<Delta> {
    let mut deltas = Vec::new();
    compare("", wanted, seen, &mut deltas);
    deltas
}

fn compare(path: &str, wanted: &Element, seen: &Element, deltas: &mut Vec<Delta>) {
    for (name, value) in &wanted.attributes {
        let is = seen.get(name);
        if !same(&wanted.tag, name, value, is) {
            deltas.push(Delta::new(format!("{path} {name}").trim(), is, value));
        }
    }
    if !wanted.text.is_empty() && wanted.text != seen.text {
        deltas.push(Delta::new(path, &seen.text, &wanted.text));
    }
    for (child, partner) in pairs(wanted, seen) {
        // A guest that was there before keeps the UUID that it has.
        if child.tag == "uuid" && partner.is_some() {
            continue;
        }
        let path = label(path, child);
        match partner {
            Some(i) => compare(&path, child, &seen.children[i], deltas),
            None => deltas.push(Delta::new(path, "", words(child))),
        }
    }
    for i in surplus(wanted, seen) {
        let child = &seen.children[i];
        deltas.push(Delta::new(label(path, child), words(child), ""));
    }
}

/// The definition that is there with what is wanted laid over it: UUID, addresses and whatever else stays.
pub(super) fn laid_over(wanted: &Element, seen: &Element) -> Element {
    let mut new = seen.clone();
    for (name, value) in &wanted.attributes {
        if !same(&wanted.tag, name, value, seen.get(name)) {
            new.attributes.insert(name.clone(), value.clone());
        }
    }
    if !wanted.text.is_empty() {
        new.text.clone_from(&wanted.text);
    }
    for (child, partner) in pairs(wanted, seen) {
        match partner {
            _ if child.tag == "uuid" && partner.is_some() => {}
            Some(i) if WHOLE.contains(&child.tag.as_str()) => {
                if !differences(child, &seen.children[i]).is_empty() {
                    new.children[i] = child.clone();
                }
            }
            Some(i) => new.children[i] = laid_over(child, &seen.children[i]),
            None => new.children.push(child.clone()),
        }
    }
    for i in surplus(wanted, seen).into_iter().rev() {
        new.children.remove(i);
    }
    new
}

/// A device that a guest boots from once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstDevice {
    /// Its CD drive.
    Cdrom,
    /// Its first card, by PXE.
    Network,
}

impl FirstDevice {
    /// The word for it, which is libvirt's too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cdrom => "cdrom",
            Self::Network => "network",
        }
    }
}

/// A definition that boots from this device first, and from its former ones after that.
pub(super) fn booting_from(found: &Element, device: FirstDevice) -> Result<Element, String> {
    let devices = found.child("devices").map_or(&[][..], |d| &d.children);
    let has = match device {
        FirstDevice::Cdrom => devices
            .iter()
            .any(|d| d.tag == "disk" && d.get("device") == "cdrom" && d.child("source").is_some()),
        FirstDevice::Network => devices.iter().any(|d| d.tag == "interface"),
    };
    if !has {
        return Err(match device {
            FirstDevice::Cdrom => "it has no CD drive with an image (`cdrom`)".to_owned(),
            FirstDevice::Network => "it has no card (`zones`)".to_owned(),
        });
    }
    if devices.iter().any(|d| d.child("boot").is_some()) {
        return Err("its definition numbers its devices, so it has no order to change".to_owned());
    }
    let mut new = found.clone();
    let os = new.children.iter_mut().find(|c| c.tag == "os");
    let os = os.ok_or("its definition has no `os`")?;
    let first = os.children.iter().position(|c| c.tag == "boot");
    let is = |c: &Element| c.tag == "boot" && c.get("dev") == device.word();
    let boot = Element {
        tag: "boot".to_owned(),
        attributes: std::collections::BTreeMap::from([(
            "dev".to_owned(),
            device.word().to_owned(),
        )]),
        ..Element::default()
    };
    os.children.retain(|c| !is(c));
    let at = first.unwrap_or(os.children.len()).min(os.children.len());
    os.children.insert(at, boot);
    Ok(new)
}

#[cfg(test)]
mod boot_tests {
    use super::*;

    const GUEST: &str = "<domain><os><type>hvm</type><boot dev=\"hd\"/><boot dev=\"cdrom\"/><bios/></os><devices>\
        <disk device=\"cdrom\"><source file=\"/srv/iso/x.iso\"/></disk></devices></domain>";

    fn order(text: &str, device: FirstDevice) -> Result<Vec<String>, String> {
        let found = Element::with_text(text).unwrap();
        let new = booting_from(&found, device)?;
        let os = new.child("os").unwrap();
        let words = os
            .children
            .iter()
            .map(|c| format!("{}{}", c.tag, c.get("dev")));
        Ok(words.collect())
    }

    #[test]
    fn a_guest_boots_from_another_device_first() {
        let said = order(GUEST, FirstDevice::Cdrom).unwrap();
        assert_eq!(said, ["type", "bootcdrom", "boothd", "bios"]);
        let plain = GUEST.replace("<boot dev=\"cdrom\"/>", "");
        let said = order(&plain, FirstDevice::Cdrom).unwrap();
        assert_eq!(said, ["type", "bootcdrom", "boothd", "bios"]);
        let none = GUEST.replace("<boot dev=\"hd\"/><boot dev=\"cdrom\"/>", "");
        let said = order(&none, FirstDevice::Cdrom).unwrap();
        assert_eq!(said, ["type", "bios", "bootcdrom"]);
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let empty = GUEST.replace("<source file=\"/srv/iso/x.iso\"/>", "");
        let error = order(&empty, FirstDevice::Cdrom).unwrap_err();
        assert_eq!(error, "it has no CD drive with an image (`cdrom`)");
        let error = order(GUEST, FirstDevice::Network).unwrap_err();
        assert_eq!(error, "it has no card (`zones`)");
        let numbered = GUEST.replace("<source", "<boot order=\"1\"/><source");
        assert!(order(&numbered, FirstDevice::Cdrom).is_err());
    }
}
