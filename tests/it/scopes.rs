//! Checks of the cluster and from outside: where no node can be reached, since what is judged does not need one, and in a
//! lab, whose network the operator's machine is not in.

use crate::nodes;
use crate::rig::Rig;
use crate::support::Desk;
use std::net::TcpListener;

const SITE: &str = r#"
[site]
name = "pair"
domain = "example.net"
platform = "el9"
[accept]
FENCE-ONE-METHOD = { why = "x", until = "2999-06-30" }
[zone]
mgmt = { nic = "eth0", network = "192.0.2.0/24", gateway = "192.0.2.1" }
ring = { nic = "eth1", network = "10.0.2.0/24" }
[firewall]
operators = ["198.51.100.10"]
[services]
time = ["ntp1.example.net", "ntp2.example.net", "ntp3.example.net"]
[cluster]
members = ["n1", "n2"]
ring = "ring"
preferred = "n1"
delay = "15s"
[node.n1]
ssh = { host = "127.0.0.1", port = CLOSED }
address = { mgmt = "192.0.2.5", ring = "10.0.2.1" }
mac = { eth0 = "00:00:5e:00:53:01", eth1 = "00:00:5e:00:53:02" }
bmc = { agent = "fence_ipmilan", address = "198.51.100.1", user = "fence", password = { secret = "a" } }
host_id = 1
[node.n2]
ssh = { host = "127.0.0.1", port = CLOSED }
address = { mgmt = "192.0.2.6", ring = "10.0.2.2" }
mac = { eth0 = "00:00:5e:00:53:03", eth1 = "00:00:5e:00:53:04" }
bmc = { agent = "fence_ipmilan", address = "198.51.100.2", user = "fence", password = { secret = "b" } }
host_id = 2
[group.g]
nodes = ["n1", "n2"]
roles = ["mine"]
"#;

const ROLE: &str = r#"
description = "what is asked of whom"
[[step]]
file = "/etc/x"
content = "x\n"
[[check]]
code = "SAME"
severity = "error"
scope = "cluster"
of = "file:/etc/x"
expect = {}
remedy = "apply"
[[check]]
code = "DOOR"
severity = "error"
scope = "outside"
tcp = { port = OPEN }
expect = { open = true }
remedy = "open it"
[[check]]
code = "SHUT"
severity = "warning"
scope = "outside"
tcp = { port = CLOSED, host = "127.0.0.1" }
expect = { answer = ["silent", "unreachable"] }
remedy = "shut it"
"#;

#[test]
fn ports_are_tried_and_the_cluster_is_skipped_where_no_node_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port().to_string();
    // What was bound and let go again: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let closed = closed.unwrap().port().to_string();
    let filled = |text: &str| text.replace("OPEN", &open).replace("CLOSED", &closed);
    let desk = Desk::new()
        .file("inventory.toml", &filled(SITE))
        .file("roles/mine.toml", &filled(ROLE));
    let (code, out, err) = desk.output(&["verify", "--json", "--junit", "checks.xml"]);
    assert_eq!(code, 4, "{out}{err}");
    let events = out.lines().map(|l| serde_json::from_str(l).unwrap());
    let events: Vec<serde_json::Value> = events.filter(matches_check).collect();
    let told: Vec<String> = events
        .iter()
        .map(|e| {
            let words = [&e["node"], &e["scope"], &e["code"], &e["ok"], &e["skipped"]];
            words.map(|w| w.to_string().replace('"', "")).join(" ")
        })
        .collect();
    assert_eq!(
        told,
        [
            "n1 outside DOOR true false",
            "n1 outside SHUT false false",
            "n2 outside DOOR true false",
            "n2 outside SHUT false false",
            "null cluster SAME false true",
        ]
    );
    let why = events[4]["message"].as_str().unwrap();
    assert!(why.starts_with("n1 did not answer: "), "{why}");
    let xml = desk.read("checks.xml");
    assert!(xml.contains("<testsuite name=\"cluster\""), "{xml}");
    assert!(
        xml.contains("<skipped message=\"n1 did not answer: "),
        "{xml}"
    );
    let (code, out, _) = desk.output(&["verify"]);
    assert_eq!(code, 4);
    assert!(out.contains("- SAME  skipped"), "{out}");
    assert!(
        out.contains(
            "0 of 2 nodes: 2 checks do not hold, 2 hold, 1 was skipped; not observed: n1, n2."
        ),
        "{out}"
    );
}

fn matches_check(event: &serde_json::Value) -> bool {
    event["event"] == "check"
}

