//! Packages by rpm/yum/dnf and dpkg/apt: one query for all, one transaction a stage.

use super::package_version::RpmVersion;
use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict, valid,
};
use crate::platform::PackageTool;
use crate::sh::Call;
use crate::shell::{PROCESS, Shell};
use std::cmp::Ordering;

/// `package = "chrony"`, or a list of names.
pub struct PackageKind;

/// The keys of a step of kind `package`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Name of the package. On EL a name that an installed package provides will do; on Debian it is a package's own.
    package: String,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: PackageState,
    /// This version: `VERSION`, `VERSION-RELEASE` or `EPOCH:VERSION-RELEASE` on EL, the whole version on Debian.
    version: Option<String>,
    /// Kept at the installed version by the package manager (`versionlock`, whose plugin is installed for it; `apt-mark
    /// hold`), or not; left as it is when unset.
    held: Option<bool>,
    /// Units that its installation must not start, which Debian does with the configuration that the package brings.
    #[serde(default)]
    unstarted: Vec<String>,
    /// Immutable folders that it owns: their attribute is cleared while it is installed, updated or removed, and set
    /// again afterwards.
    #[serde(default)]
    lifts: Vec<String>,
}

/// Whether it has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PackageState {
    #[default]
    Present,
    Absent,
}

/// The state by the package database.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it is installed, by its own name or by a package that provides it.
    installed: bool,
    /// The installed version; the last one where there are several (kernels).
    version: Option<String>,
    /// All installed versions.
    versions: Vec<String>,
    /// The package that provides the name, where it is another.
    provided_by: Option<String>,
    /// dpkg's word for a package that is half done: `half-configured`, `unpacked`, `half-installed`.
    broken: Option<String>,
    /// Whether it is held.
    held: bool,
}

/// Packages and repositories share their shell, so that a script holds it once.
/// Whether the package tool's lists were fetched from the repositories that are set up now: a file of the node's state keeps the
/// digest of what is set up, as it was when they were fetched; no time stamp is compared.
const REPOSITORY: Shell = Shell::new(include_str!("repository.sh")).needing(&[PROCESS]);
pub(super) const SHELL: Shell = Shell::new(include_str!("package.sh")).needing(&[REPOSITORY]);

/// Sections of the answer.
const PACKAGES: &str = "package";
const LOCKS: &str = "package-locks";

/// The name first, so that a line of another tool is distinguished; its provisions last.
const RPM_FORMAT: &str =
    "%{NAME} %|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE} %{ARCH}[ %{PROVIDENAME}]\\n";
const DPKG_FORMAT: &str = "${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\\n";

impl Want {
    /// Whether one of the installed versions is the desired one; true when none is desired.
    fn version_is(&self, seen: &Seen, target: &Target) -> bool {
        self.version.as_ref().is_none_or(|version_wanted| {
            seen.provided_by.is_none()
                && seen.versions.iter().any(|version| {
                    if target.platform.package_tool().is_rpm() {
                        RpmVersion::new(version).is(&RpmVersion::new(version_wanted))
                    } else {
                        version == version_wanted
                    }
                })
        })
    }

    /// Its name and version in the syntax of a package tool.
    fn spec(&self, tool: PackageTool) -> String {
        match (&self.version, tool) {
            (None, _) => self.package.clone(),
            (Some(version), PackageTool::Apt) => format!("{}={version}", self.package),
            (Some(version), _) => format!("{}-{version}", self.package),
        }
    }

    /// The verb of the transaction that it needs, if any.
    fn verb(&self, seen: &Seen, target: &Target) -> Option<&'static str> {
        match self.state {
            PackageState::Absent if seen.own() || seen.broken.is_some() => Some("remove"),
            PackageState::Absent => None,
            PackageState::Present
                if seen.installed && seen.broken.is_none() && self.version_is(seen, target) =>
            {
                None
            }
            // yum does not go back by `install`; dnf and apt do.
            PackageState::Present => Some(match (&self.version, &seen.version) {
                (Some(version_wanted), Some(version))
                    if target.platform.package_tool().has_downgrade()
                        && seen.own()
                        && RpmVersion::new(version).order(&RpmVersion::new(version_wanted))
                            == Ordering::Greater =>
                {
                    "downgrade"
                }
                _ => "install",
            }),
        }
    }
}

