//! The observation of paths: one `stat`, one `sha256sum` and contents only where they are needed.

use super::fold::{PathSeen, SeenKind};
use crate::digest::sha256;
use crate::kind::{Answer, Edit, EditChange, Observe, Resource};
use crate::sh::Call;
use crate::shell::{CONTENT, Shell};
use crate::text::Vault;
use std::collections::{BTreeMap, BTreeSet};

/// Observes paths. Only regular files are opened: a pipe would block, and a device may react. A file that is replaced
/// by something else meanwhile is given up. Each function fails where a tool does, and passes as many paths to a call
/// as fit.
pub(super) const SHELL: Shell = Shell::new(include_str!("paths.sh")).needing(&[CONTENT]);

/// The paths of one node that are observed.
#[derive(Debug, Default)]
pub struct Paths<'a> {
    by_path: BTreeMap<&'a str, Vec<(&'a Resource, &'a Edit)>>,
    /// Folders that kinds write themselves: the owners of all folders on the way there are observed.
    folders: BTreeSet<&'a str>,
    watched: BTreeSet<String>,
}

impl<'a> Paths<'a> {
    /// Collects the edits of all resources, by path. `watched` are paths of which only the digest matters.
    pub fn of(resources: &'a [Resource], watched: impl IntoIterator<Item = &'a String>) -> Self {
        let mut by_path: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for resource in resources {
            for edit in &resource.files.edits {
                by_path
                    .entry(&edit.path)
                    .or_default()
                    .push((resource, edit));
            }
        }
        let watched = watched
            .into_iter()
            .filter(|p| !by_path.contains_key(p.as_str()))
            .cloned()
            .collect();
        let folders = resources.iter().filter_map(|r| r.files.folder.as_ref());
        Self {
            by_path,
            folders: folders.map(|f| f.path.as_str()).collect(),
            watched,
        }
    }

