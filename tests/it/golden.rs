//! Every file of the shipped examples on every platform, byte for byte, made without a node.
//!
//! `NODEWRIGHT_BLESS=1` writes what is rendered now into `tests/golden`, to be read in the diff.

use nodewright::kind::{Address, Resource};
use nodewright::platform::Platform;
use nodewright::role::{Expansion, Library, expand, files};
use nodewright::site::{Overrides, load};
use nodewright::text::Text;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// An example on a platform: each node with what its roles ask for.
fn expanded(example: &str, platform: Platform) -> Vec<(String, Expansion)> {
    expanded_in(&root().join("inventory").join(example), platform)
}

/// A site on a platform: each node with what its roles ask for.
fn expanded_in(dir: &Path, platform: Platform) -> Vec<(String, Expansion)> {
    let overrides = Overrides {
        // As after `enroll` and `secret keys`; their private halves are nowhere.
        known_hosts: Some(root().join("tests/site-keys/known_hosts")),
        root_keys: Some(root().join("tests/site-keys")),
        platform: Some(platform),
        ..Overrides::default()
    };
    let mut loaded = load(dir, &overrides);
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.take().expect("the example is a site");
    let library = Library::load(dir, &mut loaded.sources, &mut findings);
    let mut nodes = Vec::new();
    for node in site.node_names() {
        let mut expansion = expand(&site, &library, node, &loaded.sources);
        findings.append(&mut expansion.findings);
        nodes.push((node.to_owned(), expansion));
    }
    let shown: String = findings
        .iter()
        .map(|f| f.render(&loaded.sources, false))
        .collect();
    assert_eq!(shown, "", "{} on {platform}", dir.display());
    nodes
}

/// The example site with more ways to fence, and the roles that make a cluster of it.
fn cluster(platform: Platform) -> Vec<(String, Expansion)> {
    let dir = tempfile::tempdir().unwrap();
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let roles = text.lines().find(|l| l.starts_with("roles = ["));
    let text = text.replace(
        roles.expect("its roles"),
        "roles = [\"base\", \"network\", \"fencing\", \"membership\", \"resources\", \"mirrors\", \"storage\", \"virtualisation\", \"guests\"]",
    );
    let more = r#"host_id  = 1
fence = [{ agent = "fence_apc", address = "10.0.4.1", user = "apc", password = { secret = "pdu1" }, plug = "1", method = "power" }, { agent = "fence_apc", address = "10.0.4.2", user = "apc", password = { secret = "pdu2" }, plug = "1", method = "power" }, { agent = "fence_intelmodular", address = "10.0.4.3", user = "snmp", password = { secret = "auth" }, plug = "3", options = { snmp_version = "3", snmp_sec_level = "authPriv", snmp_auth_prot = "SHA", snmp_priv_prot = "AES" }, secrets = { snmp_priv_passwd = { secret = "priv" } } }]
"#;
    let text = text.replacen("host_id  = 1\n", more, 1);
    std::fs::write(dir.path().join("inventory.toml"), text).unwrap();
    expanded_in(dir.path(), platform)
}

fn masked(text: &str) -> String {
    Text::new(text).expect("marks are whole").masked()
}

/// Everything that a node's roles ask for, below a folder.
fn whole(out: &mut BTreeMap<String, String>, below: &str, expansion: &Expansion) {
    for (path, content) in files(&expansion.resources) {
        out.insert(format!("{below}{path}"), content.masked());
    }
    let line = |r: &Resource| format!("{} {}\n", r.address, masked(&r.value.to_string()));
    let resources: String = expansion.resources.iter().map(line).collect();
    out.insert(format!("{below}/resources.txt"), resources);
    let mut asked = String::new();
    for check in &expansion.checks {
        let expect = serde_json::to_string(&check.expect).unwrap();
        let _ = writeln!(asked, "check {} {} {expect}", check.code, check.severity);
    }
    for open in &expansion.opens {
        let _ = writeln!(asked, "open {}", serde_json::to_string(open).unwrap());
    }
    out.insert(format!("{below}/asked.txt"), asked);
}

