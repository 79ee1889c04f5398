//! Paths and services that decide who gets in: a change of one can lock the operator out, and runs under the guard.
//! This is the one list of them.

/// Files and folders whose content decides whether somebody gets in: the path itself or what lies below it.
const PATHS: &[&str] = &[
    "/etc/NetworkManager",
    "/etc/default/shorewall",
    "/etc/default/shorewall6",
    "/etc/default/ssh",
    "/etc/group",
    "/etc/gshadow",
    "/etc/hosts",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/iproute2",
    "/etc/modprobe.d/bonding.conf",
    "/etc/netplan",
    "/etc/network",
    "/etc/nftables.conf",
    "/etc/nologin",
    "/etc/nsswitch.conf",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/ppp",
    "/etc/resolv.conf",
    "/etc/securetty",
    "/etc/security",
    "/etc/shadow",
    "/etc/shells",
    "/etc/shorewall",
    "/etc/shorewall6",
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d",
    "/etc/sssd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/sysconfig/ip6tables",
    "/etc/sysconfig/iptables",
    "/etc/sysconfig/network",
    "/etc/sysconfig/network-scripts",
    "/etc/sysconfig/sshd",
    "/etc/systemd/network",
    "/etc/systemd/resolved.conf",
];

/// Whether a change of this path can cut the operator off.
pub fn path(path: &str) -> bool {
    let below = |one: &&&str| {
        path.strip_prefix(**one)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let host_key = path
        .strip_prefix("/etc/ssh/")
        .is_some_and(|name| name.starts_with("ssh_host_") || name == "authorized_keys");
    let of_keys = path.split('/').any(|part| part == ".ssh");
    let of_unit = path
        .strip_prefix("/etc/systemd/system/")
        .and_then(|rest| rest.split('/').next())
        .is_some_and(|unit| service(unit.strip_suffix(".d").unwrap_or(unit)));
    PATHS.iter().any(|one| below(&one)) || host_key || of_keys || of_unit
}

/// Services that decide who gets in, or resolve the names they use.
const SERVICES: &[&str] = &[
    "NetworkManager",
    "dnsmasq",
    "fail2ban",
    "firewalld",
    "ip6tables",
    "iptables",
    "network",
    "networking",
    "nftables",
    "nscd",
    "nslcd",
    "shorewall",
    "shorewall6",
    "ssh",
    "ssh.socket",
    "sshd",
    "sshd.socket",
    "sssd",
    "systemd-networkd",
    "systemd-resolved",
    "ufw",
];

/// Whether a change of this service can cut the operator off, so that it runs under the guard.
pub fn service(service: &str) -> bool {
    let name = service.strip_suffix(".service").unwrap_or(service);
    SERVICES.contains(&name)
}

/// The program of a packet filter's service, which `clear` has leave everything open.
pub fn packet_filter(service: &str) -> Option<&str> {
    let name = service.strip_suffix(".service").unwrap_or(service);
    ["shorewall", "shorewall6"].contains(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{path, service};

    #[test]
    fn paths_that_decide_who_gets_in() {
        for yes in [
            "/etc/hosts",
            "/etc/ssh/sshd_config",
            "/etc/ssh/sshd_config.d/10-site.conf",
            "/etc/ssh/ssh_host_ed25519_key",
            "/root/.ssh/authorized_keys",
            "/home/anna/.ssh",
            "/etc/sudoers.d/anna",
            "/etc/shorewall/rules",
            "/etc/sysconfig/network-scripts/ifcfg-eth0",
            "/etc/network/interfaces.d/brred",
            "/etc/systemd/system/ssh.service.d/limits.conf",
            "/etc/systemd/system/shorewall.service",
        ] {
            assert!(path(yes), "{yes}");
        }
        for no in [
            "/etc/hosts.bak",
            "/etc/ssh/ssh_known_hosts",
            "/etc/ssh/ssh_config",
            "/etc/sysconfig/networking",
            "/etc/motd",
            "/etc/systemd/system/chrony.service.d/x.conf",
            "/etc/sudo.conf",
        ] {
            assert!(!path(no), "{no}");
        }
    }
    #[test]
    fn services_that_let_in_are_guarded() {
        for name in ["ssh", "sshd.service", "shorewall", "network"] {
            assert!(service(name), "{name}");
        }
        assert!(!service("sshd-keygen") && !service("chronyd"));
    }
}
