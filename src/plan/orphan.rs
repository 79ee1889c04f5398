//! Orphans: resources that an earlier run made and the site no longer wants.

use super::decide::{Gone, below};
use super::manifest::PART;
use super::paths;
use super::{Change, Decided, Item, Manifest, Orphan, Owned, PlannedStep, sha256};
use crate::kind::{Address, Answer, Delta, Erased, Observe, Orphaned, Resource, StepMeta, Target};
use crate::kinds::kind_named;
use crate::sh::Call;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Orphans by the manifest, one an address. An empty `why` means that the state of its files decides, which [`settle`]
/// does once it was observed.
pub fn find(manifest: &Manifest, resources: &[Resource], answer: &Answer) -> Vec<Orphan> {
    let wanted = StillDesired::of(resources);
    let mut orphans: BTreeMap<&Address, Vec<String>> = BTreeMap::new();
    for (address, path) in manifest.entries() {
        let part = manifest.expected(address, path) == Some(PART);
        let wanted_else = if part {
            wanted.has_whole(path)
        } else {
            wanted.has(path)
        };
        if !wanted.addresses.contains(address) && !wanted_else {
            orphans.entry(address).or_default().push(path.to_owned());
        }
    }
    let one = |(address, mut paths): (&Address, Vec<String>)| {
        paths.retain(|p| !p.is_empty());
        Orphan {
            why: stays(manifest, &wanted, address, &paths, answer).unwrap_or_default(),
            address: address.clone(),
            paths,
            removed: false,
        }
    };
    orphans.into_iter().map(one).collect()
}

/// The reason why an orphan stays whatever its files are; `None` where they decide.
fn stays(
    manifest: &Manifest,
    wanted: &StillDesired<'_>,
    address: &Address,
    paths: &[String],
    answer: &Answer,
) -> Option<String> {
    let Some(kind) = kind_named(&address.kind) else {
        return Some("of a kind that is not known here".to_owned());
    };
    if let Orphaned::Reported(becomes) = kind.orphans().becomes {
        return Some(becomes.to_owned());
    }
    if let Some(why) = (kind.orphans().stays_because)(&address.name, answer) {
        return Some(why);
    }
    for path in paths {
        if let Some(by) = wanted.named.get(path.as_str()) {
            return Some(format!("{by} names {path}"));
        }
        if manifest.expected(address, path) == Some(PART) {
            return Some(format!("{path} is not ours alone"));
        }
    }
    let unknown = "nothing is known of its files";
    paths.is_empty().then(|| unknown.to_owned())
}

/// The resources and paths that the site still wants.
struct StillDesired<'a> {
    addresses: BTreeSet<&'a Address>,
    /// Paths that are wanted in some state.
    paths: BTreeSet<&'a str>,
    /// Paths that are desired whole: none of their former content is left.
    whole: BTreeSet<&'a str>,
    /// Folders that belong to a resource with all that lies in them.
    folders: BTreeSet<&'a str>,
    /// Paths that a resource depends on, each with that resource.
    named: BTreeMap<&'a str, &'a Address>,
}

impl<'a> StillDesired<'a> {
    fn of(resources: &'a [Resource]) -> Self {
        let edits = resources.iter().flat_map(|r| &r.files.edits);
        let whole = edits.clone().filter(|e| !e.change.is_part());
        let folders = resources.iter().filter_map(|r| r.files.folder.as_ref());
        let named = resources.iter().flat_map(|r| {
            let paths = r.depends.paths.iter();
            paths.map(move |p| (p.as_str(), &r.address))
        });
        Self {
            addresses: resources.iter().map(|r| &r.address).collect(),
            whole: whole.map(|e| e.path.as_str()).collect(),
            paths: edits.map(|e| e.path.as_str()).collect(),
            folders: folders.map(|f| f.path.as_str()).collect(),
            named: named.collect(),
        }
    }

    /// Whether nothing can be left of a part of this path: all of it is wanted, or what lies in it.
    fn has_whole(&self, path: &str) -> bool {
        let folders = self.folders.iter().copied();
        let mut inside = self.paths.iter().copied().filter(|p| *p != path);
        self.whole.contains(path) || inside.any(|w| below([path], w)) || below(folders, path)
    }

    /// Whether a path, something in it, or the folder that it lies in is wanted.
    fn has(&self, path: &str) -> bool {
        let folders = self.folders.iter().copied();
        let mut wanted = self.paths.iter().copied().chain(folders.clone());
        !path.is_empty() && (wanted.any(|w| below([path], w)) || below(folders, path))
    }
}

