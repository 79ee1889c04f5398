//! A folder that is staged, checked as one and replaced.

use crate::digest::sha256;
use crate::kind::lets_in;
use crate::kind::valid;
use crate::kind::valid::CommandWords;
use crate::kind::validator;
use crate::kind::{
    Answer, Attributes, Circumstances, CutsOff, Delta, FileChange, Files, Found, Guarding, Kind,
    Observe, Orphans, OwnedFolder, Payload, Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::{CONTENT, FOLDER, MANIFEST, Shell};
use crate::text::{Text, Vault};
use std::collections::BTreeMap;

/// `tree = "/etc/drbd.d"` with its files.
pub struct TreeKind;

/// The keys of a step of kind `tree`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The folder's absolute path.
    tree: String,
    /// Its files. Other files in the folder are removed.
    files: Vec<TreeFile>,
    /// Name of the owner of the folder and its files; root when unset.
    #[serde(default = "root")]
    owner: String,
    /// Name of their group; root when unset.
    #[serde(default = "root")]
    group: String,
    /// The mode of its files: 0644, or 0600 where one holds a secret. The folder is open to whom its files are.
    mode: Option<String>,
    /// A command that must accept the files before they are put in place: `{staged}` stands for the folder they are
    /// staged in, `{joined}` for a file that holds all of them, one after another in the order given. Or the name of a
    /// validator, with its further words: it reads the files as one.
    check: Option<CommandWords>,
}

/// One file of the folder.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct TreeFile {
    /// Its name in the folder.
    name: String,
    /// Its content.
    content: Text,
}

fn root() -> String {
    "root".to_owned()
}

/// The folder as it was found.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The type of the path: `absent`, `directory`, or another.
    state: String,
    /// Mode, owner and group of the folder.
    attributes: String,
    /// Each entry by its name.
    entries: BTreeMap<String, TreeEntry>,
    /// The lines of `sha256sum` for its files: what is replaced is still as it was seen if they are the same.
    #[serde(skip)]
    sums: Vec<String>,
}

/// One entry of the folder.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
struct TreeEntry {
    /// Mode, owner and group.
    attributes: String,
    /// SHA-256 of a regular file; `None` for anything else.
    sha256: Option<String>,
    /// Its size in bytes.
    #[serde(skip)]
    bytes: u64,
    /// The content of a file that differs, unless it is long or holds a secret.
    #[serde(skip)]
    content: Option<Vec<u8>>,
}

impl Want {
    fn tainted(&self) -> bool {
        !self.tainted_names().is_empty()
    }

    /// The names of its files that hold a secret.
    fn tainted_names(&self) -> Vec<&str> {
        let files = self.files.iter().filter(|f| f.content.is_tainted());
        files.map(|f| f.name.as_str()).collect()
    }

    fn mode(&self) -> &str {
        let usual = if self.tainted() { "0600" } else { "0644" };
        self.mode.as_deref().unwrap_or(usual)
    }

    /// The folder's mode: the files' mode, with the execute bit added for each class that may read them.
    fn folder_mode(&self) -> String {
        self.mode()
            .chars()
            .map(|digit| match digit.to_digit(8) {
                Some(bits) if bits & 4 != 0 => char::from_digit(bits | 1, 8).unwrap_or(digit),
                _ => digit,
            })
            .collect()
    }

    /// The line of `sha256sum` for each desired file. A dash takes the place of the digest of one that holds a secret,
    /// whose content may not travel.
    fn sums(&self) -> Vec<String> {
        let line = |file: &TreeFile| {
            let digest = if file.content.is_tainted() {
                "-".to_owned()
            } else {
                sha256(file.content.as_marked().as_bytes())
            };
            format!("{digest}  {}/{}", self.tree, file.name)
        };
        self.files.iter().map(line).collect()
    }

    fn attributes(&self, mode: &str) -> String {
        format!("{mode} {}:{}", self.owner, self.group)
    }

    /// The words of its check: before anything is changed, and right before it is put in place.
    fn check(&self) -> (Vec<String>, Vec<String>) {
        let check = self.check.as_ref();
        check.map_or_else(Default::default, |c| validator::words_of_folder(&c.0))
    }

    /// The number of files, then each name and content, then the check.
    fn add_files(&self, call: Call, check: Vec<String>) -> Call {
        let mut call = call.arg(self.files.len().to_string());
        for (i, file) in self.files.iter().enumerate() {
            call = call.arg(&file.name).blob(i);
        }
        call.args(check)
    }
}

