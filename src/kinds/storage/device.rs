//! The content of a block device, established before anything is written to it.
//!
//! A device is blank where every probe answered and none found anything: no signature, no partitions, no holder, no
//! mount, no swap, and nothing but zeros in its first and last mebibyte. A probe that did not answer proves nothing.
//!
//! Facts: docs/facts/storage.md#blank-devices.

use crate::digest::sha256;
use crate::kind::{Answer, Observe, Overwritten};
use crate::sh::Call;
use crate::shell::Shell;

/// The probes of a device, and the call that wipes it.
pub(super) const SHELL: Shell = Shell::new(include_str!("device.sh"));

/// SHA-256 of one mebibyte of zeros (`head -c 1048576 /dev/zero | sha256sum`).
const ZEROS: &str = "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58";

/// A mebibyte in sectors of 512 bytes: less proves nothing, and carries nothing of ours.
const MEBIBYTE: u64 = 2048;

/// A path, as a device was asked for by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BlockDevice {
    /// The path.
    pub path: String,
    /// The kernel's own path of it; empty where it is no block device.
    pub real: String,
    /// Its size in sectors of 512 bytes; 0 where it is no block device.
    pub sectors: u64,
    /// The content that was found at the path.
    pub content: DeviceContent,
    /// The type of the one signature that `blkid` names: `gfs2`, `LVM2_member`.
    pub kind: String,
    /// Its label, as it was written.
    pub label: String,
}

/// The content at a device's path.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeviceContent {
    /// Nothing.
    #[default]
    Absent,
    /// A block device that is proven to carry nothing.
    Blank,
    /// A block device that carries or may carry something: the signatures and uses found, or the probes that failed.
    Carries(Vec<String>),
    /// A mirror of which this node is not primary, so no process here can open it.
    Closed,
    /// Something that is no block device.
    Other,
}

impl BlockDevice {
    /// The content in a few words for display; empty where the device is absent or proven blank.
    pub fn carries(&self) -> String {
        match &self.content {
            DeviceContent::Absent | DeviceContent::Blank => String::new(),
            DeviceContent::Closed => "what cannot be opened here".to_owned(),
            DeviceContent::Other => "something that is no block device".to_owned(),
            DeviceContent::Carries(found) => found.join(", "),
        }
    }

    /// The call that wipes all signatures and both ends; `None` where the device carries nothing. An action with a
    /// device that is not blank is planned only if the operator gave up that device by name in this very command.
    pub fn wiped(&self, path: &str) -> Option<Call> {
        matches!(self.content, DeviceContent::Carries(_))
            .then(|| Call::new("nw_device_wipe").arg(path))
    }

    /// It is overwritten: the engine refuses that unless it is blank, or was named in this very command.
    pub fn overwritten(&self) -> Vec<Overwritten> {
        vec![Overwritten {
            device: self.path.clone(),
            carries: self.carries(),
        }]
    }
}

fn section(path: &str) -> String {
    format!("device.{}", &sha256(path.as_bytes())[..16])
}

/// Asks for the content of devices. A slow device may delay its answer, so these sections run beside all others.
pub fn observe<'a>(paths: impl IntoIterator<Item = &'a str>, observe: &mut Observe) {
    for path in paths {
        observe.beside_section(section(path), Call::new("nw_device").arg(path));
    }
}

/// The content of the device at `path`, parsed.
///
/// # Errors
/// A message for display, where the device was not observed, did not answer in time, or the answer cannot be parsed.
pub fn seen(path: &str, answer: &Answer) -> Result<BlockDevice, String> {
    let section = answer
        .get(&section(path))
        .ok_or_else(|| format!("{path} was not asked"))?;
    if section.status != 0 {
        return Err(format!("{path} did not answer in time"));
    }
    read(path, &section.text())
}

/// A probe's exit status and the lines that it said.
fn probe<'a>(text: &'a str, word: &str) -> Option<(i32, Vec<&'a str>)> {
    let after = |line: &'a str| line.strip_prefix(word)?.strip_prefix(' ');
    let mut lines = text.lines().filter_map(after);
    let status = lines.next()?.strip_prefix("= ")?.parse().ok()?;
    Some((status, lines.collect()))
}

