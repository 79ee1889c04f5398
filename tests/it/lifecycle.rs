//! The life of every kind on a real node: absent, made as planned, nothing to do, drifted, mended, gone.
//!
//! Not run here, because a container has its host's kernel: loading and unloading a kernel module and the real
//! `update-grub`, which `vm_kernel` does on a machine (here one that is part of the kernel stands for a loaded one, and a
//! stand-in writes what `update-grub` would). Not run anywhere: `grubby`, SELinux with a policy (modes but `disabled`,
//! setting a boolean), a cluster under a change of name. On the node like EL 6 no cluster stack, no boot loader.

use crate::nodes::{self, Nodes};
use crate::rig::Rig;
use insta::assert_snapshot;
use nodewright::platform::Platform;
use std::collections::BTreeSet;

/// One resource and what becomes of it.
struct Case {
    kind: &'static str,
    step: &'static str,
    /// Shell that succeeds where the node is as the step says, and fails before and after a drift.
    proof: &'static str,
    /// Shell that takes the node away from it.
    drift: &'static str,
    end: End,
}

/// What happens when the step is gone from the role.
enum End {
    /// Nothing asks for it: it is removed.
    Removed,
    /// Nothing asks for it: it stays, and is reported.
    Reported,
    /// Nothing asks for it, and someone had changed it so before: it stays, and is reported.
    Spoilt(&'static str),
    /// This step has it absent.
    Absent(&'static str),
}

/// The plans of a life.
struct Pages {
    absent: String,
    drifted: String,
    gone: String,
}

impl Pages {
    /// Compares with the golden pages `NAME-absent`, `NAME-drifted` and `NAME-gone`.
    fn golden(&self, name: &str) {
        assert_snapshot!(format!("{name}-absent"), self.absent);
        assert_snapshot!(format!("{name}-drifted"), self.drifted);
        assert_snapshot!(format!("{name}-gone"), self.gone);
    }
}

/// Which of the proofs hold, a line a case.
fn proofs(nodes: &Nodes, cases: &[Case]) -> Vec<(&'static str, bool)> {
    let mut script = String::new();
    for (at, case) in cases.iter().enumerate() {
        let proof = case.proof;
        script +=
            &format!("if ( {proof} ) >/dev/null 2>&1; then echo {at} yes; else echo {at} no; fi\n");
    }
    let said = nodes.ok("node1", &script);
    assert_eq!(said.lines().count(), cases.len(), "{said}");
    let held = said.lines().map(|line| line.ends_with(" yes"));
    cases.iter().map(|case| case.step).zip(held).collect()
}

fn all(cases: &[Case], hold: bool) -> Vec<(&'static str, bool)> {
    cases.iter().map(|case| (case.step, hold)).collect()
}

/// Runs shell for each case; each has to succeed.
fn each(nodes: &Nodes, shells: impl Iterator<Item = &'static str>) {
    let script: String = shells
        .map(|shell| {
            format!(
                "( set -e; {shell} ) || {{ echo 'failed: {}' >&2; exit 1; }}\n",
                shell.replace('\'', "\"")
            )
        })
        .collect();
    nodes.ok("node1", &script);
}

/// Takes cases through their lives, all in one role.
fn live(rig: &Rig, cases: &[Case]) -> Pages {
    let nodes = &rig.nodes;
    assert_eq!(proofs(nodes, cases), all(cases, false), "before");
    let steps: Vec<&str> = cases.iter().map(|case| case.step).collect();
    rig.role(&steps.join("\n"));
    let absent = rig.apply_as_planned();
    assert_eq!(proofs(nodes, cases), all(cases, true), "made");

    each(nodes, cases.iter().map(|case| case.drift));
    assert_eq!(proofs(nodes, cases), all(cases, false), "drifted");
    let drifted = rig.apply_as_planned();
    assert_eq!(proofs(nodes, cases), all(cases, true), "mended");

    let spoilt = cases.iter().filter_map(|case| match case.end {
        End::Spoilt(shell) => Some(shell),
        _ => None,
    });
    each(nodes, spoilt);
    let absents = cases.iter().rev().filter_map(|case| match case.end {
        End::Absent(step) => Some(step),
        _ => None,
    });
    rig.role(&absents.collect::<Vec<_>>().join("\n"));
    let gone = if cases
        .iter()
        .any(|case| matches!(case.end, End::Removed | End::Absent(_)))
    {
        rig.apply_as_planned()
    } else {
        rig.nothing_to_do();
        rig.plan().page()
    };
    let stays = |case: &Case| !matches!(case.end, End::Removed | End::Absent(_));
    let ends: Vec<_> = cases.iter().map(|case| (case.step, stays(case))).collect();
    assert_eq!(proofs(nodes, cases), ends, "at the end");
    let reported: BTreeSet<&str> = gone
        .lines()
        .filter(|line| line.starts_with("orphans: ") && !line.contains(": removed, "))
        .filter_map(|line| line["orphans: ".len()..].split(':').next())
        .collect();
    for case in cases {
        match case.end {
            End::Reported | End::Spoilt(_) => {
                assert!(reported.contains(case.kind), "{}", case.step);
            }
            _ => (),
        }
    }
    Pages {
        absent,
        drifted,
        gone,
    }
}

#[test]
fn every_kind_has_a_life_here() {
    let lived: BTreeSet<&str> = [ACCOUNTS, FILES, SYSTEM, ZONE, EL9, EL6]
        .into_iter()
        .flatten()
        .map(|case| case.kind)
        .collect();
    let kinds: BTreeSet<&str> = nodewright::kinds::kinds()
        .map(nodewright::kind::Erased::name)
        .collect();
    // These have verdicts alone here: a clock, a peer's login and what fences are only seen, and there is no policy
    // whose boolean or port could be set. A packet filter, a cluster's membership, what manages its resources and what
    // stands on disks have tests of their own, and so have guests and what is under them.
    let own = BTreeSet::from([
        "clock",
        "peer",
        "selinux_boolean",
        "selinux_port",
        "dlm",
        "drbd",
        "drbd_metadata",
        "gfs2",
        "logical_volume",
        "mount_point",
        "partition",
        "volume_group",
        "disk_image",
        "guest",
        "hypervisor",
        "immutable",
        "libvirt_peer",
        "storage_pool",
        "virtual_network",
        "packet_filter",
        "cib",
        "cluster_conf",
        "fence_device",
        "membership",
        "resource_manager",
    ]);
    assert_eq!(&lived | &own, kinds);
}

/// What lives in files alone.
const FILES: &[Case] = &[
    Case {
        kind: "file",
        step: "[[step]]\nfile = \"/etc/demo.conf\"\ncontent = \"a\\n\"\nmode = \"0640\"",
        proof: "[ \"$(cat /etc/demo.conf)\" = a ] && [ \"$(stat -c %a%U /etc/demo.conf)\" = 640root ]",
        drift: "echo b >/etc/demo.conf; chmod 666 /etc/demo.conf",
        end: End::Removed,
    },
    Case {
        kind: "file",
        step: "[[step]]\nfile = \"/etc/demo.spoilt\"\ncontent = \"a\\n\"",
        proof: "grep -qx a /etc/demo.spoilt",
        drift: "rm /etc/demo.spoilt",
        end: End::Spoilt("echo mine >>/etc/demo.spoilt"),
    },
    Case {
        kind: "directory",
        step: "[[step]]\ndirectory = \"/etc/demo.d\"\nmode = \"0750\"",
        proof: "[ \"$(stat -c %a%F /etc/demo.d)\" = 750directory ]",
        drift: "chmod 777 /etc/demo.d",
        end: End::Absent("[[step]]\ndirectory = \"/etc/demo.d\"\nstate = \"absent\""),
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.link\"\nto = \"demo.conf\"",
        proof: "[ \"$(readlink /etc/demo.link)\" = demo.conf ]",
        drift: "ln -sfn /nowhere /etc/demo.link",
        end: End::Absent("[[step]]\nsymlink = \"/etc/demo.link\"\nstate = \"absent\""),
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.gone\"\nto = \"demo.conf\"",
        proof: "[ \"$(readlink /etc/demo.gone)\" = demo.conf ]",
        drift: "ln -sfn /nowhere /etc/demo.gone",
        end: End::Removed,
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.led\"\nto = \"demo.conf\"",
        proof: "[ -L /etc/demo.led ]",
        drift: "rm /etc/demo.led",
        end: End::Spoilt("ln -sfn elsewhere /etc/demo.led"),
    },
    Case {
        kind: "line",
        step: "[[step]]\nline = \"two=3\"\nfile = \"/etc/lined\"\nmatches = \"^two=\"",
        proof: "[ \"$(sed -n 2p /etc/lined)\" = two=3 ] && grep -qx one=1 /etc/lined",
        drift: "sed -i s/two=3/two=4/ /etc/lined",
        end: End::Absent("[[step]]\nline = \"two=3\"\nfile = \"/etc/lined\"\nstate = \"absent\""),
    },
    Case {
        kind: "block",
        step: "[[step]]\nblock = \"lab\"\nfile = \"/etc/lined\"\ncontent = \"three=3\\n\"",
        proof: "grep -A 1 'BEGIN nodewright lab' /etc/lined | grep -qx three=3",
        drift: "sed -i s/three=3/three=4/ /etc/lined",
        end: End::Absent("[[step]]\nblock = \"lab\"\nfile = \"/etc/lined\"\nstate = \"absent\""),
    },
    Case {
        kind: "ini",
        step: "[[step]]\nini = \"key\"\nfile = \"/etc/demo.ini\"\nsection = \"b\"\nvalue = \"new\"",
        proof: "[ \"$(tr '\\n' ' ' </etc/demo.ini)\" = '[a] key=a [b] # kept key=new ' ]",
        drift: "sed -i s/key=new/key=x/ /etc/demo.ini",
        end: End::Reported,
    },
    Case {
        kind: "hosts",
        step: "[[step]]\nhosts = \"10.77.1.2\"\nnames = [\"node2.example.net\", \"node2\"]",
        proof: "getent hosts node2 | grep -q '^10.77.1.2 '",
        drift: "sed -i s/10.77.1.2/10.77.1.3/ /etc/hosts",
        end: End::Absent("[[step]]\nhosts = \"10.77.1.2\"\nstate = \"absent\""),
    },
    Case {
        kind: "known_host",
        step: "[[step]]\nknown_host = \"git.example.net\"\nnames = [\"192.0.2.80\"]\nkey = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO\"",
        proof: "ssh-keygen -F 192.0.2.80 -f /etc/ssh/ssh_known_hosts",
        drift: "sed -i s/192.0.2.80/192.0.2.81/ /etc/ssh/ssh_known_hosts",
        end: End::Reported,
    },
    Case {
        kind: "tree",
        step: "[[step]]\ntree = \"/etc/demo.tree\"\nfiles = [{ name = \"a.conf\", content = \"a\\n\" }, { name = \"b.conf\", content = \"b\\n\" }]\ncheck = \"grep -q b {staged}/b.conf\"",
        proof: "[ \"$(cd /etc/demo.tree && ls -A | tr '\\n' ' ')\" = 'a.conf b.conf ' ] && [ \"$(cat /etc/demo.tree/*)\" = \"$(printf 'a\\nb')\" ]",
        drift: "echo x >/etc/demo.tree/a.conf; echo y >/etc/demo.tree/foreign",
        end: End::Removed,
    },
    Case {
        kind: "tree",
        step: "[[step]]\ntree = \"/etc/demo.more\"\nfiles = [{ name = \"a.conf\", content = \"a\\n\" }]",
        proof: "grep -qx a /etc/demo.more/a.conf",
        drift: "rm -r /etc/demo.more",
        end: End::Spoilt("touch /etc/demo.more/theirs"),
    },
];

/// Accounts and what hangs on them.
const ACCOUNTS: &[Case] = &[
    Case {
        kind: "group",
        step: "[[step]]\ngroup = \"crew\"\ngid = 4711",
        proof: "[ \"$(getent group crew | cut -d: -f3)\" = 4711 ]",
        drift: "groupdel crew",
        end: End::Absent("[[step]]\ngroup = \"crew\"\nstate = \"absent\""),
    },
    Case {
        kind: "user",
        step: "[[step]]\nuser = \"bob\"\nuid = 4712\ngroups = [\"crew\"]\nshell = \"/bin/sh\"\ncomment = \"Bob\"",
        proof: "[ \"$(getent passwd bob | cut -d: -f3,5-7)\" = 4712:Bob:/home/bob:/bin/sh ] && id -nG bob | grep -qw crew",
        drift: "usermod -s /bin/false -c Rob bob",
        end: End::Absent("[[step]]\nuser = \"bob\"\nstate = \"absent\""),
    },
    Case {
        kind: "authorized_key",
        step: "[[step]]\nauthorized_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO bob@desk\"\nuser = \"bob\"",
        proof: "grep -c bob@desk /home/bob/.ssh/authorized_keys && [ \"$(stat -c %a%u /home/bob/.ssh)\" = 7004712 ] && [ \"$(stat -c %u /home/bob/.ssh/authorized_keys)\" = 4712 ]",
        drift: "sed -i s/bob@desk/rob@desk/ /home/bob/.ssh/authorized_keys",
        end: End::Reported,
    },
    Case {
        kind: "cron",
        step: "[[step]]\ncron = \"sweep\"\nschedule = \"5 4 * * *\"\ncommand = \"/bin/true 100%\"\nuser = \"bob\"",
        proof: "grep -qx '5 4 \\* \\* \\* bob /bin/true 100.%' /etc/cron.d/sweep",
        drift: "rm /etc/cron.d/sweep",
        end: End::Absent("[[step]]\ncron = \"sweep\"\nstate = \"absent\""),
    },
    Case {
        kind: "cron",
        step: "[[step]]\ncron = \"dust\"\nschedule = \"@daily\"\ncommand = \"/bin/true\"",
        proof: "grep -qx '@daily root /bin/true' /etc/cron.d/dust",
        drift: "rm /etc/cron.d/dust",
        end: End::Removed,
    },
    Case {
        kind: "etckeeper",
        step: "[[step]]\npackage = [\"git\", \"etckeeper\"]\n\
               [[step]]\netckeeper = \"/etc\"\nname = \"Ops\"\nemail = \"ops@example.net\"\nuntracked = [\"/shadow\"]",
        proof: "cd /etc; [ \"$(stat -c %a .git) $(git config user.name)\" = '700 Ops' ] && git ls-files | grep -qx passwd && ! git ls-files | grep -qx shadow",
        drift: "chmod 755 /etc/.git; git -C /etc config user.name Somebody",
        end: End::Reported,
    },
];

/// What has a running side.
const SYSTEM: &[Case] = &[
    Case {
        kind: "repository",
        step: "[[step]]\nrepository = \"extra\"\nurl = \"file:///srv/extra\"\nsuite = \"./\"\nunsigned = true",
        proof: "apt-get -qq --print-uris download labextra && grep -q srv/extra /etc/apt/sources.list.d/extra.sources",
        drift: "rm /etc/apt/sources.list.d/extra.sources",
        end: End::Removed,
    },
    Case {
        kind: "package",
        step: "[[step]]\npackage = [\"labextra\", \"hello\"]\nheld = true",
        proof: "[ \"$(dpkg-query -W -f '${db:Status-Status} ' labextra hello)\" = 'installed installed ' ] && [ \"$(apt-mark showhold | tr '\\n' ' ')\" = 'hello labextra ' ]",
        drift: "apt-mark -qq unhold hello; dpkg -P hello",
        end: End::Absent("[[step]]\npackage = \"hello\"\nstate = \"absent\""),
    },
    Case {
        kind: "service",
        step: "[[step]]\nservice = \"demo\"\nenabled = true\nrunning = true",
        proof: "systemctl is-active demo && systemctl is-enabled demo",
        drift: "systemctl disable -q --now demo",
        end: End::Absent("[[step]]\nservice = \"demo\"\nenabled = false\nrunning = false"),
    },
    Case {
        kind: "interface",
        step: "[[step]]\npackage = [\"ifupdown\", \"bridge-utils\"]\n\n\
               [[step]]\ninterface = \"vbr9\"\ntype = \"bridge\"\nmtu = 1400\naddresses = [\"10.9.9.1/24\"]\n\
               files = [{ path = \"/etc/network/interfaces.d/4-vbr9\", content = \"auto vbr9\\niface vbr9 inet static\\n  \
               address 10.9.9.1/24\\n  bridge_ports none\\n  bridge_fd 0\\n  bridge_maxwait 0\\n  mtu 1400\\n\" }]",
        proof: "[ \"$(cat /sys/class/net/vbr9/mtu)\" = 1400 ] && ip -o addr show dev vbr9 | grep -q ' 10.9.9.1/24 '",
        drift: "ip link del vbr9",
        end: End::Reported,
    },
    Case {
        kind: "sysctl",
        step: "[[step]]\nsysctl = \"net.ipv4.ip_forward\"\nvalue = 1",
        proof: "[ \"$(cat /proc/sys/net/ipv4/ip_forward)\" = 1 ] && grep -q 'ip_forward *= *1' /etc/sysctl.d/*.conf",
        drift: "echo 0 >/proc/sys/net/ipv4/ip_forward",
        end: End::Reported,
    },
    Case {
        kind: "kernel_module",
        step: "[[step]]\nkernel_module = \"dummy\"\noptions = \"numdummies=2\"",
        proof: "[ \"$(cat /etc/modules-load.d/dummy.conf)\" = dummy ] && [ \"$(cat /etc/modprobe.d/dummy.conf)\" = 'options dummy numdummies=2' ]",
        drift: "rm /etc/modules-load.d/dummy.conf",
        end: End::Removed,
    },
    Case {
        kind: "kernel_args",
        step: "[[step]]\nkernel_args = \"lab_arg\"\nstate = \"absent\"",
        proof: "! grep -q lab_arg /boot/grub/grub.cfg",
        drift: "rm /etc/default/grub.d/*; update-grub",
        end: End::Reported,
    },
    Case {
        kind: "mount",
        step: "[[step]]\nmount = \"/srv/store\"\ndevice = \"tmpfs\"\nfstype = \"tmpfs\"\noptions = \"size=1m\"",
        proof: "grep -q '^tmpfs /srv/store tmpfs .*size=1024k' /proc/mounts && grep -qx 'tmpfs /srv/store tmpfs size=1m 0 0' /etc/fstab",
        drift: "umount /srv/store; sed -i s/size=1m/size=2m/ /etc/fstab",
        end: End::Absent("[[step]]\nmount = \"/srv/store\"\nstate = \"absent\""),
    },
    Case {
        kind: "hostname",
        step: "[[step]]\nhostname = \"renamed\"",
        proof: "[ \"$(uname -n) $(cat /etc/hostname)\" = 'renamed renamed' ]",
        drift: "echo other >/proc/sys/kernel/hostname || hostname other; echo other >/etc/hostname",
        end: End::Reported,
    },
    Case {
        kind: "command",
        step: "[[step]]\ncommand = [\"touch\", \"/var/lib/a marker\"]\ncreates = \"/var/lib/a marker\"",
        proof: "[ -e '/var/lib/a marker' ]",
        drift: "rm '/var/lib/a marker'",
        end: End::Reported,
    },
    Case {
        kind: "git",
        step: "[[step]]\ngit = \"/srv/checkout\"\nurl = \"/srv/source\"\nrev = \"48aeda081e7a2c4acbcdc1db35c7725c59c3fe64\"",
        proof: "[ \"$(git -C /srv/checkout rev-parse HEAD)\" = 48aeda081e7a2c4acbcdc1db35c7725c59c3fe64 ] && [ \"$(cat /srv/checkout/a)\" = one ]",
        drift: "cd /srv/checkout; git fetch -q /srv/source master; git checkout -q FETCH_HEAD; grep -qx two a",
        end: End::Reported,
    },
];

/// The time zone, where /etc/timezone names it too.
const ZONE: &[Case] = &[Case {
    kind: "timezone",
    step: "[[step]]\ntimezone = \"Europe/Zurich\"",
    proof: "[ \"$(date -d @0 +%Z%H)\" = CET01 ] && [ \"$(cat /etc/timezone)\" = Europe/Zurich ]",
    drift: "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime; echo Etc/UTC >/etc/timezone",
    end: End::Reported,
}];

/// The time zone from Debian 13 on, where /etc/timezone is a leftover.
const ZONE_ALONE: &[Case] = &[Case {
    kind: "timezone",
    step: "[[step]]\ntimezone = \"Europe/Zurich\"",
    proof: "[ \"$(date -d @0 +%Z%H)\" = CET01 ] && [ ! -e /etc/timezone ]",
    drift: "ln -sfn /usr/share/zoneinfo/Etc/UTC /etc/localtime; echo Etc/UTC >/etc/timezone",
    end: End::Reported,
}];

/// A node like EL 9, whose packages are made on the spot.
const EL9: &[Case] = &[
    Case {
        kind: "repository",
        step: "[[step]]\nrepository = \"extra\"\nurl = \"file:///srv/rpms/9\"\nunsigned = true",
        proof: "dnf -q repolist --enabled | grep -q '^extra '",
        drift: "sed -i s,rpms/9,rpms/8, /etc/yum.repos.d/extra.repo; mv /etc/yum.repos.d/extra.repo /etc/yum.repos.d/other.repo.save",
        end: End::Removed,
    },
    Case {
        kind: "repository",
        step: "[[step]]\nrepository = \"keyed\"\nurl = \"file:///srv/rpms/9\"\nenabled = false\ngpgkey = \"\"\"\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nnone\n-----END PGP PUBLIC KEY BLOCK-----\n\"\"\"",
        proof: "grep -q BEGIN /etc/pki/rpm-gpg/RPM-GPG-KEY-keyed && grep -q RPM-GPG-KEY-keyed /etc/yum.repos.d/keyed.repo",
        drift: "rm /etc/pki/rpm-gpg/RPM-GPG-KEY-keyed",
        end: End::Removed,
    },
    Case {
        kind: "package",
        step: "[[step]]\npackage = [\"labd\", \"hello\"]",
        proof: "rpm -q labd hello",
        drift: "rpm -e hello",
        end: End::Absent("[[step]]\npackage = [\"labd\", \"hello\"]\nstate = \"absent\""),
    },
    Case {
        kind: "file",
        step: "[[step]]\nfile = \"/etc/labd.conf\"\ncontent = \"a\\n\"",
        proof: "[ \"$(cat /etc/labd.conf)\" = a ]",
        drift: "echo b >/etc/labd.conf",
        end: End::Removed,
    },
    Case {
        kind: "service",
        step: "[[step]]\nservice = \"labd\"\nenabled = true\nrunning = true\nconfig = [\"/etc/labd.conf\"]",
        proof: "systemctl is-active labd && systemctl is-enabled labd",
        drift: "systemctl disable -q --now labd",
        end: End::Absent("[[step]]\nservice = \"labd\"\nenabled = false\nrunning = false"),
    },
    Case {
        kind: "selinux",
        step: "[[step]]\nselinux = \"disabled\"",
        proof: "grep -qx SELINUX=disabled /etc/selinux/config",
        drift: "sed -i s/disabled/enforcing/ /etc/selinux/config",
        end: End::Reported,
    },
];

/// A node like EL 6: start scripts, bash as sh, and only the commands of `node-tools.toml`.
const EL6: &[Case] = &[
    Case {
        kind: "package",
        step: "[[step]]\npackage = \"labd\"",
        proof: "rpm -q labd",
        drift: "service labd stop; rpm -e labd",
        end: End::Absent("[[step]]\npackage = \"labd\"\nstate = \"absent\""),
    },
    Case {
        kind: "file",
        step: "[[step]]\nfile = \"/etc/labd.conf\"\ncontent = \"a\\n\"",
        proof: "[ \"$(cat /etc/labd.conf)\" = a ]",
        drift: "echo b >/etc/labd.conf",
        end: End::Removed,
    },
    Case {
        kind: "service",
        step: "[[step]]\nservice = \"labd\"\nenabled = true\nrunning = true\nconfig = [\"/etc/labd.conf\"]",
        proof: "service labd status && chkconfig labd",
        drift: "chkconfig labd off || :",
        end: End::Absent("[[step]]\nservice = \"labd\"\nenabled = false\nrunning = false"),
    },
    Case {
        kind: "line",
        step: "[[step]]\nline = \"two=3\"\nfile = \"/etc/lined\"\nmatches = \"^two=\"",
        proof: "[ \"$(sed -n 2p /etc/lined)\" = two=3 ]",
        drift: "sed -i s/two=3/two=4/ /etc/lined",
        end: End::Reported,
    },
    Case {
        kind: "directory",
        step: "[[step]]\ndirectory = \"/etc/demo.d\"\nmode = \"0750\"",
        proof: "[ \"$(stat -c %a /etc/demo.d)\" = 750 ]",
        drift: "chmod 777 /etc/demo.d",
        end: End::Absent("[[step]]\ndirectory = \"/etc/demo.d\"\nstate = \"absent\""),
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.link\"\nto = \"demo.conf\"",
        proof: "[ \"$(readlink /etc/demo.link)\" = demo.conf ]",
        drift: "rm /etc/demo.link; ln -s other /etc/demo.link",
        end: End::Absent("[[step]]\nsymlink = \"/etc/demo.link\"\nstate = \"absent\""),
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.gone\"\nto = \"demo.conf\"",
        proof: "[ \"$(readlink /etc/demo.gone)\" = demo.conf ]",
        drift: "ln -sfn /nowhere /etc/demo.gone",
        end: End::Removed,
    },
    Case {
        kind: "symlink",
        step: "[[step]]\nsymlink = \"/etc/demo.led\"\nto = \"demo.conf\"",
        proof: "[ -L /etc/demo.led ]",
        drift: "rm /etc/demo.led",
        end: End::Spoilt("ln -sfn elsewhere /etc/demo.led"),
    },
    Case {
        kind: "tree",
        step: "[[step]]\ntree = \"/etc/demo.tree\"\nfiles = [{ name = \"a.conf\", content = \"a\\n\" }]",
        proof: "[ \"$(cat /etc/demo.tree/*)\" = a ]",
        drift: "echo y >/etc/demo.tree/foreign",
        end: End::Removed,
    },
    Case {
        kind: "group",
        step: "[[step]]\ngroup = \"crew\"\ngid = 4711",
        proof: "grep -q '^crew:.*:4711:' /etc/group",
        drift: "groupdel crew",
        end: End::Absent("[[step]]\ngroup = \"crew\"\nstate = \"absent\""),
    },
    Case {
        kind: "user",
        step: "[[step]]\nuser = \"bob\"\nuid = 4712\ngroups = [\"crew\"]\nshell = \"/bin/sh\"",
        proof: "grep -q '^bob:x:4712:.*:/bin/sh$' /etc/passwd && grep -q '^crew:.*bob' /etc/group",
        drift: "usermod -s /bin/false bob",
        end: End::Absent("[[step]]\nuser = \"bob\"\nstate = \"absent\""),
    },
    Case {
        kind: "sysctl",
        step: "[[step]]\nsysctl = \"net.ipv4.ip_forward\"\nvalue = 1",
        proof: "[ \"$(cat /proc/sys/net/ipv4/ip_forward)\" = 1 ]",
        drift: "echo 0 >/proc/sys/net/ipv4/ip_forward",
        end: End::Reported,
    },
    Case {
        kind: "timezone",
        step: "[[step]]\ntimezone = \"Europe/Zurich\"",
        proof: "[ \"$(readlink /etc/localtime)\" = ../usr/share/zoneinfo/Europe/Zurich ] && grep -qx 'ZONE=\"Europe/Zurich\"' /etc/sysconfig/clock",
        drift: "rm /etc/localtime; ln -s ../usr/share/zoneinfo/Etc/UTC /etc/localtime",
        end: End::Reported,
    },
];

#[test]
fn files_live_as_planned() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok(
        "node1",
        "printf 'one=1\\ntwo=2\\n' >/etc/lined; printf '[a]\\nkey=a\\n[b]\\n# kept\\nkey=old\\n' >/etc/demo.ini",
    );
    let pages = live(&rig, FILES);
    pages.golden("files");
}

#[test]
fn accounts_live_as_planned() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", "mkdir /etc/cron.d");
    let pages = live(&rig, ACCOUNTS);
    pages.golden("accounts");
    // A home is never removed.
    rig.nodes
        .ok("node1", "test -e /home/bob/.ssh/authorized_keys");
}