impl Kind for TreeKind {
    const NAME: &'static str = "tree";
    const DOC: &'static str = "A folder that is staged, validated as a whole and replaced; former files are removed, and a copy is kept.";
    const SHELL: Shell =
        Shell::new(include_str!("tree.sh")).needing(&[CONTENT, FOLDER, MANIFEST, validator::SHELL]);
    const ORPHANS: Orphans = Orphans {
        remove_folder: Self::remove_folder,
        ..Orphans::removed("the folder goes while nothing in it was changed, added or taken away")
    };
    const RUNNING: &'static dyn Runs = &Running {
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
        want.tree.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("tree", &want.tree)?;
        valid::attributes(&Attributes {
            owner: Some(want.owner.clone()),
            group: Some(want.group.clone()),
            mode: want.mode.clone(),
        })?;
        if want.tree.rfind('/') == Some(0)
            || ["/etc/ssh", "/usr/bin", "/usr/sbin"].contains(&want.tree.as_str())
        {
            return Err(format!("{} is not replaced as a whole", want.tree));
        }
        for (i, file) in want.files.iter().enumerate() {
            let name = &file.name;
            valid::one_line("name", name)?;
            if name.is_empty()
                || name.contains('/')
                || name.starts_with(['.', '-'])
                || name.contains(['\\', '\t'])
            {
                return Err(format!(
                    "`{}` can be no file of a folder: no slash or backslash, no dot or dash at its beginning",
                    name.escape_debug()
                ));
            }
            valid::path("name", &format!("{}/{name}", want.tree))?;
            if want.files[..i].iter().any(|f| f.name == *name) {
                return Err(format!(
                    "`{name}` is listed twice among the files of {}",
                    want.tree
                ));
            }
        }
        if want.tainted() && !want.mode().ends_with('0') {
            return Err(format!(
                "{} holds a secret, and with mode {} everybody may read it; \"0600\" or \"0640\" would be right",
                want.tree,
                want.mode()
            ));
        }
        if let Some(check) = &want.check {
            valid::words("check", check)?;
            validator::of_folder(&check.0)?;
        }
        Ok(())
    }

    fn files(want: &Want, _target: &Target) -> Files {
        Files {
            writes: vec![want.tree.clone()],
            secrets: Self::secret_paths(want),
            folder: Some(Self::folder(want)),
            ..Files::default()
        }
    }

    fn guard(want: &Want, _target: &Target) -> Guarding {
        Guarding {
            cuts_off: CutsOff::when(lets_in::path(&want.tree)),
            ..Guarding::default()
        }
    }
}