/// Tries a port of the node, one that nobody listens at, one of a host that is not there, and one of a name.
const TRIED: &str = r#"
[[check]]
code = "DOOR"
severity = "error"
scope = "outside"
tcp = { port = 22 }
expect = { open = true }
remedy = "open it"
[[check]]
code = "SHUT"
severity = "error"
scope = "outside"
tcp = { port = 81, host = "10.77.1.1" }
expect = { answer = "refused" }
remedy = "shut it"
[[check]]
code = "NOBODY"
severity = "info"
scope = "outside"
tcp = { port = 22, host = "10.77.9.9" }
expect = { answer = "unreachable" }
remedy = "look who it is"
[[check]]
code = "NAME"
severity = "warning"
scope = "outside"
tcp = { port = 22, host = "www.example.net" }
expect = { open = true }
remedy = "name an address"
"#;

#[test]
fn ports_of_a_lab_are_tried_from_its_own_network() {
    // The site reaches the node by a name that nobody in the lab knows.
    let nodes = nodes::debian(1);
    let release = nodes::release();
    let site = format!(
        "[site]\nname = \"rig\"\ndomain = \"example.net\"\nplatform = \"{release}\"\n\
         [zone]\nred = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}\n\
         [node.node1]\naddress = {{ red = \"10.77.1.1\" }}\nssh = {{ host = \"node1.example.net\" }}\n\
         [group.all]\nnodes = [\"node1\"]\nroles = [\"demo\"]\n"
    );
    let rig = Rig::with(nodes, &site);
    rig.role(TRIED);
    let tried = || {
        let said = rig.say(&["verify"]);
        let checks = said.events.iter().filter(|e| matches_check(e));
        let words = |e: &serde_json::Value| {
            let message = e["message"].as_str().unwrap();
            format!("{} {} {message}", e["code"].as_str().unwrap(), e["ok"])
        };
        (said.code, checks.map(words).collect::<Vec<_>>())
    };
    let door = "DOOR true TCP port 22 of node1.example.net (from outside) is as expected";
    let nobody = "NOBODY true TCP port 22 of 10.77.9.9 (from outside) is as expected";
    let name =
        "NAME false www.example.net is no address and no node, and a lab knows no other names";
    let shut = "SHUT true TCP port 81 of 10.77.1.1 (from outside) is as expected";
    assert_eq!(
        tried(),
        (3, [door, shut, nobody, name].map(str::to_owned).to_vec())
    );
    // systemd listens before it says that the socket is there.
    rig.nodes.ok(
        "node1",
        "systemd-run -q --unit=other --socket-property=ListenStream=81 --socket-property=Accept=yes /bin/cat",
    );
    let (code, told) = tried();
    let shut =
        "SHUT false TCP port 81 of 10.77.1.1 (from outside): answer is open, expected refused";
    assert_eq!((code, told[1].as_str()), (3, shut));
    assert_eq!([&told[0], &told[2], &told[3]], [door, nobody, name]);

    // An apply ends with the checks; where it did nothing, no port is tried.
    let there = |name: &str| {
        format!(
            "[[step]]\nhostname = \"node1\"\n[[step]]\nfile = \"/srv/x\"\ncontent = \"\"\n\
             [[check]]\ncode = \"THERE\"\nseverity = \"error\"\nof = \"hostname:node1\"\nexpect = {{ running = \"{name}\" }}\nremedy = \"look\"\n"
        )
    };
    rig.role(&(there("node1") + TRIED));
    let applied = || {
        let said = rig.apply();
        let checks = said.events.iter().filter(|e| matches_check(e));
        let codes: Vec<String> = checks
            .map(|e| e["code"].as_str().unwrap().to_owned())
            .collect();
        (said.code, codes)
    };
    let all = ["THERE", "DOOR", "SHUT", "NOBODY", "NAME"].map(str::to_owned);
    // NAME does not hold.
    assert_eq!(applied(), (0, all.to_vec()));
    assert_eq!(applied(), (0, vec!["THERE".to_owned()]));
    let nothing = "Nothing to do: 1 node, 2 resources as wanted.\n";
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!((code, out.as_str()), (0, nothing), "{err}");
    // One that fails is shown all the same, and what was to be done is done.
    rig.role(&(there("other") + TRIED));
    let (code, out, err) = rig.run(&["apply", "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(rig.run(&["verify"]).0, 3);
    assert!(out.starts_with(nothing), "{out}");
    assert!(out.contains("✗ THERE  error\n"), "{out}");
}