impl Seen {
    /// Whether a package of this very name is installed.
    fn own(&self) -> bool {
        self.installed && self.provided_by.is_none()
    }
}

impl Kind for PackageKind {
    const NAME: &'static str = "package";
    const DOC: &'static str = "Packages; all of a stage in one transaction of yum, dnf or apt.";
    const SHELL: Shell = SHELL;
    const ORPHANS: Orphans = Orphans::reported("it stays installed");
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        actions: Self::actions,
        title: Some(Self::title),
        together: true,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.package.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let apt = target.platform.package_tool() == PackageTool::Apt;
        let name = &want.package;
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"+._-".contains(&b);
        let first = |b: u8| b.is_ascii_alphanumeric() || (!apt && b == b'_');
        // apt takes `NAME-` for a removal.
        let fits = name.bytes().all(ok)
            && name.bytes().next().is_some_and(first)
            && !(apt && (name.ends_with('-') || name.bytes().any(|b| b.is_ascii_uppercase())));
        if let Some((plain, architecture)) = name.split_once(':').filter(|_| apt) {
            return Err(format!(
                "`{}` names an architecture, `{}`, and a package is of the node's own: write `{}`",
                name.escape_debug(),
                architecture.escape_debug(),
                plain.escape_debug()
            ));
        }
        if !fits {
            let letters = if apt { "lower-case letters" } else { "letters" };
            return Err(format!(
                "`{}` is no package name: {letters}, digits and `+._-`, a letter or digit first",
                name.escape_debug()
            ));
        }
        if let Some(version) = &want.version {
            let ok = |b: u8| b.is_ascii_alphanumeric() || b"+._-~^:".contains(&b);
            if version.is_empty() || version.starts_with('-') || !version.bytes().all(ok) {
                return Err(format!(
                    "`{}` is no version: letters, digits and `+._-~^:`",
                    version.escape_debug()
                ));
            }
        }
        let unit = |b: u8| b.is_ascii_alphanumeric() || b"._-@".contains(&b);
        if let Some(name) = want
            .unstarted
            .iter()
            .find(|n| n.is_empty() || n.starts_with('-') || !n.bytes().all(unit))
        {
            return Err(format!("`{}` is no name of a unit", name.escape_debug()));
        }
        for folder in &want.lifts {
            valid::path("lifts", folder)?;
            if folder.contains(|c: char| c.is_whitespace() || "*?[".contains(c)) {
                return Err(format!(
                    "`lifts` names folders without blanks and patterns, and not `{}`",
                    folder.escape_debug()
                ));
            }
        }
        if want.state == PackageState::Absent && (want.version.is_some() || want.held == Some(true))
        {
            return Err("a package that is `absent` has no `version` and is not `held`".into());
        }
        Ok(())
    }

    fn absent(want: &Want) -> bool {
        want.state == PackageState::Absent
    }
}

