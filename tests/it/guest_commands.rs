//! The commands for guests on a real libvirt, whose guests are emulated and have no system: they ignore ACPI, and where one
//! that obeys is needed, their node cuts the power as soon as QEMU says that the button was pressed.

use crate::guests_role;
use crate::membership::on_both;
use crate::operate::{ends, formed_with, has, points};
use crate::rig::{Rig, Said};
use serde_json::Value as Json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

fn listed(rig: &Rig) -> Json {
    let said: Said = rig.say(&["guest", "list", "--timeout", "60"]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.of("guests").pop().expect("a list").clone()
}

/// Has the node cut the power of `web` once its button is pressed.
fn obeys(rig: &Rig) {
    rig.nodes.ok(
        "node1",
        "setsid sh -c 'virsh -q qemu-monitor-event --domain web --event POWERDOWN --timeout 120 && virsh destroy web' \
         </dev/null >/dev/null 2>&1 & until pidof virsh >/dev/null; do sleep 0.1; done",
    );
}

#[test]
fn guests_are_operated_one_by_one() {
    let mut rig = guests_role::rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    // In a container libvirt may make no control groups.
    rig.nodes.ok(
        "node1",
        "echo 'cgroup_controllers = []' >>/etc/libvirt/qemu.conf && systemctl restart libvirtd",
    );
    let state = |rig: &Rig| {
        rig.nodes
            .ok("node1", "virsh domstate web")
            .trim()
            .to_owned()
    };
    let process = |rig: &Rig| rig.nodes.ok("node1", "pidof qemu-system-x86_64");
    let ours = |rig: &Rig| rig.nodes.ok("node1", "sort /var/lib/nodewright/manifest");
    let manifest = ours(&rig);
    assert!(manifest.contains("guest:web"), "{manifest}");
    let list = listed(&rig);
    assert_eq!(list["guests"][0]["guest"], "web");
    assert_eq!(list["guests"][0]["defined"], serde_json::json!(["node1"]));
    assert_eq!(list["unknown"], serde_json::json!({}));

    // Started once, by a plan that somebody agrees to.
    rig.desk.input("n\n");
    ends(&rig, 2, &["guest", "start", "web"]);
    assert_eq!(state(&rig), "shut off");
    let said = ends(&rig, 0, &["guest", "start", "web", "--yes"]);
    has(
        &said,
        &[
            "  node1: start web: virsh start\n",
            "Done: web runs on node1 after ",
        ],
    );
    assert_eq!(state(&rig), "running");
    let said = ends(&rig, 0, &["guest", "start", "web", "--yes"]);
    has(&said, &["Nothing to do: web runs on node1.\n"]);
    assert_eq!(
        listed(&rig)["guests"][0]["on"],
        serde_json::json!({"node1": "running"})
    );
    has(&ends(&rig, 0, &["log", "node1"]), &[" for guest\n"]);
    let said = ends(&rig, 0, &["guest", "show", "web"]);
    has(&said, &["memory", "64M", "[guest_defaults]", "running"]);

    console(&rig);

    // One that ignores ACPI runs on, and that is said.
    let before = process(&rig);
    rig.desk.input("dual\n");
    let said = ends(&rig, 2, &["guest", "stop", "web", "--yes"]);
    has(&said, &["This interrupts service. Type web to do it: "]);
    for command in ["stop", "restart"] {
        rig.desk.input("web\n");
        let said = ends(&rig, 1, &["guest", command, "web", "--within", "3"]);
        has(
            &said,
            &[
                "Failed: web runs on node1; node1: ",
                "`nodewright guest stop web --now` cuts its power.\n",
            ],
        );
    }
    assert_eq!(process(&rig), before);

    // One that obeys is off, and on again.
    obeys(&rig);
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "restart", "web"]);
    has(
        &said,
        &["web is off after ", "Done: web runs on node1 after "],
    );
    assert_ne!(process(&rig), before);
    obeys(&rig);
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "stop", "web"]);
    has(&said, &["Done: web is off after "]);
    let said = ends(&rig, 0, &["guest", "stop", "web"]);
    has(&said, &["Nothing to do: web is off.\n"]);
    let said = ends(&rig, 3, &["guest", "restart", "web"]);
    has(
        &said,
        &["Refused: web is off: `nodewright guest start web` starts it.\n"],
    );
    let said = ends(&rig, 3, &["guest", "console", "web"]);
    has(
        &said,
        &["Refused: web is off: `nodewright guest start web` starts it.\n"],
    );

    // The power is cut by name alone.
    ends(&rig, 0, &["guest", "start", "web", "--yes"]);
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "stop", "web", "--now"]);
    has(&said, &["its power is cut", "Done: web is off after "]);
    assert_eq!(state(&rig), "shut off");

    screen(&rig);
    boot_once(&rig);
    assert_eq!(ours(&rig), manifest, "it is the role's as before");

    // A guest of somebody else's is listed. A libvirt that says nothing is a reason to start nothing.
    rig.nodes.ok(
        "node1",
        "virsh dumpxml --inactive web | sed -e 's/>web</>other</' -e '/<uuid>/d' >/root/other.xml && virsh define /root/other.xml",
    );
    let list = listed(&rig);
    assert_eq!(
        list["unknown"],
        serde_json::json!({"node1": {"other": "shut off"}})
    );
    rig.nodes.ok(
        "node1",
        "systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd 2>/dev/null",
    );
    let said = ends(&rig, 3, &["guest", "start", "web", "--yes"]);
    has(
        &said,
        &["Refused: whether web runs is not known everywhere: libvirt on node1 does not answer.\n"],
    );
    let said = ends(&rig, 4, &["guest", "list"]);
    has(
        &said,
        &["node1 did not say which guests it has: libvirt does not answer"],
    );
    let said = ends(&rig, 64, &["guest", "migrate", "web"]);
    has(
        &said,
        &["web lives on node1, which is no member of a cluster"],
    );
}

