//! What the fuzz targets do with bytes that anybody may have written. They fail by a panic.
//!
//! `tests/it/fuzz_corpus.rs` does the same with the corpus, as a test.

use nodewright::facts::Facts;
use nodewright::kind::{Answer, Observe};
use nodewright::node::{Holder, NodeState, RunId, SpoolEvent, read_journal};
use nodewright::plan::{Manifest, orphan};
use nodewright::role::{Library, expand};
use nodewright::sh::Call;
use nodewright::site::{Finding, Sources, load_str};

/// What every answer of the corpus begins its frames with.
const SENTINEL: &str = "zz";

/// A sound site, for roles to be expanded in.
const SITE: &str = r#"
[site]
name = "small"
domain = "example.net"
platform = "debian12"

[zone]
red = { nic = "eth0", network = "192.0.2.0/24" }

[node.node1]
address = { red = "192.0.2.5" }
mac.eth0 = "00:00:5e:00:53:01"

[group.all]
nodes = ["node1"]
roles = ["own"]
"#;

/// An inventory: read, judged, and shown to templates.
pub fn inventory(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let loaded = load_str(text);
    show(&loaded.findings, &loaded.sources);
    let Some(site) = loaded.site else { return };
    let _ = site.model();
    let _ = site.members_model();
    for node in site.node_names() {
        let _ = (site.node_model(node), site.login(node), site.roles_of(node));
    }
}

/// A role file: read, and expanded for a node.
pub fn role(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut loaded = load_str(SITE);
    let mut findings = std::mem::take(&mut loaded.findings);
    let site = loaded.site.expect("the site is sound");
    let files = [
        ("roles/own.toml", text),
        (
            "templates/own/file",
            "{{ node.name }} {{ vars.word | default('none') }}\n",
        ),
    ];
    let library = Library::bare(files, &mut loaded.sources, &mut findings);
    let expansion = expand(&site, &library, "node1", &loaded.sources);
    findings.extend(expansion.findings);
    show(&findings, &loaded.sources);
}

/// What a node says: an answer in frames with everything that is read from it, and each line as it is.
pub fn event(data: &[u8]) {
    let mut asked = Observe::default();
    // Only what was asked is read, so whatever has a plain name was.
    let begin = format!("{SENTINEL} begin ");
    for line in String::from_utf8_lossy(data).lines() {
        let name = line.strip_prefix(&begin).unwrap_or_default();
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.') {
            asked.section(name, Call::new("true"));
        }
    }
    if let Ok(answer) = Answer::parse(data, SENTINEL, &asked) {
        let state = NodeState::read(&answer);
        orphans(&state.manifest);
        if let Some(last) = &state.last {
            let _ = (last.finished(), last.interrupted());
        }
        let _ = (read_journal(&answer), Facts::parse(&answer));
    }
    let text = String::from_utf8_lossy(data);
    orphans(&text);
    for line in text.lines() {
        let _ = (
            SpoolEvent::parse(line),
            Holder::parse(line),
            RunId::parse(line),
        );
    }
}

/// A manifest, of which nothing is wanted any more.
fn orphans(manifest: &str) {
    let _ = orphan::find(&Manifest::parse(manifest), &[], &Answer::default());
}

/// Every finding can be shown with its place.
fn show(findings: &[Finding], sources: &Sources) {
    for finding in findings {
        let _ = (finding.render(sources, false), finding.location(sources));
    }
}