#[test]
fn the_running_side_lives_as_planned() {
    let rig = Rig::new(nodes::debian(1));
    rig.nodes.ok("node1", EXTRA_REPOSITORY);
    rig.nodes.ok("node1", SYSTEM_AROUND);
    if nodes::release() == Platform::Debian12 {
        live(&rig, ZONE).golden("zone");
    } else {
        rig.nodes.ok("node1", "echo Etc/UTC >/etc/timezone");
        live(&rig, ZONE_ALONE).golden("zone-alone");
    }
    // Each release has another one.
    let version = "apt-cache policy hello | sed -n 's/.* Candidate: //p'";
    let version = rig.nodes.ok("node1", version);
    let mut pages = live(&rig, SYSTEM);
    pages.gone = pages.gone.replace(version.trim(), "VERSION");
    pages.golden("system");

    rig.role("[[step]]\nclock = \"system\"");
    rig.nothing_to_do();
}

#[test]
fn a_node_like_el9_lives_as_planned() {
    let rig = Rig::new(nodes::el9(1));
    rig.nodes.ok("node1", "mkdir -p /etc/selinux /etc/pki/rpm-gpg; printf 'SELINUX=enforcing\\nSELINUXTYPE=targeted\\n' >/etc/selinux/config");
    let pages = live(&rig, EL9);
    pages.golden("el9");

    rig.role("[[step]]\nselinux_boolean = \"virt_use_sanlock\"");
    let plan = rig.plan();
    let findings = plan.page();
    let last = findings.lines().next_back();
    assert_eq!(
        last,
        Some(
            "findings: selinux_boolean:virt_use_sanlock: virt_use_sanlock cannot be set: SELinux is disabled"
        )
    );
    assert_eq!(plan.code, 3);
    assert_eq!(rig.apply().code, 3);
}

