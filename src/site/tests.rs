//! The site as a whole: the shipped example, and what is resolved from it.

use super::*;
use crate::resource::Platform;
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
            containers: false,
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
    assert_eq!(site.roles_of("node2"), ["base", "etckeeper"]);
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
