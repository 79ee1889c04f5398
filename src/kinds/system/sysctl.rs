//! Kernel settings: a line in a file of `/etc/sysctl.d`, and the value in the running kernel
//! (docs/facts/releases.md#kernel-settings).

use crate::kind::valid;
use crate::kind::values::Scalar;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Target, Verdict,
};
use crate::platform::{Platform, SysctlConf};
use crate::sh::Call;
use crate::shell::{self, KERNEL, Shell};
use crate::text::Text;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// `sysctl = "vm.swappiness"` with `value`, or a table of keys and values.
pub struct SysctlKind;

/// The keys of a step of kind `sysctl`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The key: `net.ipv4.ip_forward`, or with slashes where a name holds a dot (`net/ipv4/conf/eth3.1/rp_filter`).
    sysctl: String,
    /// Its value; blanks between numbers are alike.
    value: Scalar,
    /// A kernel that has no such key is right as it is.
    #[serde(default)]
    optional: bool,
}

/// The value in the kernel, and a file that will change it at the next boot.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The value in the running kernel; none when it has no such key.
    value: Option<String>,
    /// A file that is read after ours and sets another value, with that value.
    overruled: Option<(String, String)>,
}

/// The file that holds our settings; EL6 reads every file of the folder, later releases those that end in `.conf`.
const FILE: &str = "/etc/sysctl.d/60-nodewright.conf";
const VALUES: &str = "sysctl";
const FILES: &str = "sysctl-files";

/// The path below `/proc/sys`. The first separator of a key decides which one it uses; in the form with dots a slash
/// means a dot (sysctl.d(5)).
fn path(key: &str) -> String {
    match key.find(['.', '/']) {
        Some(at) if key[at..].starts_with('.') => key
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                c => c,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// A key in the one spelling in which it is known: with dots, or with slashes where a name in it holds a dot.
fn canonical(key: &str) -> String {
    let path = path(key);
    if path.contains('.') {
        path
    } else {
        path.replace('/', ".")
    }
}

/// The key that was perhaps meant by one below `net.*.conf` or `net.*.neigh` with too many parts: a device's name holds
/// a dot.
fn of_dotted_device(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let [
        net @ "net",
        family,
        table @ ("conf" | "neigh"),
        device @ ..,
        last,
    ] = parts.as_slice()
    else {
        return None;
    };
    (device.len() > 1).then(|| [net, family, table, device.join(".").as_str(), last].join("/"))
}

/// Words with one blank between them: the kernel prints tabs.
fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The parts of `head -v`: path and lines.
fn parts(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        let header = line
            .strip_prefix("==> ")
            .and_then(|rest| rest.strip_suffix(" <=="));
        if let Some(path) = header {
            parts.push((path, Vec::new()));
        } else if let Some((_, lines)) = parts.last_mut() {
            lines.push(line);
        }
    }
    parts
}

impl Kind for SysctlKind {
    const NAME: &'static str = "sysctl";
    const DOC: &'static str =
        "Kernel settings, in a file for the next boot and in the running kernel.";
    const SHELL: Shell = Shell::NONE.needing(&[shell::FILES, KERNEL]);
    const ORPHANS: Orphans =
        Orphans::reported("its line stays in the file, its value in the kernel");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        canonical(&want.sysctl)
    }

    fn split(mut step: serde_json::Map<String, Json>) -> Vec<Json> {
        if !step.get(Self::NAME).is_some_and(Json::is_object) {
            return vec![Json::Object(step)];
        }
        let Some(Json::Object(keys)) = step.remove(Self::NAME) else {
            return Vec::new();
        };
        keys.into_iter()
            .map(|(key, value)| {
                let mut one = step.clone();
                one.insert(Self::NAME.to_owned(), Json::String(key));
                one.insert("value".to_owned(), value);
                Json::Object(one)
            })
            .collect()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"._-/@:".contains(&b);
        let path = path(&want.sysctl);
        let parts: Vec<_> = path.split('/').collect();
        let good = want.sysctl.bytes().all(ok)
            && parts.len() > 1
            && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
        if !good {
            return Err(format!(
                "`{}` is no kernel setting: names with dots between them, such as vm.swappiness",
                want.sysctl.escape_debug()
            ));
        }
        if let Some(meant) = of_dotted_device(&path) {
            return Err(format!(
                "`{}` has a part too many; where a device's name holds a dot it is written with slashes: `{meant}`",
                want.sysctl.escape_debug()
            ));
        }
        valid::one_line("value", &want.value.0)?;
        if want.value.0.trim().is_empty() {
            return Err("`value` is empty".into());
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }
}

impl SysctlKind {
    fn edits(want: &Want, _target: &Target) -> Vec<Edit> {
        vec![Edit {
            path: FILE.to_owned(),
            change: EditChange::Ini {
                section: String::new(),
                key: canonical(&want.sysctl),
                value: Some(Text::plain(plain(&want.value.0))),
                separator: " = ".to_owned(),
            },
            attributes: Attributes::default(),
        }]
    }

    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let paths: BTreeSet<_> = wants
            .iter()
            .map(|w| format!("/proc/sys/{}", path(&w.sysctl)))
            .collect();
        observe.section(
            VALUES,
            Call::new("head").args(["-v", "-n", "8", "--"]).args(paths),
        );
        let files = ["=", "/etc/sysctl.conf", "/etc/sysctl.d/*"];
        observe.section(FILES, Call::new("nw_lines").args(files));
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get(VALUES)
            .ok_or("the kernel's settings were not observed")?;
        if section.status == 127 {
            return Err("`head` is missing on this node".into());
        }
        let path = path(&want.sysctl);
        let text = section.text();
        let value = parts(&text)
            .into_iter()
            .find(|(file, _)| file.strip_prefix("/proc/sys/") == Some(&path))
            .map(|(_, lines)| plain(&lines.join(" ")));
        let wanted = plain(&want.value.0);
        let text = answer.text(FILES);
        let overruled = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(file, _)| read_later(file, target.platform))
            .filter_map(|(file, line)| {
                let (key, value) = line.split_once('=')?;
                let key = key.trim().trim_start_matches('-');
                (self::path(key) == path).then(|| (file.to_owned(), plain(value)))
            })
            .next_back()
            .filter(|(_, value)| *value != wanted);
        Ok(Seen { value, overruled })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let wanted = plain(&want.value.0);
        match &seen.value {
            None if want.optional => Verdict::Same,
            Some(value) if *value == wanted => match &seen.overruled {
                None => Verdict::Same,
                Some((file, value)) => Verdict::Finding {
                    what: format!(
                        "{file} sets {} = {value} and is read after {FILE}: the next boot sets that value",
                        want.sysctl
                    ),
                    remedy: format!("take that line out of {file}, with a `line` step or by hand"),
                },
            },
            value => {
                let from = value.as_deref().unwrap_or_default();
                Verdict::Change(vec![Delta::new("value", from, wanted)])
            }
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| {
                Call::new("nw_kernel_set")
                    .arg(format!("/proc/sys/{}", path(&want.sysctl)))
                    .arg(plain(&want.value.0))
            })
            .collect()
    }
}

/// Whether a file is read after ours: later by name; `/etc/sysctl.conf` as the release has it.
fn read_later(file: &str, platform: Platform) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let main = platform.sysctl_conf();
    if file == "/etc/sysctl.conf" {
        return main == SysctlConf::Last;
    }
    let conf = std::path::Path::new(name).extension() == Some("conf".as_ref());
    name > "60-nodewright.conf" && (conf || main == SysctlConf::First)
}

#[cfg(test)]
#[path = "sysctl_tests.rs"]
mod tests;