#[test]
fn a_node_like_el6_lives_as_planned() {
    let rig = Rig::new(nodes::el6(1));
    rig.nodes.ok("node1", "printf 'one=1\\ntwo=2\\n' >/etc/lined; mkdir -p /etc/sysconfig; printf 'ZONE=\"UTC\"\\n' >/etc/sysconfig/clock");
    let pages = live(&rig, EL6);
    pages.golden("el6");
    // Nothing was called that such a node does not have.
    assert_eq!(rig.nodes.ok("node1", "cat /run/refused || :"), "");
}

/// A repository with one package, which brings /etc/labextra.conf.
pub const EXTRA_REPOSITORY: &str = "set -e
mkdir -p /srv/extra /srv/deb/DEBIAN /srv/deb/etc
printf 'Package: labextra\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: t <t@example.net>\\nDescription: x\\n' >/srv/deb/DEBIAN/control
printf '# as the package brought it\\nkey = 1\\n' >/srv/deb/etc/labextra.conf
echo /etc/labextra.conf >/srv/deb/DEBIAN/conffiles
dpkg-deb -b /srv/deb /srv/extra/labextra.deb
cd /srv/extra
sum=$(sha256sum <labextra.deb)
{ dpkg-deb -f labextra.deb; printf 'Filename: ./labextra.deb\\nSize: %s\\nSHA256: %s\\n' \"$(stat -c %s labextra.deb)\" \"${sum%% *}\"; } >Packages";

/// A module that is part of the kernel, a boot loader's files with a stand-in for `update-grub`, a service, a checkout's
/// source of two commits.
const SYSTEM_AROUND: &str = "set -e
mkdir -p \"/lib/modules/$(uname -r)\"
echo kernel/drivers/net/dummy.ko >>\"/lib/modules/$(uname -r)/modules.builtin\"
mkdir -p /etc/default/grub.d /boot/grub
cat >/usr/local/sbin/update-grub <<'END'
#!/bin/sh
GRUB_CMDLINE_LINUX='ro lab_arg=1 quiet'
for file in /etc/default/grub.d/*.cfg; do [ ! -e \"$file\" ] || . \"$file\"; done
echo \"linux /boot/vmlinuz-6.1 root=/dev/sda1 $GRUB_CMDLINE_LINUX\" >/boot/grub/grub.cfg
END
chmod 755 /usr/local/sbin/update-grub
update-grub
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/demo.service
systemctl daemon-reload
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y git >/dev/null
git init -q -b master /srv/source
cd /srv/source
git config user.name t
git config user.email t@example.net
for word in one two; do
  echo $word >a
  git add a
  GIT_AUTHOR_DATE=2020-01-01T00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00Z git commit -q -m $word
done";
