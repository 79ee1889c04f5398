//! Arguments of the kernel: those of the boot loader for the next boot, and those of the running kernel
//! (docs/facts/releases.md#kernel-arguments).

use crate::kind::valid::Presence;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Edit, EditChange, Files, Kind, Observe, Orphans,
    Running, Runs, Target, Verdict,
};
use crate::platform::BootLoader;
use crate::sh::Call;
use crate::text::Text;

/// `kernel_args = "nocluster"`, or a list.
pub struct KernelArgsKind;

/// The keys of a kernel argument step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// One argument: `KEY` or `KEY=VALUE`. An absent `KEY` means all its values.
    kernel_args: String,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

/// The place where the argument is.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it is as wanted in every entry of the boot loader.
    configured: bool,
    /// Whether it is as wanted in the running kernel.
    running: bool,
}

const RUNNING: &str = "kernel-args";
const CONFIGURED: &str = "kernel-args-configured";

impl Want {
    /// Whether this line of arguments is as wanted.
    fn holds<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> bool {
        let wanted = self.kernel_args.as_str();
        let there = args.into_iter().any(|arg| {
            let key = arg.split('=').next().unwrap_or_default();
            arg == wanted || (self.state == Presence::Absent && key == wanted)
        });
        there == (self.state == Presence::Present)
    }
}