/// The kind of an orphan whose files decide.
fn decided_by_files(orphan: &Orphan) -> Option<&'static dyn Erased> {
    kind_named(&orphan.address.kind).filter(|_| orphan.why.is_empty())
}

/// The paths whose state decides about orphans.
pub fn questions(decided: &Decided) -> Vec<String> {
    let orphans = decided.orphans.iter();
    let orphans = orphans.filter(|orphan| decided_by_files(orphan).is_some());
    orphans.flat_map(|orphan| orphan.paths.clone()).collect()
}

/// Sections of the answer: the paths that are there; type, path and target of each and of what lies in it; the digests of
/// files.
const THERE: &str = "orphan-there";
const TYPES: &str = "orphan-types";
const SUMS: &str = "orphan-sums";

/// Asks for the state of these paths.
pub fn observe(paths: &[String], observe: &mut Observe) {
    observe.functions(paths::SHELL);
    observe.section(THERE, Call::new("nw_path_stat").args(paths));
    let find = Call::new("find").args(paths).args(["-maxdepth", "1"]);
    let types = find.clone().args(["-printf", r"%y\t%p\t%l\n"]);
    observe.section(TYPES, types);
    let sums = ["-type", "f", "-exec", "sha256sum", "--", "{}", "+"];
    observe.section(SUMS, find.args(sums));
}

/// The state of each of these paths that exists: the digest of a file, `folder:DIGEST`, `link:TARGET`, or `other`. A
/// folder that holds anything but plain files with plain names is `folder:other`. A path whose state no tool could tell
/// is `other`, never absent.
pub fn states(paths: &[String], answer: &Answer) -> Result<BTreeMap<String, String>, String> {
    let there = answer.get(THERE).filter(|section| section.status == 0);
    let there = there.ok_or("the files of orphans could not be observed")?;
    let there = there.text();
    let there: BTreeSet<&str> = there
        .lines()
        .filter_map(|line| line.splitn(6, ' ').nth(5))
        .collect();
    let (types, sums) = (answer.text(TYPES), answer.text(SUMS));
    let sums: BTreeMap<&str, &str> = sums
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, path)| (path, sum))
        .collect();
    let entries: Vec<(&str, &str, &str)> = types
        .lines()
        .map(|line| {
            let (sort, rest) = line.split_once('\t').unwrap_or(("", line));
            let (path, target) = rest.split_once('\t').unwrap_or((rest, ""));
            (sort, path, target)
        })
        .collect();
    let folder = |folder: &str| {
        let inside = entries.iter().filter_map(|(sort, path, _)| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((*sort, *path, name))
        });
        let line = |(sort, path, name): (&str, &str, &str)| {
            let plain = sort == "f" && !name.starts_with('.');
            let sum = sums.get(path).filter(|_| plain)?;
            Some((name.to_owned(), (*sum).to_owned()))
        };
        let lines: Option<BTreeMap<String, String>> = inside.map(line).collect();
        lines.map_or_else(|| "other".to_owned(), |lines| digest_of(&lines))
    };
    let state = |path: &String| {
        let seen = entries.iter().find(|(_, one, _)| one == path);
        let (sort, _, target) = seen.unwrap_or(&("", "", ""));
        let state = match *sort {
            "f" => sums
                .get(path.as_str())
                .map_or("other", |sum| sum)
                .to_owned(),
            "l" => format!("link:{target}"),
            "d" => format!("folder:{}", folder(path)),
            _ => "other".to_owned(),
        };
        (path.clone(), state)
    };
    let paths = paths.iter().filter(|path| there.contains(path.as_str()));
    Ok(paths.map(state).collect())
}

/// The digest of a folder: of the lines of `sha256sum` for its files, in the order of their names. `tree.sh` makes the
/// same on the node.
pub fn folder_digest<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let files = files.into_iter();
    digest_of(
        &files
            .map(|(name, content)| (name.to_owned(), sha256(content)))
            .collect(),
    )
}

/// The same of the digests of its files, by name.
fn digest_of(files: &BTreeMap<String, String>) -> String {
    let lines = files.iter().fold(String::new(), |lines, (name, sum)| {
        lines + &format!("{sum}  {name}\n")
    });
    sha256(lines.as_bytes())
}

