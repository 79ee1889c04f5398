//! The files of the role `network`, read back: ifcfg files by the rules of the start scripts, keyfiles by NetworkManager,
//! those of ifupdown by its own `ifquery`. What comes back is compared with the site.
//!
//! Facts: docs/facts/network.md#ifcfg-files, docs/facts/network.md#keyfiles.

use crate::nodes::{self, Nodes};
use nodewright::platform::Platform;
use nodewright::role::{Library, expand, files};
use nodewright::site::resolved::device::{Device, DeviceKind};
use nodewright::site::{Overrides, Site, load};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// A node of an example on a platform: its devices, and the files that role `network` brings.
struct Subject {
    devices: Vec<Device>,
    files: BTreeMap<String, String>,
}

fn site(example: &str, platform: Platform) -> (Site, Library, nodewright::site::Sources) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("inventory")
        .join(example);
    let overrides = Overrides {
        platform: Some(platform),
        ..Overrides::default()
    };
    let mut loaded = load(&dir, &overrides);
    let mut findings = std::mem::take(&mut loaded.findings);
    let library = Library::load(&dir, &mut loaded.sources, &mut findings);
    assert_eq!(findings, [], "{example}");
    (loaded.site.unwrap(), library, loaded.sources)
}

fn subject(example: &str, node: &str, platform: Platform) -> Subject {
    let (site, library, sources) = site(example, platform);
    let mut expansion = expand(&site, &library, node, &sources);
    expansion.resources.retain(|r| r.address.role == "network");
    let files = files(&expansion.resources).into_iter();
    Subject {
        devices: site.devices(node),
        files: files.map(|(path, text)| (path, text.masked())).collect(),
    }
}

const NODES: [(&str, &str); 4] = [
    ("crosslink", "node1"),
    ("crosslink", "node2"),
    ("bonded", "left"),
    ("bonded", "right"),
];

/// Lines of `KEY=VALUE`, as the start scripts read them: by the shell.
fn variables(text: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:/+".contains(&b);
        let value = if let Some(quoted) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'))
        {
            assert!(!quoted.contains(['"', '$', '`', '\\']), "{line}");
            quoted
        } else {
            assert!(value.bytes().all(plain), "{line}");
            value
        };
        assert!(found.insert(key, value).is_none(), "{key} stands twice");
    }
    found
}

