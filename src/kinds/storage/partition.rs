//! A partition by its number: made in free space, never moved, resized or deleted.
//!
//! Facts: docs/facts/storage.md#partitions.

use super::device::{self, BlockDevice, DeviceContent};
use crate::digest::sha256;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Overwritten, Running, Runs, Target,
    Verdict, valid,
};
use crate::sh::Call;
use crate::shell::{PROCESS, Shell};
use crate::text::size;
use std::collections::{BTreeMap, BTreeSet};

/// `partition = 6` of a disk.
pub struct PartitionKind;

/// The keys of a step of kind `partition`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its number.
    partition: u16,
    /// The disk: `/dev/disk/by-id/…`.
    disk: String,
    /// Its size in sectors of 512 bytes, in whole MiB.
    sectors: u64,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its size in sectors of 512 bytes; 0 where it is not there.
    sectors: u64,
    /// The partition table: `gpt`, `msdos`; empty where there is none.
    label: String,
    /// The disk, as far as it was asked whether it is blank.
    disk: BlockDevice,
    /// The parsed partition table; `None` before the tool that reads it is installed.
    #[serde(skip)]
    table: Option<PartitionTable>,
}

/// A partition table, as `parted` tells of it. Places are in sectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PartitionTable {
    label: String,
    /// First sector and number of sectors, by number.
    parts: BTreeMap<u16, (u64, u64)>,
    /// First and last sector of what no partition has.
    free: Vec<(u64, u64)>,
}

/// A mebibyte in sectors: where partitions begin.
const MEBIBYTE: u64 = 2048;

/// A disk's number of sectors less this is its last usable sector: the second table of a GPT takes the last 33.
const BEHIND: u64 = 34;

impl PartitionTable {
    /// Reads `parted -s -m DISK unit s print free`: `BYT;`, the disk, then `NUMBER:FIRST:LAST:SIZE:…;` and
    /// `1:FIRST:LAST:SIZE:free;`. A disk without a table has `unknown` for its label.
    fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(|line| line.trim_end_matches(';'));
        let unreadable = || "what parted says of the disk cannot be read".to_owned();
        if lines.next() != Some("BYT") {
            return Err(unreadable());
        }
        let disk: Vec<&str> = lines.next().ok_or_else(unreadable)?.rsplit(':').collect();
        // A path may hold colons, so the words are counted from the end: flags, model, label.
        let label = *disk.get(2).ok_or_else(unreadable)?;
        let mut table = Self {
            label: if label == "unknown" { "" } else { label }.to_owned(),
            ..Self::default()
        };
        for line in lines.filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(':').collect();
            let sector = |at: usize| {
                let word = words.get(at)?.strip_suffix('s')?;
                word.parse::<u64>().ok()
            };
            let (first, last) = sector(1).zip(sector(2)).ok_or_else(unreadable)?;
            if last < first {
                return Err(unreadable());
            }
            if words.get(4) == Some(&"free") {
                table.free.push((first, last));
            } else {
                let number = words[0].parse().map_err(|_| unreadable())?;
                table.parts.insert(number, (first, last - first + 1));
            }
        }
        Ok(table)
    }

    /// A new table of GPT on a disk of so many sectors.
    fn new(sectors: u64) -> Self {
        Self {
            label: "gpt".to_owned(),
            parts: BTreeMap::new(),
            free: vec![(MEBIBYTE, sectors.saturating_sub(BEHIND))],
        }
    }

    /// The place where a partition of this size is made, and what is left then; why it cannot be made.
    fn make(&self, number: u16, sectors: u64) -> Result<(u64, Self), String> {
        if self.label != "gpt" {
            return Err(format!(
                "its table is of the form {}, in which this tool makes no partition",
                self.label
            ));
        }
        let next = (1..u16::MAX)
            .find(|n| !self.parts.contains_key(n))
            .unwrap_or(u16::MAX);
        if next != number {
            return Err(format!("the next free number there is {next}"));
        }
        let fits = self
            .free
            .iter()
            .enumerate()
            .find_map(|(at, &(first, last))| {
                let start = first.div_ceil(MEBIBYTE) * MEBIBYTE;
                let end = start.checked_add(sectors)?;
                (end <= last.saturating_add(1)).then_some((at, start, end))
            });
        let (at, start, end) = fits.ok_or_else(|| {
            let largest = self.free.iter().map(|(first, last)| last - first + 1).max();
            format!(
                "the largest free space there is {}",
                size(largest.unwrap_or(0).saturating_mul(512))
            )
        })?;
        let mut left = self.clone();
        left.parts.insert(number, (start, sectors));
        let (first, last) = left.free[at];
        left.free.splice(
            at..=at,
            [(first, start.saturating_sub(1)), (end, last)]
                .into_iter()
                .filter(|(first, last)| first < last),
        );
        Ok((start, left))
    }
}

fn section(disk: &str) -> String {
    format!("partition.{}", &sha256(disk.as_bytes())[..16])
}