/// Decides about orphans: one whose files are all as we wrote them goes, one of which any was changed stays and is
/// reported, one whose files are all gone is forgotten. `found` is the state of each of the [`questions`]' paths: the
/// digest of a file, `folder:DIGEST`, `link:TARGET`, or another word; none for what is not there.
pub fn settle(
    decided: &mut Decided,
    manifest: &Manifest,
    target: &Target,
    found: &BTreeMap<String, String>,
) {
    for mut orphan in std::mem::take(&mut decided.orphans) {
        let Some(kind) = decided_by_files(&orphan) else {
            decided.orphans.push(orphan);
            continue;
        };
        // A list of packages goes before the key that it names.
        let there = orphan.paths.iter().rev().filter(|p| found.contains_key(*p));
        let there: Vec<String> = there.cloned().collect();
        let gone = orphan.paths.iter().filter(|p| !there.contains(p));
        decided.gone.extend(gone.map(|path| Gone {
            address: orphan.address.clone(),
            path: path.clone(),
        }));
        if there.is_empty() {
            continue;
        }
        let changed = there.iter().find(|path| {
            let expected = manifest.expected(&orphan.address, path);
            expected != Some(written(&found[*path]).as_str())
        });
        if let Some(path) = changed {
            orphan.why = format!("{path} was changed since it was written");
            decided.orphans.push(orphan);
            continue;
        }
        if manifest.expected(&orphan.address, "").is_some() {
            decided.gone.push(Gone {
                address: orphan.address.clone(),
                path: String::new(),
            });
        }
        orphan.removed = true;
        let mut ended = (kind.orphans().retire)(&orphan.address.name, target).calls;
        let runs = !ended.is_empty();
        let why = if runs {
            "taken down; its files are still as they were written"
        } else {
            "still as it was written"
        };
        why.clone_into(&mut orphan.why);
        for (at, path) in there.iter().enumerate() {
            let mut calls = std::mem::take(&mut ended);
            calls.extend(removal(
                kind,
                path,
                &found[path],
                !manifest.is_tainted(path),
            ));
            if at + 1 == there.len() {
                calls.extend((kind.orphans().after_removal)(target));
            }
            let down = (at == 0 && runs).then(|| orphan.address.name.clone());
            remove(decided, &orphan.address, path, &found[path], calls, down);
        }
        decided.orphans.push(orphan);
    }
}

/// The digest in the manifest of a path in this state.
fn written(found: &str) -> String {
    match found.split_once(':') {
        Some(("link", target)) => sha256(target.as_bytes()),
        Some(("folder", digest)) => digest.to_owned(),
        _ => found.to_owned(),
    }
}

/// The calls that remove a path in this state.
fn removal(kind: &dyn Erased, path: &str, found: &str, keep: bool) -> Vec<Call> {
    if let Some(digest) = found.strip_prefix("folder:") {
        return (kind.orphans().remove_folder)(path, digest, keep);
    }
    let keep = if keep { "yes" } else { "no" };
    vec![Call::new("nw_remove").args([path, found, keep])]
}

