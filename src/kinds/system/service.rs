//! Services by systemd and, on EL6, by SysV scripts: enabled, running, and the restarts that they owe.
//!
//! A restart is owed when the running instance (boot, main process, start tick) is the one whose configuration was
//! recorded, and a file of it differs, or will differ, from the record. Clocks play no part. An instance without a
//! record owes no restart.

use crate::kind::lets_in;
use crate::kind::never_restarted;
use crate::kind::{
    Answer, Circumstances, CutsOff, Delta, Depends, Guarding, Kind, Observe, Orphans, Rewrite,
    Running, Runs, Target, Verdict, Written,
};
use crate::platform::Init;
use crate::sh::Call;
use crate::shell::{SERVICE, Shell};
use std::collections::{BTreeMap, BTreeSet};

/// `service = "chronyd"`, or a list of names.
pub struct ServiceKind;

/// The keys of a step of kind `service`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Name of the service; a unit of another type with its suffix (`etckeeper.timer`).
    service: String,
    /// Whether it is started at boot; left as it is when unset.
    enabled: Option<bool>,
    /// Whether it runs; left as it is when unset.
    running: Option<bool>,
    /// Absolute paths of what it reads when it starts: files, folders with all in them, patterns of the shell
    /// (`/etc/chrony/conf.d/*.conf`). When one changes, a running instance is restarted.
    #[serde(default)]
    config: Vec<String>,
    /// A changed `config` is taken up by a reload. Only for daemons that take every key of these files by a reload.
    #[serde(default)]
    reload: bool,
}

/// The state of a service.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether the node knows it.
    loaded: bool,
    /// `enabled`, `disabled`, `static`, `masked`, … in systemd's words; empty when it is not known.
    enabled: String,
    /// `active`, `inactive`, `failed`, … in systemd's words.
    active: String,
    /// Whether it runs.
    running: bool,
    /// Whether it is over as soon as its process ends: a oneshot that does not remain.
    #[serde(skip)]
    over: bool,
    /// Main process; 0 for a service without one.
    main_pid: u64,
    /// The word that distinguishes this start from others: ticks since boot, or for a service without a process
    /// microseconds.
    start_tick: Option<u64>,
    /// Files of its configuration that are not what this instance started with.
    changed: Vec<String>,
    /// The instance that runs, in the words of the node's record.
    #[serde(skip)]
    instance: Option<String>,
    /// The record of this instance: the digest of each file that it has read.
    #[serde(skip)]
    kept: BTreeMap<String, String>,
    /// The digests of its configuration now.
    #[serde(skip)]
    now: BTreeMap<String, String>,
}

/// The word for the digest of a file that does not exist, and of one whose content as the instance read it is unknown.
const MISSING: &str = "missing";
const UNKNOWN: &str = "unknown";

/// Sections of the answer.
const UNITS: &str = "service";
const SCRIPTS: &str = "service-scripts";
const LEVELS: &str = "service-levels";
const LOCKS: &str = "service-locks";
const RECORDS: &str = "service-records";
const CONFIG: &str = "service-config";
const BOOT: &str = "boot-id";
const RC3: &str = "service-rc3";

impl Want {
    /// Whether it is a SysV script without a process: `status` shows whether the kernel has a table, whichever program
    /// made it, and `stop` empties the kernel. Its lock file shows whether the service itself was started.
    fn of_kernel(&self, target: &Target) -> bool {
        target
            .platform
            .kernel_scripts()
            .contains(&self.service.as_str())
    }

    /// A call of a function of this service, whose first word is its unit.
    fn call(&self, function: &'static str, target: &Target) -> Call {
        let call = Call::new(function).arg(self.unit(target));
        if self.of_kernel(target) {
            Call::new("nw_service_by_lock").then(&call)
        } else {
            call
        }
    }

    /// The name by which the node's tools and the node's record call it.
    fn unit(&self, target: &Target) -> String {
        const TYPES: &[&str] = &[
            ".service", ".socket", ".timer", ".target", ".path", ".mount", ".slice",
        ];
        if !target.platform.has_systemd() || TYPES.iter().any(|t| self.service.ends_with(t)) {
            self.service.clone()
        } else {
            format!("{}.service", self.service)
        }
    }