impl TreeKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let folders: Vec<String> = wants.iter().map(|w| w.tree.clone()).collect();
        let wanted: Vec<String> = wants.iter().flat_map(|w| w.sums()).collect();
        let stat = Call::new("nw_tree_seen").arg("stat").args(folders.clone());
        observe.section("tree.stat", stat);
        let read = Call::new("nw_tree_read").arg(wanted.join("\n"));
        observe.section("tree.sum", read.args(folders));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let stat = answer
            .get("tree.stat")
            .ok_or("the folder was not observed")?;
        let (sums, contents) = answer
            .framed("tree.sum")
            .ok_or("the folder's files were not read")?;
        if stat.status == 127 || answer.get("tree.sum").is_some_and(|s| s.status == 127) {
            return Err("`stat` or `sha256sum` is missing on this node".to_owned());
        }
        let mut seen = Seen {
            state: "absent".to_owned(),
            attributes: String::new(),
            entries: BTreeMap::new(),
            sums: Vec::new(),
        };
        for line in stat.text().lines() {
            let words: Vec<_> = line.splitn(6, ' ').collect();
            let [raw, bytes, mode, owner, group, path] = words.as_slice() else {
                return Err(format!("unexpected answer of `stat`: `{line}`"));
            };
            let attributes = format!("{mode:0>4} {owner}:{group}");
            if *path == want.tree {
                let sort = u32::from_str_radix(raw, 16).unwrap_or(0) & 0o170_000;
                let state = match sort {
                    0o040_000 => "directory",
                    0o120_000 => "symbolic link",
                    0o100_000 => "file",
                    _ => "device, socket or pipe",
                };
                state.clone_into(&mut seen.state);
                seen.attributes = attributes;
            } else if let Some(name) = inside(&want.tree, path) {
                let entry = seen.entries.entry(name.to_owned()).or_default();
                entry.attributes = attributes;
                entry.bytes = bytes.parse().unwrap_or(0);
            }
        }
        for line in String::from_utf8_lossy(sums).lines() {
            if let Some((sum, path)) = line.split_once("  ")
                && let Some(name) = inside(&want.tree, path)
            {
                seen.sums.push(line.to_owned());
                seen.entries.entry(name.to_owned()).or_default().sha256 = Some(sum.to_owned());
            }
        }
        for (path, content) in contents {
            if let Some(name) = inside(&want.tree, &path)
                && let Some(entry) = seen.entries.get_mut(name)
            {
                entry.content = Some(content.to_vec());
            }
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        if !["absent", "directory"].contains(&seen.state.as_str()) {
            let what = format!("{} is a {}, not a folder", want.tree, seen.state);
            return Verdict::refuse(what, &circumstances.target.node);
        }
        let mut deltas = Vec::new();
        if seen.state == "absent" {
            deltas.push(Delta::new(
                "folder",
                "absent",
                want.attributes(&want.folder_mode()),
            ));
        } else if seen.attributes != want.attributes(&want.folder_mode()) {
            deltas.push(Delta::new(
                "folder",
                &seen.attributes,
                want.attributes(&want.folder_mode()),
            ));
        }
        for file in &want.files {
            match seen.entries.get(&file.name) {
                None => deltas.push(Delta::new(&file.name, "absent", "file")),
                Some(TreeEntry { sha256: None, .. }) => {
                    deltas.push(Delta::new(&file.name, "no file", "file"));
                }
                Some(TreeEntry {
                    sha256: Some(sum),
                    attributes,
                    ..
                }) => {
                    let differs = !file.content.is_tainted()
                        && *sum != sha256(file.content.as_marked().as_bytes());
                    if differs {
                        deltas.push(content(&file.name));
                    }
                    if *attributes != want.attributes(want.mode()) {
                        deltas.push(Delta::new(
                            &file.name,
                            attributes,
                            want.attributes(want.mode()),
                        ));
                    }
                }
            }
        }
        for name in seen.entries.keys() {
            if !want.files.iter().any(|f| f.name == *name) {
                deltas.push(Delta::new(name, "there", "absent"));
            }
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn compare_secret(want: &Want, seen: &Seen, vault: &Vault) -> Vec<Delta> {
        want.files
            .iter()
            .filter(|file| file.content.is_tainted())
            .filter(|file| {
                let found = seen.entries.get(&file.name).and_then(|e| e.sha256.as_ref());
                let wanted = file
                    .content
                    .reveal(vault)
                    .map(|text| sha256(text.as_bytes()));
                found.is_some_and(|found| wanted.as_ref() != Ok(found))
            })
            .map(|file| content(&file.name))
            .collect()
    }

    fn contents(want: &Want, _seen: &Seen, _vault: &Vault) -> Vec<Payload> {
        let texts = want.files.iter().map(|f| f.content.clone());
        texts.map(Payload::Text).collect()
    }

    fn changes(want: &Want, seen: &Seen) -> Vec<FileChange> {
        let found = |name: &str| match seen.entries.get(name) {
            Some(TreeEntry {
                sha256: Some(sha256),
                bytes,
                content,
                ..
            }) => content.clone().map_or_else(
                || Found::Unread {
                    bytes: *bytes,
                    sha256: sha256.clone(),
                },
                Found::Content,
            ),
            _ => Found::Absent,
        };
        let change = |name: &str, new: Option<Text>| FileChange {
            path: format!("{}/{name}", want.tree),
            old: found(name),
            new,
        };
        let wanted = want
            .files
            .iter()
            .map(|f| change(&f.name, Some(f.content.clone())));
        let other = seen.entries.iter().filter(|(name, entry)| {
            entry.sha256.is_some() && !want.files.iter().any(|f| f.name == **name)
        });
        wanted
            .chain(other.map(|(name, _)| change(name, None)))
            .collect()
    }

    fn secret_paths(want: &Want) -> Vec<String> {
        let names = want.tainted_names().into_iter();
        names.map(|name| format!("{}/{name}", want.tree)).collect()
    }

    fn folder(want: &Want) -> OwnedFolder {
        let files = want.files.iter();
        OwnedFolder {
            path: want.tree.clone(),
            owner: want.owner.clone(),
            files: files.map(|f| (f.name.clone(), f.content.clone())).collect(),
        }
    }

    fn remove_folder(path: &str, digest: &str, keep: bool) -> Vec<Call> {
        let keep = if keep { "yes" } else { "no" };
        vec![Call::new("nw_tree_remove").args([path, digest, keep])]
    }

    fn preflight(want: &Want, _target: &Target) -> Vec<Call> {
        match &want.check {
            Some(_) => vec![want.add_files(Call::new("nw_tree_check"), want.check().0)],
            None => Vec::new(),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, seen)| {
                let sums = seen.sums.join("\n");
                let call = Call::new("nw_tree_replace").args([
                    want.tree.as_str(),
                    &want.folder_mode(),
                    &want.owner,
                    &want.group,
                    want.mode(),
                    &Self::secret_paths(want).join("\n"),
                    &sums,
                ]);
                want.add_files(call, want.check().1)
            })
            .collect()
    }

    fn title(names: &str, deltas: &[Delta]) -> String {
        let new = |d: &Delta| d.what == "folder" && d.from == "absent";
        let verb = if deltas.iter().any(new) {
            "create"
        } else {
            "replace"
        };
        format!("{verb} tree {names}")
    }
}

fn inside<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(folder)?
        .strip_prefix('/')
        .filter(|name| !name.contains('/'))
}

fn content(name: &str) -> Delta {
    Delta::new(name, "other content", "as rendered")
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
