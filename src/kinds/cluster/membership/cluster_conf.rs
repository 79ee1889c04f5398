//! cluster.conf of cman, whose version is raised by one when, and only when, its content changes, and which is the same
//! on all members afterwards.
//!
//! Facts: docs/facts/membership.md#configuration-of-cman, docs/facts/membership.md#configuration-version.

use super::seen::CONF;
use super::{MemberWant, cman, structure};
use crate::digest::sha256;
use crate::kind::Refusal;
use crate::kind::valid;
use crate::kind::valid::CommandWords;
use crate::kind::validator;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, FileChange, Files, Found, Kind, Observe, Orphans,
    Payload, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::{Text, Vault};

/// `cluster_conf = "/etc/cluster/cluster.conf"`.
pub struct ClusterConfKind;

/// The keys of a step.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its path.
    cluster_conf: String,
    /// Its content; its `config_version` is replaced.
    content: Text,
    /// All members, which have to have the same.
    members: Vec<MemberWant>,
    /// Its mode, such as "0640".
    #[serde(default = "mode")]
    mode: String,
    /// The name of its group; root when unset.
    #[serde(default = "root")]
    group: String,
    /// A command that must accept the content before it is put in place; `{staged}` stands for the new file's path. Or
    /// the name of a validator, with its further words.
    check: Option<CommandWords>,
}

fn root() -> String {
    "root".to_owned()
}

fn mode() -> String {
    "0640".to_owned()
}

/// The observed file, and those of the other members.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its version; `None` where it has none, or does not exist.
    version: Option<u64>,
    /// The version that runs.
    running: Option<u64>,
    /// Mode, owner and group; `None` where it does not exist.
    attributes: Option<String>,
    /// Digest of the content without its version.
    #[serde(skip)]
    content: String,
    /// Its size in bytes.
    #[serde(skip)]
    bytes: u64,
    /// Digest of the file.
    #[serde(skip)]
    sha256: String,
    /// Its tags that cannot hold a secret.
    #[serde(skip)]
    tags: Vec<String>,
    /// The same of the members that answered: version, running version, digest of the content.
    #[serde(skip)]
    peers: Vec<(Option<u64>, Option<u64>, String)>,
}

/// The highest version that cman takes and that still leaves room for more.
const VERSIONS: u64 = 2_147_000_000;

/// The number of versions that a member may be ahead of another: one that was away while the others were changed.
const AHEAD: u64 = 10_000;

/// Asks for the file's state.
pub(super) fn observe(path: &str, observe: &mut Observe) {
    observe.functions(ClusterConfKind::SHELL);
    let call = Call::new("nw_cluster_conf_seen")
        .arg(path)
        .arg(cman::PUBLIC_TAGS.join("|"));
    observe.slow_section(CONF, call);
}

impl Seen {
    fn read(text: &str) -> Self {
        let mut seen = Self::default();
        for line in text.lines() {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            match key {
                "running" => seen.running = value.parse().ok(),
                "content" => value.clone_into(&mut seen.content),
                "sha256" => value.clone_into(&mut seen.sha256),
                "tag" => {
                    let (tag, version) = cman::split_version(value);
                    seen.version = seen.version.or(version);
                    seen.tags.push(tag);
                }
                "file" => {
                    let words: Vec<&str> = value.split(' ').collect();
                    if let [mode, owner, group, bytes] = words.as_slice() {
                        seen.attributes = Some(format!("{mode:0>4} {owner}:{group}"));
                        seen.bytes = bytes.parse().unwrap_or(0);
                    }
                }
                _ => {}
            }
        }
        seen
    }

    /// The version that all members are to have with this content: the highest seen, where all who have that version
    /// have the content, else one more.
    fn target(&self, content: &str) -> u64 {
        let own = (self.version, self.running, self.content.clone());
        let all = || self.peers.iter().chain(std::iter::once(&own));
        let highest = all()
            .filter_map(|(v, r, _)| (*v).max(*r))
            .max()
            .unwrap_or(0);
        let mut holders = all().filter(|(v, ..)| *v == Some(highest)).peekable();
        if holders.peek().is_some() && holders.all(|(_, _, c)| c == content) {
            highest
        } else {
            highest.saturating_add(1)
        }
    }

    /// The reason why no version can follow from what the members say: one that lies must not decide it for the others,
    /// for cman takes an int, and never a lower version than before.
    fn implausible(&self) -> Option<Refusal> {
        let own = self.version.max(self.running);
        let most = own.map_or(VERSIONS, |own| own.saturating_add(AHEAD).min(VERSIONS));
        let said = self.peers.iter().filter_map(|(v, r, _)| (*v).max(*r));
        let too_high = said.chain(own).max().filter(|v| *v > most)?;
        Some(Refusal {
            what: format!(
                "a member says that its config_version is {too_high}; up to {most} is plausible here"
            ),
            remedy: "see `config_version` in cluster.conf, and `cman_tool version`, on every member: one is damaged or \
                     not trustworthy"
                .to_owned(),
            device: None,
        })
    }
}

impl Want {
    fn digest(&self, vault: &Vault) -> Option<String> {
        let text = self.content.reveal(vault).ok()?;
        Some(sha256(cman::canonical(&text).as_bytes()))
    }

    /// The points in which the node's file differs, where the content to be has this digest.
    fn deltas(&self, seen: &Seen, digest: &str) -> Vec<Delta> {
        let target = seen.target(digest);
        let mut deltas = Vec::new();
        if seen.attributes.is_some() && seen.content != digest {
            let tags = cman::public_tags(&cman::canonical(self.content.as_marked()));
            let changed_tags = cman::differences(&seen.tags, &tags, &cman::PUBLIC_TAGS);
            if changed_tags.is_empty() {
                deltas.push(Delta::new("content", "another", "as rendered"));
            }
            deltas.extend(
                changed_tags
                    .into_iter()
                    .map(|(what, from, to)| Delta::new(what, from, to)),
            );
        }
        if seen.content != digest || seen.version != Some(target) {
            let from = seen.version.map_or(String::new(), |v| v.to_string());
            deltas.push(Delta::new("config_version", from, target.to_string()));
        }
        deltas
    }

