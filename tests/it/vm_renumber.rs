//! A node whose address in the zone that it is reached by changes: worked on where it still is, confirmed where the
//! site says that it will be.

use crate::rig::{Live, Rig};
use crate::support::Agent;
use crate::wired;
use std::process::Command;

/// Starts a command where the operator is: over the site's own ways, not the lab's.
fn start(rig: &Rig, agent: &Agent, words: &[&str]) -> Live {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/run/netns/{}", rig.nodes.state().namespace))
        .args(["--", crate::nodes::PROGRAM, "--json"])
        .args(words)
        .current_dir(rig.desk.site())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", rig.desk.home())
        .env("XDG_RUNTIME_DIR", rig.desk.home())
        .env("USER", "anna")
        .env("SSH_AUTH_SOCK", &agent.socket);
    Live::of(command)
}

/// The machines, and an agent with the key that gets in.
fn up() -> Option<(Rig, Agent)> {
    let rig = wired::up()?;
    let state = rig.nodes.state();
    std::fs::copy(&state.known_hosts, rig.desk.site().join("known_hosts")).unwrap();
    let config = std::fs::read_to_string(&state.ssh_config).unwrap();
    let key = config
        .lines()
        .find_map(|l| l.trim().strip_prefix("IdentityFile "))
        .unwrap();
    let agent = Agent::with(key.trim_matches('"').as_ref());
    Some((rig, agent))
}

const AT: [&str; 2] = ["--at", "node1=192.0.2.5"];

#[test]
fn a_node_is_confirmed_at_its_new_address() {
    let Some((rig, agent)) = up() else { return };
    rig.site_with(&[("red = \"192.0.2.5\"", "red = \"192.0.2.55\"")]);
    // Nobody is there yet.
    let said = start(&rig, &agent, &["plan", "node1"]).end();
    assert_eq!(said.code, 4, "{}", said.err);
    let said = start(
        &rig,
        &agent,
        &[&["apply", "--yes", "node1"], &AT[..]].concat(),
    )
    .end();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    let confirmed = said.of("guard").into_iter();
    let ways: Vec<_> = confirmed
        .filter(|e| e["says"]["guard"] == "confirmed")
        .map(|e| e["says"]["ways"].clone())
        .collect();
    assert_eq!(ways, [serde_json::json!(["node1"])]);
    let said = start(&rig, &agent, &["plan", "node1"]).end();
    assert_eq!((said.code, said.page().as_str()), (0, ""), "{}", said.err);
    assert_eq!(
        rig.nodes.ok(
            "node1.lab",
            "ip -o -4 addr show dev brred | awk '{ print $4 }'; ip -4 route show default"
        ),
        "192.0.2.55/24\ndefault via 192.0.2.1 dev brred \n"
    );
}

/// Where it still is it could be reached all the time: that proves nothing.
#[test]
fn a_node_that_does_not_come_to_its_new_address_stays_where_it_was() {
    let Some((rig, agent)) = up() else { return };
    let addresses = "ip -o -4 addr | awk '{ print $2, $4 }'; cat /etc/network/interfaces.d/*";
    let before = rig.nodes.ok("node1", addresses);
    // The zone is renumbered, and the role keeps to the old number.
    rig.site_with(&[
        ("window = \"60s\"", "window = \"25s\""),
        ("red = \"192.0.2.5\"", "red = \"192.0.2.55\""),
        ("wiki = 101", "wiki = 101, mesh = 102"),
    ]);
    for path in ["roles/network.toml", "templates/network/interfaces"] {
        let shipped = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR")));
        let old = shipped
            .unwrap()
            .replace(
                "\"{{ d.addresses }}\"",
                "\"{{ ['192.0.2.5/24'] if d.name == 'brred' else d.addresses }}\"",
            )
            .replace(
                "address {{ v4[0] }}",
                "address {{ '192.0.2.5/24' if d.name == 'brred' else v4[0] }}",
            );
        rig.write(path, &old);
    }
    let said = start(
        &rig,
        &agent,
        &[&["apply", "--yes", "node1"], &AT[..]].concat(),
    )
    .end();
    let failed = said.failed().concat();
    assert!(
        said.code == 6 && failed.contains("The new connection failed: node1: "),
        "{} {failed}{}",
        said.code,
        said.err
    );
    assert_eq!(rig.nodes.ok("node1", addresses), before);
}
