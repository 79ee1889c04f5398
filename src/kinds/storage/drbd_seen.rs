//! DRBD's resources on a node, parsed: their configuration and generations, and the state of each minor.
//!
//! Facts: docs/facts/storage.md#state-of-mirrors.

use super::generation::Generation;
use crate::kind::{Observe, Progress};
use crate::sh::Call;
use serde_json::Value as Json;

/// The meta-data of one resource on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    /// `drbdadm` is not there, or its configuration does not have the resource.
    Unconfigured,
    /// None on the device.
    None,
    /// Some.
    Some(Generation),
    /// There may be some: it could not be read.
    Unknown(String),
}

/// The section in which a node says what its configuration and its disks have of each resource.
pub(super) const OWN: &str = "drbd";

/// Asks for it.
pub(super) fn observe(observe: &mut Observe) {
    observe.beside_section(OWN, Call::new("nw_drbd_seen"));
}

/// One resource's end on a node, parsed from this section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// Its meta-data.
    pub(super) metadata: Metadata,
    /// The number of sectors of 512 bytes that the device under it has, where that is known.
    pub(super) sectors: Option<u64>,
}

/// Parses the lines of `nw_drbd_seen` about the resource `name`.
pub(super) fn end(text: &str, name: &str) -> End {
    let head = format!("resource {name}");
    let lines = text.lines().skip_while(|line| **line != *head).skip(1);
    let lines: Vec<&str> = lines.take_while(|l| !l.starts_with("resource ")).collect();
    let rest = |word: &str| {
        let mut all = lines.iter();
        all.find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
    };
    let value = |word: &str| -> Option<(i32, &str)> {
        let line = rest(word)?;
        let (status, said) = line.split_once(' ').unwrap_or((line, ""));
        Some((status.parse().ok()?, said))
    };
    let metadata = match (value("disk"), value("gi")) {
        (Some((0, _)), Some((0, said))) => Generation::read(said).map_or_else(
            || {
                let short: String = said.chars().take(60).collect();
                Metadata::Unknown(format!("`{}`", short.escape_debug()))
            },
            Metadata::Some,
        ),
        // 255 by drbd-utils before 8.9 (docs/facts/storage.md#meta-data).
        (Some((0, _)), Some((1 | 255, _))) => Metadata::None,
        (Some((0, _)), Some((status, _))) => {
            Metadata::Unknown(format!("drbdadm ended with {status}"))
        }
        (Some((0, _)), None) => Metadata::Unknown("drbdadm did not say".to_owned()),
        _ => Metadata::Unconfigured,
    };
    End {
        metadata,
        sectors: rest("sectors").and_then(|sectors| sectors.parse().ok()),
    }
}

/// The state of a minor that is up.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub(super) struct Minor {
    /// Of the connection, in the words of version 8: `Connected`, `SyncSource`, `WFConnection`, `StandAlone`.
    pub(super) connection: String,
    /// `Primary` or `Secondary`.
    pub(super) role: String,
    /// The peer's.
    pub(super) peer_role: String,
    /// Of the own disk: `UpToDate`, `Inconsistent`.
    pub(super) disk: String,
    /// Of the peer's disk.
    pub(super) peer_disk: String,
    /// Whether I/O waits, for a fence or by hand.
    pub(super) suspended: bool,
    /// KiB that differ between the ends, as far as this one knows.
    pub(super) out_of_sync: u64,
    /// The progress of a sync.
    pub(super) progress: Option<Progress>,
}

impl Minor {
    /// Whether both ends have the same data.
    pub(super) fn whole(&self) -> bool {
        self.disk == "UpToDate" && self.peer_disk == "UpToDate"
    }

    /// Whether one end alone has data: of two ends that are connected the other one takes it at once.
    pub(super) fn is_about_to_sync(&self) -> bool {
        let ends = [&*self.disk, &*self.peer_disk];
        ends.contains(&"UpToDate") && ends.contains(&"Inconsistent")
    }
}

/// The state of a minor; `None` where it is not up.
pub(super) fn minor(text: &str, minor: u16) -> Result<Option<Minor>, String> {
    match text.find("\n[") {
        Some(at) if text.starts_with("version: ") => nine(&text[at..], minor),
        _ => Ok(eight(text, minor)),
    }
}