/// What the start scripts make of ifcfg files: `NAME TYPE mtu=… master=… ADDRESS… via GATEWAY`.
fn started(subject: &Subject) -> Vec<String> {
    let ifcfg: BTreeMap<&str, BTreeMap<&str, &str>> = subject
        .files
        .iter()
        .filter_map(|(path, text)| {
            let name = path.strip_prefix("/etc/sysconfig/network-scripts/ifcfg-")?;
            Some((name, variables(text)))
        })
        .collect();
    let mut all = Vec::new();
    for (name, file) in &ifcfg {
        let get = |key: &str| file.get(key).copied();
        assert_eq!(get("DEVICE"), Some(*name));
        // ifcfg-a-b is read as an addition to ifcfg-a; these endings are passed over.
        assert!(!name.contains('-'), "{name}");
        for ending in ["~", ".bak", ".orig", ".rpmnew", ".rpmorig", ".rpmsave"] {
            assert!(!name.ends_with(ending));
        }
        assert_eq!(
            (get("ONBOOT"), get("NM_CONTROLLED")),
            (Some("yes"), Some("no"))
        );
        let vlan = get("VLAN") == Some("yes");
        let sort = match get("TYPE") {
            None if vlan => "vlan",
            Some("Ethernet") => "ethernet",
            Some("Bond") => "bond",
            Some("Bridge") => "bridge",
            other => panic!("{name}: {other:?} is no type, and case counts"),
        };
        // Only a card has an address of its own; it is compared in capital letters.
        if let Some(mac) = get("HWADDR") {
            assert_eq!((sort, mac.to_uppercase().as_str()), ("ethernet", mac));
        }
        assert_eq!(get("BONDING_OPTS").is_some(), sort == "bond");
        let master = if get("SLAVE") == Some("yes") {
            let master = get("MASTER").expect("a slave has a master");
            assert_eq!(ifcfg[master]["TYPE"], "Bond");
            Some(master)
        } else {
            assert_eq!(get("MASTER"), None);
            get("BRIDGE").inspect(|bridge| assert_eq!(ifcfg[bridge]["TYPE"], "Bridge"))
        };
        // Dead words: `ifup` ends before it comes to them.
        let addressed = file.keys().any(|k| k.contains("ADDR") && *k != "HWADDR");
        assert!(master.is_none() || !addressed && get("BOOTPROTO") == Some("none"));
        if vlan {
            let (parent, id) = name.rsplit_once('.').expect("PARENT.ID");
            assert!(
                ifcfg.contains_key(parent),
                "the parent has a file of its own"
            );
            assert!((1..=4094).contains(&id.parse().unwrap()));
            let mtu = |of: &str| ifcfg[of].get("MTU").map_or(1500, |m| m.parse().unwrap());
            assert!(mtu(name) <= mtu(parent));
        }
        if let Some(options) = get("BONDING_OPTS") {
            let options: Vec<_> = options
                .split(' ')
                .map(|o| o.split_once('=').unwrap())
                .collect();
            // Options are written one by one: the mode first, the primary once there are slaves.
            assert_eq!(options[0].0, "mode");
            assert!(["miimon", "arp_interval"].contains(&options[1].0));
            for (key, value) in &options {
                if *key == "primary" {
                    assert_eq!(ifcfg[value]["MASTER"], *name);
                }
            }
        }
        if get("GATEWAY").is_none() && get("IPADDR").is_some() {
            assert_eq!(get("DEFROUTE"), Some("no"), "{name}");
        }
        let mut line = format!("{name} {sort} mtu={}", get("MTU").unwrap_or("1500"));
        if let Some(master) = master {
            let _ = write!(line, " master={master}");
        }
        for n in 0..10 {
            let key = |word: &str| match n {
                0 => word.to_owned(),
                n => format!("{word}{n}"),
            };
            let (Some(ip), Some(mask)) = (get(&key("IPADDR")), get(&key("NETMASK"))) else {
                break;
            };
            let net = ipnet::IpNet::with_netmask(ip.parse().unwrap(), mask.parse().unwrap());
            let _ = write!(line, " {}", net.unwrap());
        }
        if get("IPV6INIT") == Some("yes") {
            let more = get("IPV6ADDR_SECONDARIES").unwrap_or_default();
            for address in get("IPV6ADDR").into_iter().chain(more.split_whitespace()) {
                let _ = write!(line, " {address}");
            }
        }
        if get("BOOTPROTO") == Some("dhcp") {
            line.push_str(" dhcp");
        }
        if let Some(gateway) = get("GATEWAY") {
            let _ = write!(line, " via {gateway}");
        }
        let routes = ["route", "route6"].map(|kind| {
            let path = format!("/etc/sysconfig/network-scripts/{kind}-{name}");
            subject.files.get(&path).cloned().unwrap_or_default()
        });
        for route in routes.concat().lines().filter(|l| !l.starts_with('#')) {
            let words: Vec<_> = route.split(' ').collect();
            let [to, "via", via, "dev", dev] = words.as_slice() else {
                panic!("{route}")
            };
            assert_eq!(dev, name);
            let _ = write!(line, " {to} over {via}");
        }
        all.push(line);
    }
    all
}

/// The same from the site.
fn wanted(device: &Device) -> String {
    let sort = serde_json::to_value(device.kind).unwrap();
    let mut line = format!(
        "{} {} mtu={}",
        device.name,
        sort.as_str().unwrap(),
        device.mtu
    );
    if let Some(master) = &device.master {
        let _ = write!(line, " master={master}");
    }
    for address in &device.addresses {
        let _ = write!(line, " {address}");
    }
    if device.dhcp {
        line.push_str(" dhcp");
    }
    if let Some(gateway) = device.gateway {
        let _ = write!(line, " via {gateway}");
    }
    for route in &device.routes {
        let _ = write!(line, " {} over {}", route.to, route.via);
    }
    line
}

fn all_wanted(subject: &Subject) -> Vec<String> {
    let real = subject.devices.iter().filter(|d| d.kind != DeviceKind::Ppp);
    let mut all: Vec<_> = real.map(wanted).collect();
    all.sort();
    all
}

#[test]
fn ifcfg_files_say_what_the_site_says() {
    for platform in [Platform::El6, Platform::El7] {
        for (example, node) in NODES {
            let subject = subject(example, node, platform);
            assert_eq!(started(&subject), all_wanted(&subject), "{example} {node}");
        }
    }
}

