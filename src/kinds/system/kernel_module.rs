//! Kernel modules: loaded now, loaded at every boot, or kept out.

use crate::kind::valid;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Target, Verdict,
};
use crate::platform::Modules;
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::Text;

/// `kernel_module = "br_netfilter"`.
pub struct KernelModuleKind;

/// The keys of a kernel module step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Name of the module.
    kernel_module: String,
    /// Kept out: not loaded by itself, and unloaded when nothing uses it.
    #[serde(default)]
    blacklist: bool,
    /// Options for when it is loaded: `minor_count=64`.
    options: Option<String>,
}

/// Whether the kernel has it.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Loaded, or part of the kernel.
    loaded: bool,
    /// Part of the kernel, which nothing can unload.
    builtin: bool,
    /// The number of its users.
    users: u32,
}

const LOADED: &str = "kernel-module";
const BUILTIN: &str = "kernel-module-builtin";

/// The kernel writes `_` where a file may be called with `-`.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

impl Kind for KernelModuleKind {
    const NAME: &'static str = "kernel_module";
    const DOC: &'static str = "Kernel modules: loaded now and at every boot, or blacklisted.";
    const SHELL: Shell = Shell::new(include_str!("kernel_module.sh"));
    const ORPHANS: Orphans =
        Orphans::removed("its files are removed; a loaded module stays loaded until the next boot");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.kernel_module.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let name = &want.kernel_module;
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        if name.is_empty() || name.starts_with('-') || !name.bytes().all(ok) {
            return Err(format!(
                "`{}` is no name of a kernel module: letters, digits, `_` and `-`",
                name.escape_debug()
            ));
        }
        if let Some(options) = &want.options {
            valid::one_line("options", options)?;
            if want.blacklist {
                return Err("a blocked module takes no `options`".into());
            }
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }
}

