//! The site as a whole: the shipped example, and what is resolved from it.

use super::*;
use crate::platform::Platform;
use serde_json::json;
use std::path::Path;

fn crosslink() -> Site {
    crosslink_on(None)
}

fn crosslink_on(platform: Option<Platform>) -> Site {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/crosslink");
    let loaded = load(
        &dir,
        &Overrides {
            platform,
            ..Overrides::default()
        },
    );
    let text: String = loaded
        .findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    assert_eq!(text, "");
    loaded.site.expect("a site without findings")
}

#[test]
fn the_shipped_example_is_read() {
    let site = crosslink();
    assert_eq!(site.name(), "crosslink");
    assert_eq!(site.node_names().collect::<Vec<_>>(), ["node1", "node2"]);
    assert_eq!(site.members(), ["node1", "node2"]);
    assert_eq!(site.peers_of("node1"), ["node2"]);
    assert_eq!(
        site.roles_of("node2"),
        [
            "base",
            "network",
            "firewall",
            "sshd",
            "fencing",
            "membership",
            "resources",
            "mirrors",
            "storage",
            "etckeeper",
            "logging",
            "privilege",
            "monitoring",
            "mail",
            "notices",
            "hardware"
        ]
    );
    assert_eq!(site.groups_of("node2"), ["hypervisors"]);
    assert_eq!(site.inventory.guest.len(), 11);
    assert_eq!(site.login("node2").host, "192.0.2.6");
    assert_eq!(site.reach().len(), 4);
}

#[test]
fn templates_see_mirrors_with_their_ends() {
    let model = crosslink().model();
    assert_eq!(model["name"], "crosslink");
    assert_eq!(model["mirror"]["r1"]["device"], "/dev/drbd1");
    assert_eq!(
        model["mirror"]["r1"]["ends"][1],
        json!({
            "node": "node2",
            "address": "10.0.1.2",
            "port": 7789,
            "endpoint": "ipv4 10.0.1.2:7789",
            "disk": "/dev/disk/by-id/scsi-3600508e00000000aaaaaaaaaaaaaaaa2-part7",
        })
    );
    assert_eq!(model["partition"]["2"]["filesystem"], json!(null));
    assert_eq!(model["cluster"]["name"], "crosslink");
    assert_eq!(
        model["node"]["node1"]["bmc"]["password"]["secret"],
        "bmc-node1"
    );
    assert_eq!(model["versions"]["drbd"], "8.4");
    assert_eq!(model["versions"]["corosync"], "2.4");
}