    /// Its points of difference besides an owed restart.
    fn deltas(&self, seen: &Seen) -> Vec<Delta> {
        let mut deltas = Vec::new();
        // A static, indirect or generated unit is started by what needs it and cannot be enabled.
        let off = matches!(seen.enabled.as_str(), "disabled" | "");
        let on = seen.enabled.starts_with("enabled");
        match self.enabled {
            Some(true) if off => deltas.push(Delta::new("enabled", "no", "yes")),
            Some(false) if on => deltas.push(Delta::new("enabled", "yes", "no")),
            _ => {}
        }
        match self.running {
            Some(true) if !seen.running => {
                deltas.push(Delta::new("running", &seen.active, "yes"));
            }
            Some(false) if seen.running => deltas.push(Delta::new("running", "yes", "no")),
            _ => {}
        }
        deltas
    }

    /// The digests that the running instance has read, recorded before one of its files is written. Files that differ
    /// from the record were edited by hand; a reload may have read them without a new instance, so they are marked
    /// unknown.
    fn read<'s>(&self, seen: &'s Seen, file: &str) -> &'s str {
        let now = seen.now.get(file).map_or(MISSING, String::as_str);
        match seen.kept.get(file) {
            Some(kept) if self.reload && kept != now => UNKNOWN,
            Some(kept) => kept,
            None => now,
        }
    }

    /// The files that the running instance has not read as they are once all of this is written.
    fn owed<'w>(&'w self, seen: &Seen, written: &Written) -> Vec<&'w str> {
        if seen.instance.is_none() {
            return Vec::new();
        }
        let owes = |file: &&str| {
            let now = seen.now.get(*file).map_or(MISSING, String::as_str);
            let read = self.read(seen, file);
            match written.of(file) {
                Rewrite::No => read != now,
                Rewrite::To(digest) => read != digest,
                Rewrite::Gone => read != MISSING,
                Rewrite::Somehow => true,
            }
        };
        self.config
            .iter()
            .map(String::as_str)
            .filter(owes)
            .collect()
    }

    /// The way in which a running instance takes up what it owes.
    fn verb(&self) -> &'static str {
        match (never_restarted(&self.service), self.reload) {
            (true, _) => "none",
            (_, true) => "reload",
            _ => "restart",
        }
    }

    /// The verdict in a stage that writes these paths.
    fn judge(&self, seen: &Seen, written: &Written, target: &Target) -> Verdict {
        if seen.enabled.starts_with("masked")
            && (self.enabled == Some(true) || self.running == Some(true))
        {
            return Verdict::Finding {
                what: format!(
                    "{} is masked: someone ruled out that it starts",
                    self.service
                ),
                remedy: format!(
                    "`nodewright run {} -- systemctl unmask {}`, if it may start again",
                    target.node, self.service
                ),
            };
        }
        if seen.over && self.running == Some(true) && !seen.running {
            return Verdict::Finding {
                what: format!(
                    "{} is a oneshot that is over as soon as it has done its work: it never stays running",
                    self.service
                ),
                remedy:
                    "write `enabled = true` without `running`, or name the timer that starts it"
                        .into(),
            };
        }
        let mut deltas = self.deltas(seen);
        let owed = self.owed(seen, written);
        if !owed.is_empty() && self.running != Some(false) {
            let files = if self.config.iter().any(|file| written.concerns(file)) {
                "its configuration".to_owned()
            } else {
                owed.join(", ")
            };
            let owed = format!("started before {files} changed");
            let verb = self.verb();
            if verb != "none" {
                deltas.push(Delta::new(verb, owed, format!("{verb}ed")));
            } else if deltas.is_empty() {
                return Verdict::Finding {
                    what: format!("{} owes a restart: {owed}", self.service),
                    remedy: format!(
                        "stop what depends on it first (guests, mounts, the cluster services above it), then `nodewright run {} -- {}`",
                        target.node,
                        target.platform.init().restart(&self.service)
                    ),
                };
            }
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }
}