    /// The edit requests for each path, in step order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &[(&'a Resource, &'a Edit)])> {
        self.by_path.iter().map(|(p, w)| (*p, w.as_slice()))
    }

    /// Observes all of them.
    pub fn observe(&self, vault: &Vault, observe: &mut Observe) {
        let managed = self.by_path.keys().copied();
        let all: BTreeSet<&str> = managed
            .clone()
            .chain(self.watched.iter().map(String::as_str))
            .chain(
                managed
                    .chain(self.folders.iter().copied())
                    .flat_map(parents),
            )
            .collect();
        if all.is_empty() {
            return;
        }
        observe.functions(SHELL);
        // The root always exists, so an answer that ends with it is whole.
        let stat = Call::new("nw_path_stat").args(all).arg("/");
        observe.section("path.stat", stat);
        let links: Vec<String> = self.by_path.keys().map(|p| (*p).to_owned()).collect();
        let mut removed = Vec::new();
        let mut whole = Vec::new();
        let mut wanted = String::new();
        let mut edited = Vec::new();
        let mut summed: Vec<String> = self.watched.iter().cloned().collect();
        for (path, requests) in &self.by_path {
            let mut tainted = false;
            let mut needs_content = false;
            let mut content = None;
            for (_, edit) in requests {
                match &edit.change {
                    EditChange::Whole { content: text, .. } => {
                        tainted |= text.is_tainted();
                        content = Some(text);
                    }
                    EditChange::Absent => removed.push((*path).to_owned()),
                    EditChange::Symlink(_) | EditChange::Directory => {}
                    _ => needs_content = true,
                }
            }
            match content {
                _ if needs_content => edited.push((*path).to_owned()),
                Some(_) if tainted => summed.push((*path).to_owned()),
                Some(text) => {
                    let bytes = text.reveal(vault).unwrap_or_default();
                    if !wanted.is_empty() {
                        wanted.push('\n');
                    }
                    wanted.push_str(&sha256(bytes.as_bytes()));
                    wanted.push_str("  ");
                    wanted.push_str(path);
                    whole.push((*path).to_owned());
                }
                None => summed.push((*path).to_owned()),
            }
        }
        if !links.is_empty() {
            observe.section("path.link", Call::new("nw_path_link").args(links));
        }
        if !removed.is_empty() {
            observe.section("path.entries", Call::new("nw_path_entries").args(removed));
        }
        if !summed.is_empty() {
            observe.section("path.sum", Call::new("nw_path_sum").args(summed));
        }
        if !whole.is_empty() {
            observe.section(
                "path.whole",
                Call::new("nw_path_whole").arg(wanted).args(whole),
            );
        }
        if !edited.is_empty() {
            observe.section("path.content", Call::new("nw_path_contents").args(edited));
        }
    }

    /// Parses the observed state of every path, and of the folders that lead there.
    ///
    /// # Errors
    /// The error of a tool that failed on the node: then the state of the paths is unknown.
    pub fn read(&self, answer: &Answer) -> Result<BTreeMap<String, PathSeen>, String> {
        for section in SECTIONS {
            if let Some(status) = answer.get(section).map(|s| s.status).filter(|s| *s != 0) {
                return Err(format!(
                    "what is at the paths cannot be told: {section} ended with status {status} on the node (a tool is \
                     missing or was killed, or something there cannot be read)"
                ));
            }
        }
        let stat = answer.text("path.stat");
        if answer.get("path.stat").is_some() && !stat.lines().any(|line| line.ends_with(" /")) {
            return Err(
                "what is at the paths cannot be told: stat did not come to its end".to_owned(),
            );
        }
        let mut sums = BTreeMap::new();
        let mut contents = BTreeMap::new();
        for section in ["path.sum", "path.whole", "path.content"] {
            let Some((head, framed)) = answer.framed(section) else {
                continue;
            };
            for line in String::from_utf8_lossy(head).lines() {
                if let Some((sum, path)) = line.split_once("  ") {
                    sums.insert(path.to_owned(), sum.to_owned());
                }
            }
            contents.extend(framed.into_iter().map(|(path, c)| (path, c.to_vec())));
        }
        let links = read_links(&answer.text("path.link"));
        let entries = answer.text("path.entries");
        let mut seen = BTreeMap::new();
        for line in stat.lines() {
            let words: Vec<&str> = line.splitn(6, ' ').collect();
            let &[raw, mode, owner, group, bytes, path] = words.as_slice() else {
                continue;
            };
            let kind = match u32::from_str_radix(raw, 16).unwrap_or(0) & 0o170_000 {
                0o100_000 => {
                    let content: Option<Vec<u8>> = contents.remove(path);
                    let sha256 = match &content {
                        Some(bytes) => sha256(bytes),
                        None => sums.get(path).cloned().unwrap_or_default(),
                    };
                    if sha256.is_empty() && self.sums(path) {
                        return Err(format!(
                            "{path} is a file, and sha256sum said nothing of it"
                        ));
                    }
                    let bytes = bytes.parse().unwrap_or(0);
                    SeenKind::File {
                        sha256,
                        content,
                        bytes,
                    }
                }
                0o040_000 => SeenKind::Directory {
                    entries: self.entries(path, &entries),
                },
                0o120_000 => SeenKind::Symlink {
                    target: links.get(path).cloned().unwrap_or_default(),
                },
                _ => SeenKind::Other("a device, socket or pipe".to_owned()),
            };
            seen.insert(
                path.to_owned(),
                PathSeen {
                    kind,
                    mode: format!("{mode:0>4}"),
                    owner: owner.to_owned(),
                    group: group.to_owned(),
                },
            );
        }
        let absent = PathSeen {
            kind: SeenKind::Absent,
            mode: String::new(),
            owner: String::new(),
            group: String::new(),
        };
        for path in self
            .by_path
            .keys()
            .copied()
            .chain(self.watched.iter().map(String::as_str))
        {
            seen.entry(path.to_owned())
                .or_insert_with(|| absent.clone());
        }
        Ok(seen)
    }
}

/// The sections about paths.
const SECTIONS: [&str; 6] = [
    "path.stat",
    "path.link",
    "path.entries",
    "path.sum",
    "path.whole",
    "path.content",
];

/// The folders that lead to a path, from the top, without `/`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.filter(|at| *at > 0).map(move |at| &path[..at])
}

/// The reason why root must not write at a path, where somebody else can lead it elsewhere: every folder above it is
/// root's, or the account's that is to own it (`None`: anybody's), and a link is followed only where nobody but root
/// can have put it. The node looks again, and goes there part by part.
pub(super) fn planted(
    path: &str,
    account: Option<&str>,
    seen: &BTreeMap<String, PathSeen>,
) -> Option<String> {
    let mut safe = true;
    for parent in parents(path) {
        let found = seen.get(parent)?;
        let owner = found.owner.as_str();
        match &found.kind {
            SeenKind::Symlink { .. } if safe && owner == "root" => return None,
            SeenKind::Symlink { .. } => {
                return Some(format!(
                    "{parent} is a link that others than root can change, and leads to {path}"
                ));
            }
            SeenKind::Directory { .. } => {
                if owner != "root" && account.is_some_and(|account| owner != account) {
                    return Some(format!("{parent} belongs to {owner}, and leads to {path}"));
                }
                let mode = u32::from_str_radix(&found.mode, 8).unwrap_or(0o777);
                safe = owner == "root" && mode & 0o022 == 0;
            }
            _ => return None,
        }
    }
    None
}

