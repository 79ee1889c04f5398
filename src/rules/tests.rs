//! Each rule has an example that breaks it: the shipped site with one change.

use super::*;
use crate::role::Library;
use crate::site::keys::Keys;
use crate::site::words::types::Word as _;
use crate::site::{Sources, load_str};

const BASE: &str = include_str!("../../inventory/crosslink/inventory.toml");

fn judged(text: &str) -> (Sources, Judged) {
    let loaded = load_str(text);
    let wrong: String = loaded
        .findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    assert_eq!(wrong, "", "{text}");
    let today = Date::parse("2026-12-01").unwrap();
    // As after `enroll` and `secret keys`.
    let host = ["node1", "node2"].map(|n| (n.to_owned(), vec!["ssh-ed25519 AAAA".to_owned()]));
    let root = ["node1", "node2"].map(|n| (n.to_owned(), "ssh-ed25519 AAAA".to_owned()));
    let keys = Keys {
        host: host.into(),
        root: root.into(),
    };
    let site = provided(loaded.site.unwrap().with_keys(keys));
    (loaded.sources, run(&site, &today))
}

/// A site with what the shipped roles provide to its nodes.
fn provided(site: Site) -> Site {
    let library = Library::of([], &mut Sources::default(), &mut Vec::new());
    let nodes = site.node_names().map(|node| {
        let roles = site.roles_of(node).into_iter();
        let roles = roles.filter_map(|name| library.role(&name));
        let all = roles.flat_map(|r| r.provides.iter().map(|what| (*what, r.name.clone())));
        (node.to_owned(), all.collect())
    });
    let nodes = nodes.collect();
    site.with_provided(nodes)
}

/// A site with words replaced: it contains each `from`.
fn changed(base: &str, edits: &[(&str, &str)]) -> String {
    let mut text = base.to_owned();
    for (from, to) in edits {
        let (from, to) = (keys(from), keys(to));
        assert!(text.contains(&from), "{from} is not in the site");
        text = text.replacen(&from, &to, 1);
    }
    text
}

/// Puts in keys for their names. Their private halves were thrown away.
fn keys(text: &str) -> String {
    KEYS.iter()
        .fold(text.to_owned(), |text, (name, key)| text.replace(name, key))
}

const KEYS: [(&str, &str); 5] = [
    (
        "KEY-RSA2",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCaUO3YrgvfL4tlggqXBdvIWwyvz/LoTLUNS5UcneMFU4tzpq58Xb2Sro/uSfR+EKf4XKz9HdBZXudXbrybJj/q4JX7KAHyFwq3dgo8InFCYXaPdka4zL9UHRvH1EngRbiChtCzVv70eLTgeVCK4vJbrF/NJgYx+mmiuBX4plkPqxXOmsZFK/ssfQCv/jLvpIWw36luyGKCIOGj0vudkQeA+GlQlPumTc6WGtymIBMoVgsB7V3cKgE1i81z+efccV7ZLlQ7SuMmVU7AYr/wK3YUVX/epVHcc7OO+piNH0JjgvhHgnA1vXy3n8n5ps1vGB1pc6fTEvQ0Fez5axjRL+bz dora@desk",
    ),
    (
        "KEY-RSA",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDj06ki7TjUP4gT6/zxPyNafpY0qWFa2Eh9r0zh70rQRy2qCmyfgRSsuVWPkX5oWsuVMnTOzOVJq/dGOBM6AYkYJEfKxC6G65Y0Es72nyh5oO6t4ton+Nv/1wCOa5CBcpzE1yQwiVI+WegGoJU+dMDz0udTF61PNZdls6bxyQM8AJZIC+poqe8956FuntLnzOnilZcCvFVrznBVU9VjOTA0hjDkHWmBBmmxGLmpUW48mn9bDjYemQJjMIYOVhGf0UPUbU3+rffRkDCbWDSof9ILIEZIaioIP5s6mNuJC3cvy+KHH4Y/LScFP7BRc3LD3hJ7lvsXtPo6iglAsyPGtpX3 carl@desk",
    ),
    (
        "KEY-ECDSA",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBJxxzC0dpMFS9hxajkmDugDR5rOSkvw33epbI5/ltx1Wpz3sls4wSzVYSo7q6hoKCpSoL5lR+9KT3Uto7oQ5EHU= carl@desk",
    ),
    (
        "KEY-ANNA",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk",
    ),
    (
        "KEY-BEAT",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKXit01pDjsMfEg1pw7MrQn6PU2NG0+rNXOMwOWzOHfB beat@desk",
    ),
];

#[test]
fn the_shipped_site_is_sound() {
    let (sources, judged) = judged(BASE);
    let text: String = judged
        .findings
        .iter()
        .map(|f| f.render(&sources, false))
        .collect();
    assert_eq!(text, "");
    let mut accepted: Vec<_> = judged.accepted.iter().map(|(f, _)| f.code).collect();
    accepted.dedup();
    assert_eq!(
        accepted,
        ["SANLOCK-ON-MIRROR", "FENCE-ONE-METHOD", "NO-ROLE-ACTS"]
    );
}

/// Names that other systems use, and values that a protocol allows, are accepted.
#[test]
fn what_is_right_elsewhere_is_right_here() {
    for (from, to) in [
        ("user = \"fence\"", "user = \"ADMIN\""),
        ("user = \"fence\"", "user = \"Administrator@lab.local\""),
    ] {
        let text = changed(BASE, &[(from, to)]);
        let loaded = load_str(&text);
        assert!(loaded.findings.is_empty(), "{to}: {:?}", loaded.findings);
        let (sources, judged) = judged(&text);
        let found: String = judged
            .findings
            .iter()
            .map(|f| f.render(&sources, false))
            .collect();
        assert_eq!(found, "", "{to}");
    }
}