impl Kind for PartitionKind {
    const NAME: &'static str = "partition";
    const DOC: &'static str = "A partition by its number: made in free space of a disk with a table of GPT, or of a disk that is proven blank. \
         What is there is compared, never moved, resized or deleted.";
    const SHELL: Shell =
        Shell::new(include_str!("partition.sh")).needing(&[PROCESS, device::SHELL]);
    const ORPHANS: Orphans = Orphans::reported("the partition stays with all its data");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        together: true,
        compare: Self::compare,
        destroys: Self::destroys,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        format!("{}-part{}", want.disk, want.partition)
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("disk", &want.disk)?;
        if !(1..=128).contains(&want.partition) {
            return Err(format!(
                "a partition has a number from 1 to 128, not {}",
                want.partition
            ));
        }
        if want.sectors == 0 || !want.sectors.is_multiple_of(MEBIBYTE) {
            return Err(format!(
                "`sectors` is a number of whole MiB ({MEBIBYTE} sectors each), not {}",
                want.sectors
            ));
        }
        Ok(())
    }
}

impl PartitionKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let disks: BTreeSet<&str> = wants.iter().map(|w| w.disk.as_str()).collect();
        for disk in &disks {
            observe.slow_section(section(disk), Call::new("nw_partition_table").arg(*disk));
        }
        device::observe(disks, observe);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let disk = device::seen(&want.disk, answer)?;
        let said = answer
            .get(&section(&want.disk))
            .ok_or("the partitions were not asked")?;
        if said.status == 124 {
            return Err(format!("{} did not answer in time", want.disk));
        }
        // parted ends with 1 where there is no table.
        let table = match said.status {
            _ if disk.content == DeviceContent::Absent => Some(PartitionTable::default()),
            0 | 1 => Some(PartitionTable::read(&said.text())?),
            127 => None,
            status => return Err(format!("parted ended with {status}")),
        };
        let part = table.as_ref().and_then(|t| t.parts.get(&want.partition));
        Ok(Seen {
            sectors: part.map_or(0, |(_, sectors)| *sectors),
            label: table.as_ref().map(|t| t.label.clone()).unwrap_or_default(),
            disk,
            table,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let node = &circumstances.target.node;
        let name = Self::name(want);
        let finding = |what: String| Verdict::Finding {
            what,
            remedy: format!(
                "`nodewright run {node} -- parted {} unit s print free`, then correct the site or the disk by hand",
                want.disk
            ),
        };
        let Some(table) = &seen.table else {
            return Verdict::After {
                what: "a step that brings `parted`".to_owned(),
                table: "there, of this size: kept; free space: made; anything else: reported"
                    .to_owned(),
            };
        };
        if seen.sectors == want.sectors {
            return Verdict::Same;
        }
        let bytes = |sectors: u64| size(sectors.saturating_mul(512));
        if seen.sectors > 0 {
            return finding(format!(
                "{name} has {} sectors ({}), not {} ({}); it is never resized",
                seen.sectors,
                bytes(seen.sectors),
                want.sectors,
                bytes(want.sectors)
            ));
        }
        match seen.disk.content {
            DeviceContent::Absent => return finding(format!("{} is not there", want.disk)),
            DeviceContent::Other => {
                return Verdict::refuse(format!("{} is no disk", want.disk), node);
            }
            _ => {}
        }
        // Whether it finds its place among the others that are made with it is seen when they are made.
        let only = if seen.label.is_empty() {
            None
        } else {
            let free = table.free.iter().any(|(a, b)| b - a >= want.sectors);
            (seen.label != "gpt" || !free).then(|| table.make(want.partition, want.sectors))
        };
        match only {
            Some(Err(why)) => finding(format!("{name} is not there and is not made: {why}")),
            _ => Verdict::Change(vec![Delta::new("size", "", bytes(want.sectors))]),
        }
    }

    /// A new table overwrites whatever a disk without one carries.
    fn destroys(want: &Want, seen: &Seen) -> Vec<Overwritten> {
        if seen.table.is_some() && seen.label.is_empty() && seen.sectors != want.sectors {
            seen.disk.overwritten()
        } else {
            Vec::new()
        }
    }

    /// Partitions in the order of their numbers, each in the room that the ones before leave; one that does not fit
    /// fails and changes nothing.
    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let mut tables: BTreeMap<&str, PartitionTable> = BTreeMap::new();
        let mut calls = Vec::new();
        let mut all: Vec<&(&Want, &Seen)> = wants.iter().collect();
        all.sort_by_key(|(want, _)| (&want.disk, want.partition));
        for (want, seen) in all {
            let table = tables.entry(&want.disk).or_insert_with(|| {
                if seen.label.is_empty() {
                    calls.push(Call::new("nw_partition_label").arg(&want.disk));
                    PartitionTable::new(seen.disk.sectors)
                } else {
                    seen.table.clone().unwrap_or_default()
                }
            });
            match table.make(want.partition, want.sectors) {
                Ok((start, left)) => {
                    *table = left;
                    calls.push(Call::new("nw_partition").args([
                        want.disk.clone(),
                        want.partition.to_string(),
                        start.to_string(),
                        (start + want.sectors - 1).to_string(),
                    ]));
                }
                Err(why) => calls.push(
                    Call::new("nw_partition_not").arg(format!("{}: {why}", Self::name(want))),
                ),
            }
        }
        calls
    }
}

#[cfg(test)]
#[path = "partition_tests.rs"]
mod tests;
