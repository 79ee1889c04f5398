//! The new installation of a node's system: which partitions are made or kept, and by which links it is reached then.
//!
//! Facts: docs/facts/installers.md#partitions, docs/facts/installers.md#network.

use super::super::Site;
use super::super::tables::machines::{Disk, Filesystem};
use super::super::text::finding::Finding;
use super::device::{Device, DeviceKind};
use serde::Serialize;
use std::net::IpAddr;

/// The code of what keeps a node from being installed.
pub const CODE: &str = "INSTALL";

/// A mebibyte in sectors: where partitions begin.
const MEBIBYTE: u64 = 2048;

/// Sectors that a table of the form msdos can count.
const MSDOS_SECTORS: u64 = 1 << 32;

/// Sectors behind the last partition that GPT's second table needs.
const BEHIND: u64 = 34;

/// Mount points of the files of a release's packages, which are worth nothing without the rest of it. The content of
/// all other partitions is data.
const SYSTEM: [&str; 7] = ["/", "/boot", "/boot/efi", "/opt", "/tmp", "/usr", "/var"];

/// The operator's decisions about the disk's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disposal {
    /// The disk is blank and gets a new table with all partitions.
    pub new_disk: bool,
    /// Mount points that are formatted though they carry data.
    pub format: Vec<String>,
}

/// A node's installation: the `install` of templates.
#[derive(Clone, Debug, Serialize)]
pub struct Installation {
    /// The disk's device.
    pub disk: String,
    /// Its size at least, in sectors.
    pub sectors: u64,
    /// The form of its new table, `gpt` or `msdos`; none where the table is kept.
    pub table: Option<&'static str>,
    /// The partitions of a new table, in the order of numbers.
    pub made: Vec<Made>,
    /// The number of the partition that a firmware starts from, for a new table.
    pub boot: u16,
    /// The partitions of the site.
    pub partitions: Vec<Part>,
    /// The links that ssh needs, that of the management first.
    pub links: Vec<InstallationLink>,
}

/// A partition that is made; one of the form msdos may hold others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its number.
    pub number: u16,
    /// `primary`, `extended` or `logical`.
    pub form: &'static str,
    /// Its first sector.
    pub first: u64,
    /// Its last sector.
    pub last: u64,
}

/// A partition of the site.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Its number.
    pub number: u16,
    /// Its device.
    pub path: String,
    /// Its size in sectors.
    pub sectors: u64,
    /// A mount point, `swap` or `mirror`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// Its filesystem, where it has a mount point.
    pub filesystem: Option<Filesystem>,
    /// Whether it is formatted.
    pub formatted: bool,
}

/// A link by which the installed system is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstallationLink {
    /// The card.
    pub card: String,
    /// Its MAC address, where the site has it.
    pub mac: Option<String>,
    /// The VLAN on it.
    pub vlan: Option<u16>,
    /// Whether a DHCP server gives the address.
    pub dhcp: bool,
    /// The address.
    pub address: Option<IpAddr>,
    /// Its mask.
    pub netmask: Option<String>,
    /// The default gateway, where it lies behind this link.
    pub gateway: Option<IpAddr>,
}