#[test]
fn templates_see_devices_in_start_order() {
    let node = crosslink().node_model("node1");
    let names: Vec<_> = node["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            format!(
                "{} {} {}",
                d["name"].as_str().unwrap(),
                d["kind"].as_str().unwrap(),
                d["zone"].as_str().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            "eth0 ethernet red",
            "eth1 ethernet grey",
            "eth2 ethernet yellow",
            "eth3 ethernet -",
            "eth4 ethernet orange",
            "eth3.1 vlan green",
            "eth3.101 vlan blue",
            "eth3.102 vlan blue",
            "brred bridge red",
            "vbr1 bridge green",
            "vbr101 bridge blue",
            "vbr102 bridge blue",
            "ppp0 ppp serial",
        ]
    );
    let device = |name: &str| {
        let all = node["devices"].as_array().unwrap();
        all.iter().find(|d| d["name"] == name).unwrap().clone()
    };
    assert_eq!(device("eth0")["master"], "brred");
    assert_eq!(device("eth0")["address"], json!(null));
    assert_eq!(device("eth0")["mac"], "00:16:76:d6:c9:40");
    assert_eq!(device("brred")["cidr"], "192.0.2.5/24");
    assert_eq!(device("brred")["netmask"], "255.255.255.0");
    assert_eq!(device("brred")["gateway"], "192.0.2.1");
    assert_eq!(device("eth1")["mtu"], 9000);
    assert_eq!(device("eth4")["cidr"], "10.0.3.1/30");
    assert_eq!(device("eth3.101")["parent"], "eth3");
    assert_eq!(device("vbr101")["ports"], json!(["eth3.101"]));
    assert_eq!(device("vbr101")["project"], "wiki");
    assert_eq!(node["peers"][0]["address"]["yellow"], "10.0.2.2");
    assert_eq!(node["cidr"]["serial"], "10.0.9.1/30");
    let serial = &device("ppp0")["serial"];
    assert_eq!(
        (&serial["tty"], &serial["peer"], &serial["remote"]),
        (&json!("ttyS0"), &json!("node2"), &json!("10.0.9.2"))
    );
    // printf '%s' 'ttyS0 115200 10.0.9.1 10.0.9.2' | sha256sum
    assert_eq!(serial["mark"], "cce59886e9286b64");
    let above = |name: &str| {
        let above = device(name)["above"].as_array().unwrap().clone();
        let names = above.iter().map(|u| u["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(above("eth0"), "brred");
    assert_eq!(above("eth3"), "eth3.1 eth3.101 eth3.102 vbr1 vbr101 vbr102");
    assert_eq!(above("vbr101"), "");
    assert_eq!(device("eth1")["carries"], json!(["mirrors"]));
    assert_eq!(device("eth2")["carries"], json!(["ring"]));
    assert_eq!(device("eth3")["carries"], json!([]));
    assert_eq!(device("brred")["hardware"], "00:16:76:d6:c9:40");
    assert_eq!(device("vbr102")["hardware"], "00:16:76:d6:c9:43");
    assert_ne!(device("eth0")["uuid"], device("eth1")["uuid"]);
}

/// In a rehearsal what the node is reached over is not touched, nor what containers cannot have.
#[test]
fn a_rehearsal_in_containers_manages_what_it_can() {
    let overrides = Overrides {
        platform: Some(Platform::Debian12),
        containers: true,
        ..Overrides::default()
    };
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/crosslink");
    let site = load(&dir, &overrides).site.unwrap();
    let devices = site.devices("node1");
    let managed: Vec<_> = devices
        .iter()
        .filter(|d| d.managed)
        .map(|d| d.name.as_str())
        .collect();
    assert_eq!(managed, ["eth1", "eth2", "eth4"]);
    assert!(crosslink().devices("node1").iter().all(|d| d.managed));
}

#[test]
fn addresses_routes_and_dhcp_belong_to_the_topmost_device() {
    let site = load_str(
        "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\n\
         [zone]\n\
         red = { bond = { name = 'bond0', nics = ['eth0', 'eth5'], mode = '802.3ad', lacp_rate = 'fast', hash = 'layer2+3' }, vlan = 7, bridge = 'brred', dhcp = true }\n\
         yellow = { bond = { name = 'bond0', nics = ['eth0', 'eth5'], mode = '802.3ad' }, vlan = 9, network = '10.0.2.0/24', routes = [{ to = '10.8.0.0/16', via = '10.0.2.254' }] }\n\
         grey = { bond = { name = 'bond1', nics = ['eth1', 'eth2'], arp = { interval = 500, targets = ['10.0.1.1', '10.0.1.2'] }, reselect = 'better' }, mtu = 9000, network = '10.0.1.0/24' }\n\
         [cluster]\nmembers = ['n1', 'n2']\nring = 'yellow'\n\
         [node.n1]\naddress = { yellow = '10.0.2.1', grey = '10.0.1.1' }\n\
         extra_address = { yellow = ['10.0.2.9', '2001:db8::5/64', '192.0.2.77'] }\n\
         [node.n2]\naddress = { yellow = '10.0.2.2', grey = '10.0.1.2' }\n",
    )
    .site
    .unwrap();
    let devices = site.devices("n1");
    let device = |name: &str| devices.iter().find(|d| d.name == name).unwrap();
    let names: Vec<_> = devices.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "eth0", "eth5", "eth1", "eth2", "bond0", "bond1", "bond0.7", "bond0.9", "brred"
        ]
    );
    let brred = device("brred");
    assert!(brred.dhcp && brred.default_route && brred.addresses.is_empty());
    let ring = device("bond0.9");
    assert_eq!(
        ring.addresses,
        [
            "10.0.2.1/24",
            "10.0.2.9/24",
            "2001:db8::5/64",
            "192.0.2.77/32"
        ]
    );
    assert_eq!(
        (ring.routes[0].to.as_str(), ring.routes[0].via.to_string()),
        ("10.8.0.0/16", "10.0.2.254".to_owned())
    );
    assert_eq!(device("bond0").carries, ["ring"]);
    assert_eq!(device("eth5").carries, ["ring"]);
    assert!(device("eth1").carries.is_empty(), "there are no mirrors");
    assert_eq!(device("eth1").mtu, 9000);
    assert_eq!(device("bond0.9").mtu, 1500);
    let arp = device("bond1").bond.as_ref().unwrap();
    assert_eq!((arp.miimon, arp.arp_interval), (0, 500));
    let targets: Vec<_> = arp.arp_targets.iter().map(ToString::to_string).collect();
    assert_eq!(targets, ["10.0.1.2"], "nobody asks himself");
    assert_eq!(arp.primary.as_deref(), Some("eth1"));
    assert_eq!(device("bond0").bond.as_ref().unwrap().primary, None);
}