impl KernelModuleKind {
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        let name = &want.kernel_module;
        let whole = |path: String, content: String, mode: Option<&str>| Edit {
            path,
            change: EditChange::Whole {
                content: Text::plain(content),
                check: None,
                once: false,
            },
            attributes: Attributes {
                mode: mode.map(str::to_owned),
                ..Attributes::default()
            },
        };
        let modprobe = format!("/etc/modprobe.d/{name}.conf");
        if want.blacklist {
            return vec![whole(modprobe, format!("blacklist {name}\n"), None)];
        }
        let mut edits = vec![match target.platform.modules() {
            // rc.sysinit runs what is executable there.
            Modules::Scripts => whole(
                format!("/etc/sysconfig/modules/{name}.modules"),
                format!("#!/bin/sh\nexec /sbin/modprobe {name} >/dev/null 2>&1\n"),
                Some("0755"),
            ),
            Modules::Lists => whole(
                format!("/etc/modules-load.d/{name}.conf"),
                format!("{name}\n"),
                None,
            ),
        }];
        if let Some(options) = &want.options {
            edits.push(whole(modprobe, format!("options {name} {options}\n"), None));
        }
        edits
    }

    fn observe(_wants: &[&Want], _target: &Target, observe: &mut Observe) {
        observe.section(LOADED, Call::new("cat").arg("/proc/modules"));
        observe.section(BUILTIN, Call::new("nw_kernel_module_builtin"));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let loaded = answer
            .get(LOADED)
            .ok_or("the kernel's modules were not observed")?;
        let builtin = answer
            .get(BUILTIN)
            .ok_or("the kernel's modules were not observed")?;
        if loaded.status != 0 && builtin.status != 0 {
            return Err(
                "this kernel lists no modules (no /proc/modules, no modules.builtin)".into(),
            );
        }
        let name = plain(&want.kernel_module);
        let text = loaded.text();
        let users = text.lines().find_map(|line| {
            let mut words = line.split(' ');
            (plain(words.next()?) == name)
                .then(|| words.nth(1).and_then(|n| n.parse().ok()).unwrap_or(0))
        });
        let builtin = builtin.text().lines().any(|line| {
            let file = line.rsplit('/').next().unwrap_or_default();
            file.split_once(".ko")
                .is_some_and(|(module, _)| plain(module) == name)
        });
        Ok(Seen {
            loaded: builtin || users.is_some(),
            builtin,
            users: users.unwrap_or(0),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let name = &want.kernel_module;
        match (want.blacklist, seen.loaded) {
            (false, true) | (true, false) => Verdict::Same,
            (false, false) => Verdict::Change(vec![Delta::new("loaded", "no", "yes")]),
            (true, true) if seen.builtin => Verdict::Finding {
                what: format!("{name} is built into this kernel and cannot be blocked"),
                remedy: "see whether the kernel has an argument that turns it off (`kernel_args`)"
                    .into(),
            },
            (true, true) if seen.users > 0 => Verdict::Finding {
                what: format!(
                    "{name} is blacklisted but loaded, and {} use it",
                    seen.users
                ),
                remedy: "stop what uses it, or reboot the node when it can be spared".into(),
            },
            (true, true) => Verdict::Change(vec![Delta::new("loaded", "yes", "no")]),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| {
                let call = Call::new("modprobe");
                let call = if want.blacklist { call.arg("-r") } else { call };
                call.arg("--").arg(&want.kernel_module)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // Constructed in the form of /proc/modules and of modules.builtin.
    const MODULES: &str = "\
br_netfilter 32768 0 - Live 0x0000000000000000
sctp 425984 2 dlm, Live 0x0000000000000000
iTCO_wdt 16384 0 - Live 0x0000000000000000
";
    const KERNEL: &str = "kernel/drivers/net/dummy.ko\nkernel/crypto/crc32c-generic.ko\n";
    const SECTIONS: &[(&str, &str, i32)] = &[(LOADED, MODULES, 0), (BUILTIN, KERNEL, 0)];

    #[test]
    fn loaded_built_in_or_missing() {
        for name in [
            "br_netfilter",
            "br-netfilter",
            "crc32c_generic",
            "dummy",
            "itco_wdt",
        ] {
            let changes = testing::changes(&json!({ "kernel_module": name }), SECTIONS);
            // Names are case-sensitive.
            let expected: &[&str] = if name == "itco_wdt" {
                &["loaded: no -> yes"]
            } else {
                &[]
            };
            assert_eq!(changes, expected, "{name}");
        }
        let step = json!({"kernel_module": "drbd"});
        assert_eq!(testing::changes(&step, SECTIONS), ["loaded: no -> yes"]);
        assert_eq!(testing::actions(&step, SECTIONS), ["modprobe -- drbd"]);
    }

    #[test]
    fn what_is_kept_out_goes_when_nothing_uses_it() {
        let step = json!({"kernel_module": "iTCO_wdt", "blacklist": true});
        assert_eq!(testing::changes(&step, SECTIONS), ["loaded: yes -> no"]);
        assert_eq!(
            testing::actions(&step, SECTIONS),
            ["modprobe -r -- iTCO_wdt"]
        );
        for name in ["sctp", "dummy"] {
            let step = json!({"kernel_module": name, "blacklist": true});
            assert!(
                matches!(testing::verdict(&step, SECTIONS), Verdict::Finding { .. }),
                "{name}"
            );
        }
        let step = json!({"kernel_module": "floppy", "blacklist": true});
        assert_eq!(testing::verdict(&step, SECTIONS), Verdict::Same);
    }

    #[test]
    fn a_file_for_the_next_boot_on_each_platform() {
        let step = json!({"kernel_module": "dlm", "options": "x=1"});
        let edits = testing::edits_on(&step, Platform::El6);
        assert_eq!(edits[0].path, "/etc/sysconfig/modules/dlm.modules");
        assert_eq!(edits[0].attributes.mode.as_deref(), Some("0755"));
        let contents: Vec<_> = testing::edits_on(&step, Platform::El7)
            .into_iter()
            .map(|edit| match edit.change {
                EditChange::Whole { content, .. } => (edit.path, content.masked()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            contents,
            [
                (
                    "/etc/modules-load.d/dlm.conf".to_owned(),
                    "dlm\n".to_owned()
                ),
                (
                    "/etc/modprobe.d/dlm.conf".to_owned(),
                    "options dlm x=1\n".to_owned()
                )
            ]
        );
    }

    #[test]
    fn no_answer_is_an_error() {
        let step = json!({"kernel_module": "dlm", "blacklist": true});
        let nothing =
            testing::verdict_on(&step, Platform::El7, &[(LOADED, "", 1), (BUILTIN, "", 1)]);
        assert!(nothing.is_err());
    }

    #[test]
    fn names_are_names() {
        for step in [
            json!({"kernel_module": "-r"}),
            json!({"kernel_module": "../x"}),
            json!({"kernel_module": "a b"}),
            json!({"kernel_module": "a", "options": "x\ninstall a /bin/false"}),
            json!({"kernel_module": "a", "options": "x", "blacklist": true}),
        ] {
            assert!(testing::read(&step, Platform::El7).is_err(), "{step}");
        }
    }
}