impl Site {
    /// The installation of a node.
    ///
    /// # Errors
    /// One finding: a key that the site lacks for it, or a partition that cannot be made.
    pub fn installation(&self, node: &str, how: &Disposal) -> Result<Installation, Box<Finding>> {
        let at = |path: &[&str]| self.value_place(path);
        let of_node = |what: String, help: &str| {
            let found = Finding::error(CODE, what).at(at(&["node", node]));
            Box::new(found.help(help))
        };
        let disk = self.node(node).and_then(|n| n.disk.as_ref());
        let disk = disk.ok_or_else(|| {
            of_node(
                format!("node `{node}` has no disk, so no partition of it can be named"),
                "write `disk = { id = \"…\", size = \"…\" }`; `nodewright facts NODE` lists the disks of a node",
            )
        })?;
        let partitions: Vec<Part> = self.parts(disk, how);
        let root = partitions.iter().find(|p| p.purpose == "/");
        if root.is_none() {
            let found = Finding::error(CODE, "no partition of the site is for `/`");
            let found = found.at(at(&["partition"]));
            return Err(Box::new(found.help(
                "write `[partition]` with the partitions of the disk, such as `1 = { size = \"30G\", use = \"/\" }`",
            )));
        }
        for mount in &how.format {
            if !partitions.iter().any(|p| p.purpose == *mount) {
                let found = Finding::error(CODE, format!("no partition is for `{mount}`"));
                return Err(Box::new(found.at(at(&["partition"])).help(
                    "name a mount point of `[partition]`; a partition of a mirror is never formatted",
                )));
            }
        }
        let efi = partitions.iter().find(|p| p.purpose == "/boot/efi");
        let table = how
            .new_disk
            .then_some(if efi.is_some() { "gpt" } else { "msdos" });
        let made = match table {
            None => Vec::new(),
            Some(form) => made(&partitions, form).and_then(|made| {
                let end = made.iter().map(|m| m.last).max().unwrap_or(0);
                let sectors = disk.size.bytes() / 512;
                let last = match form {
                    "gpt" => sectors.saturating_sub(BEHIND),
                    _ => sectors.min(MSDOS_SECTORS) - 1,
                };
                if end <= last {
                    return Ok(made);
                }
                let why = if end < sectors.saturating_sub(BEHIND) {
                    "they end behind 2 TiB, which a table of the form msdos cannot count; with a partition for `/boot/efi` the table is GPT"
                } else {
                    "the disk is too small for them and for what the table itself needs"
                };
                Err(why.to_owned())
            }).map_err(|why| {
                let found = Finding::error(CODE, format!("the partitions cannot be made on a new disk: {why}"));
                Box::new(found.at(at(&["partition"])).also(at(&["node", node, "disk"]), "the disk"))
            })?,
        };
        let boot = efi
            .or_else(|| partitions.iter().find(|p| p.purpose == "/boot"))
            .or(root);
        let links = self.links(node);
        if links.is_empty() {
            return Err(of_node(
                format!(
                    "node `{node}` has no address on a card, so nobody could reach what is installed"
                ),
                "give it an address in the zone that nodes are reached in",
            ));
        }
        if let Some(six) = links.iter().filter_map(|l| l.address).find(IpAddr::is_ipv6) {
            return Err(of_node(
                format!(
                    "node `{node}` is reached at {six}: an installer is told addresses of IPv4 alone"
                ),
                "give it an address of IPv4 in the zone that nodes are reached in, or install it by hand",
            ));
        }
        Ok(Installation {
            disk: disk.path(),
            sectors: disk.size.bytes() / 512,
            table,
            made,
            boot: boot.map_or(0, |p| p.number),
            partitions,
            links,
        })
    }

    fn parts(&self, disk: &Disk, how: &Disposal) -> Vec<Part> {
        let all = self.inventory.partition.iter();
        let mut parts: Vec<Part> = all
            .map(|(number, partition)| {
                let purpose = partition.purpose.to_string();
                let data = match partition.purpose.mount() {
                    Some(mount) => {
                        !SYSTEM.contains(&mount) && !how.format.iter().any(|f| f == mount)
                    }
                    None => false,
                };
                Part {
                    number: number.0,
                    path: disk.partition(number.0),
                    sectors: partition.size.bytes() / 512,
                    filesystem: partition.filesystem,
                    formatted: purpose != "mirror" && (how.new_disk || !data),
                    purpose,
                }
            })
            .collect();
        parts.sort_by_key(|p| p.number);
        parts
    }

    /// The links that ssh needs: in the zone that the node is reached in, and where the default route leads.
    fn links(&self, node: &str) -> Vec<InstallationLink> {
        let devices = self.devices(node);
        let reached = self.reached_zone(node);
        let has_address =
            |d: &&Device| (d.address.is_some() || d.dhcp) && d.kind != DeviceKind::Ppp;
        let first = devices
            .iter()
            .filter(has_address)
            .find(|d| d.zone.as_deref() == reached);
        let outside = devices
            .iter()
            .filter(has_address)
            .find(|d| d.gateway.is_some() || d.default_route);
        let mut links: Vec<InstallationLink> = Vec::new();
        for device in first.into_iter().chain(outside) {
            let link = link(&devices, device);
            if !links.contains(&link) {
                links.push(link);
            }
        }
        links
    }
}

/// The link that carries a device's address while there are no bonds and bridges: the first card beneath it, with its
/// VLAN.
fn link(devices: &[Device], device: &Device) -> InstallationLink {
    let (mut below, mut vlan) = (device, None);
    loop {
        vlan = vlan.or(below.vlan);
        let primary = below.bond.as_ref().and_then(|b| b.primary.as_ref());
        let next = below.parent.as_ref().or(primary).or(below.ports.first());
        match next.and_then(|name| devices.iter().find(|d| d.name == *name)) {
            Some(next) => below = next,
            None => break,
        }
    }
    InstallationLink {
        card: below.name.clone(),
        mac: below.mac.clone(),
        vlan,
        dhcp: device.dhcp,
        address: device.address,
        netmask: device.netmask.clone(),
        gateway: device.gateway,
    }
}