#[test]
fn a_bond_comes_before_what_stands_on_it() {
    let site = load_str(
        "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\n\
         [zone]\nred = { bond = { name = 'bond0', nics = ['eth0', 'eth5'] }, bridge = 'brred', network = '192.0.2.0/24' }\n\
         [node.n1]\naddress.red = '192.0.2.5'\n",
    )
    .site
    .unwrap();
    let devices = site.devices("n1");
    let names: Vec<_> = devices.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["eth0", "eth5", "bond0", "brred"]);
    assert_eq!(devices[1].master.as_deref(), Some("bond0"));
    let bond = devices[2].bond.as_ref().unwrap();
    assert_eq!((bond.number, bond.primary.as_deref()), (1, Some("eth0")));
    assert_eq!(devices[3].cidr.as_deref(), Some("192.0.2.5/24"));
}

#[test]
fn a_rehearsal_on_another_release_has_its_versions() {
    let site = crosslink_on(Some(Platform::Debian12));
    assert_eq!(site.target("node1").platform, Platform::Debian12);
    assert_eq!(site.versions_of("node1").shorewall.unwrap(), "5.2");
    assert_eq!(site.model()["platform"], "debian12");
    assert_ne!(site.digest(), crosslink().digest());

    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventory/crosslink");
    let overrides = Overrides {
        platform: Some(Platform::Debian12),
        nodes: [("node2".to_owned(), Platform::El9)].into(),
        ..Overrides::default()
    };
    let mixed = load(&dir, &overrides).site.unwrap();
    let platforms = ["node1", "node2"].map(|node| mixed.platform_of(node));
    assert_eq!(platforms, [Platform::Debian12, Platform::El9]);
    assert_eq!(mixed.declared_platform_of("node2"), Platform::El7);
    assert_eq!(mixed.platform(), Platform::Debian12);
    assert_ne!(mixed.digest(), site.digest());
}

#[test]
fn nodes_are_selected_by_name_and_group() {
    let site = crosslink();
    let all: [&str; 0] = [];
    assert_eq!(site.select(&all).unwrap(), ["node1", "node2"]);
    assert_eq!(site.select(&["node2"]).unwrap(), ["node2"]);
    assert_eq!(
        site.select(&["node2", "hypervisors"]).unwrap(),
        ["node1", "node2"]
    );
    let error = site.select(&["node3"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no node or group is called `node3`; did you mean `node1`?"
    );
}

#[test]
fn variables_of_a_node_lie_over_those_of_groups_and_site() {
    let site = load_str(
        "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\n\
         [vars]\na = 1\nt = { x = 1, y = 1 }\n\
         [node.n1]\nssh.host = '192.0.2.5'\nvars.t.y = 3\n\
         [group.g]\nnodes = ['n1']\nvars = { a = 2, t = { z = 2 } }\n",
    )
    .site
    .unwrap();
    assert_eq!(
        json!(site.vars_of("n1")),
        json!({ "a": 2, "t": { "x": 1, "y": 3, "z": 2 } })
    );
    assert_eq!(site.login("n1").host, "192.0.2.5");
}

#[test]
fn a_value_has_its_place() {
    let loaded = load_str(
        "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\nreach = ['direct', 'jump h.example.net']\n",
    );
    let site = loaded.site.unwrap();
    let text = |path: &str| {
        loaded
            .sources
            .slice(site.place_of(path).unwrap())
            .to_owned()
    };
    assert_eq!(text("site.domain"), "domain");
    assert_eq!(text("site.reach.1"), "'jump h.example.net'");
    assert_eq!(site.place_of("site.nothing"), None);
    assert_eq!(
        loaded
            .sources
            .slice(site.value_place(&["site", "domain"]).unwrap()),
        "'example.net'"
    );
}