#[test]
fn a_gateway_of_the_link_is_in_every_network() {
    let codes = |gateway: &str| -> Vec<&str> {
        let text = changed(BASE, &[("gateway = \"192.0.2.1\"", gateway)]);
        judged(&text).1.findings.iter().map(|f| f.code).collect()
    };
    assert!(!codes("gateway = \"fe80::1\"").contains(&"GATEWAY-NETWORK"));
    assert!(codes("gateway = \"2001:db8::1\"").contains(&"GATEWAY-NETWORK"));
}

#[test]
fn the_site_with_bonds_is_sound() {
    let (sources, judged) = judged(include_str!("../../inventory/bonded/inventory.toml"));
    let text: String = judged
        .findings
        .iter()
        .map(|f| f.render(&sources, false))
        .collect();
    assert_eq!(text, "");
}

#[test]
fn codes_are_used_once_and_every_rule_says_its_piece() {
    let codes: Vec<_> = all().map(|r| r.code).collect();
    for (i, rule) in all().enumerate() {
        assert!(!codes[..i].contains(&rule.code), "{}", rule.code);
        assert!(
            rule.title.ends_with('.') && rule.why.ends_with('.'),
            "{}",
            rule.code
        );
        assert!(
            crate::site::words::types::RuleCode::parse(rule.code).is_ok(),
            "{}",
            rule.code
        );
    }
}

struct Case {
    code: &'static str,
    base: &'static str,
    edits: &'static [(&'static str, &'static str)],
    /// The text at the finding's place, and at the other one.
    places: (&'static str, &'static str),
}

const fn case(
    code: &'static str,
    base: &'static str,
    edits: &'static [(&'static str, &'static str)],
    places: (&'static str, &'static str),
) -> Case {
    Case {
        code,
        base,
        edits,
        places,
    }
}

/// A cluster of two without mirrors and guests.
const SMALL: &str = r#"
[site]
name = "small"
domain = "example.net"
platform = "el7"
[accept]
FENCE-ONE-METHOD = { why = "x", until = "2027-06-30" }
[zone]
red = { nic = "eth0", network = "192.0.2.0/24", gateway = "192.0.2.1" }
yellow = { nic = "eth1", network = "10.0.2.0/24" }
[firewall]
operators = ["198.51.100.10"]
[services]
time = ["ntp1.example.net", "ntp2.example.net", "ntp3.example.net"]
[cluster]
members = ["n1", "n2"]
ring = "yellow"
preferred = "n1"
delay = "15s"
[node.n1]
address = { red = "192.0.2.5", yellow = "10.0.2.1" }
mac = { eth0 = "00:00:5e:00:53:01", eth1 = "00:00:5e:00:53:02" }
bmc = { agent = "fence_ipmilan", address = "198.51.100.1", user = "fence", password = { secret = "a" } }
host_id = 1
[node.n2]
address = { red = "192.0.2.6", yellow = "10.0.2.2" }
mac = { eth0 = "00:00:5e:00:53:03", eth1 = "00:00:5e:00:53:04" }
bmc = { agent = "fence_ipmilan", address = "198.51.100.2", user = "fence", password = { secret = "b" } }
host_id = 2
[group.g]
nodes = ["n1", "n2"]
roles = ["base"]
"#;