/// Adds the item that removes one path, and ends what is `down` with it.
fn remove(
    decided: &mut Decided,
    address: &Address,
    path: &str,
    found: &str,
    calls: Vec<Call>,
    down: Option<String>,
) {
    let taken_down = down.map(|name| Delta::new("taken down", name, ""));
    let change = Change {
        addresses: vec![address.clone()],
        title: format!("remove {path}"),
        deltas: std::iter::once(Delta::new("orphan", "ours", ""))
            .chain(taken_down)
            .collect(),
        diffs: Vec::new(),
        stage: decided.items.last().map_or(0, |i| i.change.stage),
        guarded: false,
        interrupts: false,
        held: None,
        digest: sha256(format!("remove {path} {found}").as_bytes()),
        either: None,
    };
    let work = PlannedStep {
        meta: Arc::new(StepMeta {
            index: usize::MAX,
            ..StepMeta::default()
        }),
        calls,
        path: Some(path.to_owned()),
        owns: Owned::no_longer(path.to_owned()),
        ..PlannedStep::default()
    };
    decided.items.push(Item { change, work });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;

    /// The resources of steps, on a node of Debian.
    fn resources(steps: &[serde_json::Value]) -> Vec<Resource> {
        let target = Target {
            node: "node1".to_owned(),
            platform: Platform::Debian12,
        };
        let read = |step: &serde_json::Value| {
            let own = step.as_object().unwrap().clone();
            let kind = own.keys().find_map(|key| kind_named(key)).unwrap();
            kind.read("demo", own, &Arc::new(StepMeta::default()), &target)
                .unwrap()
        };
        steps.iter().flat_map(read).collect()
    }

    /// The addresses that are orphans of a manifest whose entries are ours in part.
    fn left(parts: &[(&str, &str)], wanted: &[serde_json::Value]) -> Vec<String> {
        let lines = parts
            .iter()
            .map(|(address, path)| format!("demo/{address}\t{path}\t{PART}\tr1\tplain\n"));
        let manifest = Manifest::parse(&lines.collect::<String>());
        let found = find(&manifest, &resources(wanted), &Answer::from_sections([]));
        found.iter().map(|o| o.address.to_string()).collect()
    }

    #[test]
    fn a_part_is_left_behind_though_something_else_is_wanted_of_its_file() {
        use serde_json::json;
        let parts = [
            ("hosts:10.0.0.1", "/etc/hosts"),
            ("line:/etc/f old", "/etc/f"),
            ("block:/etc/f old", "/etc/f"),
            ("ini:/etc/f a/old", "/etc/f"),
            (
                "sysctl:net.ipv4.ip_forward",
                "/etc/sysctl.d/60-nodewright.conf",
            ),
        ];
        let other = [
            json!({"hosts": "10.0.0.2", "names": ["node1"]}),
            json!({"line": "new", "file": "/etc/f"}),
            json!({"sysctl": "vm.swappiness", "value": 1}),
        ];
        assert_eq!(left(&parts, &other).len(), parts.len());
        // A file that is desired whole, or a folder that is, keeps none of its former content.
        let whole = json!({"file": "/etc/f", "content": "x"});
        assert_eq!(left(&parts[1..4], &[whole]), [""; 0]);
        let tree = json!({"tree": "/etc/d", "files": [{"name": "a", "content": "x"}]});
        assert_eq!(left(&[("line:/etc/d/a x", "/etc/d/a")], &[tree]), [""; 0]);
        // A folder is there for what lies in it.
        let inside = json!({"file": "/etc/d/a", "content": "x"});
        assert_eq!(left(&[("directory:/etc/d", "/etc/d")], &[inside]), [""; 0]);
    }

    #[test]
    fn the_digest_of_a_folder_is_that_of_the_shell() {
        // In a folder with these two files: sha256sum -- * | sha256sum
        let files = [
            ("b.conf", b"first\n".as_slice()),
            ("a b.res", b"second\n".as_slice()),
        ];
        assert_eq!(
            folder_digest(files),
            "0154fd0dbe7964558480701baa5e1fbbdbc36892c127fe264209c5c592c723a4"
        );
    }

    #[test]
    fn the_state_of_a_path_is_reported_by_its_type_and_its_digests() {
        let types = "f\t/etc/a\t\nl\t/etc/l\t../b\nd\t/etc/t\t\nf\t/etc/t/b.conf\t\nf\t/etc/t/a b.res\t\n\
                     d\t/etc/h\t\nf\t/etc/h/.x\t\nd\t/etc/s\t\nd\t/etc/s/sub\t\np\t/etc/p\t\nf\t/etc/unread\t\n";
        let digest = |content: &str| sha256(content.as_bytes());
        let sums = format!(
            "{}  /etc/a\n{}  /etc/t/a b.res\n{}  /etc/t/b.conf\n{}  /etc/h/.x\n",
            digest("a"),
            digest("second\n"),
            digest("first\n"),
            digest("")
        );
        let all = "a l t h s p unread unseen".split(' ');
        let there = all.fold(String::new(), |all, n| {
            all + &format!("81a4 644 root root 1 /etc/{n}\n")
        });
        let sections = [(TYPES, types, 1), (SUMS, sums.as_str(), 1)];
        let answer = |status| {
            let there = (THERE, there.as_str(), status);
            Answer::from_sections(sections.into_iter().chain([there]))
        };
        let paths =
            ["a", "l", "t", "h", "s", "p", "unread", "unseen", "none"].map(|n| format!("/etc/{n}"));
        let expected = [
            ("/etc/a", digest("a")),
            ("/etc/h", "folder:other".to_owned()),
            ("/etc/l", "link:../b".to_owned()),
            ("/etc/p", "other".to_owned()),
            ("/etc/s", "folder:other".to_owned()),
            // In a folder with these two files: sha256sum -- * | sha256sum
            (
                "/etc/t",
                "folder:0154fd0dbe7964558480701baa5e1fbbdbc36892c127fe264209c5c592c723a4"
                    .to_owned(),
            ),
            ("/etc/unread", "other".to_owned()),
            ("/etc/unseen", "other".to_owned()),
        ];
        let expected = expected.map(|(path, state)| (path.to_owned(), state));
        assert_eq!(states(&paths, &answer(0)), Ok(expected.into()));
        // A tool that failed proves of no path that it is gone.
        assert!(states(&paths, &answer(123)).is_err());
    }
}