/// What a run on this platform would bring: path under `tests/golden/PLATFORM` and content.
fn rendered(platform: Platform) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (node, mut expansion) in expanded("bonded", platform) {
        // The rest of it is as in the other example.
        expansion.resources.retain(|r| r.address.role == "network");
        for (path, content) in files(&expansion.resources) {
            out.insert(format!("bonded/{node}{path}"), content.masked());
        }
        let interfaces = expansion.resources.iter();
        let interfaces = interfaces.filter(|r| r.address.kind == "interface");
        let line = |r: &Resource| format!("{} {}\n", r.address, masked(&r.value.to_string()));
        let resources: String = interfaces.map(line).collect();
        out.insert(format!("bonded/{node}/interfaces.txt"), resources);
    }
    for (node, mut expansion) in cluster(platform) {
        let roles = [
            "fencing",
            "membership",
            "resources",
            "mirrors",
            "storage",
            "virtualisation",
            "guests",
        ];
        let role = |r: &Resource| roles.contains(&r.address.role.as_str());
        expansion.resources.retain(role);
        for (path, content) in files(&expansion.resources) {
            out.insert(format!("cluster/{node}{path}"), content.masked());
        }
        let line = |r: &Resource| format!("{}\n", r.address);
        let resources: String = expansion.resources.iter().map(line).collect();
        out.insert(format!("cluster/{node}/resources.txt"), resources);
    }
    for (node, mut expansion) in expanded("logserver", platform) {
        // The rest of it is as in the other example.
        expansion
            .resources
            .retain(|r| r.address.role == "log-server");
        expansion.opens.retain(|open| open.role == "log-server");
        expansion.checks.retain(|c| c.code == "LOG-SERVER");
        whole(&mut out, &format!("logserver/{node}"), &expansion);
    }
    for (node, expansion) in expanded("crosslink", platform) {
        whole(&mut out, &node, &expansion);
    }
    out
}

fn read(dir: &Path, below: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn check(platform: Platform) {
    let dir = root().join("tests/golden").join(platform.word());
    let now = rendered(platform);
    if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
        let _ = std::fs::remove_dir_all(&dir);
        for (path, content) in &now {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        return;
    }
    let mut golden = BTreeMap::new();
    read(&dir, "", &mut golden);
    let paths = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&golden), paths(&now), "{platform}: other files");
    for (path, content) in &now {
        assert_eq!(&golden[path], content, "{platform}: {path}");
    }
}

#[test]
fn golden_el6() {
    check(Platform::El6);
}

#[test]
fn golden_el7() {
    check(Platform::El7);
}

#[test]
fn golden_el8() {
    check(Platform::El8);
}

#[test]
fn golden_el9() {
    check(Platform::El9);
}

#[test]
fn golden_el10() {
    check(Platform::El10);
}

#[test]
fn golden_debian12() {
    check(Platform::Debian12);
}

#[test]
fn golden_pve3() {
    check(Platform::Pve3);
}

#[test]
fn golden_debian13() {
    check(Platform::Debian13);
}

/// The example site with these changes: each node with what its roles ask for.
fn changed(edits: &[(&str, &str)], platform: Platform) -> Vec<(String, Expansion)> {
    let dir = tempfile::tempdir().unwrap();
    let mut text = include_str!("../../inventory/crosslink/inventory.toml").to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    std::fs::write(dir.path().join("inventory.toml"), text).unwrap();
    expanded_in(dir.path(), platform)
}