/// `iface` names of interfaces that are started at boot, in the order in which ifupdown starts them.
#[test]
fn ifquery_reads_what_the_site_says() {
    let lab = nodes::debian(1);
    lab.ok(
        "node1",
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install ifupdown",
    );
    for (example, node) in [("crosslink", "node1"), ("bonded", "left")] {
        let subject = subject(example, node, nodes::release());
        put(&lab, &subject, "/etc/network/interfaces.d/");
        lab.ok(
            "node1",
            "printf 'source /etc/network/interfaces.d/*\\n' >/etc/network/interfaces",
        );
        let listed = lab.ok("node1", "ifquery --list --allow=auto");
        let listed: Vec<&str> = listed.lines().filter(|n| *n != "lo").collect();
        let level = |name: &str| {
            subject
                .devices
                .iter()
                .find(|d| d.name == name)
                .unwrap()
                .level
        };
        let levels: Vec<u8> = listed.iter().map(|n| level(n)).collect();
        assert!(levels.is_sorted(), "cards first, bridges last: {listed:?}");
        let real = subject.devices.iter().filter(|d| d.kind != DeviceKind::Ppp);
        let real: Vec<&Device> = real.collect();
        assert_eq!(listed.len(), real.len());
        for device in real {
            let told = lab.ok("node1", &format!("ifquery {}", device.name));
            let get = |key: &str| -> Vec<&str> {
                let lines = told.lines().filter_map(|l| l.split_once(": "));
                lines.filter(|(k, _)| *k == key).map(|(_, v)| v).collect()
            };
            let name = &device.name;
            assert_eq!(get("mtu"), [device.mtu.to_string()], "{name}");
            let told_addresses = get("address").into_iter().zip(get("netmask"));
            let told_addresses: Vec<String> = told_addresses
                .map(|(ip, mask)| {
                    let ip = ip.parse().unwrap();
                    // Of IPv4 it tells the mask, of IPv6 the length.
                    let net = match mask.parse() {
                        Ok(length) => ipnet::IpNet::new(ip, length).unwrap(),
                        Err(_) => ipnet::IpNet::with_netmask(ip, mask.parse().unwrap()).unwrap(),
                    };
                    net.to_string()
                })
                .collect();
            assert_eq!(told_addresses, device.addresses, "{name}");
            let gateway = device.gateway.map(|g| g.to_string());
            assert_eq!(get("gateway"), gateway.as_slice(), "{name}");
            let ports = device.ports.join(" ");
            match device.kind {
                DeviceKind::Bond => assert_eq!(get("bond-slaves"), [ports]),
                DeviceKind::Bridge => assert_eq!(get("bridge_ports"), [ports]),
                DeviceKind::Vlan => {
                    assert_eq!(get("vlan-raw-device"), device.parent.as_slice());
                }
                _ => (),
            }
            let routes = device
                .routes
                .iter()
                .map(|r| format!("route replace {} via {} dev {name}", r.to, r.via));
            let up: Vec<&str> = get("up");
            assert!(
                std::iter::zip(&up, routes).all(|(told, route)| told.ends_with(&route))
                    && up.len() == device.routes.len(),
                "{up:?}"
            );
        }
        lab.ok("node1", "rm /etc/network/interfaces.d/*");
    }
}

/// Puts the files below a folder on a node.
fn put(lab: &Nodes, subject: &Subject, folder: &str) {
    let mut script = format!("set -e; mkdir -p {folder}; umask 077\n");
    for (path, content) in subject.files.range(folder.to_owned()..) {
        if path.starts_with(folder) {
            let _ = write!(script, "cat >{path} <<'NW-END'\n{content}NW-END\n");
        }
    }
    lab.ok("node1", &script);
}

#[test]
fn network_manager_reads_what_the_site_says() {
    let lab = nodes::debian(1);
    // It must not take what the node is reached over, nor begin with anything by itself.
    lab.ok(
        "node1",
        "mkdir -p /etc/NetworkManager/conf.d; \
         printf '[keyfile]\\nunmanaged-devices=interface-name:eth0\\n[main]\\nno-auto-default=*\\n' >/etc/NetworkManager/conf.d/lab.conf; \
         apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install network-manager; \
         systemctl start NetworkManager",
    );
    let folder = "/etc/NetworkManager/system-connections/";
    for (example, node) in [("crosslink", "node1"), ("bonded", "left")] {
        let subject = subject(example, node, Platform::El9);
        put(&lab, &subject, folder);
        lab.ok("node1", "nmcli connection reload");
        let real = subject.devices.iter().filter(|d| d.kind != DeviceKind::Ppp);
        let real: Vec<&Device> = real.collect();
        // What it cannot read it leaves out.
        let known = lab.ok("node1", "nmcli -g FILENAME connection show");
        let ours = known.lines().filter(|l| l.starts_with(folder)).count();
        assert_eq!(ours, real.len(), "{known}");
        for device in real {
            profile(&lab, device);
        }
        lab.ok("node1", &format!("rm {folder}*; nmcli connection reload"));
    }
}