/// A person at a terminal: connected, and away by Ctrl-].
fn console(rig: &Rig) {
    let mut command = rig.desk.command(&["--lab", "guest", "console", "web"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let escape = lines.find(|line| line.as_ref().is_ok_and(|l| l.contains("Escape character")));
    assert!(escape.is_some(), "connected");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"\x1d").unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    let said = ends(rig, 0, &["log", "node1"]);
    has(&said, &["guest: console web"]);
}

/// `web` has no CD drive, and `dual` boots once from its card; what libvirt keeps of it is as before.
fn boot_once(rig: &Rig) {
    let said = ends(rig, 3, &["guest", "boot-once", "web", "cdrom", "--yes"]);
    has(
        &said,
        &["Refused: it has no CD drive with an image (`cdrom`).\n"],
    );
    let boots = |option: &str| {
        let xml = rig
            .nodes
            .ok("node1", &format!("virsh dumpxml {option} dual"));
        let lines = xml.lines().filter(|line| line.contains("<boot "));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let disk = "<boot dev='hd'/>";
    assert_eq!(boots("--inactive"), [disk]);
    let said = ends(rig, 0, &["guest", "boot-once", "dual", "network", "--yes"]);
    has(
        &said,
        &["start dual from network", "Done: dual runs on node1 after "],
    );
    assert_eq!(boots(""), ["<boot dev='network'/>", disk]);
    assert_eq!(boots("--inactive"), [disk]);
    let said = ends(rig, 3, &["guest", "boot-once", "dual", "network", "--yes"]);
    has(
        &said,
        &["Refused: dual runs on node1: `nodewright guest stop dual` first.\n"],
    );
    rig.nodes.ok("node1", "virsh destroy dual");
    ends(rig, 0, &["plan", "--only", "guests/*"]);
}

/// The screen of `dual`, which has a card, speaks VNC at a port of this machine, and is closed with the command.
fn screen(rig: &Rig) {
    let said = ends(rig, 3, &["guest", "vnc", "dual"]);
    has(&said, &["Refused: dual is off"]);
    // Its bridges are not there.
    rig.nodes.ok(
        "node1",
        "ip link add brlan type bridge; ip link add brdmz type bridge; ip link set brlan up; ip link set brdmz up; virsh start dual",
    );
    let mut command = rig
        .desk
        .command(&["--lab", "--json", "guest", "vnc", "dual"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find(|line| line.as_ref().is_ok_and(|l| l.contains("\"screen\"")));
    let line = line.expect("a screen").unwrap();
    let event: Json = serde_json::from_str(&line).unwrap();
    let at = event["at"]
        .as_str()
        .unwrap()
        .strip_prefix("vnc://")
        .unwrap()
        .to_owned();
    let mut greeting = [0; 3];
    let mut stream = std::net::TcpStream::connect(&at).unwrap();
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"RFB");
    drop(stream);
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(std::net::TcpStream::connect(&at).is_err(), "closed");
    rig.nodes.ok("node1", "virsh destroy dual");
}

/// A guest that is none: its agent is Pacemaker's Dummy by another name, and virsh lists it where its state file is.
const AGENT: &str = "#!/bin/sh\nexec /usr/lib/ocf/resource.d/pacemaker/Dummy \"$@\"\n";
const VIRSH: &str = r#"#!/bin/sh
case "$*" in
*list*)
  echo @nodewright:; echo qemu:///system; echo @nodewright:
  [ ! -e /run/Dummy-guest_web.state ] || echo " 1   web   running"
  echo @nodewright:; echo @nodewright: ;;
*destroy*) rm /run/Dummy-guest_web.state ;;
esac
"#;
const RESOURCE: &str = r#"cibadmin --modify --allow-create --scope resources --xml-text '<resources>
<primitive id="guest_web" class="ocf" provider="heartbeat" type="VirtualDomain">
 <instance_attributes id="guest_web-instance_attributes"><nvpair id="guest_web-instance_attributes-config" name="config" value="/shared/definitions/web.xml"/></instance_attributes>
 <meta_attributes id="guest_web-meta_attributes"><nvpair id="guest_web-meta_attributes-allow-migrate" name="allow-migrate" value="false"/></meta_attributes></primitive>
</resources>' && cibadmin --modify --allow-create --scope constraints --xml-text '<constraints>
<rsc_location id="guest_web-prefers-node1" rsc="guest_web" node="node1" score="50"/>
</constraints>' && crm_resource --wait --timeout=120s"#;

/// Pacemaker and its members are real, the guest is none.
#[test]
fn a_guest_of_pacemaker_is_operated_through_it_and_left_where_it_is() {
    let guest = "[guest]\nweb = { node = \"node1\", memory = \"64M\", disk = \"4M\" }\n";
    let mut rig = formed_with(guest);
    let file = |path: &str, text: &str| {
        let text = nodewright::sh::quote(text);
        let folder = path.rsplit_once('/').unwrap().0;
        on_both(
            &rig,
            &format!("mkdir -p {folder} && printf %s {text} >{path} && chmod 755 {path}"),
        );
    };
    file("/usr/lib/ocf/resource.d/heartbeat/VirtualDomain", AGENT);
    file("/usr/local/bin/virsh", VIRSH);
    file("/usr/bin/virsh", VIRSH);
    rig.nodes.ok("node1", RESOURCE);
    let on = |rig: &Rig| listed(rig)["guests"][0].clone();
    let running = |node: &str| serde_json::json!({ node: "running" });
    assert_eq!(on(&rig)["on"], running("node1"));
    assert_eq!(on(&rig)["resource"], "Started");
    let configuration = "cibadmin --query --scope configuration";
    let as_it_was = rig.nodes.ok("node1", configuration);

    // Off by its manager, which leaves it so; cut, without a failure in its manager's eyes; and on again.
    for command in [
        &["guest", "stop", "web"][..],
        &["guest", "stop", "web", "--now"],
    ] {
        rig.desk.input("web\n");
        has(&ends(&rig, 0, command), &["Done: web is off after "]);
        assert_eq!(on(&rig)["on"], serde_json::json!({}));
        has(&ends(&rig, 0, command), &["Nothing to do: web is off.\n"]);
        assert_eq!(points(&rig), [""; 0]);
        let said = ends(&rig, 0, &["guest", "start", "web", "--yes"]);
        has(
            &said,
            &[
                "have Pacemaker run guest_web",
                "Done: web runs on node1 after ",
            ],
        );
        assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
    }
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "restart", "web"]);
    has(
        &said,
        &["web is off after ", "Done: web runs on node1 after "],
    );

    // To the other member, and no constraint is left, neither this one's nor that of somebody before.
    let said = ends(&rig, 3, &["guest", "migrate", "web", "--yes"]);
    has(
        &said,
        &["Refused: web does not move live: with --outage it is stopped on node1"],
    );
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "migrate", "web", "node2", "--outage"]);
    has(
        &said,
        &[
            "bind guest_web to node2 until it is there",
            "Done: web runs on node2 after ",
        ],
    );
    assert_eq!(on(&rig)["on"], running("node2"));
    assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
    rig.nodes.ok(
        "node1",
        "crm_resource --move --resource guest_web --node node1 && crm_resource --wait --timeout=120s",
    );
    assert_eq!(on(&rig)["on"], running("node1"));
    rig.desk.input("web\n");
    let said = ends(&rig, 0, &["guest", "migrate", "web", "--outage"]);
    has(
        &said,
        &["remove what was left by hand: cli-prefer-guest_web"],
    );
    assert_eq!(on(&rig)["on"], running("node2"));
    assert_eq!(rig.nodes.ok("node1", configuration), as_it_was);
    let said = ends(&rig, 0, &["guest", "migrate", "web", "node2", "--outage"]);
    has(&said, &["Nothing to do: web runs on node2.\n"]);

    // A second owner, and a member of which nobody knows.
    rig.nodes.ok("node1", "touch /run/Dummy-guest_web.state");
    has(&ends(&rig, 3, &["guest", "list"]), &["runs twice"]);
    let said = ends(&rig, 3, &["guest", "start", "web", "--yes"]);
    has(&said, &["Refused: web runs on node1 and on node2 at once"]);
    rig.nodes.ok("node1", "rm /run/Dummy-guest_web.state");
    rig.desk.input("web\n");
    ends(&rig, 0, &["guest", "stop", "web"]);
    rig.nodes
        .ok("node2", "rm /usr/bin/virsh /usr/local/bin/virsh");
    let said = ends(&rig, 3, &["guest", "start", "web", "--yes"]);
    has(
        &said,
        &["Refused: whether web runs is not known everywhere: libvirt on node2 does not answer.\n"],
    );
}