impl Kind for ServiceKind {
    const NAME: &'static str = "service";
    const DOC: &'static str = "Services: enabled, running, and restarted (or reloaded) when the instance that runs was started with \
         another configuration. Those that a cluster leans on are never restarted by a step.";
    // The record of a running service's start is in services/NAME: "BOOT PID TICK NAME", then for each file of its
    // configuration "DIGEST  PATH" or "missing  PATH". Ticks count from the boot; no clock is read.
    const SHELL: Shell = Shell::new(include_str!("service.sh")).needing(&[SERVICE]);
    const ORPHANS: Orphans = Orphans::reported("it stays enabled and running as it is");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        before_write: Self::before_write,
        takes_up: &["restart", "reload"],
        confirmed: Self::confirmed,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.service.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let name = &want.service;
        if want.of_kernel(target) && want.running == Some(false) {
            return Err(format!(
                "`running = false`: on {} to stop {name} empties the kernel of all rules and accepts everything, whoever made \
                 them: leave `running` out and say `enabled = false`",
                target.platform
            ));
        }
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"._-@:".contains(&b);
        if name.is_empty() || name.starts_with(['-', '.']) || !name.bytes().all(ok) {
            return Err(format!(
                "`{}` is no name of a service: letters, digits and `._-@:`, no `-` or `.` first",
                name.escape_debug()
            ));
        }
        for path in &want.config {
            if !path.starts_with('/') || path.contains(['\n', '\\']) {
                return Err(format!(
                    "config `{}` must be an absolute path without line breaks and backslashes",
                    path.escape_debug()
                ));
            }
        }
        if want.reload && want.config.is_empty() {
            return Err("`reload` is about a changed `config`: name its files".into());
        }
        Ok(())
    }

    fn depends(want: &Want, _target: &Target) -> Depends {
        Depends {
            paths: want.config.clone(),
        }
    }

    fn guard(want: &Want, target: &Target) -> Guarding {
        Guarding {
            cuts_off: CutsOff::when(lets_in::service(&want.service)),
            note: vec![want.call("nw_service_guard", target)],
            undo_first: vec![match lets_in::packet_filter(&want.service) {
                Some(program) => want.call("nw_service_undo_first", target).arg(program),
                None => want.call("nw_service_undo_first", target),
            }],
            undo: vec![Self::undo(want, target)],
        }
    }
}