impl PackageKind {
    fn observe(wants: &[&Want], target: &Target, observe: &mut Observe) {
        let names = wants.iter().map(|w| w.package.clone());
        let held = wants
            .iter()
            .any(|w| w.held.is_some() || w.version.is_some() || Self::absent(w));
        let tool = target.platform.package_tool();
        let call = if tool.is_rpm() {
            if let Some(lock) = tool.version_lock().filter(|_| held) {
                observe.section(LOCKS, Call::new("cat").arg(lock.list));
            }
            Call::new("rpm").args(["-q", "--qf", RPM_FORMAT, "--whatprovides"])
        } else {
            Call::new("dpkg-query").args(["-W", "-f", DPKG_FORMAT])
        };
        observe.section(PACKAGES, call.arg("--").args(names));
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(PACKAGES)
            .ok_or("the package database was not observed")?;
        if section.status == 127 {
            return Err("the package tool is missing on this node".into());
        }
        let text = section.text();
        if target.platform.package_tool().is_rpm() {
            let mut seen = parse_rpm(&want.package, &text)
                .ok_or_else(|| format!("rpm gave no answer about {}", want.package))?;
            let name = seen.provided_by.as_ref().unwrap_or(&want.package);
            seen.held = answer.text(LOCKS).lines().any(|line| locks(line, name));
            Ok(seen)
        } else if section.status > 1 {
            Err(format!("dpkg-query ended with status {}", section.status))
        } else {
            Ok(parse_dpkg(&want.package, &text))
        }
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let mut deltas = Vec::new();
        let version_wanted = want.version.as_deref().unwrap_or("yes");
        let version = seen.version.as_deref().unwrap_or("no");
        if let Some(state) = &seen.broken {
            let to = if want.state == PackageState::Present {
                version_wanted
            } else {
                "no"
            };
            deltas.push(Delta::new("installed", state, to));
        } else {
            match want.verb(seen, circumstances.target) {
                Some("remove") => deltas.push(Delta::new("installed", version, "no")),
                Some(_) if seen.own() => {
                    deltas.push(Delta::new("version", version, version_wanted));
                }
                Some(_) => deltas.push(Delta::new("installed", "no", version_wanted)),
                None => {}
            }
        }
        // The removal of a held package lifts its hold too. Somebody set that hold, so the plan shows it.
        let held = want.held.or(Self::absent(want).then_some(false));
        if let Some(held) = held.filter(|_| !deltas.is_empty() || want.held.is_some())
            && held != seen.held
        {
            let word = |yes| if yes { "yes" } else { "no" };
            deltas.push(Delta::new("held", word(seen.held), word(held)));
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        let target = circumstances.target;
        let tool = target.platform.package_tool();
        let mut calls = Vec::new();
        let unstarted: Vec<String> = wants
            .iter()
            .filter(|(w, s)| tool == PackageTool::Apt && w.verb(s, target) == Some("install"))
            .flat_map(|(w, _)| w.unstarted.clone())
            .collect();
        let changed = wants.iter().filter(|(w, s)| w.verb(s, target).is_some());
        let mut lifts: Vec<String> = changed.flat_map(|(w, _)| w.lifts.clone()).collect();
        lifts.sort();
        lifts.dedup();
        let quiet = || Call::new("nw_package_quiet");
        let mut call = |verb: &str, words: Vec<String>| {
            if words.is_empty() {
                return;
            }
            if let Some(lock) = tool.version_lock().filter(|_| verb == "hold") {
                let install = transaction(tool, "install", vec![lock.package.to_owned()]);
                let unless = quiet().args(["nw_package_unless", lock.package]);
                calls.push(unless.then(&install));
            }
            let call = if verb == "install" && !unstarted.is_empty() {
                let count = unstarted.len().to_string();
                let call = quiet().arg("nw_package_unstarted").arg(count);
                call.args(unstarted.iter().cloned())
            } else {
                quiet()
            };
            let lifts = lifts.iter().filter(|_| !verb.ends_with("hold"));
            let call = lifts.fold(call, |call, folder| {
                call.args(["nw_package_lifted", folder.as_str()])
            });
            calls.push(call.then(&transaction(tool, verb, words)));
        };
        // A lock would block another version.
        let moved = |want: &Want, seen: &Seen| seen.held && want.verb(seen, target).is_some();
        let own =
            |seen: &Seen, want: &Want| seen.provided_by.clone().unwrap_or(want.package.clone());
        let names = |chosen: &dyn Fn(&Want, &Seen) -> bool| -> Vec<String> {
            wants
                .iter()
                .filter(|(w, s)| chosen(w, s))
                .map(|(w, s)| own(s, w))
                .collect()
        };
        call(
            "unhold",
            names(&|w, s| s.held && (w.held == Some(false) || moved(w, s))),
        );
        for verb in ["remove", "downgrade", "install"] {
            let specs = wants
                .iter()
                .filter(|(w, s)| w.verb(s, target) == Some(verb))
                .map(|(w, _)| {
                    if verb == "remove" {
                        w.package.clone()
                    } else {
                        w.spec(tool)
                    }
                })
                .collect();
            call(verb, specs);
        }
        call(
            "hold",
            names(&|w, s| {
                w.state == PackageState::Present
                    && w.held != Some(false)
                    && (moved(w, s) || (w.held == Some(true) && !s.held))
            }),
        );
        calls
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        let verb = if deltas.iter().all(|d| d.from == "no") {
            "install"
        } else if deltas.iter().all(|d| d.to == "no") {
            "remove"
        } else {
            "change"
        };
        format!("{verb} {names}")
    }
}

/// One name in the answer of `rpm -q --whatprovides`; `None` when rpm neither has it nor reports it missing.
fn parse_rpm(name: &str, text: &str) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut provider = None;
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(package), Some(version), Some(_)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if !version.contains(':') {
            continue;
        }
        let version = RpmVersion::new(version).show();
        if package == name {
            // Asked for by two names, a package is printed twice.
            if !seen.versions.contains(&version) {
                seen.versions.push(version);
            }
        } else if words.any(|provided| provided == name) {
            provider = Some((package, version));
        }
    }
    if seen.versions.is_empty() {
        if let Some((package, version)) = provider {
            seen.provided_by = Some(package.to_owned());
            seen.versions.push(version);
        } else {
            let none = [
                format!("no package provides {name}"),
                format!("package {name} is not installed"),
            ];
            return text
                .lines()
                .any(|line| none.contains(&line.to_owned()))
                .then_some(seen);
        }
    }
    seen.installed = true;
    seen.version = seen.versions.last().cloned();
    Some(seen)
}

