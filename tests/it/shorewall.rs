//! What Shorewall is told, in the forms of each version: byte for byte, by its own compiler, and by the traps that
//! versions of long ago have (docs/facts/firewall.md#versions-of-shorewall).
//!
//! `NODEWRIGHT_BLESS=1` writes what is rendered now into `tests/shorewall/VERSION`, to be read in the diff.

use nodewright::role::{Library, expand, files};
use nodewright::site::load_str;
use nodewright::site::resolved::knock;
use nodewright::text::{Text, Vault};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each version with another form of something, and the one that Debian has.
const VERSIONS: [&str; 6] = ["4.5", "4.5.21", "4.6", "5.0", "5.1", "5.2"];

const SERVICES: &str = include_str!("../shorewall/services.toml");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shorewall")
}

/// The example site with roles that open ports, for a version of Shorewall.
pub fn crosslink(version: &str) -> String {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let from = text.find("roles = [").expect("the group has roles");
    let to = from + text[from..].find('\n').unwrap();
    let mut text = text.to_owned();
    text.replace_range(from..to, "roles = [\"base\", \"firewall\", \"services\"]");
    let line = text
        .lines()
        .find(|l| l.starts_with("shorewall ="))
        .unwrap()
        .to_owned();
    text.replace(&line, &format!("shorewall = \"{version}\""))
}

/// The site at the edge, for a version of Shorewall.
pub fn edge(version: &str) -> String {
    let text = include_str!("../shorewall/edge.toml");
    format!("{text}\n[versions]\nshorewall = \"{version}\"\n")
}

/// The files of the firewall of a site's first node, by their paths.
pub fn rendered(site: &str) -> BTreeMap<String, Text> {
    let mut loaded = load_str(site);
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.take().expect("a site");
    let own = [("roles/services.toml", SERVICES)];
    let library = Library::of(own, &mut loaded.sources, &mut findings);
    let node = site.node_names().next().unwrap().to_owned();
    let mut expansion = expand(&site, &library, &node, &loaded.sources);
    findings.append(&mut expansion.findings);
    let shown = findings.iter().map(|f| f.render(&loaded.sources, false));
    assert_eq!(shown.collect::<String>(), "");
    let mut files = files(&expansion.resources);
    files.retain(|path, _| path.starts_with("/etc/shorewall"));
    files
}

/// The ports that a test knocks at.
pub fn vault(count: usize) -> Vault {
    let ports = ["7301", "7117", "7542"];
    let named = ports[..count].iter().enumerate();
    named
        .map(|(at, port)| (knock::port_secret(at + 1), (*port).to_owned()))
        .collect()
}

/// Writes the files as a node would have them, below a folder.
pub fn write(files: &BTreeMap<String, Text>, vault: &Vault, below: &Path) {
    for (path, content) in files {
        let path = below.join(path.strip_prefix("/etc/").unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.reveal(vault).unwrap()).unwrap();
    }
}

/// The example with bonds, which has no firewall of its own yet.
fn bonded(version: &str) -> String {
    let text = include_str!("../../inventory/bonded/inventory.toml");
    let roles = "roles = [\"base\", \"network\"]";
    assert!(text.contains(roles));
    let text = text.replace(roles, "roles = [\"base\", \"firewall\"]");
    format!("{text}\n[versions]\nshorewall = \"{version}\"\n")
}

/// Each site with its name and the ports of its knock.
fn sites(version: &str) -> [(&'static str, String, usize); 3] {
    [
        ("crosslink", crosslink(version), 3),
        ("edge", edge(version), 1),
        ("bonded", bonded(version), 0),
    ]
}

#[test]
fn each_version_has_its_forms() {
    for version in VERSIONS {
        for (name, site, _) in sites(version) {
            let dir = folder().join(version).join(name);
            let masked: BTreeMap<String, String> = rendered(&site)
                .into_iter()
                .map(|(path, text)| {
                    (
                        path.strip_prefix("/etc/").unwrap().to_owned(),
                        text.masked(),
                    )
                })
                .collect();
            if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
                let _ = fs::remove_dir_all(&dir);
                for (path, content) in &masked {
                    let path = dir.join(path);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, content).unwrap();
                }
                continue;
            }
            let mut golden = BTreeMap::new();
            for part in fs::read_dir(&dir).unwrap().map(Result::unwrap) {
                for file in fs::read_dir(part.path()).unwrap().map(Result::unwrap) {
                    let path = format!(
                        "{}/{}",
                        part.file_name().to_str().unwrap(),
                        file.file_name().to_str().unwrap()
                    );
                    golden.insert(path, fs::read_to_string(file.path()).unwrap());
                }
            }
            assert_eq!(golden, masked, "{version} {name}");
        }
    }
}

/// What the compiler of Shorewall 5.2 says of a folder. In a namespace of its own: it tries the kernel's tables.
pub fn shorewall_check(program: &str, dir: &Path) -> (bool, String) {
    let output = Command::new("unshare")
        .args(["--net", program, "check"])
        .arg(dir)
        .output()
        .expect("shorewall is installed (scripts/setup.sh)");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

#[test]
fn shorewall_takes_what_is_written_for_it() {
    for (name, site, knocks) in sites("5.2") {
        let dir = tempfile::tempdir().unwrap();
        write(&rendered(&site), &vault(knocks), dir.path());
        for part in fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
            let program = part.file_name().to_str().unwrap().to_owned();
            let (good, said) = shorewall_check(&program, &part.path());
            assert!(good, "{name} {program}: {said}");
            assert!(!said.contains("WARNING"), "{name} {program}: {said}");
        }
    }
}

#[test]
fn shorewall_refuses_what_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    write(&rendered(&crosslink("5.2")), &vault(3), dir.path());
    let rules = dir.path().join("shorewall/rules");
    let text = fs::read_to_string(&rules)
        .unwrap()
        .replace("grey:", "gray:");
    fs::write(&rules, text).unwrap();
    let (good, said) = shorewall_check("shorewall", &dir.path().join("shorewall"));
    assert!(!good && said.contains("ERROR"), "{said}");
}

/// Without a knock it is the operators' addresses that get in while Shorewall is stopped.
#[test]
fn operators_over_ipv6_are_taken_without_a_knock() {
    let site = edge("5.2").replace(
        "\"base\", \"firewall\", \"services\"",
        "\"base\", \"firewall\"",
    );
    let site: Vec<&str> = site.lines().filter(|l| !l.starts_with("knock")).collect();
    let files = rendered(&site.join("\n"));
    let stopped = files["/etc/shorewall6/stoppedrules"].masked();
    assert!(
        stopped.contains("bond0:<2001:db8:9::/64>\t$FW\ttcp\t2222"),
        "{stopped}"
    );
    let dir = tempfile::tempdir().unwrap();
    write(&files, &vault(0), dir.path());
    for program in ["shorewall", "shorewall6"] {
        let (good, said) = shorewall_check(program, &dir.path().join(program));
        assert!(good, "{program}: {said}");
    }
}