/// `/proc/drbd` of version 8.
fn eight(text: &str, minor: u16) -> Option<Minor> {
    let head = format!("{minor}:");
    let mut lines = text
        .lines()
        .skip_while(|line| line.split_whitespace().next() != Some(&head));
    let words: Vec<&str> = lines.next()?.split_whitespace().collect();
    let value = |key: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(key))
            .unwrap_or_default()
    };
    let pair = |key: &str| {
        let (own, peer) = value(key).split_once('/').unwrap_or_default();
        (own.to_owned(), peer.to_owned())
    };
    let connection = value("cs:").to_owned();
    if connection.is_empty() || connection == "Unconfigured" {
        return None;
    }
    let ((role, peer_role), (disk, peer_disk)) = (pair("ro:"), pair("ds:"));
    // `C r-----`: the protocol, then flags, of which the first tells whether I/O runs (`r`) or is suspended (`s`).
    let flags = words.last().copied().unwrap_or_default();
    let more: Vec<&str> = lines
        .take_while(|line| !line.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let more = more.join("\n");
    let out_of_sync = more.split_whitespace().find_map(|w| w.strip_prefix("oos:"));
    Some(Minor {
        progress: synced(&more),
        out_of_sync: out_of_sync.and_then(|kib| kib.parse().ok()).unwrap_or(0),
        suspended: flags.starts_with('s'),
        connection,
        role,
        peer_role,
        disk,
        peer_disk,
    })
}

/// `sync'ed: 11.5% (928/1048)M` and `finish: 0:01:34 speed: 10,000 (10,000) K/sec`.
fn synced(text: &str) -> Option<Progress> {
    let after = |key: &str| {
        let rest = text.split_once(key)?.1;
        rest.split_whitespace().next()
    };
    let percent = after("sync'ed:")?
        .trim_end_matches('%')
        .parse::<f64>()
        .ok()?;
    let left = after("finish:").and_then(|time| {
        time.split(':').try_fold(0_u64, |sum, part| {
            sum.checked_mul(60)?.checked_add(part.parse().ok()?)
        })
    });
    let speed = after("speed:").and_then(|speed| speed.replace(',', "").parse::<u64>().ok());
    Some(Progress {
        percent: whole(percent),
        speed: speed.and_then(|kib| kib.checked_mul(1024)),
        left,
    })
}

/// Per cent, never rounded up to what is not reached.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0 to 100"
)]
fn whole(percent: f64) -> u8 {
    percent.clamp(0.0, 100.0).floor() as u8
}