impl ServiceKind {
    fn observe(wants: &[&Want], target: &Target, observe: &mut Observe) {
        let asked = wants.iter().filter(|w| !w.of_kernel(target));
        let names: BTreeSet<_> = asked.map(|w| w.unit(target)).collect();
        if target.platform.has_systemd() {
            observe.section(UNITS, Call::new("nw_service_units").args(names));
            observe.section(RC3, Call::new("ls").arg("/etc/rc3.d"));
        } else {
            let levels = match target.platform.init() {
                Init::UpdateRc => Call::new("ls").arg("/etc/rc2.d"),
                _ => Call::new("chkconfig").arg("--list"),
            };
            observe.section(LEVELS, levels);
            if wants.iter().any(|w| w.of_kernel(target)) {
                observe.section(LOCKS, Call::new("ls").arg("/var/lock/subsys"));
            }
            if !names.is_empty() {
                // A status script may ask a daemon that hangs.
                observe.slow_section(SCRIPTS, Call::new("nw_service_scripts").args(names));
            }
        }
        observe.section(
            BOOT,
            Call::new("cat").arg("/proc/sys/kernel/random/boot_id"),
        );
        observe.section(RECORDS, Call::new("nw_service_records"));
        let files: BTreeSet<_> = wants.iter().flat_map(|w| &w.config).cloned().collect();
        if !files.is_empty() {
            observe.section(CONFIG, Call::new("nw_service_lines").args(files));
        }
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let mut seen = if target.platform.has_systemd() {
            parse_unit(&want.unit(target), answer)?
        } else {
            parse_script(want, target, answer)?
        };
        if seen.running
            && let Some(tick) = seen.start_tick
        {
            let boot = answer.text(BOOT);
            let instance = format!("{} {} {tick}", boot.trim(), seen.main_pid);
            let head = format!("{instance} {}", want.unit(target));
            let records = answer.text(RECORDS);
            let kept = records.lines().skip_while(|line| *line != head).skip(1);
            seen.kept = digests(kept.take_while(|line| line.contains("  ")));
            seen.instance = Some(instance);
        }
        let mut now = digests(answer.text(CONFIG).lines());
        for file in &want.config {
            let now = now.remove(file);
            let now = now.ok_or_else(|| format!("{file} of its `config` could not be read"))?;
            if seen.kept.get(file).is_some_and(|kept| *kept != now) {
                seen.changed.push(file.clone());
            }
            seen.now.insert(file.clone(), now);
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        want.judge(seen, circumstances.written, circumstances.target)
    }

    /// Records the configuration that the running instance has read, so that an owed restart is known whatever happens
    /// next.
    fn before_write(want: &Want, seen: &Seen, target: &Target) -> Vec<Call> {
        let read = want.config.iter();
        let read = read.map(|file| format!("{}  {file}", want.read(seen, file)));
        let call = want
            .call("nw_service_note", target)
            .arg(seen.instance.clone().unwrap_or_default())
            .arg(read.collect::<Vec<_>>().join("\n"));
        vec![call.args(want.config.iter().cloned())]
    }

    fn confirmed(want: &Want, seen: &Seen, target: &Target) -> Vec<Call> {
        let deltas = want.deltas(seen);
        let enable = deltas.iter().any(|d| d.what == "enabled" && d.to == "yes");
        if enable && lets_in::service(&want.service) {
            vec![
                Call::new("nw_service_boot")
                    .arg("enable")
                    .arg(want.unit(target)),
            ]
        } else {
            Vec::new()
        }
    }

    fn undo(want: &Want, target: &Target) -> Call {
        let call = want.call("nw_service_undo", target).arg(want.verb());
        call.args(want.config.iter().cloned())
    }

    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        let target = circumstances.target;
        wants
            .iter()
            .map(|(want, seen)| {
                let deltas = want.deltas(seen);
                let enabled = deltas.iter().find(|d| d.what == "enabled");
                let boot = match enabled {
                    None => "keep",
                    Some(d) if d.to != "yes" => "disable",
                    // A service that decides who gets in starts at boot once it was confirmed.
                    Some(_) if lets_in::service(&want.service) => "keep",
                    Some(_) => "enable",
                };
                let run = want
                    .running
                    .map_or("keep", |on| if on { "start" } else { "stop" });
                let owed = want.owed(seen, circumstances.written);
                let debt = if owed.is_empty() { "none" } else { want.verb() };
                want.call("nw_service", target)
                    .args([boot, run, debt])
                    .args(want.config.iter().cloned())
            })
            .collect()
    }
}

/// One unit in the answer of `systemctl show`: blocks of `KEY=VALUE`, then `Tick=PID TICK` of each main process.
fn parse_unit(unit: &str, answer: &Answer) -> Result<Seen, String> {
    let section = answer.get(UNITS).ok_or("the services were not observed")?;
    let text = section.text();
    let block = text
        .split("\n\n")
        .find(|block| {
            value(block, "Id") == unit || value(block, "Names").split(' ').any(|name| name == unit)
        })
        .ok_or(if section.status == 127 {
            "systemctl is missing on this node".to_owned()
        } else {
            format!(
                "systemctl gave no answer about {unit} (exit status {})",
                section.status
            )
        })?;
    let active = value(block, "ActiveState").to_owned();
    let pid = value(block, "MainPID").parse().unwrap_or(0);
    let start_tick = if pid == 0 {
        value(block, "ActiveEnterTimestampMonotonic").parse().ok()
    } else {
        let tick = format!("Tick={pid} ");
        text.lines()
            .find_map(|line| line.strip_prefix(&tick)?.parse().ok())
    };
    Ok(Seen {
        loaded: !matches!(
            value(block, "LoadState"),
            "not-found" | "error" | "bad-setting" | ""
        ),
        // `UnitFileState` of old systemd is empty for a masked unit that was never loaded; `LoadState` is not.
        enabled: if value(block, "LoadState") == "masked" {
            "masked".to_owned()
        } else if let Some(script) = value(block, "SourcePath").rsplit_once("/init.d/") {
            // Of a unit made of a SysV script it says `bad`, `generated` or nothing.
            starts(script.1, &answer.text(RC3)).to_owned()
        } else {
            value(block, "UnitFileState").to_owned()
        },
        running: matches!(active.as_str(), "active" | "reloading"),
        over: value(block, "Type") == "oneshot" && value(block, "RemainAfterExit") == "no",
        active,
        main_pid: pid,
        start_tick,
        changed: Vec::new(),
        instance: None,
        kept: BTreeMap::new(),
        now: BTreeMap::new(),
    })
}

