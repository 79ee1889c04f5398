//! The role `monitoring` on real nodes: it answers the monitoring server and nobody else, behind the firewall as by itself.

use crate::nodes;
use crate::rig::Rig;
use std::path::Path;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk";

/// `node1`, which `node2` may ask, and `node3` may not.
fn rig() -> Rig {
    let nodes = nodes::debian(3);
    let address = |at: usize| nodes.state().nodes[at].address().to_string();
    let inventory = format!(
        "\
[site]
name = \"rig\"
domain = \"example.net\"
platform = \"{}\"
[zone]
red = {{ nic = \"eth0\", network = \"10.77.0.0/16\", gateway = \"10.77.255.254\" }}
[firewall]
operators = [\"192.0.2.1\"]
[operator]
anna = {{ key = \"{KEY}\" }}
[services]
monitoring = {{ from = [\"{}\"] }}
[node.node1]
address = {{ red = \"{}\" }}
[group.all]
nodes = [\"node1\"]
roles = [\"base\", \"firewall\", \"monitoring\"]
",
        nodes::release(),
        address(1),
        address(0)
    );
    let rig = Rig::with(nodes, &inventory);
    rig.write(
        "roles/base.toml",
        "description = \"nothing\"\n[vars]\nmachine = { type = \"bool\", default = true, doc = \"-\" }\n",
    );
    rig
}

/// What `node1` answers to a node at this port; `None` where no connection is made.
fn asked(rig: &Rig, node: &str, port: u16) -> Option<String> {
    let address = rig.nodes.state().nodes[0].address();
    let output = rig.nodes.sh(
        node,
        &format!("timeout 20 bash -c 'exec 3<>/dev/tcp/{address}/{port} || exit 9; cat <&3'"),
    );
    (output.status.code() != Some(9)).then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_monitoring_server_is_answered_and_nobody_else() {
    let rig = rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    let answer = asked(&rig, "node2", 6556).expect("the monitoring server is let in");
    assert!(
        answer
            .starts_with("<<<check_mk>>>\nVersion: nodewright\nAgentOS: linux\nHostname: node1\n"),
        "{answer}"
    );
    for section in ["df", "mem", "cpu", "lnx_if:sep(58)", "kernel"] {
        assert!(answer.contains(&format!("<<<{section}>>>\n")), "{answer}");
    }
    assert_eq!(asked(&rig, "node3", 6556), None, "node3 is nobody's server");

    // The clock writes what the agent then tells; what failed is told.
    let job = "job=$(sed -n 's/^\\* \\* \\* \\* \\* root //p' /etc/cron.d/monitoring-checks); [ -n \"$job\" ] && sh -c \"$job\"";
    rig.nodes.ok("node1", job);
    let answer = asked(&rig, "node2", 6556).unwrap();
    assert!(
        answer.contains("<<<local:cached(")
            && answer.contains("\n0 NODEWRIGHT-RUN - the run of ")
            && answer.contains("\n0 UNITS-FAILED - "),
        "{answer}"
    );
    rig.nodes.ok(
        "node1",
        "systemd-run --quiet --unit=broken -p Type=oneshot /bin/false || :",
    );
    rig.write(
        "roles/demo.toml",
        "description = \"fails\"\n[[step]]\ncommand = [\"/bin/false\"]\nunless = [\"/bin/false\"]\n",
    );
    let path = rig.desk.site().join("inventory.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("\"monitoring\"]", "\"monitoring\", \"demo\"]"),
    )
    .unwrap();
    assert_eq!(rig.apply().code, 1);
    rig.nodes.ok("node1", job);
    let answer = asked(&rig, "node2", 6556).unwrap();
    assert!(
        answer.contains("\n1 NODEWRIGHT-RUN - ")
            && answer.contains("\n2 UNITS-FAILED - failed: broken.service"),
        "{answer}"
    );

    // Another port is open where the site says so, and the former one is closed.
    let monitoring = text.find("monitoring = {").expect("who asks");
    let end = monitoring + text[monitoring..].find(" }").unwrap();
    let text = format!("{}, port = 10050{}", &text[..end], &text[end..]);
    std::fs::write(&path, text).unwrap();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let answer = asked(&rig, "node2", 10050).expect("the other port is open");
    assert!(answer.starts_with("<<<check_mk>>>\n"), "{answer}");
    assert_eq!(asked(&rig, "node3", 10050), None);
    assert_eq!(asked(&rig, "node2", 6556), None);
}

/// The form of EL6 and EL7 with a real xinetd, which itself refuses who may not ask: no firewall is there.
#[test]
fn xinetd_answers_the_monitoring_server_and_nobody_else() {
    let rig = rig();
    rig.write("roles/firewall.toml", "description = \"none\"\n");
    assert_eq!(rig.apply().code, 0);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/el6/node1/etc/xinetd.d/monitoring-agent");
    let text = std::fs::read_to_string(golden).unwrap();
    let text = text
        .replace(
            "198.51.100.20",
            &rig.nodes.state().nodes[1].address().to_string(),
        )
        .replace("6556", "6557");
    rig.nodes.ok(
        "node1",
        &format!(
            "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install xinetd >/dev/null
             cat >/etc/xinetd.d/monitoring-agent <<'EOF'\n{text}EOF\nsystemctl restart xinetd"
        ),
    );
    let answer = asked(&rig, "node2", 6557).expect("xinetd listens");
    assert!(answer.starts_with("<<<check_mk>>>\n"), "{answer}");
    assert_eq!(asked(&rig, "node3", 6557).unwrap_or_default(), "");
}
