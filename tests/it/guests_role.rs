//! The roles `virtualisation` and `guests` on a real libvirt, whose guests are emulated: what is defined once, what somebody
//! changed by hand, and what runs meanwhile.

use crate::nodes::{self, Nodes};
use crate::rig::Rig;
use nodewright::lab::{self, FirstProcess, Flavour, LabSpec, Recipe};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A node whose packages are those that the roles install.
fn hypervisor() -> Nodes {
    let mut recipe = Recipe {
        name: "hypervisor".into(),
        ..Recipe::default()
    };
    recipe.offline.extend(
        [
            "libvirt-clients",
            "libvirt-daemon-system",
            "libxml2-utils",
            "netcat-openbsd",
            "polkitd",
            "qemu-system-x86",
        ]
        .map(String::from),
    );
    let codename = lab::codename_of(nodes::release());
    let base = recipe
        .ensure(&lab::cache_dir(), codename, &mut |_| ())
        .unwrap_or_else(|error| panic!("no root for a hypervisor: {error:#}"));
    let mut spec = LabSpec::debian(nodes::fresh_name(), 1);
    spec.flavour = Flavour::Layers(vec![base], FirstProcess::Systemd);
    nodes::up(spec)
}

/// One node with two guests: `web`, which can run here, and `dual`, whose cards need bridges.
pub fn rig() -> Rig {
    let nodes = hypervisor();
    let release = nodes::release();
    let mut inventory = format!(
        "\
[site]
name = \"rig\"
domain = \"example.net\"
platform = \"{release}\"
[zone]
red = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}
lan = {{ nic = \"eth1\", bridge = \"brlan\" }}
dmz = {{ nic = \"eth2\", bridge = \"brdmz\" }}
[partition]
1 = {{ size = \"1G\", use = \"/local\", filesystem = \"ext4\" }}
[operator]
anna = {{ key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk\" }}
[pool]
iso = {{ path = \"/srv/iso\" }}
[guest_defaults]
node = \"node1\"
memory = \"64M\"
disk = \"4M\"
video = \"none\"
[guest]
web = {{ doc = \"counts & waits\" }}
dual = {{ zones = [\"lan\", \"dmz\"], video = \"vga\", disks = {{ data = \"8M\" }} }}
[group.all]
nodes = [\"node1\"]
roles = [\"base\", \"virtualisation\", \"guests\"]
"
    );
    let node = &nodes.state().nodes[0];
    writeln!(
        inventory,
        "[node.node1]\naddress = {{ red = \"{}\" }}",
        node.address()
    )
    .unwrap();
    let rig = Rig::with(nodes, &inventory);
    rig.write("roles/base.toml", "description = \"nothing\"\n");
    rig
}

/// What libvirt has of a guest for its next start.
fn inactive(rig: &Rig, guest: &str) -> String {
    rig.nodes
        .ok("node1", &format!("virsh dumpxml --inactive {guest}"))
}

/// Has somebody give `web` more memory by hand.
fn by_hand(rig: &Rig) {
    rig.nodes.ok(
        "node1",
        "virsh dumpxml --inactive web | sed s/65536/131072/ >/root/web.xml && virsh define /root/web.xml",
    );
    assert!(inactive(rig, "web").contains(">131072<"));
}

#[test]
fn guests_are_defined_once_mended_and_left_running() {
    let rig = rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    let ok = |script: &str| rig.nodes.ok("node1", script);

    // The host: its own network is gone, bridges and pools have names, nothing starts by itself, an operator may ask.
    let networks = ok("virsh net-list --all --name");
    let mut networks: Vec<&str> = networks.split_whitespace().collect();
    networks.sort_unstable();
    assert_eq!(networks, ["brdmz", "brlan"]);
    assert_eq!(ok("virsh pool-list --name").trim(), "iso");
    assert_eq!(ok("stat -c %a /local/images").trim(), "711");
    // libvirt 9.0 says that it did it, and could not.
    ok("virsh autostart web");
    assert_eq!(ok("ls /etc/libvirt/qemu/autostart"), "");
    assert!(ok("su anna -c 'virsh -c qemu:///system list --all --name'").contains("web"));

    // The definitions: valid by libvirt's own schema, with what the site says.
    for guest in ["web", "dual"] {
        ok(&format!(
            "virsh dumpxml --inactive {guest} >/root/x.xml && virt-xml-validate /root/x.xml domain"
        ));
    }
    // So are those of the example, as every release renders them.
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut checked = 0;
    for release in std::fs::read_dir(golden).unwrap() {
        let node = release.unwrap().path().join("cluster/node1");
        let mut script = String::from("cd /root; ");
        for folder in ["etc/libvirt/qemu", "shared/definitions"] {
            for file in std::fs::read_dir(node.join(folder)).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                let text = nodewright::sh::quote(&text);
                write!(
                    script,
                    "printf %s {text} >x.xml; virt-xml-validate x.xml domain || exit; "
                )
                .unwrap();
                checked += 1;
            }
        }
        ok(&script);
    }
    assert_eq!(checked, 64);

    let dual = inactive(&rig, "dual");
    let place = |what: &str| dual.find(what).unwrap_or_else(|| panic!("{what}: {dual}"));
    assert!(place("<source bridge='brlan'/>") < place("<source bridge='brdmz'/>"));
    assert!(dual.contains("<source file='/local/images/dual-data.img'/>"));
    assert_eq!(
        ok("stat -c %s /local/images/dual-data.img").trim(),
        "8388608"
    );
    assert!(inactive(&rig, "web").contains("<description>counts &amp; waits</description>"));

    // Drift by hand is told, and mended.
    by_hand(&rig);
    let (code, out, _) = rig.run(&["verify"]);
    assert!(code == 3 && out.contains("GUEST-DEFINED"), "{code}: {out}");
    let plan = rig.plan().page();
    assert!(
        plan.contains("change the definition of guest web"),
        "{plan}"
    );
    assert_eq!(rig.apply().code, 0);
    rig.nothing_to_do();
    assert!(inactive(&rig, "web").contains(">65536<"));

    // A guest that runs goes on; what changes holds from its next start, and the plan says so.
    // In a container libvirt may make no control groups.
    ok(
        "echo 'cgroup_controllers = []' >>/etc/libvirt/qemu.conf && systemctl restart libvirtd && virsh start web",
    );
    let process = || ok("pidof qemu-system-x86_64");
    let before = process();
    by_hand(&rig);
    let plan = rig.plan().page();
    assert!(plan.contains("its next start"), "{plan}");
    assert_eq!(rig.apply().code, 0);
    rig.nothing_to_do();
    assert!(inactive(&rig, "web").contains(">65536<"));
    assert_eq!(process(), before);
    assert_eq!(ok("virsh domstate web").trim(), "running");

    // Somebody else's guest is named and left alone.
    ok(
        "sed -e 's/>web</>other</' -e '/<uuid>/d' /root/web.xml >/root/other.xml && virsh define /root/other.xml",
    );
    let other = inactive(&rig, "other");
    let (code, out, _) = rig.run(&["verify"]);
    assert!(code == 3 && out.contains("GUESTS-UNKNOWN"), "{code}: {out}");
    rig.nothing_to_do();
    assert_eq!(inactive(&rig, "other"), other);
    ok("virsh destroy web");
}

/// A package gets its file into a folder that is immutable, which is so again afterwards.
#[test]
fn a_package_that_owns_an_immutable_folder_is_installed() {
    let rig = Rig::new(nodes::debian(1));
    rig.role("[[step]]\npackage = \"e2fsprogs\"\n[[step]]\nimmutable = \"/usr/share/doc/tree\"");
    assert_eq!(rig.apply().code, 0);
    rig.nothing_to_do();
    let closed = || {
        rig.nodes
            .ok("node1", "lsattr -d /usr/share/doc/tree")
            .contains('i')
    };
    assert!(closed());
    assert!(
        !rig.nodes
            .sh("node1", "touch /usr/share/doc/tree/x")
            .status
            .success()
    );
    let step = |more: &str| {
        format!("[[step]]\npackage = \"e2fsprogs\"\n[[step]]\npackage = \"tree\"\n{more}")
    };
    rig.role(&step(""));
    assert_ne!(rig.apply().code, 0, "dpkg gets nothing into it");
    rig.role(&step("lifts = [\"/usr/share/doc/tree\"]"));
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nodes
        .ok("node1", "test -e /usr/share/doc/tree/copyright");
    assert!(closed());
}

/// What is between the tags of a section.
fn section<'a>(text: &'a str, tag: &str) -> &'a str {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let inner = text
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close));
    inner.map_or("", |(inner, _)| inner)
}

/// A cluster whose CIB is that of the roles, with these members, on which mirrors may be promoted or not.
fn cib(members: &[&str], promoted: bool) -> String {
    const PARTS: [&str; 4] = [
        include_str!("../golden/debian12/cluster/node1/var/lib/pacemaker/cib/cib.xml.cluster"),
        include_str!("../golden/debian12/cluster/node1/var/lib/pacemaker/cib/cib.xml.mirrors"),
        include_str!("../golden/debian12/cluster/node1/var/lib/pacemaker/cib/cib.xml.data"),
        include_str!("../golden/debian12/cluster/node1/var/lib/pacemaker/cib/cib.xml.guests"),
    ];
    let sections = [
        "crm_config",
        "resources",
        "constraints",
        "rsc_defaults",
        "fencing-topology",
    ];
    let mut text = "<cib crm_feature_set=\"3.16.2\" validate-with=\"pacemaker-3.9\" epoch=\"1\" num_updates=\"0\" \
        admin_epoch=\"0\" have-quorum=\"1\" dc-uuid=\"1\"><configuration>"
        .to_owned();
    for tag in sections {
        let inner: String = PARTS.iter().map(|part| section(part, tag)).collect();
        write!(text, "<{tag}>{inner}</{tag}>").unwrap();
        if tag == "crm_config" {
            text.push_str(
                "<nodes><node id=\"1\" uname=\"node1\"/><node id=\"2\" uname=\"node2\"/></nodes>",
            );
        }
    }
    text.push_str("</configuration><status>");
    for (id, node) in [("1", "node1"), ("2", "node2")] {
        if !members.contains(&node) {
            write!(text, "<node_state id=\"{id}\" uname=\"{node}\" in_ccm=\"false\" crmd=\"offline\" join=\"down\" expected=\"down\"/>").unwrap();
            continue;
        }
        write!(text, "<node_state id=\"{id}\" uname=\"{node}\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\"><lrm id=\"{id}\"><lrm_resources/></lrm><transient_attributes id=\"{id}\"><instance_attributes id=\"s{id}\">").unwrap();
        for mirror in ["r0", "r1", "r2"].iter().filter(|_| promoted) {
            write!(
                text,
                "<nvpair id=\"s{id}-{mirror}\" name=\"master-drbd_{mirror}\" value=\"10000\"/>"
            )
            .unwrap();
        }
        text.push_str("</instance_attributes></transient_attributes></node_state>");
    }
    text + "</status></cib>\n"
}

/// Where the scheduler of Pacemaker starts each guest of the example: on its own node, after its storage; where that node
/// is lost, those with fail-over on the other one, and the others nowhere.
#[test]
fn pacemaker_starts_each_guest_where_it_belongs() {
    let rig = Rig::new(nodes::debian(1));
    rig.role("[[step]]\npackage = [\"pacemaker\", \"pacemaker-cli-utils\"]\nunstarted = [\"pacemaker\", \"corosync\"]");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let simulated = |members: &[&str], promoted: bool, filter: &str| {
        let quoted = nodewright::sh::quote(&cib(members, promoted));
        let asked = format!(
            "printf %s {quoted} >/root/cib.xml; crm_verify --xml-file /root/cib.xml && crm_simulate --simulate --xml-file /root/cib.xml 2>/dev/null | {filter}"
        );
        rig.nodes.ok("node1", &asked)
    };
    let started = |members: &[&str], promoted: bool| {
        let guests =
            r"sed -n 's/^  \* Start *guest_\([a-z0-9]*\) *( *\(node[12]\) *).*/\1 \2/p' | sort";
        simulated(members, promoted, guests)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let both = ["node1", "node2"];
    assert_eq!(
        started(&both, true),
        [
            "auth1 node1",
            "auth2 node2",
            "dns1 node1",
            "files node1",
            "knox node2",
            "mail node1",
            "shell1 node1",
            "shell2 node2",
            "syslog node1",
            "watch node2",
            "web node1",
        ]
    );
    assert_eq!(
        started(&["node1"], true),
        [
            "auth1 node1",
            "dns1 node1",
            "files node1",
            "mail node1",
            "shell1 node1",
            "syslog node1",
            "watch node1",
            "web node1",
        ]
    );
    // Each waits for what is below it, on its own node. (`--simulate` itself fails an assertion of its own at the first
    // probe of a fence device, so its graph is asked.)
    let dot = "cat >/dev/null; crm_simulate --run --xml-file /root/cib.xml --save-dotfile /root/dot >/dev/null && \
               sed -n 's/^\"\\(.*\\)\" -> \"\\(.*\\)\" .*/\\1 > \\2/p' /root/dot";
    let graph = simulated(&both, true, dot);
    let edges: Vec<(&str, &str)> = graph.lines().filter_map(|l| l.split_once(" > ")).collect();
    let waits = |later: &str, earlier: &str| {
        let mut reached = BTreeSet::from([earlier]);
        while let Some(&(_, to)) = edges
            .iter()
            .find(|(from, to)| reached.contains(from) && !reached.contains(to))
        {
            reached.insert(to);
        }
        reached.contains(later)
    };
    for steps in [
        [
            "drbd_r1:0_promote_0",
            "vg_node1:0_start_0",
            "guest_web_start_0",
        ],
        [
            "lvmlockd:0_start_0",
            "vg_node1:0_start_0",
            "guest_web_start_0",
        ],
        ["dlm:0_start_0", "lvmlockd:0_start_0", "vg_node1:0_start_0"],
        [
            "drbd_r0:0_promote_0",
            "gfs2_r0:0_start_0",
            "guest_web_start_0",
        ],
        ["dlm:0_start_0", "gfs2_r0:0_start_0", "guest_web_start_0"],
    ] {
        let steps = steps.map(|step| format!("{step} node1"));
        for pair in steps.windows(2) {
            assert!(waits(&pair[1], &pair[0]), "{pair:?}: {graph}");
            assert!(!waits(&pair[0], &pair[1]), "{pair:?}: {graph}");
        }
    }
    // Without their mirrors no guest starts whose disk is on one.
    assert_eq!(
        started(&both, false),
        [
            "auth1 node1",
            "auth2 node2",
            "dns1 node1",
            "knox node2",
            "shell1 node1",
            "shell2 node2"
        ]
    );
}
