//! The roles `mail`, `notices` and `hardware` on real nodes: mail to root reaches people by the relay, updates that wait are
//! told, and nothing answers the power button; and what `verify` says of the way out.

use crate::nodes;
use crate::rig::Rig;
use crate::yard::Yard;
use std::fmt::Write as _;

/// Two nodes that send their mail to `node2`, where the test takes it.
fn rig() -> Rig {
    let nodes = nodes::debian(2);
    let mut inventory = format!(
        "\
[site]
name = \"rig\"
domain = \"example.net\"
platform = \"{}\"
[zone]
red = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}
[services]
mail = {{ relay = \"{}\", root = [\"ops@example.net\", \"anna@example.net\"] }}
[group.all]
nodes = [\"node1\"]
roles = [\"base\", \"mail\", \"notices\", \"hardware\"]
[group.relay]
nodes = [\"node2\"]
roles = [\"demo\"]
",
        nodes::release(),
        nodes.state().nodes[1].address()
    );
    for node in &nodes.state().nodes {
        let (name, address) = (&node.name, node.address());
        writeln!(
            inventory,
            "[node.{name}]\naddress = {{ red = \"{address}\" }}"
        )
        .unwrap();
    }
    let rig = Rig::with(nodes, &inventory);
    rig.write("roles/base.toml", "description = \"nothing\"\n");
    rig.role("[[step]]\npackage = \"postfix\"\nunstarted = [\"postfix\"]\n");
    rig
}

#[test]
fn mail_to_root_reaches_people_and_updates_that_wait_are_reported() {
    let rig = rig();
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    let address = rig.nodes.state().nodes[1].address();
    rig.nodes.ok(
        "node2",
        &format!(
            "mkdir /srv/sink && chown nobody /srv/sink && cd /srv/sink &&
             {{ setsid smtp-sink -u nobody -d '%M.' {address}:25 10 >/dev/null 2>&1 </dev/null & }}
             n=0; until ss -tln | grep -q ':25 '; do n=$((n + 1)); [ $n -lt 100 ] || exit 1; sleep 0.1; done"
        ),
    );
    rig.nodes.ok(
        "node1",
        "printf 'Subject: a disk fails\\n\\nsoon\\n' | sendmail root",
    );
    let mail = rig.nodes.ok(
        "node2",
        "n=0; until grep -qs '^soon' /srv/sink/*; do n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done; cat /srv/sink/*",
    );
    for line in [
        "X-Mail-Args: <root@node1.example.net>",
        "X-Rcpt-Args: <ops@example.net>",
        "X-Rcpt-Args: <anna@example.net>",
        "Subject: a disk fails",
    ] {
        assert!(mail.lines().any(|l| l.starts_with(line)), "{line}: {mail}");
    }
    // Nobody else's mail is taken.
    let listens = rig.nodes.ok("node1", "ss -Htln | grep ':25 '");
    let open = listens
        .lines()
        .filter(|l| !l.contains("127.0.0.1:25") && !l.contains("[::1]:25"));
    assert_eq!(open.count(), 0, "{listens}");

    // An update that waits is told, and not installed; where none waits, nothing is said.
    let job = "sed -n 's/^41 6 \\* \\* 1 root //p' /etc/cron.d/nodewright-updates >/run/job; [ -s /run/job ]; sh /run/job";
    rig.nodes.ok(
        "node1",
        "apt-get -qq update; apt-get -qq -y install hello >/dev/null 2>&1",
    );
    let none = rig.nodes.sh("node1", job);
    assert_eq!(String::from_utf8_lossy(&none.stdout), "");
    rig.nodes.ok(
        "node1",
        "sed -i '/^Package: hello$/,/^$/s/^Version: .*/Version: 1.0-1/' /var/lib/dpkg/status",
    );
    let told = rig.nodes.sh("node1", job);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.starts_with("Inst hello [1.0-1]") && told.lines().count() == 1,
        "{told}"
    );
    rig.nodes
        .ok("node1", "dpkg -s hello | grep -qx 'Version: 1.0-1'");
}

#[test]
fn nothing_answers_the_power_button() {
    let rig = rig();
    rig.nodes.ok(
        "node1",
        "apt-get -qq update; apt-get -qq -y install acpid dbus >/dev/null 2>&1; systemctl is-enabled acpid.socket",
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    let key = "busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager HandlePowerKey";
    assert_eq!(rig.nodes.ok("node1", key), "s \"ignore\"\n");
    let left = rig.nodes.ok(
        "node1",
        "for u in acpid.socket acpid.path acpid.service; do systemctl is-enabled $u; systemctl is-active $u; done; :",
    );
    assert_eq!(left, "disabled\ninactive\n".repeat(3));

    // Who turns it on again is found.
    rig.nodes.ok("node1", "systemctl enable -q acpid.socket");
    let plan = rig.plan();
    assert!(plan.page().contains("acpid.socket"), "{}", plan.page());
}

/// Without `--lab`, in which the cards of a container are its host's.
#[test]
fn another_way_out_is_found_and_a_single_uplink_is_known() {
    let yard = Yard::new(
        "root",
        "none",
        "mac.eth0 = \"00:16:76:d6:c9:60\"\n[group.all]\nnodes = [\"node1\"]\nroles = [\"base\", \"network\"]\n",
    );
    let text = yard.desk.read("inventory.toml");
    yard.write(
        "inventory.toml",
        &text.replace("/16\" }", "/16\", gateway = \"10.77.255.254\" }"),
    );
    yard.write("roles/base.toml", "description = \"nothing\"\n");
    // What is said of a check: its line and the two below it.
    let said = |code: &str| {
        let said = yard.run(&["verify"]);
        let lines: Vec<_> = said.out.lines().collect();
        let at = lines.iter().position(|l| l.contains(code));
        let at = at.unwrap_or_else(|| panic!("no {code}: {}{}", said.out, said.err));
        lines[at..lines.len().min(at + 3)].join(" ")
    };
    yard.nodes.ok(
        "node1",
        "ip route replace default via 10.77.255.254 dev eth0",
    );
    let known = said("UPLINK-SINGLE");
    assert!(
        known.contains("UPLINK-SINGLE  info") && known.contains("expected bond"),
        "{known}"
    );
    let right = yard.run(&["verify", "-v"]).out;
    assert!(
        !right.contains("! DEFAULT-ROUTE") && !right.contains("✗ DEFAULT-ROUTE"),
        "{right}"
    );
    yard.nodes.ok(
        "node1",
        "ip route add default via 10.77.9.9 dev eth0 metric 500",
    );
    let wrong = said("DEFAULT-ROUTE  error");
    assert!(wrong.contains("10.77.9.9"), "{wrong}");
}