    fn new_text(&self, seen: &Seen, digest: &str) -> Text {
        let text = cman::with_version(&self.content, seen.target(digest));
        text.unwrap_or_else(|| self.content.clone())
    }
}

impl Kind for ClusterConfKind {
    const NAME: &'static str = "cluster_conf";
    const DOC: &'static str = "cluster.conf of cman: the same on all members, its version raised by one when, and only when, its content changes.";
    const SHELL: Shell = Shell::new(include_str!("cluster_conf.sh"));
    const ORPHANS: Orphans = Orphans::reported("it stays");
    const RUNNING: &'static dyn Runs = &Running {
        shared: &[CONF],
        compare: Self::compare,
        compare_secret: Self::compare_secret,
        contents: Self::contents,
        changes: Self::changes,
        preflight: Self::preflight,
        actions: Self::actions,
        title: Some(Self::title),
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.cluster_conf.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("cluster_conf", &want.cluster_conf)?;
        valid::attributes(&Attributes {
            owner: None,
            group: Some(want.group.clone()),
            mode: Some(want.mode.clone()),
        })?;
        if let Some(check) = &want.check {
            valid::words("check", check)?;
            validator::of_file(&check.0)?;
        }
        if want.content.is_tainted() && !want.mode.ends_with('0') {
            return Err(format!(
                "{} holds a secret, and with mode {} everybody may read it; \"0640\" would be right",
                want.cluster_conf, want.mode
            ));
        }
        if cman::with_version(&want.content, 1).is_none() {
            return Err("`content` has no `config_version` to be set".to_owned());
        }
        match structure::problems(want.content.as_marked()).first() {
            Some(problem) => Err(format!("`content` is no sound cluster.conf: {problem}")),
            None => Ok(()),
        }
    }

    fn files(want: &Want, _target: &Target) -> Files {
        let tainted = want.content.is_tainted();
        Files {
            writes: vec![want.cluster_conf.clone()],
            secrets: tainted
                .then(|| want.cluster_conf.clone())
                .into_iter()
                .collect(),
            rendered: Some((want.cluster_conf.clone(), want.content.clone())),
            ..Files::default()
        }
    }
}

impl ClusterConfKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        if let Some(want) = wants.first() {
            self::observe(&want.cluster_conf, observe);
        }
    }

    fn parse(want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(CONF).ok_or("cluster.conf was not observed")?;
        if section.status == 124 {
            return Err("cman_tool did not answer in time: the cluster is frozen".to_owned());
        }
        let mut seen = Seen::read(&section.text());
        for member in want.members.iter().filter(|m| m.name != target.node) {
            if let Some(section) = answer.of(&member.name, CONF) {
                let peer = Seen::read(&section.text());
                seen.peers.push((peer.version, peer.running, peer.content));
            }
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        if let Some(refusal) = seen.implausible() {
            return Verdict::Refuse(refusal);
        }
        let mut deltas = Vec::new();
        match &seen.attributes {
            None => deltas.push(Delta::new("file", "absent", &want.mode)),
            Some(attributes) => {
                let wanted = format!("{} root:{}", want.mode, want.group);
                if *attributes != wanted {
                    deltas.push(Delta::new("mode", attributes, wanted));
                }
            }
        }
        if !want.content.is_tainted()
            && let Some(digest) = want.digest(&Vault::new())
        {
            deltas.extend(want.deltas(seen, &digest));
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn compare_secret(want: &Want, seen: &Seen, vault: &Vault) -> Vec<Delta> {
        if !want.content.is_tainted() {
            return Vec::new();
        }
        let digest = want.digest(vault);
        digest.map_or_else(Vec::new, |digest| want.deltas(seen, &digest))
    }

    fn contents(want: &Want, seen: &Seen, vault: &Vault) -> Vec<Payload> {
        let digest = want.digest(vault).unwrap_or_default();
        vec![Payload::Text(want.new_text(seen, &digest))]
    }

    fn changes(want: &Want, seen: &Seen) -> Vec<FileChange> {
        let old = match &seen.attributes {
            None => Found::Absent,
            Some(_) => Found::Unread {
                bytes: seen.bytes,
                sha256: seen.sha256.clone(),
            },
        };
        let digest = want.digest(&Vault::new()).unwrap_or_default();
        vec![FileChange {
            path: want.cluster_conf.clone(),
            old,
            new: Some(want.new_text(seen, &digest)),
        }]
    }

    fn preflight(want: &Want, _target: &Target) -> Vec<Call> {
        let check = want.check.iter();
        check.map(|c| validator::calls_of_file(&c.0).0).collect()
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, seen)| {
            let check = want.check.as_ref();
            let check = check.and_then(|c| validator::calls_of_file(&c.0).1);
            let expected = match &seen.attributes {
                None => "absent",
                Some(_) => seen.sha256.as_str(),
            };
            // A copy of what may hold a secret is not kept.
            let keep = if want.content.is_tainted() {
                "no"
            } else {
                "yes"
            };
            let replace = Call::new("nw_replace")
                .args([want.cluster_conf.as_str(), expected])
                .blob(0)
                .args(["root", &want.group, &want.mode, keep]);
            check.into_iter().chain([replace])
        });
        calls.collect()
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        let new = deltas.iter().any(|d| d.what == "file");
        let verb = if new { "create" } else { "replace" };
        format!("{verb} {names}")
    }
}
