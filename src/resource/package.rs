//! Packages by rpm/yum/dnf and dpkg/apt: one query for all, one transaction a stage.

use super::{Answer, Delta, Kind, Observe, PackageTool, Target, Verdict};
use crate::sh::Call;

/// `package = "chrony"`, or a list of names.
pub struct Package;

/// What a package step asks for.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Name of the package.
    package: String,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: State,
    /// Kept at the installed version by the package manager (`versionlock`, `apt-mark hold`).
    #[serde(default)]
    held: bool,
}

/// Whether it has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

/// What the package database says.
#[derive(Debug, serde::Serialize)]
pub struct Seen {
    /// The installed version, if it is installed.
    version: Option<String>,
    /// Whether it is held.
    held: bool,
}

impl Kind for Package {
    const NAME: &'static str = "package";
    const DOC: &'static str = "Packages; all of a stage in one transaction of yum, dnf or apt.";
    const SHELL: &'static str = include_str!("package.sh");
    const ENDS_STAGE: bool = true;
    type Want = Want;
    type Seen = Seen;

    fn name(want: &Want) -> String {
        want.package.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"+._-".contains(&b);
        if want.package.is_empty() || want.package.starts_with('-') || !want.package.bytes().all(ok)
        {
            return Err(format!(
                "`{}` is no package name: letters, digits and `+._-`",
                want.package.escape_debug()
            ));
        }
        Ok(())
    }

    fn observe(wants: &[&Want], target: &Target, observe: &mut Observe) {
        let names = wants.iter().map(|w| w.package.clone());
        let call = match target.platform.package_tool() {
            PackageTool::Apt => Call::new("dpkg-query").args([
                "-W",
                "-f",
                "${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\\n",
            ]),
            PackageTool::Yum | PackageTool::Dnf => {
                Call::new("rpm").args(["-q", "--qf", "%{NAME} %{VERSION}-%{RELEASE}\\n"])
            }
        };
        observe.section("package", call.arg("--").args(names));
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer
            .get("package")
            .ok_or("the package database was not asked")?;
        if section.status == 127 {
            return Err("the package tool is missing on this node".into());
        }
        let text = section.text();
        for line in text.lines() {
            let words: Vec<_> = line.split(' ').collect();
            match (target.platform.package_tool(), words.as_slice()) {
                (PackageTool::Apt, [want_state, "installed", name, version])
                    if *name == want.package =>
                {
                    return Ok(Seen {
                        version: Some((*version).to_owned()),
                        held: *want_state == "hold",
                    });
                }
                (PackageTool::Yum | PackageTool::Dnf, [name, version]) if *name == want.package => {
                    return Ok(Seen {
                        version: Some((*version).to_owned()),
                        held: false,
                    });
                }
                _ => {}
            }
        }
        Ok(Seen {
            version: None,
            held: false,
        })
    }

    fn compare(want: &Want, seen: &Seen, _target: &Target) -> Verdict {
        match (want.state, &seen.version) {
            (State::Present, None) => Verdict::Change(vec![Delta::new("installed", "no", "yes")]),
            (State::Absent, Some(version)) => {
                Verdict::Change(vec![Delta::new("installed", version, "no")])
            }
            _ => Verdict::Same,
        }
    }

    fn actions(wants: &[(&Want, &Seen)], target: &Target) -> Vec<Call> {
        let tool = match target.platform.package_tool() {
            PackageTool::Yum => "yum",
            PackageTool::Dnf => "dnf",
            PackageTool::Apt => "apt",
        };
        let mut calls = Vec::new();
        for (verb, state) in [("remove", State::Absent), ("install", State::Present)] {
            let names: Vec<_> = wants
                .iter()
                .filter(|(w, _)| w.state == state)
                .map(|(w, _)| w.package.clone())
                .collect();
            if !names.is_empty() {
                calls.push(Call::new("nw_package").arg(tool).arg(verb).args(names));
            }
        }
        calls
    }

    fn together() -> bool {
        true
    }
}