/// Whether the links of a run level start this script, in systemd's word.
fn starts(script: &str, links: &str) -> &'static str {
    let on = |link: &str| {
        let number = link.strip_prefix('S').and_then(|rest| rest.get(2..));
        number == Some(script)
    };
    if links.lines().any(on) {
        "enabled"
    } else {
        "disabled"
    }
}

fn value<'a>(block: &'a str, key: &str) -> &'a str {
    block
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_default()
}

/// One SysV service: `chkconfig --list`, and `NAME STATUS PID TICK` of each, or the lock file that it leaves
/// (docs/facts/services.md#sysv-scripts).
fn parse_script(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
    let name = want.service.as_str();
    let levels = answer.get(LEVELS).ok_or("the services were not observed")?;
    if levels.status != 0 {
        return Err(format!(
            "the list of run levels ended with status {}",
            levels.status
        ));
    }
    let text = levels.text();
    let level = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        // Of `ls`, Debian's level 2: `S02ntp` is started in it, `K02ntp` is not.
        let linked = first.strip_suffix(name).map(str::as_bytes);
        match linked {
            Some([]) => Some(words.any(|word| word == "3:on")),
            Some([start @ (b'S' | b'K'), b'0'..=b'9', b'0'..=b'9']) => Some(*start == b'S'),
            _ => None,
        }
    });
    let (active, main_pid, start_tick) = if want.of_kernel(target) {
        let locks = answer.get(LOCKS).ok_or("the services were not asked")?;
        let locked = locks.text().lines().any(|line| line == name);
        (if locked { "active" } else { "inactive" }, 0, Some(0))
    } else {
        script_state(name, level.is_some(), answer)?
    };
    Ok(Seen {
        loaded: level.is_some(),
        enabled: match level {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None => "",
        }
        .to_owned(),
        running: active == "active",
        over: false,
        active: active.to_owned(),
        main_pid,
        start_tick,
        changed: Vec::new(),
        instance: None,
        kept: BTreeMap::new(),
        now: BTreeMap::new(),
    })
}

/// The state that a SysV script's `status` reports, in systemd's word, with the pid and the start of its process.
///
/// # Errors
/// A message for display, where the script was not asked, did not answer in time (exit status 124), or its answer
/// cannot be parsed.
fn script_state(
    name: &str,
    loaded: bool,
    answer: &Answer,
) -> Result<(&'static str, u64, Option<u64>), String> {
    let scripts = answer.get(SCRIPTS).ok_or("the services were not asked")?;
    if scripts.status == 124 {
        return Err("a service did not tell its status in time".into());
    }
    let text = scripts.text();
    let words: Vec<_> = text
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|words| words.first() == Some(&name))
        .ok_or_else(|| format!("`service {name} status` was not answered"))?;
    let [_, status, pid, tick] = words.as_slice() else {
        return Err(format!("the status of {name} makes no sense: {words:?}"));
    };
    // Statuses of SysV scripts: 1 and 2 are dead with leftovers, 3 is stopped.
    let active = match *status {
        "0" => "active",
        // `service` itself ends with 1 where there is no such script.
        "1" if !loaded => "inactive",
        "1" | "2" => "failed",
        "3" => "inactive",
        _ => "unknown",
    };
    Ok((active, pid.parse().unwrap_or(0), tick.parse().ok()))
}

/// Lines of a digest, or a word in its place, and a path, by path.
fn digests<'l>(lines: impl Iterator<Item = &'l str>) -> BTreeMap<String, String> {
    let lines = lines.filter_map(|line| line.split_once("  "));
    lines
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect()
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