/// One change each, and exactly this code.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // cluster
    case("MEMBER-TWICE", BASE, &[(r#"members   = ["node1", "node2"]"#, r#"members   = ["node1", "node2", "node2"]"#)],
        ("\"node2\"", "\"node2\"")),
    case("CLUSTER-SIZE", SMALL, &[(r#"["n1", "n2"]"#, r#"["n1"]"#)],
        ("[\"n1\"]", "")),
    case("RELEASE-MIXED", BASE, &[("host_id  = 2", "host_id  = 2\nplatform = \"el8\"")],
        ("\"el8\"", "node1")),
    case("HOST-ID", BASE, &[("host_id  = 2\n", "")],
        ("node2", "")),
    case("HOST-ID-TWICE", BASE, &[("host_id  = 2", "host_id  = 1")],
        ("1", "1")),
    case("RING-ADDRESS", SMALL, &[(r#"{ red = "192.0.2.6", yellow = "10.0.2.2" }"#, r#"{ red = "192.0.2.6" }"#)],
        ("address", "\"yellow\"")),
    case("RING-BRIDGE", SMALL, &[("nic = \"eth1\"", "nic = \"eth1\", bridge = \"bry\"")],
        ("\"bry\"", "\"yellow\"")),
    case("MIRRORS-BRIDGE", BASE, &[("grey   = { nic = \"eth1\"", "grey   = { nic = \"eth1\", bridge = \"brg\""), ("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", zones = [\"grey\"]")],
        ("\"brg\"", "\"grey\"")),
    case("RING-SERIAL", SMALL, &[
            ("ring = \"yellow\"", "ring = \"serial\""),
            ("[firewall]", "[serial]\ntty = \"ttyS0\"\nnetwork = \"10.0.9.0/30\"\n[firewall]"),
            ("yellow = \"10.0.2.1\"", "yellow = \"10.0.2.1\", serial = \"10.0.9.1\""),
            ("yellow = \"10.0.2.2\"", "yellow = \"10.0.2.2\", serial = \"10.0.9.2\""),
        ],
        ("\"serial\"", "")),
    case("RING-DLM", BASE, &[(r#"ring      = "yellow""#, "ring      = \"yellow\"\nsecond_ring = \"serial\"")],
        ("\"serial\"", "\"/shared\"")),
    case("RING-SECOND", SMALL, &[("ring = \"yellow\"", "ring = \"yellow\"\nsecond_ring = \"yellow\"")],
        ("\"yellow\"", "\"yellow\"")),
    case("RING-SECOND", SMALL, &[("ring = \"yellow\"", "ring = \"yellow\"\nsecond_ring = \"red\"\ntransport = \"multicast\"")],
        ("\"multicast\"", "\"red\"")),
    case("RING-BOND", BASE, &[
            (r#"grey   = { nic = "eth1""#, r#"grey   = { bond = { name = "bond1", nics = ["eth1", "eth5"], mode = "balance-rr" }"#),
            ("mac.eth0 = \"00:16:76:d6:c9:40\"", "mac.eth0 = \"00:16:76:d6:c9:40\"\nmac.eth5 = \"00:16:76:d6:c9:45\""),
            ("mac.eth0 = \"00:16:76:d6:d1:40\"", "mac.eth0 = \"00:16:76:d6:d1:40\"\nmac.eth5 = \"00:16:76:d6:d1:45\""),
        ],
        ("\"balance-rr\"", "")),
    case("MULTICAST-RANGE", BASE, &[("failback  = false", "transport = \"multicast\"\nmulticast = \"225.0.0.250\"")],
        ("\"225.0.0.250\"", "")),
    case("MULTICAST-ADDRESS", BASE, &[("failback  = false", "transport = \"multicast\"\nmulticast = \"192.0.2.77\"")],
        ("\"192.0.2.77\"", "")),
    case("MULTICAST-ADDRESS", BASE, &[("failback  = false", "multicast = \"239.192.7.7\"")],
        ("\"239.192.7.7\"", "")),
    case("TRANSPORT-RELEASE", BASE, &[("failback  = false", "transport = \"knet\"")],
        ("\"knet\"", "")),
    case("JOIN-DELAY", BASE, &[("failback  = false", "join = \"3s\"")],
        ("\"3s\"", "")),
    case("FAIL-DELAY", BASE, &[("failback  = false", "fail = \"5s\"")],
        ("\"5s\"", "")),
    case("FAIL-DELAY", BASE, &[("failback  = false", "fail = \"1500ms\"")],
        ("\"1500ms\"", "")),
    case("FAILBACK", BASE, &[("failback  = false", "failback = true")],
        ("true", "")),
    case("START-AT-BOOT", BASE, &[("\"by hand\"", "\"at boot\"")],
        ("\"at boot\"", "")),
    case("LOCK-RELEASE", BASE, &[("\"el7\"", "\"el6\""), ("\"sanlock\"", "\"lockd\""), ("SANLOCK-ON-MIRROR = ", "#"), ("KEY-ANNA", "KEY-RSA"), ("KEY-BEAT", "KEY-RSA2")],
        ("\"lockd\"", "")),
    case("LOCK-SHARED", SMALL, &[("delay = \"15s\"", "delay = \"15s\"\nlock = \"lockd\"")],
        ("\"lockd\"", "")),
    case("SANLOCK-ON-MIRROR", BASE, &[("SANLOCK-ON-MIRROR = ", "#")],
        ("\"sanlock\"", "\"/shared\"")),
    // fencing
    case("FENCE-NONE", SMALL, &[("bmc = { agent = \"fence_ipmilan\", address = \"198.51.100.2\", user = \"fence\", password = { secret = \"b\" } }", "")],
        ("n2", "")),
    case("FENCE-ONE-METHOD", BASE, &[("FENCE-ONE-METHOD  = ", "#")],
        ("bmc", "")),
    case("FENCE-ATTRIBUTES", BASE, &[(", password = { secret = \"bmc-node2\" }", "")],
        ("bmc", "")),
    case("FENCE-AGENT", BASE, &[("host_id  = 2", "host_id  = 2\nfence = [{ agent = \"fence_manual\" }]")],
        ("\"fence_manual\"", "")),
    case("FENCE-OPTIONS", BASE, &[("address = \"10.0.3.6\"", "options = { pcmk_reboot_action = \"status\" }, address = \"10.0.3.6\"")],
        ("\"status\"", "")),
    case("FENCE-OPTIONS", BASE, &[("address = \"10.0.3.6\"", "options = { snmp_community = \"public\" }, address = \"10.0.3.6\"")],
        ("\"public\"", "")),
    case("FENCE-OPTIONS", BASE, &[("secret = \"bmc-node2\" }", "secret = \"bmc-node2\" }, options = { delay = \"15\" }")],
        ("\"15\"", "")),
    case("FENCE-SNMP", BASE, &[("host_id  = 2", "host_id  = 2\nfence = [{ agent = \"fence_intelmodular\", address = \"10.0.4.3\", user = \"snmp\", password = { secret = \"auth\" }, plug = \"3\", options = { snmp_version = \"3\", snmp_sec_level = \"authNoPriv\", snmp_auth_prot = \"SHA\" } }]")],
        ("\"authNoPriv\"", "")),
    case("FENCE-CYCLE", BASE, &[("address = \"10.0.3.6\"", "options = { method = \"cycle\" }, address = \"10.0.3.6\"")],
        ("\"cycle\"", "")),
    case("FENCE-SECRET", BASE, &[("secret = \"bmc-node2\" }", "secret = \"bmc-node2\" }, secrets = { community = { secret = \"c\" } }")],
        ("community", "")),
    case("FENCE-METHOD", BASE, &[("host_id  = 2", "host_id  = 2\nfence = [{ agent = \"fence_kdump\", method = \"a\" }, { agent = \"fence_kdump\" }, { agent = \"fence_kdump\", method = \"a\" }]")],
        ("\"a\"", "")),
    case("FENCE-TWICE", SMALL, &[("198.51.100.2", "198.51.100.1")],
        ("\"198.51.100.1\"", "\"198.51.100.1\"")),
    case("FENCE-SELF", SMALL, &[("198.51.100.2", "192.0.2.6")],
        ("\"192.0.2.6\"", "\"192.0.2.6\"")),
    case("FENCE-CROSSED", BASE, &[("\"10.0.3.6\"", "\"10.0.3.9\"")],
        ("\"10.0.3.9\"", "\"10.0.3.5/30\"")),
    case("CROSSED-NETWORKS", BASE, &[("\"10.0.3.1/30\"", "\"10.0.3.1/29\""), ("\"10.0.3.5/30\"", "\"10.0.3.5/29\"")],
        ("\"10.0.3.5/29\"", "\"10.0.3.1/29\"")),
    case("FENCE-DELAY-LONG", BASE, &[("delay     = \"15s\"", "delay     = \"2m\"")],
        ("\"2m\"", "")),
    case("FENCE-DELAY", BASE, &[("delay     = \"15s\"\n", "")],
        ("\"node1\"", "")),
    case("FENCE-SAME-SECRET", BASE, &[("\"bmc-node2\"", "\"bmc-node1\"")],
        ("\"bmc-node1\"", "\"bmc-node1\"")),
    // addresses
    case("ADDRESS-TWICE", BASE, &[("grey = \"10.0.1.2\"", "grey = \"10.0.1.1\"")],
        ("\"10.0.1.1\"", "\"10.0.1.1\"")),
    case("CABLE-NODES", SMALL, &[("yellow = { nic = \"eth1\",", "yellow = { nic = \"eth1\", cable = true,"),
            ("[group.g]\nnodes = [\"n1\", \"n2\"]", "[node.n3]\naddress.red = \"192.0.2.7\"\nmac = { eth0 = \"00:00:5e:00:53:09\", eth1 = \"00:00:5e:00:53:0a\" }\n[group.g]\nnodes = [\"n1\", \"n2\", \"n3\"]")],
        ("true", "")),
    case("NAME-TWICE", BASE, &[("grey   = {", "bmc    = {"), ("mirrors   = \"grey\"", "mirrors   = \"bmc\""),
            ("grey = \"10.0.1.1\"", "bmc = \"10.0.1.1\""), ("grey = \"10.0.1.2\"", "bmc = \"10.0.1.2\"")],
        ("\"10.0.1.1\"", "")),
    case("ADDRESS-NETWORK", BASE, &[("grey = \"10.0.1.2\"", "grey = \"10.0.11.2\"")],
        ("\"10.0.11.2\"", "\"10.0.1.0/24\"")),
    case("ADDRESS-NETWORK", BASE, &[("host_id  = 2", "extra_address = { yellow = [\"10.0.2.255\"] }\nhost_id  = 2")],
        ("\"10.0.2.255\"", "\"10.0.2.0/24\"")),
    case("ADDRESS-PROJECTS", BASE, &[("red = \"192.0.2.6\"", "blue = \"10.9.9.9/24\", red = \"192.0.2.6\"")],
        ("\"10.9.9.9/24\"", "vlans")),
    case("NETWORK-OVERLAP", BASE, &[("network = \"10.0.9.0/30\"", "network = \"10.0.8.0/23\""), ("vlan = 1,", "vlan = 1, network = \"10.0.9.0/24\",")],
        ("\"10.0.8.0/23\"", "\"10.0.9.0/24\"")),
    case("GATEWAY-TWICE", BASE, &[("vlan = 1,", "vlan = 1, network = \"10.0.5.0/24\", gateway = \"10.0.5.1\",")],
        ("\"10.0.5.1\"", "\"192.0.2.1\"")),
    case("GATEWAY-NETWORK", BASE, &[("gateway = \"192.0.2.1\"", "gateway = \"192.0.3.1\"")],
        ("\"192.0.3.1\"", "\"192.0.2.0/24\"")),
    case("GATEWAY-CROSSLINK", BASE, &[(", gateway = \"192.0.2.1\"", ""), ("network = \"10.0.1.0/24\"", "network = \"10.0.1.0/24\", gateway = \"10.0.1.9\"")],
        ("\"10.0.1.9\"", "mirror")),
    case("EXTRA-ALONE", BASE, &[("host_id  = 2", "extra_address = { green = [\"10.0.5.9/24\"] }\nhost_id  = 2")],
        ("[\"10.0.5.9/24\"]", "address")),
    case("MTU-IPV6", BASE, &[("nic = \"eth2\", network = \"10.0.2.0/24\"", "nic = \"eth2\", mtu = 1200, network = \"10.0.2.0/24\""), ("host_id  = 2", "extra_address = { yellow = [\"2001:db8::2/64\"] }\nhost_id  = 2")],
        ("1200", "\"2001:db8::2/64\"")),
    // routes
    case("ROUTE-VIA", BASE, &[("nic = \"eth2\", network = \"10.0.2.0/24\"", "nic = \"eth2\", routes = [{ to = \"10.8.0.0/16\", via = \"10.0.4.1\" }], network = \"10.0.2.0/24\"")],
        ("\"10.0.4.1\"", "\"10.0.2.0/24\"")),
    case("ROUTE-TWICE", BASE, &[
            ("gateway = \"192.0.2.1\"", "routes = [{ to = \"10.8.0.0/16\", via = \"192.0.2.9\" }], gateway = \"192.0.2.1\""),
            ("nic = \"eth2\", network = \"10.0.2.0/24\"", "nic = \"eth2\", routes = [{ to = \"10.8.0.0/16\", via = \"10.0.2.9\" }], network = \"10.0.2.0/24\""),
        ],
        ("\"10.8.0.0/16\"", "\"10.8.0.0/16\"")),
    case("ROUTE-OVERLAP", BASE, &[("gateway = \"192.0.2.1\"", "routes = [{ to = \"10.0.1.128/25\", via = \"192.0.2.9\" }], gateway = \"192.0.2.1\"")],
        ("\"10.0.1.128/25\"", "\"10.0.1.0/24\"")),
    case("DHCP-CLUSTER", BASE, &[("nic = \"eth2\", network", "nic = \"eth2\", dhcp = true, network")],
        ("true", "\"yellow\"")),
    case("DHCP-DEVICE", BASE, &[("blue   = { nic = \"eth3\"", "blue   = { dhcp = true, nic = \"eth3\"")],
        ("true", "vlans")),
    // devices
    case("DEVICE-DASH", BASE, &[("bridge = \"brred\"", "bridge = \"br-red\"")],
        ("\"br-red\"", "\"el7\"")),
    case("DEVICE-RESERVED", BASE, &[("bridge = \"brred\"", "bridge = \"ppp0\"")],
        ("\"ppp0\"", "serial")),
    case("CROSSED-PLAIN", BASE, &[("orange = { nic = \"eth4\"", "orange = { nic = \"eth4\", bridge = \"brbmc\"")],
        ("\"brbmc\"", "true")),
    // bonds
    case("BOND-ONE", SMALL, &[("yellow = { nic = \"eth1\"", "yellow = { bond = { name = \"bond1\", nics = [\"eth1\"] }")],
        ("[\"eth1\"]", "")),
    case("BOND-DIFFERS", SMALL, &[
            ("red = { nic = \"eth0\"", "red = { vlan = 5, bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"] }"),
            ("yellow = {", "green = { vlan = 6, bond = { name = \"bond0\", nics = [\"eth2\", \"eth0\"] } }\nyellow = {"),
            ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04"),
        ],
        ("bond", "bond")),
    case("BOND-OPTION", SMALL, &[("red = { nic = \"eth0\"", "red = { bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"], mode = \"balance-rr\", hash = \"layer2\" }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("\"layer2\"", "\"balance-rr\"")),
    case("BOND-DELAY", SMALL, &[("red = { nic = \"eth0\"", "red = { bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"], updelay = 250, miimon = 100 }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("250", "100")),
    case("BOND-ARP", SMALL, &[("red = { nic = \"eth0\"", "red = { bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"], mode = \"802.3ad\", arp = { interval = 1000, targets = [\"192.0.2.1\"] } }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("arp", "\"802.3ad\"")),
    case("BOND-ARP-TARGET", SMALL, &[("red = { nic = \"eth0\"", "red = { bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"], arp = { interval = 1000, targets = [\"192.0.3.1\"] } }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("\"192.0.3.1\"", "\"192.0.2.0/24\"")),
    case("NIC-TWICE", BASE, &[("vlan = 1,", ""), ("blue   = { nic = \"eth3\"", "blue   = { nic = \"eth4\"")],
        ("\"eth4\"", "\"eth4\"")),
    case("DEVICE-TWICE", BASE, &[("bridge = \"vbr1\"", "bridge = \"vbr101\"")],
        ("101", "\"vbr101\"")),
    case("DEVICE-NAME", BASE, &[("blue   = { nic = \"eth3\"", "blue   = { nic = \"enp0s20f0u1u2\""), ("mac.eth0 = \"00:16:76:d6:c9:40\"", "mac.eth0 = \"00:16:76:d6:c9:40\"\nmac.enp0s20f0u1u2 = \"00:16:76:d6:c9:45\""), ("mac.eth0 = \"00:16:76:d6:d1:40\"", "mac.eth0 = \"00:16:76:d6:d1:40\"\nmac.enp0s20f0u1u2 = \"00:16:76:d6:d1:45\"")],
        ("101", "")),
    case("VLAN-TWICE", BASE, &[("mesh = 102", "mesh = 1"), ("bridge = \"vbr1\"", "bridge = \"vbrg\"")],
        ("1", "1")),
    case("BOND-EMPTY", SMALL, &[("yellow = { nic = \"eth1\"", "yellow = { bond = { name = \"bond1\", nics = [] }"), (", eth1 = \"00:00:5e:00:53:02\"", ""), (", eth1 = \"00:00:5e:00:53:04\"", "")],
        ("[]", "")),
    case("BOND-PRIMARY", SMALL, &[("yellow = { nic = \"eth1\"", "yellow = { bond = { name = \"bond1\", nics = [\"eth1\", \"eth2\"], primary = \"eth9\" }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("\"eth9\"", "[\"eth1\", \"eth2\"]")),
    case("BOND-MODE", SMALL, &[("red = { nic = \"eth0\"", "red = { bridge = \"br0\", bond = { name = \"bond0\", nics = [\"eth0\", \"eth2\"], mode = \"balance-alb\" }"), ("eth1 =", "eth2 = \"00:00:5e:00:53:05\", eth1 ="), ("eth1 = \"00:00:5e:00:53:04", "eth2 = \"00:00:5e:00:53:06\", eth1 = \"00:00:5e:00:53:04")],
        ("\"balance-alb\"", "")),
    case("MAC-TWICE", BASE, &[("00:16:76:d6:d1:42", "00:16:76:D6:C9:42")],
        ("\"00:16:76:D6:C9:42\"", "\"00:16:76:d6:c9:42\"")),
    case("MAC-MISSING", BASE, &[("mac.eth2 = \"00:16:76:d6:d1:42\"\n", "")],
        ("node2", "")),
    case("MAC-UNUSED", BASE, &[("mac.eth4 = \"00:16:76:d6:d1:44\"", "mac.eth4 = \"00:16:76:d6:d1:44\"\nmac.eth44 = \"00:16:76:d6:d1:45\"")],
        ("\"00:16:76:d6:d1:45\"", "")),
    // ways
    case("KNOCK-UNDESCRIBED", BASE, &[("knock     = {", "#")],
        ("\"knock red\"", "firewall")),
    case("KNOCK-WINDOW", BASE, &[("open = \"30s\"", "open = \"10m\"")],
        ("\"10m\"", "sequence")),
    case("PEER-ADDRESS", BASE, &[("\"peer yellow\"", "\"peer green\"")],
        ("\"peer green\"", "address")),
    case("LOCK-OUT", SMALL, &[("operators = [\"198.51.100.10\"]", "")],
        ("firewall", "red")),
    case("OPERATORS-ANYWHERE", BASE, &[("\"198.51.100.11\"", "\"0.0.0.0/0\"")],
        ("\"0.0.0.0/0\"", "")),
    // firewall
    case("ZONE-LENGTH", BASE, &[("shorewall = \"5.1\"", "shorewall = \"5.0\""), ("blue   =", "customers =")],
        ("customers", "shorewall")),
    case("SHOREWALL-NONE", SMALL, &[("platform = \"el7\"", "platform = \"el9\""), ("roles = [\"base\"]", "roles = [\"base\", \"firewall\"]")],
        ("\"el9\"", "\"firewall\"")),
    case("DOCKER-SHOREWALL", BASE, &[("shorewall = \"5.1\"", "shorewall = \"5.0\""), ("[firewall]", "[firewall]\ndocker = true")],
        ("true", "shorewall")),
    case("KNOCK-ZONE", BASE, &[("otherwise = \"drop\"", "otherwise = \"reject\"")],
        ("\"reject\"", "\"knock red\"")),
    case("KNOCK-ADDRESS", BASE, &[("\"knock red\"", "\"knock green\""), ("vlan = 1,", "vlan = 1, otherwise = \"drop\",")],
        ("\"knock green\"", "address")),
    case("KNOCK-TWO", BASE, &[("step = \"10s\"", "ports = 2, step = \"10s\"")],
        ("2", "sequence")),
    case("OPERATORS-NOWHERE", BASE, &[("\"198.51.100.11\"", "\"2001:db8::7\"")],
        ("\"2001:db8::7\"", "zone")),
    case("WAY-CLOSED", BASE, &[("operators = [\"198.51.100.10\", \"198.51.100.11\"]", "")],
        ("\"jump shell1.example.net\"", "firewall")),
    case("PEER-CLOSED", BASE, &[("\"peer yellow\"", "\"peer orange\"")],
        ("\"peer orange\"", "true")),
    case("PROXYARP-ZONE", BASE, &[("host_id  = 2", "host_id  = 2\nproxyarp.blue = [\"198.51.100.40\"]")],
        ("\"198.51.100.40\"", "vlans")),
    case("PROXYARP-ADDRESS", BASE, &[("host_id  = 1", "host_id  = 1\nproxyarp.green = [\"198.51.100.40\"]"), ("host_id  = 2", "host_id  = 2\nproxyarp.green = [\"198.51.100.40\"]")],
        ("\"198.51.100.40\"", "\"198.51.100.40\"")),
    case("SERIAL-CONSOLE", BASE, &[("speed   = 115200", "console = true")],
        ("true", "\"ttyS0\"")),
    case("SERIAL-ADDRESS", BASE, &[(", \"peer serial\"", ""), (", serial = \"10.0.9.2\"", "")],
        ("address", "\"10.0.9.0/30\"")),
    case("SERIAL-ENDS", SMALL, &[
            ("[firewall]", "[serial]\ntty = \"ttyS0\"\nnetwork = \"10.0.9.0/29\"\n[firewall]"),
            ("yellow = \"10.0.2.1\"", "yellow = \"10.0.2.1\", serial = \"10.0.9.1\""),
            ("yellow = \"10.0.2.2\"", "yellow = \"10.0.2.2\", serial = \"10.0.9.2\""),
            ("[group.g]\nnodes = [\"n1\", \"n2\"]", "[node.n3]\naddress.serial = \"10.0.9.3\"\nmac = { eth0 = \"00:00:5e:00:53:09\", eth1 = \"00:00:5e:00:53:0a\" }\n[group.g]\nnodes = [\"n1\", \"n2\", \"n3\"]"),
        ],
        ("\"10.0.9.3\"", "\"10.0.9.1\"")),
    // storage
    case("DISK-TWICE", BASE, &[("aaaaaaaa2", "aaaaaaaa1")],
        ("\"scsi-3600508e00000000aaaaaaaaaaaaaaaa1\"", "\"scsi-3600508e00000000aaaaaaaaaaaaaaaa1\"")),
    case("DISK-SMALL", BASE, &[("aaaaaaaa2\", size = \"2T\"", "aaaaaaaa2\", size = \"1T\"")],
        ("\"1T\"", "partition")),
    case("MOUNT-TWICE", BASE, &[("use = \"/var\"", "use = \"/shared\"")],
        ("\"/shared\"", "\"/shared\"")),
    case("MIRROR-MINOR", BASE, &[("minor = 2", "minor = 1")],
        ("1", "1")),
    case("MIRROR-PORT", BASE, &[("port = 7790", "port = 7789")],
        ("7789", "7789")),
    case("PORT-TAKEN", BASE, &[("port = 7790", "port = 6556")],
        ("6556", "6556")),
    case("MIRROR-PARTITION", BASE, &[("partition = 8,", "partition = 5,"), ("8 = { size = \"800G\", use = \"mirror\" }", "")],
        ("5", "\"/local\"")),
    case("PARTITION-IDLE", BASE, &[("8 = { size", "9 = { size = \"1G\", use = \"mirror\" }\n8 = { size")],
        ("\"mirror\"", "")),
    case("MIRROR-ENDS", BASE, &[("mirrors   = \"grey\"\n", ""), ("grey   = { nic = \"eth1\",", "grey   = { nic = \"eth1\", vlan = 5,")],
        ("cluster", "mirror")),
    case("MIRROR-ENDS", BASE, &[("grey = \"10.0.1.2\", ", "")],
        ("node2", "mirror")),
    case("MIRROR-IDLE", BASE, &[(", gfs2 = \"/shared\"", ""), ("\"sanlock\"", "\"exclusive\""), ("SANLOCK-ON-MIRROR = ", "#")],
        ("r0", "")),
    case("VOLUME-GROUP-TWICE", BASE, &[("\"vg_node2\"", "\"vg_node1\"")],
        ("\"vg_node1\"", "\"vg_node1\"")),
    case("GFS2-NAME", BASE, &[("r0 =", "shared-filesystem =")],
        ("shared-filesystem", "")),
    // guests
    case("GUEST-BRIDGE", BASE, &[("files  = { node = \"node1\", failover = true,  memory = \"4G\", disk = \"400G\", zones = [\"green\"]", "files  = { node = \"node1\", failover = true,  memory = \"4G\", disk = \"400G\", zones = [\"blue\"]")],
        ("\"blue\"", "blue")),
    case("GUEST-MACS", BASE, &[("disk = \"40G\",  zones = [\"red\", \"green\"]", "disk = \"40G\",  macs = [\"52:54:00:00:00:01\"], zones = [\"red\", \"green\"]")],
        ("[\"52:54:00:00:00:01\"]", "[\"red\", \"green\"]")),
    case("GUEST-MAC-RANGE", BASE, &[("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", zones = [\"green\"], macs = [\"00:16:76:00:00:01\"]")],
        ("\"00:16:76:00:00:01\"", "")),
    case("GUEST-VOLUME", BASE, &[("source = \"node2\"", "source = \"node1\"")],
        ("\"node2\"", "")),
    case("GUEST-LOCAL", BASE, &[("5 = { size = \"200G\", use = \"/local\"", "5 = { size = \"200G\", use = \"/srv\"")],
        ("shell1", "")),
    case("GUEST-DISK", BASE, &[("disk = \"400G\"", "disk = \"700G\"")],
        ("guest", "")),
    case("GUEST-MEMORY", BASE, &[("memory   = \"32G\"", "memory   = \"16G\"")],
        ("\"16G\"", "")),
    case("GUEST-CPUS", BASE, &[("host_id  = 2", "host_id  = 2\ncpus = 8"), ("zones = [\"red\", \"green\"] }\nmail", "zones = [\"red\", \"green\"], cpus = 9 }\nmail")],
        ("9", "8")),
    case("GUEST-CPU-SUM", BASE, &[("host_id  = 2", "host_id  = 2\ncpus = 1")],
        ("1", "")),
    case("GUEST-POOL", BASE, &[("disk = \"40G\",  zones", "disk = \"40G\", pool = \"images\", zones"), ("[guest]", "[pool]\nimages = { path = \"/local/images\" }\n[guest]")],
        ("\"images\"", "\"/local/images\"")),
    case("GUEST-LIVE", BASE, &[("knox   = { node = \"node2\"", "knox   = { node = \"node2\", migrate = \"live\"")],
        ("\"live\"", "")),
    case("GUEST-LIVE", BASE, &[("lock      = \"sanlock\"", "lock      = \"exclusive\""), ("SANLOCK-ON-MIRROR = ", "#"), ("[guest]", "[guest_group.moved]\nguests = [\"files\"]\nmigrate = \"live\"\n[guest]")],
        ("\"live\"", "\"exclusive\"")),
    case("GUEST-CPU-MODEL", BASE, &[("[guest]", "[guest_defaults]\ncpu = \"host-passthrough\"\n[guest]"), ("failover = true,  memory = \"4G\", disk = \"40G\"", "failover = true, cpu = \"host-model\", memory = \"4G\", disk = \"40G\""),
            ("mail   = {", "mail   = { cpu = \"SandyBridge\","), ("files  = {", "files  = { migrate = \"restart\","), ("watch  = {", "watch  = { cpu = \"SandyBridge\","), ("syslog = {", "syslog = { cpu = \"SandyBridge\",")],
        ("\"host-model\"", "")),
    case("GUEST-CDROM", BASE, &[("zones = [\"red\"], twin", "boot = [\"disk\", \"cdrom\"], zones = [\"red\"], twin")],
        ("[\"disk\", \"cdrom\"]", "")),
    case("PROJECT-ZONE", BASE, &[("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", zones = [\"blue.wiki\", \"green\"]")],
        ("\"green\"", "green")),
    case("PROJECT-ZONE", BASE, &[("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", project = \"wiki\", zones = [\"red\", \"blue.mesh\"]")],
        ("\"blue.mesh\"", "blue")),
    case("PROJECT-OUTSIDE", BASE, &[("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", zones = [\"blue.wiki\", \"red\"]"), ("disk = \"100G\", zones = [\"green\"]", "disk = \"100G\", project = \"wiki\", zones = [\"red\"]")],
        ("[\"red\"]", "[\"blue.wiki\", \"red\"]")),
    case("PROJECT-SYNC", BASE, &[("disk = \"400G\", zones = [\"green\"]", "disk = \"400G\", sync = true, zones = [\"green\"]")],
        ("true", "[\"green\"]")),
    case("TWIN-TOGETHER", BASE, &[("knox   = { node = \"node2\"", "knox   = { node = \"node1\"")],
        ("\"node1\"", "\"node1\"")),
    case("TWIN-FAILOVER", BASE, &[("knox   = { node = \"node2\", failover = false", "knox   = { node = \"node2\", failover = true")],
        ("true", "\"dns\"")),
    // people
    case("SECRETS-ALONE", BASE, &[("beat@desk\", sudo = true, secrets = true", "beat@desk\", sudo = true")],
        ("operator", "")),
    case("REVIEW-TWO", SMALL, &[("[site]", "[site]\nreview = true")],
        ("true", "")),
    case("OPERATOR-KEY", SMALL, &[("[group.g]", "[operator]\na = { key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBanna a\", sudo = true }\n[accept.SECRETS-ALONE]\nwhy = \"x\"\nuntil = \"2027-01-01\"\n[group.g]")],
        ("\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBanna a\"", "")),
    case("OPERATOR-KEY-RELEASE", BASE, &[("\"el7\"", "\"el6\""), ("beat = {", "#"), ("sudo = true, secrets = true }\n", "sudo = true, secrets = true }\ncarl = { key = \"KEY-RSA\", secrets = true }\n"), ("shorewall = \"5.1\"", "")],
        ("\"KEY-ANNA\"", "")),
    case("OPERATOR-KEY-TWICE", BASE, &[("KEY-BEAT", "KEY-ANNA")],
        ("\"KEY-ANNA\"", "\"KEY-ANNA\"")),
    case("OPERATOR-SECRETS", BASE, &[("beat = {", "carl = { key = \"KEY-ECDSA\", secrets = true }\nbeat = {")],
        ("true", "")),
    case("OPERATOR-SUDO", BASE, &[("sudo = true, secrets", "secrets"), ("sudo = true, secrets", "secrets")],
        ("operator", "")),
    case("PEER-KEYS", SMALL, &[("roles = [\"base\"]", "roles = [\"base\", \"sshd\"]")],
        ("n1", "")),
    // services
    case("TIME-SERVERS", BASE, &[(", \"ntp3.example.net\"", "")],
        ("[\"ntp1.example.net\", \"ntp2.example.net\"]", "")),
    case("DNS-COUNT", BASE, &[("[services]\n", "[services]\ndns = [\"192.0.2.53\", \"192.0.2.54\", \"192.0.2.55\"]\n")],
        ("\"192.0.2.55\"", "")),
    case("MONITORING-OPEN", BASE, &[("from = [\"198.51.100.20\"]", "from = [\"10.0.0.0/8\"]")],
        ("\"10.0.0.0/8\"", "")),
    case("NO-ROLE-ACTS", SMALL, &[("[services]\n", "[services]\nlog = { server = \"log.example.net\" }\n")],
        ("log", "")),
    case("NO-ROLE-ACTS", SMALL, &[("[group.g]", "[guest.g1]\nnode = \"n1\"\nmemory = \"1G\"\ndisk = \"1G\"\ninstall = { by = \"debootstrap\", from = \"https://mirror.example.net/debian\" }\n[pool.p]\npath = \"/p\"\n[guest_defaults]\npool = \"p\"\n[group.g]")],
        ("guest", "")),
    case("NODE-IDLE", SMALL, &[("nodes = [\"n1\", \"n2\"]", "nodes = [\"n1\"]")],
        ("n2", "")),
    case("ROLE-TWICE", SMALL, &[("roles = [\"base\"]", "roles = [\"base\", \"base\"]")],
        ("\"base\"", "\"base\"")),
    // accept
    case("ACCEPT-UNKNOWN", BASE, &[("[zone] ", "RING-DLN = { why = \"x\", until = \"2027-06-30\" }\n[zone] ")],
        ("RING-DLN", "")),
    case("ACCEPT-ERROR", BASE, &[("[zone] ", "RING-DLM = { why = \"x\", until = \"2027-06-30\" }\n[zone] ")],
        ("RING-DLM", "")),
    case("ACCEPT-EXPIRED", BASE, &[("SANLOCK-ON-MIRROR = { why = \"fencing measured at 9 s, the watchdog at 60 s\",   until = \"2027-06-30\" }", "SANLOCK-ON-MIRROR = { why = \"x\", until = \"2026-12-01\" }")],
        ("\"2026-12-01\"", "")),
    case("ACCEPT-UNUSED", BASE, &[("[zone] ", "FAILBACK = { why = \"x\", until = \"2027-06-30\" }\n[zone] ")],
        ("FAILBACK", "")),
];

#[test]
fn a_broken_site_is_found_by_its_rule() {
    let wrong: Vec<String> = CASES.iter().filter_map(|c| wrong_with(c).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_with(case: &Case) -> Result<(), String> {
    let text = changed(case.base, case.edits);
    let (sources, judged) = judged(&text);
    let shown: String = judged
        .findings
        .iter()
        .map(|f| f.render(&sources, false))
        .collect();
    let mut codes: Vec<_> = judged.findings.iter().map(|f| f.code).collect();
    codes.dedup();
    // A finding whose acceptance has expired counts again.
    codes.retain(|c| case.code != "ACCEPT-EXPIRED" || *c != "SANLOCK-ON-MIRROR");
    // Small sites have no role that acts on what they describe.
    codes.retain(|c| case.code == "NO-ROLE-ACTS" || *c != "NO-ROLE-ACTS");
    if codes != [case.code] {
        return Err(format!("{}: {codes:?}\n{shown}", case.code));
    }
    let finding = judged.findings.iter().find(|f| f.code == case.code);
    let finding = finding.expect("it is among the codes");
    let other = finding.also.first().map(|(p, _)| *p);
    let slice =
        |place: Option<crate::site::Place>| place.map(|p| sources.slice(p)).unwrap_or_default();
    let places = (keys(case.places.0), keys(case.places.1));
    if (slice(finding.place), slice(other)) != (&places.0, &places.1) {
        return Err(format!("{}: not at {places:?}\n{shown}", case.code));
    }
    if finding.help.is_none() || finding.place == other {
        return Err(format!(
            "{}: no help, or one place twice\n{shown}",
            case.code
        ));
    }
    Ok(())
}

#[test]
fn every_rule_has_an_example_that_breaks_it() {
    let tested: Vec<_> = CASES.iter().map(|c| c.code).collect();
    let missing: Vec<_> = all()
        .map(|r| r.code)
        .filter(|c| !tested.contains(c))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// A finding about a member's memory gives the need in MiB and its parts (8 guests in all, those of 17920 MiB with
/// fail-over from node1).
#[test]
fn what_is_short_of_memory_is_said_with_its_sum() {
    let text = changed(
        BASE,
        &[(
            "host_id  = 2\nmemory   = \"32G\"",
            "host_id  = 2\nmemory   = \"19000M\"",
        )],
    );
    let (_, judged) = judged(&text);
    let said: Vec<_> = judged.findings.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "`node2` alone would need 20480 MiB for guests (6144 for its own, 14336 for those that come by fail-over) and has 19000 MiB"
        ]
    );
}

/// A MAC address that is made of names is the same in every run, differs by guest and zone, and counts for `MAC-TWICE`.
#[test]
fn a_guest_without_mac_addresses_has_stable_ones() {
    let macs = |text: &str, guest: &str| {
        let site = load_str(text).site.unwrap();
        site.macs_of(guest, &site.inventory.guest[guest])
    };
    // printf 'crosslink\0web\0red\0' followed by 0, by sha256sum: its first three bytes.
    let web = macs(BASE, "web");
    assert_eq!(web, ["52:54:00:52:e8:53", "52:54:00:22:b5:fc"]);
    let turned = changed(
        BASE,
        &[(
            "disk = \"40G\",  zones = [\"red\", \"green\"]",
            "disk = \"40G\",  zones = [\"green\", \"red\"]",
        )],
    );
    assert_eq!(macs(&turned, "web"), [web[1].clone(), web[0].clone()]);
    let taken = format!(
        "disk = \"400G\", macs = [\"{}\"], zones",
        web[0].to_uppercase()
    );
    let text = changed(BASE, &[("disk = \"400G\", zones", &taken)]);
    let codes: Vec<_> = judged(&text).1.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["MAC-TWICE"]);
}