#[test]
fn golden_arguments_of_the_kernel_are_those_of_the_site_alone() {
    let arguments = |nodes: Vec<(String, Expansion)>| {
        let resources = nodes.into_iter().flat_map(|(_, e)| e.resources);
        let arguments = resources.filter(|r| r.address.kind == "kernel_args");
        arguments.map(|r| r.address.name).collect::<Vec<_>>()
    };
    let more =
        "[vars.hardware]\nkernel_args = [\"acpi=off\"]\nconsole = \"ttyS1,115200n8\"\n\n[guest] ";
    for platform in Platform::all() {
        assert_eq!(arguments(expanded("crosslink", platform)), [""; 0]);
        let each = ["acpi=off", "console=tty0", "console=ttyS1,115200n8"];
        let asked = changed(&[("[guest] ", more)], platform);
        assert_eq!(arguments(asked), [each, each].concat(), "{platform}");
    }
}

#[test]
fn golden_the_multicast_address_is_the_sites() {
    let more = "failback  = false\ntransport = \"multicast\"\nmulticast = \"239.192.7.7\"";
    for platform in Platform::all() {
        for (node, expansion) in changed(&[("failback  = false", more)], platform) {
            let files = files(&expansion.resources);
            let conf = files.iter().find(|(path, _)| {
                path.ends_with("/cluster.conf") || path.ends_with("/corosync.conf")
            });
            let (path, text) = conf.expect("the cluster's configuration");
            let text = text.masked();
            let line = if path.ends_with("/cluster.conf") {
                "    <multicast addr=\"239.192.7.7\"/>"
            } else {
                "        mcastaddr: 239.192.7.7"
            };
            let found = text.lines().filter(|l| *l == line);
            assert_eq!(found.count(), 1, "{platform} {node}: {text}");
        }
    }
}

/// The rule that keeps the stack together, on every platform (docs/facts/membership.md#names).
#[test]
fn golden_names_never_lead_to_the_loopback() {
    for platform in Platform::all() {
        for (node, expansion) in expanded("crosslink", platform) {
            let names = |address: &str| {
                let resource = expansion.resources.iter().find(|r| {
                    r.address == Address::parse(&format!("base/hosts:{address}")).unwrap()
                });
                resource
                    .map(|r| r.value["names"].to_string())
                    .unwrap_or_default()
            };
            assert!(!names("127.0.0.1").contains(&node), "{platform} {node}");
            assert!(!names("::1").contains(&node), "{platform} {node}");
            assert!(
                names("10.0.2.1").starts_with(r#"["node1","node1.example.net""#),
                "{platform}"
            );
            assert!(
                names("10.0.2.2").starts_with(r#"["node2","node2.example.net""#),
                "{platform}"
            );
        }
    }
}

/// What a template fills with secrets under /etc is none of what git records there.
#[test]
fn golden_secrets_are_not_recorded() {
    for platform in Platform::all() {
        for (node, expansion) in expanded("crosslink", platform) {
            let record = tempfile::tempdir().unwrap();
            let git = |words: &[&str]| {
                let command = std::process::Command::new("git")
                    .arg("-C")
                    .arg(record.path())
                    .args(words)
                    .output();
                command.unwrap().status.code()
            };
            assert_eq!(git(&["init", "-q"]), Some(0));
            let ignored = expansion.resources.iter();
            let mut ignored =
                ignored.filter(|r| r.address.to_string().contains("block:/etc/.gitignore"));
            let ignored = ignored.next().expect("what is not recorded");
            let ignored = ignored.value["content"].as_str().unwrap();
            std::fs::write(record.path().join(".gitignore"), ignored).unwrap();
            let mut secret = 0;
            for (path, content) in files(&expansion.resources) {
                if let Some(path) = path.strip_prefix("/etc/").filter(|_| content.is_tainted()) {
                    secret += 1;
                    let code = git(&["check-ignore", "-q", "--no-index", path]);
                    assert_eq!(code, Some(0), "{platform} {node}: /etc/{path} is recorded");
                }
            }
            assert!(secret > 0, "{platform} {node}: nothing to look at");
        }
    }
}
