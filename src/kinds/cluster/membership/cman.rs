//! The elements of cluster.conf, and the changes that a running cman takes up.
//!
//! Facts: docs/facts/membership.md#configuration-of-cman, docs/facts/membership.md#configuration-version.

use super::seen::ToolReport;
use crate::text::Text;

/// Elements that cannot hold a secret, so that they may leave a node.
pub(super) const PUBLIC_TAGS: [&str; 16] = [
    "cluster",
    "cman",
    "multicast",
    "altmulticast",
    "totem",
    "fence_daemon",
    "clusternode",
    "altname",
    "dlm",
    "gfs_controld",
    "clvmd",
    "group",
    "logging",
    "logging_daemon",
    "uidgid",
    "quorumd",
];

/// The attribute of `cluster` with the version of a file; the only one that is not part of its content.
const VERSION: &str = " config_version=\"";

/// The content without its version and its layout: one tag a line, blanks squeezed, no declaration, no comments. The
/// shell of `cluster_conf` makes the same of the node's file.
pub(super) fn canonical(text: &str) -> String {
    let blank: String = text
        .chars()
        .map(|c| if "\n\t\r".contains(c) { ' ' } else { c })
        .collect();
    let mut out = String::new();
    for piece in blank.split('<').skip(1) {
        let words: Vec<&str> = piece.split(' ').filter(|w| !w.is_empty()).collect();
        let mut tag = format!("<{}", words.join(" "));
        if let Some(head) = tag.strip_suffix(" />") {
            tag = format!("{head}/>");
        }
        if tag.starts_with("<?") || tag.starts_with("<!") {
            continue;
        }
        out.push_str(&split_version(&tag).0);
        out.push('\n');
    }
    out
}

/// A tag without the version that it says, and that version.
pub(super) fn split_version(tag: &str) -> (String, Option<u64>) {
    let Some((head, rest)) = tag.split_once(VERSION) else {
        return (tag.to_owned(), None);
    };
    let (version, rest) = rest.split_once('"').unwrap_or((rest, ""));
    let version = version.parse().ok().filter(|_| name(tag) == "cluster");
    (format!("{head}{rest}"), version)
}

/// Reads `cman_tool status` and `cman_tool nodes -F id,type,name` (docs/facts/membership.md#state-of-the-membership).
pub(super) fn parse_status(text: &str) -> ToolReport {
    let line = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    let node = |line: &str| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        [id, letter, _] if letter.len() == 1 && id.bytes().all(|b| b.is_ascii_digit()) => {
            Some(((*id).to_owned(), (*letter).to_owned()))
        }
        _ => None,
    };
    let nodes = text.lines().filter_map(node);
    let (members, gone): (Vec<_>, Vec<_>) = nodes.partition(|(_, letter)| letter == "M");
    ToolReport {
        quorate: !text.contains("Activity blocked"),
        cluster: line("Cluster Name:"),
        members: members.into_iter().map(|(id, _)| id).collect(),
        gone,
        flags: line("Flags:"),
        token: 0,
    }
}

/// Patterns (`grep -E`), of which each has a line in what [`parse_status`] reads, once these members are in a cluster that
/// is quorate.
pub(super) fn whole(ids: &[u32]) -> Vec<String> {
    // Behind the votes stands `Activity blocked` where it is not.
    let quorate = std::iter::once("^Quorum: +[0-9]+ *$".to_owned());
    let member = |id| format!("^ *{id} +M ");
    quorate.chain(ids.iter().map(member)).collect()
}

/// Patterns, of which each has a line in `fence_tool ls` once so many members are in the fence domain and none waits to
/// be fenced.
pub(super) fn whole_domain(members: usize) -> Vec<String> {
    let counts = [
        format!("^member count +{members} *$"),
        "^victim count +0 *$".to_owned(),
        "^wait state +none *$".to_owned(),
    ];
    counts.into()
}

/// The tags of a canonical content that may leave a node.
pub(super) fn public_tags(canonical: &str) -> Vec<String> {
    let public_tags = canonical
        .lines()
        .filter(|line| PUBLIC_TAGS.contains(&name(line)));
    public_tags.map(str::to_owned).collect()
}

/// The content with a version.
pub(super) fn with_version(content: &Text, version: u64) -> Option<Text> {
    let (before, after) = content.as_marked().split_once(VERSION)?;
    let after = &after[after.find('"')?..];
    Text::new(format!("{before}{VERSION}{version}{after}")).ok()
}

/// The name of a tag's element.
fn name(tag: &str) -> &str {
    let rest = tag.trim_start_matches('<');
    rest.split([' ', '>', '/']).next().unwrap_or_default()
}

/// Elements that a running cman does not take up: a change wants every member down.
pub(super) const OUTAGE: [&str; 9] = [
    "cluster",
    "cman",
    "totem",
    "multicast",
    "altmulticast",
    "clusternode",
    "altname",
    "uidgid",
    "quorumd",
];

/// The tags of these elements, old and new, where they differ.
pub(super) fn differences(
    old: &[String],
    new: &[String],
    elements: &[&str],
) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for element in elements {
        let of = |tags: &[String]| -> Vec<String> {
            let mut all: Vec<String> = tags
                .iter()
                .filter(|tag| name(tag) == *element)
                .map(|tag| tag.replace("/>", ">"))
                .collect();
            all.sort();
            all
        };
        let (before, after) = (of(old), of(new));
        if before != after {
            found.push(((*element).to_owned(), before.join(" "), after.join(" ")));
        }
    }
    found
}
