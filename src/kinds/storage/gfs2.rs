//! A GFS2 filesystem on a mirror: made once, by one member, on a device that is proven to be blank.
//!
//! Facts: docs/facts/storage.md#gfs2, docs/facts/storage.md#blank-devices.

use super::device::{self, BlockDevice, DeviceContent};
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Overwritten, Running, Runs, Target,
    Verdict, valid,
};
use crate::sh::Call;
use crate::shell::Shell;

/// `gfs2 = "/dev/drbd0"`.
pub struct Gfs2;

/// The keys of a step of kind `gfs2`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The device, which one member at least can open.
    gfs2: String,
    /// The lock table: `CLUSTER:FILESYSTEM`.
    table: String,
    /// The number of members that can mount it at once.
    journals: u16,
    /// The size of each journal, in MiB.
    #[serde(default = "journal_size")]
    journal_size: u16,
}

fn journal_size() -> u16 {
    128
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The device.
    device: BlockDevice,
    /// The lock table of the GFS2 on it; empty where there is none, or this member cannot open the device.
    table: String,
    /// Whether this node withdrew from it after an error: it comes back by a reboot alone.
    withdrawn: bool,
}

const WITHDRAWN: &str = "gfs2.withdrawn";

impl Kind for Gfs2 {
    const NAME: &'static str = "gfs2";
    const DOC: &'static str = "A GFS2 filesystem: made once, on a device that is proven blank. Whatever else is on the device stays, until the \
         operator names that device in the command.";
    const SHELL: Shell = device::SHELL;
    const ORPHANS: Orphans = Orphans::reported("the filesystem stays with all its files");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        destroys: Self::destroys,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.gfs2.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("gfs2", &want.gfs2)?;
        let word = |w: &str| {
            (1..=30).contains(&w.len())
                && w.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        };
        let right = want
            .table
            .split_once(':')
            .is_some_and(|(cluster, name)| word(cluster) && word(name));
        if !right {
            return Err(format!(
                "`table` is `CLUSTER:FILESYSTEM`, not `{}`",
                want.table.escape_debug()
            ));
        }
        if want.journals == 0 || want.journal_size < 8 {
            return Err("`journals` is at least 1, and `journal_size` at least 8 MiB".to_owned());
        }
        Ok(())
    }
}

impl Gfs2 {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        device::observe(wants.iter().map(|w| w.gfs2.as_str()), observe);
        let states = wants
            .iter()
            .map(|w| format!("/sys/fs/gfs2/{}/withdraw", w.table));
        let call = Call::new("grep").args(["-lx", "1", "--"]).args(states);
        observe.section(WITHDRAWN, call);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let device = device::seen(&want.gfs2, answer)?;
        let table = match device.kind.as_str() {
            "gfs2" => device.label.clone(),
            _ => String::new(),
        };
        let withdrawn = answer.text(WITHDRAWN);
        let withdrawn = withdrawn
            .lines()
            .any(|l| l == format!("/sys/fs/gfs2/{}/withdraw", want.table));
        Ok(Seen {
            device,
            table,
            withdrawn,
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let node = &circumstances.target.node;
        if seen.table == want.table {
            return Verdict::Same;
        }
        match &seen.device.content {
            DeviceContent::Absent | DeviceContent::Closed => Verdict::After {
                what: format!("{} can be opened on {node}", want.gfs2),
                table: "blank: made, once; the same lock table: kept; anything else: refused"
                    .to_owned(),
            },
            DeviceContent::Carries(_) if !seen.table.is_empty() => Verdict::Finding {
                what: format!(
                    "the GFS2 on {} belongs to {}, not to {}",
                    want.gfs2,
                    seen.table.escape_debug(),
                    want.table
                ),
                remedy: format!(
                    "`tunegfs2 -o locktable={} {}` while no member has it mounted, once you know that it is this cluster's",
                    want.table, want.gfs2
                ),
            },
            _ => Verdict::Change(vec![Delta::new("filesystem", "", &want.table)]),
        }
    }

    /// One that belongs to another cluster is never overwritten, not even by name: it is a finding.
    fn destroys(want: &Want, seen: &Seen) -> Vec<Overwritten> {
        match seen.device.content {
            DeviceContent::Absent | DeviceContent::Closed => Vec::new(),
            _ if seen.table == want.table || !seen.table.is_empty() => Vec::new(),
            _ => seen.device.overwritten(),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        // That the device is blank was proven just now, or the operator gave up what it carries: so `-O` asks no question. It
        // takes `--` for the end of all words.
        // DRBD itself does not let a device be opened where this node is not its primary.
        let make = |want: &Want| {
            let call =
                Call::new("mkfs.gfs2").args(["-O", "-q", "-p", "lock_dlm", "-t", &want.table]);
            call.arg("-j")
                .arg(want.journals.to_string())
                .arg("-J")
                .arg(want.journal_size.to_string())
                .arg(&want.gfs2)
        };
        wants.iter().map(|(want, _)| make(want)).collect()
    }

    fn title(names: &str, _deltas: &[Delta]) -> String {
        format!("make a GFS2 on {names}")
    }
}

#[cfg(test)]
#[path = "gfs2_tests.rs"]
mod tests;