/// One name in the answer of `dpkg-query`, which prints nothing on standard output for an unknown one.
fn parse_dpkg(name: &str, text: &str) -> Seen {
    let mut seen = Seen::default();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [wanted, state, package, version] = words.as_slice() else {
            continue;
        };
        if *package != name {
            continue;
        }
        match *state {
            "installed" | "triggers-awaited" | "triggers-pending" => {
                seen.installed = true;
                seen.versions.push((*version).to_owned());
            }
            "half-installed" | "unpacked" | "half-configured" => {
                seen.broken = Some((*state).to_owned());
            }
            _ => {}
        }
        seen.held |= *wanted == "hold";
    }
    seen.version = seen.versions.last().cloned();
    seen
}

/// Whether a line of a versionlock list holds this package: `0:NAME-V-R.*` (yum) or `NAME-0:V-R.*` (dnf).
fn locks(line: &str, name: &str) -> bool {
    let line = line.trim();
    if line.starts_with(['#', '!']) {
        return false;
    }
    let entry = match line.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => line,
    };
    let parts: Vec<_> = entry.rsplitn(3, '-').collect();
    entry == name || (parts.len() == 3 && parts[2] == name)
}

/// One transaction of a release's tool.
fn transaction(tool: PackageTool, verb: &str, names: Vec<String>) -> Call {
    let call = match (tool, verb) {
        (PackageTool::Apt, "remove") => Call::new("nw_package_apt_remove"),
        (PackageTool::Apt, "hold" | "unhold") => Call::new("apt-mark").args([verb, "--"]),
        (PackageTool::Apt, _) => Call::new("nw_package_apt_install"),
        // rpm refuses to remove a package that others need; yum would remove those too.
        (_, "remove") => Call::new("rpm").args(["-e", "--"]),
        (_, verb) => {
            let call = Call::new("nw_package_fresh").args([tool.word(), "-y"]);
            match verb {
                "hold" => call.args(["-q", "versionlock", "add"]),
                "unhold" => call.args(["-q", "versionlock", "delete"]),
                verb => call.arg(verb),
            }
        }
    };
    call.args(names)
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