/// The partitions of a new table, each where the one before ends.
fn made(partitions: &[Part], form: &str) -> Result<Vec<Made>, String> {
    for part in partitions {
        if !part.sectors.is_multiple_of(MEBIBYTE) || part.sectors == 0 {
            return Err(format!(
                "the size of partition {} is no number of whole MiB",
                part.number
            ));
        }
    }
    let numbers: Vec<u16> = partitions.iter().map(|p| p.number).collect();
    let gap = |from: u16, to: u16| (from..=to).find(|n| !numbers.contains(n));
    let last = numbers.last().copied().unwrap_or(0);
    // A partition takes the lowest number that is free, so a number that none has would be taken by the next one.
    let plain = form == "gpt" || last <= 4;
    let (from, what) = if plain {
        (1, "partitions are numbered")
    } else {
        (5, "logical partitions are numbered from 5")
    };
    if let Some(gap) = gap(from, last) {
        return Err(format!(
            "number {gap} is left out, and {what} without a gap"
        ));
    }
    let extended = if plain { None } else { gap(1, 4) };
    if !plain && extended.is_none() {
        return Err(
            "numbers 1 to 4 are all taken, and one of them has to hold those from 5 on".to_owned(),
        );
    }
    if let Some(number) = extended
        && let Some(gap) = gap(number + 1, 4)
        && numbers.iter().any(|n| (gap + 1..=4).contains(n))
    {
        return Err(format!(
            "numbers {number} and {gap} are left out, and primary partitions are numbered without a gap"
        ));
    }
    let mut at = MEBIBYTE;
    let mut all = Vec::new();
    let primary = |p: &&Part| form == "gpt" || p.number <= 4;
    for part in partitions.iter().filter(primary) {
        all.push(Made {
            number: part.number,
            form: "primary",
            first: at,
            last: at + part.sectors - 1,
        });
        at += part.sectors;
    }
    if let Some(number) = extended {
        let (first, mut inside) = (at, Vec::new());
        for part in partitions.iter().filter(|p| p.number > 4) {
            // Before each of them stands a table of its own.
            at += MEBIBYTE;
            inside.push(Made {
                number: part.number,
                form: "logical",
                first: at,
                last: at + part.sectors - 1,
            });
            at += part.sectors;
        }
        all.push(Made {
            number,
            form: "extended",
            first,
            last: at - 1,
        });
        all.extend(inside);
    }
    all.sort_by_key(|m| m.number);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sizes: &[(u16, u64)]) -> Vec<Part> {
        let part = |&(number, mib): &(u16, u64)| Part {
            number,
            path: format!("/dev/disk/by-id/x-part{number}"),
            sectors: mib * 2048,
            purpose: "mirror".to_owned(),
            filesystem: None,
            formatted: false,
        };
        sizes.iter().map(part).collect()
    }

    fn text(made: &[Made]) -> Vec<String> {
        let line = |m: &Made| format!("{} {} {}-{}", m.number, m.form, m.first, m.last);
        made.iter().map(line).collect()
    }

    #[test]
    fn numbers_from_five_on_are_inside_the_number_that_is_left_out() {
        let made = made(
            &parts(&[(1, 10), (2, 10), (4, 10), (5, 20), (6, 20)]),
            "msdos",
        )
        .unwrap();
        assert_eq!(
            text(&made),
            [
                "1 primary 2048-22527",
                "2 primary 22528-43007",
                "3 extended 63488-149503",
                "4 primary 43008-63487",
                "5 logical 65536-106495",
                "6 logical 108544-149503",
            ]
        );
    }

    #[test]
    fn partitions_of_gpt_follow_each_other() {
        let made = made(&parts(&[(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]), "gpt").unwrap();
        assert_eq!(text(&made)[4], "5 primary 10240-12287");
    }

    #[test]
    fn a_table_that_would_be_numbered_otherwise_is_refused() {
        let why = |sizes: &[u16], form| {
            let sizes: Vec<_> = sizes.iter().map(|n| (*n, 1)).collect();
            made(&parts(&sizes), form).unwrap_err()
        };
        assert!(why(&[1, 3], "gpt").starts_with("number 2 is left out"));
        assert!(why(&[1, 3], "msdos").starts_with("number 2 is left out"));
        assert!(why(&[1, 2, 3, 4, 5], "msdos").starts_with("numbers 1 to 4 are all taken"));
        assert!(why(&[1, 2, 4, 6], "msdos").starts_with("number 5 is left out"));
        assert!(why(&[1, 4, 5], "msdos").starts_with("numbers 2 and 3 are left out"));
        let mut odd = parts(&[(1, 1)]);
        odd[0].sectors = 2049;
        assert!(made(&odd, "gpt").unwrap_err().contains("whole MiB"));
    }
}