/// `drbdsetup status --json` of version 9, in the words of version 8.
fn nine(text: &str, minor: u16) -> Result<Option<Minor>, String> {
    let all: Json = serde_json::from_str(text.trim())
        .map_err(|error| format!("`drbdsetup status --json` cannot be read: {error}"))?;
    let list = |value: &Json, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let word = |value: &Json, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    for resource in all.as_array().into_iter().flatten() {
        let devices = list(resource, "devices");
        let Some(device) = devices.iter().find(|d| d["minor"] == u64::from(minor)) else {
            continue;
        };
        let connection = list(resource, "connections")
            .into_iter()
            .next()
            .unwrap_or_default();
        let volume = list(&connection, "peer_devices")
            .into_iter()
            .next()
            .unwrap_or_default();
        let replication = word(&volume, "replication-state");
        let state = word(&connection, "connection-state");
        let state = match (state.as_str(), replication.as_str()) {
            ("Connected", "Established" | "" | "Off") => "Connected".to_owned(),
            ("Connecting", _) => "WFConnection".to_owned(),
            ("", _) => "StandAlone".to_owned(),
            ("Connected", other) | (other, _) => other.to_owned(),
        };
        let percent = volume["percent-in-sync"].as_f64();
        let syncs = state.contains("Sync");
        return Ok(Some(Minor {
            connection: state,
            role: word(resource, "role"),
            peer_role: word(&connection, "peer-role"),
            disk: word(device, "disk-state"),
            peer_disk: word(&volume, "peer-disk-state"),
            suspended: resource["suspended"] == true,
            out_of_sync: volume["out-of-sync"].as_u64().unwrap_or(0),
            progress: percent.filter(|_| syncs).map(|percent| Progress {
                percent: whole(percent),
                ..Progress::default()
            }),
        }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    // drbd 8.4.11 of kernel 6.1, captured on two virtual machines; the second minor is constructed in the form of drbd
    // 8.4's drbd_proc.c.
    const PROC: &str = "\
version: 8.4.11 (api:1/proto:86-101)
srcversion: 211FB288A383ED945B83420
 0: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:672 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
 1: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----
    ns:1 nr:0 dw:0 dr:672 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:950272
\t[=>..................] sync'ed: 11.5% (928/1048)M
\tfinish: 0:01:34 speed: 10,000 (10,000) K/sec
 2: cs:Unconfigured
 3: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----
    ns:0 nr:0 dw:0 dr:672 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
";

    #[test]
    fn states_of_version_8() {
        let at = |n| minor(PROC, n).unwrap();
        let whole = at(0).unwrap();
        assert_eq!(
            (
                &*whole.connection,
                &*whole.role,
                &*whole.peer_role,
                &*whole.disk,
                &*whole.peer_disk
            ),
            ("Connected", "Primary", "Primary", "UpToDate", "UpToDate")
        );
        assert_eq!((whole.suspended, whole.progress), (false, None));
        assert_eq!(whole.out_of_sync, 0);
        let syncs = at(1).unwrap();
        assert_eq!(syncs.connection, "SyncSource");
        assert_eq!(syncs.out_of_sync, 950_272);
        let progress = Progress {
            percent: 11,
            speed: Some(10_240_000),
            left: Some(94),
        };
        assert_eq!(syncs.progress, Some(progress));
        assert_eq!(at(2), None);
        assert!(at(3).unwrap().suspended);
        assert_eq!(at(4), None);
        assert_eq!(minor("", 0).unwrap(), None);
    }

    // Constructed in the form of drbd-utils 9.22 (drbdsetup.c).
    const JSON: &str = r#"version: 9.1.23 (api:2/proto:86-121)
Transports (api:17): tcp (1.0.0)
[{"name":"r0","node-id":0,"role":"Primary","suspended":false,
"devices":[{"volume":0,"minor":0,"disk-state":"UpToDate"}],
"connections":[{"peer-node-id":1,"name":"node2","connection-state":"Connected","peer-role":"Secondary",
"peer_devices":[{"volume":0,"replication-state":"SyncSource","peer-disk-state":"Inconsistent","out-of-sync":4096,"percent-in-sync":42.99}]}]},
{"name":"r1","node-id":0,"role":"Secondary","suspended":true,"devices":[{"volume":0,"minor":1,"disk-state":"UpToDate"}],
"connections":[{"peer-node-id":1,"name":"node2","connection-state":"Connecting","peer-role":"Unknown",
"peer_devices":[{"volume":0,"replication-state":"Off","peer-disk-state":"DUnknown","percent-in-sync":100.00}]}]}]
"#;

    #[test]
    fn states_of_version_9_in_the_words_of_8() {
        let syncs = minor(JSON, 0).unwrap().unwrap();
        assert_eq!(
            (&*syncs.connection, &*syncs.peer_disk),
            ("SyncSource", "Inconsistent")
        );
        assert_eq!(syncs.progress.map(|p| p.percent), Some(42));
        assert_eq!(syncs.out_of_sync, 4096);
        let waits = minor(JSON, 1).unwrap().unwrap();
        assert_eq!(
            (&*waits.connection, waits.suspended, waits.progress),
            ("WFConnection", true, None)
        );
        assert_eq!(minor(JSON, 2).unwrap(), None);
        assert!(minor("version: 9.1\n[{", 0).is_err());
    }

    #[test]
    fn meta_data_is_there_or_not_or_nobody_knows() {
        let said = "resource r0\ndisk 0 /dev/sda6\nsectors 131072\n\
                    gi 0 0000000000000004:0000000000000000:0000000000000000:0000000000000000:0:0\n\
                    resource r1\ndisk 0 /dev/sda7\nsectors \ngi 1 \nresource r2\ndisk 1 \nsectors \ngi 1 \n\
                    resource r3\ndisk 0 /dev/sda8\nsectors 8\ngi 20 \nresource r4\ndisk 127 \ngi 127 \n\
                    resource r6\ndisk 0 /dev/sda9\n";
        let of = |name| end(said, name).metadata;
        assert!(matches!(of("r0"), Metadata::Some(g) if g.is_new()));
        assert_eq!(of("r1"), Metadata::None);
        assert_eq!(of("r2"), Metadata::Unconfigured);
        assert!(matches!(of("r3"), Metadata::Unknown(_)));
        assert_eq!(of("r4"), Metadata::Unconfigured);
        // Not in the configuration; not said to its end.
        assert_eq!(of("r5"), Metadata::Unconfigured);
        assert!(matches!(of("r6"), Metadata::Unknown(_)));
        let sectors = |name| end(said, name).sectors;
        assert_eq!((sectors("r0"), sectors("r1")), (Some(131_072), None));
    }
}
