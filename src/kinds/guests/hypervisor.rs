//! Whether a node can run guests, and which guests its libvirt knows that the site does not.
//!
//! Facts: docs/facts/guests.md#hardware.

use super::libvirt;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observable, Observe, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::{PROCESS, Shell};
use std::collections::BTreeMap;

/// `hypervisor = "kvm"`.
pub struct HypervisorKind;

/// The keys of a step of kind `hypervisor`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The way in which guests run: `kvm`, by the processor, or `qemu`, emulated.
    hypervisor: DomainType,
    /// The guests that the site has.
    #[serde(default)]
    guests: Vec<String>,
}

/// The way in which guests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DomainType {
    Kvm,
    Qemu,
}

/// The observed state.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The processor's flag for virtualization: `vmx`, `svm`, or empty where it has none.
    flags: String,
    /// Whether the kernel offers it: /dev/kvm.
    device: bool,
    /// Whether libvirt answers.
    pub answers: bool,
    /// Guests that libvirt knows and the site does not.
    pub unknown: Vec<String>,
    /// All guests that libvirt knows, with their states in its words.
    #[serde(skip)]
    pub guests: BTreeMap<String, String>,
    /// The bytes of memory that guests to come may take; `None` where the kernel did not say.
    #[serde(skip)]
    pub memory: Option<u64>,
}

const FLAGS: &str = "hypervisor.flags";
const DEVICE: &str = "hypervisor.device";
const MEMORY: &str = "hypervisor.memory";

/// The memory that can be had without swapping, as /proc/meminfo says: EL6 has no line for it, and it is what is free or
/// holds files.
fn available(meminfo: &str) -> Option<u64> {
    let value = |key: &str| {
        let mut lines = meminfo.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
        kibibytes.checked_mul(1024)
    };
    value("MemAvailable").or_else(|| {
        let parts = ["MemFree", "Buffers", "Cached"];
        parts.iter().map(|key| value(key)).sum()
    })
}

impl Kind for HypervisorKind {
    const NAME: &'static str = "hypervisor";
    const DOC: &'static str = "Whether a node can run guests by its processor, and which guests libvirt has there that the site does not know. \
         It waits until libvirt answers; guests are never touched by it.";
    const SHELL: Shell = PROCESS;
    const RUNNING: &'static dyn Runs = &Running {
        // Later steps ask libvirt.
        ends_stage: true,
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        match want.hypervisor {
            DomainType::Kvm => "kvm".to_owned(),
            DomainType::Qemu => "qemu".to_owned(),
        }
    }
}

impl Observable for HypervisorKind {
    type Seen = Seen;
}

impl HypervisorKind {
    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        libvirt::observe(observe);
        let words = ["-m", "1", "-o", "-w", "-E", "vmx|svm", "/proc/cpuinfo"];
        observe.section(FLAGS, Call::new("grep").args(words));
        observe.section(DEVICE, Call::new("test").args(["-c", "/dev/kvm"]));
        observe.section(MEMORY, Call::new("cat").arg("/proc/meminfo"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let lists = libvirt::lists(answer, None)?;
        let device = answer.get(DEVICE).ok_or("/dev/kvm was not looked for")?;
        let known = |name: &String| want.guests.contains(name);
        Ok(Seen {
            flags: answer
                .text(FLAGS)
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
            device: device.status == 0,
            answers: lists.answers,
            unknown: lists.guests.keys().filter(|g| !known(g)).cloned().collect(),
            guests: lists.guests,
            memory: available(&answer.text(MEMORY)),
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let node = &circumstances.target.node;
        if !seen.answers {
            return Verdict::Change(vec![Delta::new("libvirt", "silent", "answers")]);
        }
        let (what, remedy) = match (want.hypervisor, seen.flags.as_str(), seen.device) {
            (DomainType::Qemu, ..) | (DomainType::Kvm, _, true) => return Verdict::Same,
            (DomainType::Kvm, "", false) => (
                format!("{node} cannot run guests: its processor says neither vmx nor svm"),
                "switch virtualisation (VT-x or AMD-V) on in its firmware; in a virtual machine, in its hypervisor's".to_owned(),
            ),
            (DomainType::Kvm, flags, false) => {
                let module = if flags == "svm" { "kvm_amd" } else { "kvm_intel" };
                (
                    format!("{node} cannot run guests: its processor says {flags}, and there is no /dev/kvm"),
                    format!("`nodewright run {node} -- modprobe {module}`; where that fails, `dmesg` says whether the firmware locks it"),
                )
            }
        };
        Verdict::Finding { what, remedy }
    }
    /// A step before it starts libvirt, which looks at its emulators first.
    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let wait = Call::new("nw_await").args(["120", "libvirt"]);
        let calls = wants
            .iter()
            .map(|_| wait.clone().then(&libvirt::virsh(["uri"])));
        calls.collect()
    }
}

#[cfg(test)]
#[path = "hypervisor_tests.rs"]
mod tests;
