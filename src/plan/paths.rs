//! How paths are observed: one `stat`, one `sha256sum` and contents only where they are needed.

use super::fold::{PathSeen, SeenKind};
use crate::digest::sha256;
use crate::kind::{Answer, Edit, EditChange, Observe, Resource};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::Vault;
use std::collections::{BTreeMap, BTreeSet};

/// The paths of one node that are observed.
#[derive(Debug, Default)]
pub struct Paths<'a> {
    by_path: BTreeMap<&'a str, Vec<(&'a Resource, &'a Edit)>>,
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
        Self { by_path, watched }
    }

    /// The edit requests for each path, in step order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &[(&'a Resource, &'a Edit)])> {
        self.by_path.iter().map(|(p, w)| (*p, w.as_slice()))
    }

    /// Observes all of them.
    pub fn observe(&self, vault: &Vault, observe: &mut Observe) {
        let all: Vec<String> = self
            .by_path
            .keys()
            .map(|p| (*p).to_owned())
            .chain(self.watched.iter().cloned())
            .collect();
        if all.is_empty() {
            return;
        }
        observe.functions(Shell::new(include_str!("paths.sh")));
        let format = Call::new("stat").args(["-c", "%f %a %U %G %n", "--"]);
        observe.section("path.stat", format.args(all));
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
            let find_args = ["-maxdepth", "0", "-type", "l", "-printf", r"%p\t%l\n"];
            observe.section("path.link", Call::new("find").args(links).args(find_args));
        }
        if !removed.is_empty() {
            observe.section("path.entries", Call::new("nw_path_entries").args(removed));
        }
        if !summed.is_empty() {
            observe.section("path.sum", Call::new("sha256sum").arg("--").args(summed));
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

    /// Reads what was seen of every path.
    pub fn read(&self, answer: &Answer) -> BTreeMap<String, PathSeen> {
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
        for line in answer.text("path.stat").lines() {
            let mut words = line.splitn(5, ' ');
            let (Some(raw), Some(mode), Some(owner), Some(group), Some(path)) = (
                words.next(),
                words.next(),
                words.next(),
                words.next(),
                words.next(),
            ) else {
                continue;
            };
            let kind = match u32::from_str_radix(raw, 16).unwrap_or(0) & 0o170_000 {
                0o100_000 => {
                    let content: Option<Vec<u8>> = contents.remove(path);
                    let sha256 = match &content {
                        Some(bytes) => sha256(bytes),
                        None => sums.get(path).cloned().unwrap_or_default(),
                    };
                    SeenKind::File { sha256, content }
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
        seen
    }
}

impl Paths<'_> {
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

    #[test]
    fn links_are_read_as_they_are() {
        let links = read_links("/etc/a\t../b\n/etc/c -> d\t'; e -> '\tx\n");
        assert_eq!(links["/etc/a"], "../b");
        assert_eq!(links["/etc/c -> d"], "'; e -> '\tx");
    }
}