impl Kind for KernelArgsKind {
    const NAME: &'static str = "kernel_args";
    const DOC: &'static str = "Arguments of the kernel in every entry of the boot loader; a reboot that is pending is shown, not done.";
    const ORPHANS: Orphans = Orphans::reported("the boot loader keeps it");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        together: true,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.kernel_args.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        // Boot loaders read these words by rules of their own; quotes and `$` mean something to them.
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"_-.,:=/@+".contains(&b);
        let arg = &want.kernel_args;
        if !arg.starts_with(|c: char| c.is_ascii_alphanumeric()) || !arg.bytes().all(ok) {
            return Err(format!(
                "`{}` is no single argument of the kernel: KEY or KEY=VALUE of letters, digits and `_-.,:=/@+`",
                arg.escape_debug()
            ));
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

impl KernelArgsKind {
    /// On Debian a file of `/etc/default/grub.d`, which `update-grub` reads after `/etc/default/grub`.
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        if target.platform.boot_loader() == BootLoader::Grubby {
            return Vec::new();
        }
        let arg = &want.kernel_args;
        let content = if want.state == Presence::Present {
            format!(
                "case \" $GRUB_CMDLINE_LINUX \" in\n*\" {arg} \"*) ;;\n*) GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX {arg}\" ;;\nesac\n"
            )
        } else {
            let drop = |name: &str| {
                format!(
                    "nw_args=\nfor nw_arg in ${name}; do\n  case $nw_arg in\n  {arg} | {arg}=*) ;;\n  *) nw_args=\"$nw_args $nw_arg\" ;;\n  esac\ndone\n{name}=${{nw_args# }}\n"
                )
            };
            format!(
                "{}{}",
                drop("GRUB_CMDLINE_LINUX"),
                drop("GRUB_CMDLINE_LINUX_DEFAULT")
            )
        };
        let file: String = arg
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._-".contains(c) {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        vec![Edit {
            path: format!("/etc/default/grub.d/nodewright-{file}.cfg"),
            change: EditChange::Whole {
                content: Text::plain(content),
                check: Some(vec!["sh".into(), "-n".into(), "{staged}".into()]),
                once: false,
            },
            attributes: Attributes::default(),
        }]
    }

    fn observe(_wants: &[&Want], target: &Target, observe: &mut Observe) {
        observe.section(RUNNING, Call::new("cat").arg("/proc/cmdline"));
        let configured = if target.platform.boot_loader() == BootLoader::Grubby {
            Call::new("grubby").arg("--info=ALL")
        } else {
            Call::new("cat").arg("/boot/grub/grub.cfg")
        };
        observe.section(CONFIGURED, configured);
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let running = answer.text(RUNNING);
        let section = answer
            .get(CONFIGURED)
            .ok_or("the boot loader was not observed")?;
        let text = section.text();
        let entries: Vec<Vec<&str>> = if target.platform.boot_loader() == BootLoader::Grubby {
            text.lines()
                .filter_map(|line| line.strip_prefix("args="))
                .map(|args| args.trim().trim_matches('"').split_whitespace().collect())
                .collect()
        } else {
            text.lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>())
                .filter(|words| {
                    words.first().is_some_and(|word| word.starts_with("linux"))
                        && words.get(1).is_some_and(|path| path.contains("vmlinu"))
                })
                .map(|words| words[2..].to_vec())
                .collect()
        };
        if entries.is_empty() {
            let what = if target.platform.boot_loader() == BootLoader::Grubby {
                "`grubby --info=ALL`"
            } else {
                "/boot/grub/grub.cfg"
            };
            return Err(format!(
                "{what} names no kernel (status {}): is another boot loader in use? (a container has none)",
                section.status
            ));
        }
        Ok(Seen {
            configured: entries.into_iter().all(|args| want.holds(args)),
            running: want.holds(running.split_whitespace()),
        })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let (from, to) = if want.state == Presence::Present {
            ("no", "yes")
        } else {
            ("yes", "no")
        };
        if !seen.configured {
            return Verdict::Change(vec![Delta::new("in the boot loader", from, to)]);
        }
        if seen.running {
            return Verdict::Same;
        }
        Verdict::Finding {
            what: format!(
                "a reboot is pending: the running kernel was started {} {}",
                if want.state == Presence::Present { "without" } else { "with" },
                want.kernel_args
            ),
            remedy: "reboot the node when it can be spared: its guests elsewhere, and the cluster stopped on it".into(),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        if circumstances.target.platform.boot_loader() == BootLoader::UpdateGrub {
            return vec![Call::new("update-grub")];
        }
        let words = |state: Presence| -> Vec<_> {
            wants
                .iter()
                .filter(|(want, _)| want.state == state)
                .map(|(want, _)| want.kernel_args.clone())
                .collect()
        };
        let mut call = Call::new("grubby").arg("--update-kernel=ALL");
        let (present, absent) = (words(Presence::Present), words(Presence::Absent));
        if !present.is_empty() {
            call = call.arg(format!("--args={}", present.join(" ")));
        }
        if !absent.is_empty() {
            call = call.arg(format!("--remove-args={}", absent.join(" ")));
        }
        vec![call]
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // Constructed in the form of grubby 7 on EL6 and 8.28 on EL7.
    const GRUBBY: &str = "\
boot=/dev/sda
index=0
kernel=/boot/vmlinuz-2.6.32-754.el6.x86_64
args=\"ro rd_NO_MD crashkernel=auto quiet console=ttyS0,115200n8\"
root=/dev/sda1
initrd=/boot/initramfs-2.6.32-754.el6.x86_64.img
index=1
kernel=/boot/vmlinuz-2.6.32-696.el6.x86_64
args=\"ro crashkernel=auto quiet\"
root=/dev/sda1
index=2
non linux entry
";
    // Constructed in the form that grub-mkconfig 2.06 writes.
    const GRUB_CFG: &str = "\
menuentry 'Debian GNU/Linux' --class debian {
\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=9a-1 ro intel_iommu=on quiet
\tinitrd\t/boot/initrd.img-6.1.0-18-amd64
}
menuentry 'Debian GNU/Linux (recovery mode)' {
\tlinux\t/boot/vmlinuz-6.1.0-18-amd64 root=UUID=9a-1 ro single intel_iommu=on
}
menuentry 'memtest' {
\tlinux16 /boot/memtest86+.bin
}
";

    fn judge(platform: Platform, step: &serde_json::Value, running: &str) -> (String, Vec<String>) {
        let files = if platform.boot_loader() == BootLoader::Grubby {
            GRUBBY
        } else {
            GRUB_CFG
        };
        let sections = [(CONFIGURED, files, 0), (RUNNING, running, 0)];
        let verdict = match testing::verdict_on(step, platform, &sections).unwrap() {
            Verdict::Same => "same".to_owned(),
            Verdict::Change(deltas) => testing::shown(&deltas[0]),
            Verdict::Finding { what, .. } => what,
            other => panic!("{other:?}"),
        };
        (verdict, testing::actions_on(step, platform, &sections))
    }

    #[test]
    fn every_entry_has_to_have_it() {
        let step = json!({"kernel_args": "console=ttyS0,115200n8"});
        let (verdict, calls) = judge(Platform::El6, &step, "ro console=ttyS0,115200n8\n");
        assert_eq!(verdict, "in the boot loader: no -> yes");
        assert_eq!(
            calls,
            ["grubby --update-kernel=ALL --args=console=ttyS0,115200n8"]
        );
        let step = json!({"kernel_args": "crashkernel=auto"});
        assert_eq!(
            judge(Platform::El6, &step, "ro crashkernel=auto\n").0,
            "same"
        );
        assert_eq!(
            judge(Platform::El6, &step, "ro crashkernel=auto2\n").0,
            "a reboot is pending: the running kernel was started without crashkernel=auto"
        );
    }

    #[test]
    fn a_bare_key_that_is_absent_stands_for_all_values() {
        let step = json!({"kernel_args": "crashkernel", "state": "absent"});
        let (verdict, calls) = judge(Platform::El7, &step, "ro\n");
        assert_eq!(verdict, "in the boot loader: yes -> no");
        assert_eq!(
            calls,
            ["grubby --update-kernel=ALL --remove-args=crashkernel"]
        );
        let step = json!({"kernel_args": "acpi", "state": "absent"});
        assert_eq!(
            judge(Platform::El7, &step, "ro acpi=off\n").0,
            "a reboot is pending: the running kernel was started with acpi"
        );
    }

    #[test]
    fn debian_reads_the_file_that_grub_reads() {
        let step = json!({"kernel_args": "intel_iommu=on"});
        assert_eq!(
            judge(Platform::Debian12, &step, "intel_iommu=on quiet\n").0,
            "same"
        );
        let step = json!({"kernel_args": "quiet"});
        let (verdict, calls) = judge(Platform::Debian12, &step, "quiet\n");
        assert_eq!(
            (verdict.as_str(), calls),
            (
                "in the boot loader: no -> yes",
                vec!["update-grub".to_owned()]
            )
        );
    }

    /// The variables after a file of `/etc/default/grub.d`, in a real shell.
    fn sourced(step: &serde_json::Value, linux: &str, default: &str) -> String {
        let edit = testing::edits(step).remove(0);
        let EditChange::Whole { content, .. } = edit.change else {
            panic!("a whole file");
        };
        let script = format!(
            "set -e\n{}\necho \"$GRUB_CMDLINE_LINUX|$GRUB_CMDLINE_LINUX_DEFAULT\"\n",
            content.masked()
        );
        let files = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("GRUB_CMDLINE_LINUX", linux)
            .env("GRUB_CMDLINE_LINUX_DEFAULT", default)
            .output()
            .unwrap();
        String::from_utf8(files.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    #[test]
    fn the_file_adds_once_and_takes_away() {
        let step = json!({"kernel_args": "intel_iommu=on"});
        assert_eq!(
            testing::edits(&step)[0].path,
            "/etc/default/grub.d/nodewright-intel_iommu_on.cfg"
        );
        assert_eq!(sourced(&step, "a=1", "quiet"), "a=1 intel_iommu=on|quiet");
        assert_eq!(
            sourced(&step, "a intel_iommu=on b", "quiet"),
            "a intel_iommu=on b|quiet"
        );
        let step = json!({"kernel_args": "quiet", "state": "absent"});
        assert_eq!(
            sourced(&step, "quiet a=1", "splash quiet=2 quietly"),
            "a=1|splash quietly"
        );
        assert!(testing::edits_on(&step, Platform::El9).is_empty());
    }

    #[test]
    fn no_boot_loader_is_an_error_and_words_stay_words() {
        let step = json!({"kernel_args": "quiet", "state": "absent"});
        for (platform, status) in [(Platform::El7, 127), (Platform::Debian12, 1)] {
            let nothing = [(CONFIGURED, "", status), (RUNNING, "ro\n", 0)];
            assert!(testing::verdict_on(&step, platform, &nothing).is_err());
        }
        for arg in ["", "a b", "$(id)", "a\"b", "-x", "a'b", "a;b"] {
            assert!(
                testing::read(&json!({"kernel_args": arg}), Platform::Debian12).is_err(),
                "{arg}"
            );
        }
    }
}
