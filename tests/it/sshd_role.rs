//! The role sshd on real nodes: hardening that keeps the run's own way in, root from node to node, and the guard that
//! asks the peer too.

use crate::nodes;
use crate::rig::Rig;
use nodewright::lab::LabSpec;
use std::fs;
use std::process::Command;

/// The example site with the role, and settings at its end.
fn site(key: &str) -> String {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let start = text.find("anna = { key = \"").expect("the operator") + 15;
    let end = start + 1 + text[start + 1..].find('"').unwrap();
    let mut text = format!("{}\"{key}{}", &text[..start], &text[end..]);
    let at = text.find("\n[versions]").unwrap();
    text.insert_str(at, "\n[site.guard]\nwindow = \"12s\"\n");
    let from = text.find("roles = [").unwrap();
    let to = from + text[from..].find('\n').unwrap();
    text.replace_range(from..to, "roles = [\"base\", \"sshd\"]");
    format!("{text}\n[vars.sshd]\nsettings = []\n")
}

/// Two nodes of a cluster whose roots trust each other.
fn rig() -> Rig {
    let loaded = nodewright::site::load_str(&site(KEY));
    let findings = loaded.findings;
    let model = loaded.site.unwrap_or_else(|| panic!("{findings:#?}"));
    let spec = LabSpec::of_site(nodes::fresh_name(), &model);
    let rig = Rig::with(nodes::up(spec), &site(KEY));
    let key = rig.desk.home().join(".ssh/id_ed25519");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "anna@desk", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    rig.write("inventory.toml", &site(public.trim()));
    rig
}

/// A key for the shape of the site alone.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk";

fn set(rig: &Rig, settings: &str) {
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (head, _) = text.split_once("settings = ").unwrap();
    fs::write(&path, format!("{head}settings = {settings}\n")).unwrap();
}

#[test]
fn root_goes_from_node_to_node_and_the_guard_asks_for_it() {
    let rig = rig();
    let (code, _, err) = rig.run(&["secret", "keys"]);
    assert_eq!(code, 0, "{err}");
    let public = fs::read_to_string(rig.desk.site().join("keys/root-node1.pub")).unwrap();
    assert!(
        public.starts_with("ssh-ed25519 ") && public.ends_with("root@node1\n"),
        "{public}"
    );
    let (code, _, err) = rig.run(&["secret", "keys"]);
    assert_eq!((code, err.as_str()), (0, "Nothing was lacking.\n"));
    let (code, private, err) = rig.run(&["secret", "get", "root-ssh-node1"]);
    assert_eq!(code, 0, "{err}");
    let half = rig.desk.home().join("private");
    fs::write(&half, private).unwrap();
    fs::set_permissions(&half, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let of = Command::new("ssh-keygen").arg("-yf").arg(&half).output();
    assert_eq!(String::from_utf8_lossy(&of.unwrap().stdout), public);

    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nothing_to_do();
    // A rehearsal takes keys of its own.
    let there = rig.nodes.ok("node2", "cat /root/.ssh/authorized_keys");
    let body = public.split(' ').nth(1).unwrap();
    assert!(
        !there.contains(body) && there.contains("root@node1"),
        "{there}"
    );
    for (from, to) in [("node1", "node2"), ("node2", "node1")] {
        let name = rig
            .nodes
            .ok(from, &format!("ssh -o BatchMode=yes {to} hostname"));
        assert_eq!(name, format!("{to}\n"));
    }
    // By the ring alone, with a key that is asked for.
    let refused = rig.nodes.sh("node1", "ssh -o BatchMode=yes -o StrictHostKeyChecking=no -i /root/.ssh/id_nodewright 192.0.2.6 true");
    assert!(!refused.status.success());
    // Logins that fail do not keep the peer out afterwards: those of the guard may fail.
    rig.nodes.ok(
        "node2",
        "for i in 1 2 3 4 5 6; do ssh -o BatchMode=yes -o PubkeyAuthentication=no node1 true && exit 1; done; \
         ssh -o BatchMode=yes node1 hostname",
    );
    let (code, out, err) = rig.run(&["verify"]);
    assert_eq!(code, 0, "{out}{err}");

    // What lets the operator in and keeps the peer out is rolled back.
    set(&rig, "[\"DenyUsers root@10.0.2.2\"]");
    let said = rig.say(&["apply", "--yes", "node1"]);
    // The peer takes no part in this run, so nobody asks it.
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nodes.sh("node2", "! ssh -o BatchMode=yes node1 true");
    set(&rig, "[]");
    assert_eq!(rig.apply().code, 0);
    set(&rig, "[\"DenyUsers root@10.0.2.2\"]");
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    let failed = said.failed().concat();
    assert!(
        failed.contains("root of node2 does not get in: "),
        "{failed}"
    );
    rig.nodes.ok("node2", "ssh -o BatchMode=yes node1 true");
    assert_eq!(said.recap("node2")["changed"], 0);
}

#[test]
fn settings_that_would_keep_this_run_out_are_refused_before_anything_is_changed() {
    let rig = rig();
    for (setting, why) in [
        ("AllowUsers nobody", "AllowUsers leaves root out"),
        ("DenyUsers root", "it denies root"),
        ("Nonsense yes", "Bad configuration option"),
    ] {
        set(&rig, &format!("[\"{setting}\"]"));
        let said = rig.say(&["apply", "--yes", "--only", "sshd/file:*", "node1"]);
        assert_eq!(said.code, 1, "{:?}{}", said.events, said.err);
        let failed = said.failed().concat();
        assert!(
            failed.contains("nothing was changed") || failed.contains("did not pass"),
            "{failed}"
        );
        assert!(failed.contains(why), "{failed}");
        rig.nodes.ok(
            "node1",
            "! test -e /etc/ssh/sshd_config.d/00-nodewright.conf",
        );
    }
}