impl Paths<'_> {
    /// Whether a digest was asked of a path where a file is.
    fn sums(&self, path: &str) -> bool {
        self.by_path.contains_key(path) || self.watched.contains(path)
    }

    fn goes(&self, path: &str) -> bool {
        let requests = self.by_path.get(path);
        requests.is_some_and(|w| w.iter().any(|(_, e)| e.change == EditChange::Absent))
    }

    /// The entries of a folder that is removed, without those that are removed too; `None` where they were not
    /// observed.
    fn entries(&self, folder: &str, lines: &str) -> Option<Vec<String>> {
        let inside = |line: &&str| {
            let name = line.strip_prefix(folder).and_then(|l| l.strip_prefix('/'));
            name.is_some_and(|n| !n.contains('/')) && !self.goes(line)
        };
        self.goes(folder).then(|| {
            lines
                .lines()
                .filter(inside)
                .map(ToOwned::to_owned)
                .collect()
        })
    }
}

/// Lines of a path, a tab and where it leads. No path of a step holds a tab.
fn read_links(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(path, target)| (path.to_owned(), target.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, kind: SeenKind, mode: &str, owner: &str) -> (String, PathSeen) {
        let seen = PathSeen {
            kind,
            mode: mode.to_owned(),
            owner: owner.to_owned(),
            group: owner.to_owned(),
        };
        (path.to_owned(), seen)
    }

    #[test]
    fn root_goes_where_nobody_else_can_lead() {
        let folder = || SeenKind::Directory { entries: None };
        let link = || SeenKind::Symlink {
            target: "/etc".to_owned(),
        };
        let seen: BTreeMap<String, PathSeen> = [
            found("/etc", folder(), "0755", "root"),
            found("/bin", link(), "0777", "root"),
            found("/home", folder(), "0755", "root"),
            found("/home/m", folder(), "0755", "mallory"),
            found("/home/m/app", link(), "0777", "mallory"),
            found("/home/m/root", link(), "0777", "root"),
            found("/home/m/own", folder(), "0755", "root"),
            found("/tmp", folder(), "1777", "root"),
            found("/tmp/l", link(), "0777", "root"),
        ]
        .into();
        let why = |path, account| planted(path, account, &seen);
        for (path, account) in [
            ("/etc/x", Some("root")),
            ("/etc/new/x", Some("root")),
            ("/bin/x", Some("root")),
            ("/home/m/x", Some("mallory")),
            ("/home/m/x", None),
            ("/home/m/own/x", Some("mallory")),
            ("/tmp/x", Some("root")),
            ("/x", Some("root")),
        ] {
            assert_eq!(why(path, account), None, "{path} {account:?}");
        }
        for (path, account) in [
            ("/home/m/x", Some("root")),
            ("/home/m/x", Some("anna")),
            ("/home/m/own/x", Some("root")),
            ("/home/m/app/x", Some("mallory")),
            ("/home/m/app/x", None),
            ("/home/m/root/x", Some("mallory")),
            ("/tmp/l/x", Some("root")),
        ] {
            assert!(why(path, account).is_some(), "{path} {account:?}");
        }
        assert_eq!(
            why("/home/m/x", Some("root")).unwrap(),
            "/home/m belongs to mallory, and leads to /home/m/x"
        );
    }

    fn of(answer: &Answer) -> Result<BTreeMap<String, PathSeen>, String> {
        let watched = ["/etc/a".to_owned()];
        Paths::of(&[], &watched).read(answer)
    }

    #[test]
    fn a_tool_that_failed_is_not_taken_for_nothing_there() {
        let stat = "81a4 644 root root 2 /etc/a\n41ed 755 root root 4096 /\n";
        let root = "41ed 755 root root 4096 /\n";
        let read = |stat: &str, stat_rc, sum: &str, sum_rc| {
            of(&Answer::from_sections([
                ("path.stat", stat, stat_rc),
                ("path.sum", sum, sum_rc),
            ]))
        };
        let sum = "aa  /etc/a\n";
        assert!(matches!(
            &read(stat, 0, sum, 0).unwrap()["/etc/a"].kind,
            SeenKind::File { sha256, bytes: 2, .. } if sha256 == "aa"
        ));
        let nothing = read(root, 0, "", 0).unwrap();
        assert_eq!(nothing["/etc/a"].kind, SeenKind::Absent);
        for (stat, stat_rc, sum, sum_rc) in [
            (root, 123, sum, 0),
            (root, 125, "", 0),
            (root, 127, "", 0),
            ("", 0, "", 0),
            ("81a4 644 root root 2 /etc/a\n", 0, sum, 0),
            (stat, 0, "", 0),
            (stat, 0, "", 123),
            (stat, 0, sum, 127),
        ] {
            let read = read(stat, stat_rc, sum, sum_rc);
            assert!(read.is_err(), "{stat} {stat_rc} {sum} {sum_rc}: {read:?}");
        }
    }

    #[test]
    fn links_are_read_as_they_are() {
        let links = read_links("/etc/a\t../b\n/etc/c -> d\t'; e -> '\tx\n");
        assert_eq!(links["/etc/a"], "../b");
        assert_eq!(links["/etc/c -> d"], "'; e -> '\tx");
    }
}