fn read(path: &str, text: &str) -> Result<BlockDevice, String> {
    let mut device = BlockDevice {
        path: path.to_owned(),
        ..BlockDevice::default()
    };
    match text.lines().next().unwrap_or_default() {
        "absent" => return Ok(device),
        "other" => {
            device.content = DeviceContent::Other;
            return Ok(device);
        }
        "closed" => {
            device.content = DeviceContent::Closed;
            return Ok(device);
        }
        first => {
            let real = first.strip_prefix("real /dev/");
            let real = real.ok_or_else(|| format!("nothing can be told of {path}"))?;
            device.real = format!("/dev/{real}");
        }
    }
    let mut found = Vec::new();
    let mut ask = |word: &str, fine: &[i32]| match probe(text, word) {
        Some((status, lines)) if fine.contains(&status) => Some(lines),
        Some((status, _)) => {
            found.push(format!("what `{word}` could not tell (status {status})"));
            None
        }
        None => {
            found.push(format!("what `{word}` was not asked"));
            None
        }
    };
    let number = ask("number", &[0]).unwrap_or_default();
    let sectors = ask("sectors", &[0]).unwrap_or_default();
    let below = ask("below", &[0]).unwrap_or_default();
    let holders = ask("holder", &[0]).unwrap_or_default();
    let mounts = ask("mount", &[0]).unwrap_or_default();
    let swaps = ask("swap", &[0, 1]).unwrap_or_default();
    let wipefs = ask("wipefs", &[0]).unwrap_or_default();
    // 2: nothing was found. 8, several filesystems, is among those that could not tell.
    let blkid = ask("blkid", &[0, 2]).unwrap_or_default();
    let first = ask("first", &[0]).unwrap_or_default();
    let last = ask("last", &[0]).unwrap_or_default();

    device.sectors = sectors.first().and_then(|s| s.parse().ok()).unwrap_or(0);
    let number = number.first().copied().unwrap_or_default();
    let name = device.real.rsplit('/').next().unwrap_or_default();
    let value = |key: &str| {
        let mut pairs = blkid.iter().filter_map(|line| line.split_once('='));
        pairs.find(|(k, _)| *k == key).map(|(_, value)| value)
    };
    value("TYPE")
        .unwrap_or_default()
        .clone_into(&mut device.kind);
    value("LABEL")
        .unwrap_or_default()
        .clone_into(&mut device.label);
    let known = found.len();
    found.extend(signatures(&wipefs, &blkid));
    let parts = below.iter().filter(|b| **b != name && b.starts_with(name));
    let parts: Vec<_> = parts.map(|p| shown(p)).collect();
    if !parts.is_empty() {
        found.push(format!("the partitions {}", parts.join(", ")));
    }
    found.extend(holders.iter().map(|h| format!("{} (in use)", shown(h))));
    found.extend(mounts.iter().filter_map(|line| mounted(line, number)));
    if swaps
        .iter()
        .any(|l| l.split_whitespace().next() == Some(&device.real))
    {
        found.push("swap that is in use".to_owned());
    }
    let zeros = |lines: &[&str]| lines.first().is_some_and(|l| l.starts_with(ZEROS));
    // A signature that was found explains the bytes at the edges.
    if found.len() == known {
        for (place, lines) in [("first", &first), ("last", &last)] {
            if !lines.is_empty() && !zeros(lines) {
                found.push(format!("data of no known form in its {place} MiB"));
            }
        }
        if device.sectors < MEBIBYTE {
            found.push(format!("no more than {} sectors", device.sectors));
        }
    }
    device.content = if found.is_empty() {
        DeviceContent::Blank
    } else {
        DeviceContent::Carries(found)
    };
    Ok(device)
}

/// A word from a node for display: at most 60 characters, control characters escaped.
fn shown(word: &str) -> String {
    let short: String = word.chars().take(60).collect();
    short.escape_debug().to_string()
}

/// The signatures: by `wipefs -p` (`0x438,UUID,LABEL,ext4`), which lists all, and by `blkid -p -o export`, which tells
/// one with its label. Of a partition `blkid` always tells its entry (`PART_ENTRY_…`).
fn signatures(wipefs: &[&str], blkid: &[&str]) -> Vec<String> {
    let value = |key: &str| {
        let mut pairs = blkid.iter().filter_map(|line| line.split_once('='));
        pairs
            .find(|(k, _)| *k == key)
            .map(|(_, value)| shown(value))
    };
    let kind =
        value("TYPE").or_else(|| value("PTTYPE").map(|t| format!("a partition table ({t})")));
    let mut found: Vec<String> = kind.iter().cloned().collect();
    if let (Some(kind), Some(label)) = (found.first_mut(), value("LABEL")) {
        kind.push_str(&format!(" `{label}`"));
    }
    for line in wipefs.iter().filter(|l| !l.starts_with('#')) {
        let word = line.rsplit(',').next().filter(|w| !w.is_empty());
        let word = word.map_or_else(|| "a signature".to_owned(), shown);
        let known = kind.as_deref().is_some_and(|k| k.contains(&word));
        if !known && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The place where a line of mountinfo says that the device of this number is mounted (proc(5)).
fn mounted(line: &str, number: &str) -> Option<String> {
    let mut words = line.split(' ').skip(2);
    let found = words.next()? == number && !number.is_empty();
    let point = words.nth(1)?;
    found.then(|| format!("what is mounted on {}", shown(point)))
}

#[cfg(test)]
#[path = "device_tests.rs"]
pub(super) mod tests;