/// Compares one profile, as NetworkManager tells it.
fn profile(lab: &Nodes, device: &Device) {
    let name = &device.name;
    let told = lab.ok(
        "node1",
        &format!("nmcli -t -e no -f all connection show uuid {}", device.uuid),
    );
    let get = |key: &str| -> &str {
        let mut lines = told.lines().filter_map(|l| l.split_once(':'));
        lines.find(|(k, _)| *k == key).map_or("", |(_, v)| v)
    };
    let sort = match device.kind {
        DeviceKind::Ethernet => "802-3-ethernet",
        DeviceKind::Bond => "bond",
        DeviceKind::Vlan => "vlan",
        _ => "bridge",
    };
    assert_eq!(get("connection.type"), sort, "{name}");
    assert_eq!(get("connection.interface-name"), name);
    assert_eq!(
        get("connection.master"),
        device.master.as_deref().unwrap_or_default()
    );
    let mtu = match get("802-3-ethernet.mtu") {
        "" | "auto" => "1500",
        mtu => mtu,
    };
    assert_eq!(mtu, device.mtu.to_string(), "{name}");
    if device.kind == DeviceKind::Ethernet {
        let mac = device.mac.as_ref().unwrap().to_uppercase();
        assert_eq!(get("802-3-ethernet.mac-address"), mac);
    }
    let six = |a: &&String| a.contains(':');
    let list = |all: Vec<&String>| all.into_iter().cloned().collect::<Vec<_>>().join(", ");
    assert_eq!(
        get("ipv4.addresses"),
        list(device.addresses.iter().filter(|a| !six(a)).collect())
    );
    assert_eq!(
        get("ipv6.addresses"),
        list(device.addresses.iter().filter(six).collect())
    );
    let gateway = device.gateway.map(|g| g.to_string()).unwrap_or_default();
    assert_eq!(get("ipv4.gateway"), gateway, "{name}");
    let method = match (&device.master, device.dhcp, device.address) {
        (Some(_), _, _) => "",
        (_, true, _) => "auto",
        (_, _, Some(_)) => "manual",
        _ => "disabled",
    };
    assert_eq!(get("ipv4.method"), method, "{name}");
    let own = device.address.is_some() || device.dhcp;
    if own {
        let never = if device.gateway.is_some() {
            "no"
        } else {
            "yes"
        };
        assert_eq!(get("ipv4.never-default"), never, "{name}");
    }
    let routes = device.routes.iter().map(|r| format!("{} {}", r.to, r.via));
    let told_routes = [get("ipv4.routes"), get("ipv6.routes")];
    let told_routes: Vec<&str> = told_routes.into_iter().filter(|r| !r.is_empty()).collect();
    assert_eq!(told_routes, routes.collect::<Vec<_>>(), "{name}");
    if device.kind == DeviceKind::Vlan {
        assert_eq!(get("vlan.id"), device.vlan.unwrap().to_string());
        assert_eq!(get("vlan.parent"), device.parent.as_deref().unwrap());
    }
    if let Some(bond) = &device.bond {
        let options = get("bond.options");
        let mode = serde_json::to_value(bond.mode).unwrap();
        let mut all = vec![format!("mode={}", mode.as_str().unwrap())];
        if bond.arp_interval > 0 {
            all.push(format!("arp_interval={}", bond.arp_interval));
        } else {
            all.push(format!("miimon={}", bond.miimon));
        }
        all.extend(bond.primary.iter().map(|p| format!("primary={p}")));
        for option in all {
            assert!(
                options.split(',').any(|o| o == option),
                "{option}: {options}"
            );
        }
    }
    if device.kind == DeviceKind::Bridge {
        assert_eq!(get("bridge.stp"), "no");
    }
}
