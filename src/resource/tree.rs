//! A folder that is staged, checked as one and replaced.

use super::valid::{self, Words};
use super::{Answer, Attributes, Delta, Kind, Observe, Target, Verdict};
use crate::digest::sha256;
use crate::sh::Call;
use crate::text::{Text, Vault};
use std::collections::BTreeMap;

/// `tree = "/etc/drbd.d"` with its files.
pub struct Tree;

/// What a tree step asks for.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The folder's absolute path.
    tree: String,
    /// Its files. What else lies in the folder goes.
    files: Vec<TreeFile>,
    /// Name of the owner of the folder and its files; root where nothing is said.
    #[serde(default = "root")]
    owner: String,
    /// Name of their group; root where nothing is said.
    #[serde(default = "root")]
    group: String,
    /// The mode of its files: 0644, or 0600 where one holds a secret. The folder is open to whom its files are.
    mode: Option<String>,
    /// A command that must accept the files before they are put in place: `{staged}` stands for the folder they are
    /// staged in, `{joined}` for a file that holds all of them, one after another in the order given.
    check: Option<Words>,
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
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// What is at the path: `absent`, `directory`, or what else.
    state: String,
    /// Mode, owner and group of the folder.
    attributes: String,
    /// Each entry by its name.
    entries: BTreeMap<String, Entry>,
}

/// One entry of the folder.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
struct Entry {
    /// Mode, owner and group.
    attributes: String,
    /// SHA-256 of a regular file; nothing for what is none.
    sha256: Option<String>,
}

impl Want {
    fn tainted(&self) -> bool {
        self.files.iter().any(|f| f.content.is_tainted())
    }

    fn mode(&self) -> &str {
        let usual = if self.tainted() { "0600" } else { "0644" };
        self.mode.as_deref().unwrap_or(usual)
    }

    /// Who may read the files may enter the folder.
    fn folder_mode(&self) -> String {
        self.mode()
            .chars()
            .map(|digit| match digit.to_digit(8) {
                Some(bits) if bits & 4 != 0 => char::from_digit(bits | 1, 8).unwrap_or(digit),
                _ => digit,
            })
            .collect()
    }

    fn attributes(&self, mode: &str) -> String {
        format!("{mode} {}:{}", self.owner, self.group)
    }

    /// How many files, then each name and content, then the check.
    fn add_files(&self, call: Call) -> Call {
        let mut call = call.arg(self.files.len().to_string());
        for (i, file) in self.files.iter().enumerate() {
            call = call.arg(&file.name).blob(i);
        }
        call.args(self.check.iter().flat_map(|c| c.0.clone()))
    }
}

impl Kind for Tree {
    const NAME: &'static str = "tree";
    const DOC: &'static str =
        "A folder that is staged, checked as one and replaced; its former files go, and are kept.";
    const SHELL: &'static str = include_str!("tree.sh");
    type Want = Want;
    type Seen = Seen;

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
            if want.files[..i].iter().any(|f| f.name == *name) {
                return Err(format!(
                    "`{name}` stands twice among the files of {}",
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
        match &want.check {
            Some(check) => {
                valid::words("check", check)?;
                if check
                    .0
                    .iter()
                    .any(|w| w.contains("{staged}") || w.contains("{joined}"))
                {
                    Ok(())
                } else {
                    Err(
                        "`check` must hold {staged} (the folder) or {joined} (its files as one)"
                            .to_owned(),
                    )
                }
            }
            None => Ok(()),
        }
    }

    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        for what in ["stat", "sum"] {
            let paths = wants.iter().map(|w| w.tree.clone());
            observe.section(
                format!("tree.{what}"),
                Call::new("nw_tree_seen").arg(what).args(paths),
            );
        }
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let stat = answer
            .get("tree.stat")
            .ok_or("the folder was not looked at")?;
        let sums = answer
            .get("tree.sum")
            .ok_or("the folder's files were not read")?;
        if stat.status == 127 || sums.status == 127 {
            return Err("`stat` or `sha256sum` is missing on this node".to_owned());
        }
        let mut seen = Seen {
            state: "absent".to_owned(),
            attributes: String::new(),
            entries: BTreeMap::new(),
        };
        for line in stat.text().lines() {
            let words: Vec<_> = line.splitn(5, ' ').collect();
            let [raw, mode, owner, group, path] = words.as_slice() else {
                return Err(format!(
                    "`stat` said `{line}`, which is no answer to what was asked"
                ));
            };
            let attributes = format!("{mode:0>4} {owner}:{group}");
            if *path == want.tree {
                let sort = u32::from_str_radix(raw, 16).unwrap_or(0) & 0o170_000;
                seen.state = match sort {
                    0o040_000 => "directory",
                    0o120_000 => "symbolic link",
                    0o100_000 => "file",
                    _ => "device, socket or pipe",
                }
                .to_owned();
                seen.attributes = attributes;
            } else if let Some(name) = inside(&want.tree, path) {
                seen.entries.entry(name.to_owned()).or_default().attributes = attributes;
            }
        }
        for line in sums.text().lines() {
            if let Some((sum, path)) = line.split_once("  ")
                && let Some(name) = inside(&want.tree, path)
            {
                seen.entries.entry(name.to_owned()).or_default().sha256 = Some(sum.to_owned());
            }
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, _target: &Target) -> Verdict {
        if !["absent", "directory"].contains(&seen.state.as_str()) {
            return Verdict::Refuse(format!("{} is a {}, not a folder", want.tree, seen.state));
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
                Some(Entry { sha256: None, .. }) => {
                    deltas.push(Delta::new(&file.name, "no file", "file"))
                }
                Some(Entry {
                    sha256: Some(sum),
                    attributes,
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

    fn contents(want: &Want) -> Vec<Text> {
        want.files.iter().map(|f| f.content.clone()).collect()
    }

    fn preflight(want: &Want, _target: &Target) -> Vec<Call> {
        match &want.check {
            Some(_) => vec![want.add_files(Call::new("nw_tree_check"))],
            None => Vec::new(),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _target: &Target) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| {
                let call = Call::new("nw_tree_replace").args([
                    want.tree.as_str(),
                    &want.folder_mode(),
                    &want.owner,
                    &want.group,
                    want.mode(),
                ]);
                want.add_files(call)
            })
            .collect()
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
mod tests {
    use super::super::Platform;
    use super::super::testing::{
        actions, asks, changes, error, resources_on, shown, target, verdict,
    };
    use super::*;
    use serde_json::{Value, json};

    /// `stat` and `sha256sum` of coreutils 9.1, run on a folder made with these files.
    const STAT: &str = "41e8 750 root root /etc/drbd.d\n81a0 640 root root /etc/drbd.d/a.res\n81a0 640 root root /etc/drbd.d/g.conf\n";
    /// The first is that of printf 'a\n'; the second is of some other content.
    const SUM: &str = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7  /etc/drbd.d/a.res\n0000000000000000000000000000000000000000000000000000000000000000  /etc/drbd.d/g.conf\n";

    fn step() -> Value {
        json!({
            "tree": "/etc/drbd.d", "mode": "0640", "check": "drbdadm -c {joined} dump",
            "files": [{ "name": "g.conf", "content": "g\n" }, { "name": "a.res", "content": "a\n" }],
        })
    }

    fn good_sums() -> String {
        format!(
            "{}  /etc/drbd.d/a.res\n{}  /etc/drbd.d/g.conf\n",
            "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7",
            "768c71d785bf6bbbf8c4d6af6582041f2659027140a962cd0c55b11eddfd5e3d"
        )
    }

    #[test]
    fn two_processes_look_at_all_folders() {
        assert_eq!(
            asks(&step(), Platform::El6),
            [
                "tree.stat: nw_tree_seen stat /etc/drbd.d",
                "tree.sum: nw_tree_seen sum /etc/drbd.d"
            ]
        );
    }

    #[test]
    fn a_folder_as_wanted_is_the_same() {
        let sections = [("tree.stat", STAT, 0), ("tree.sum", &good_sums(), 0)];
        assert_eq!(verdict(&step(), &sections), Verdict::Same);
    }

    #[test]
    fn a_folder_that_is_not_there_is_made() {
        assert_eq!(
            changes(&step(), &[("tree.stat", "", 1), ("tree.sum", "", 0)]),
            [
                "folder: absent -> 0750 root:root",
                "g.conf: absent -> file",
                "a.res: absent -> file"
            ]
        );
    }

    #[test]
    fn every_difference_is_named() {
        let stat = "41ed 755 root root /etc/drbd.d\n81a4 644 root root /etc/drbd.d/g.conf\n41ed 755 root root /etc/drbd.d/a.res\n81a4 644 root root /etc/drbd.d/old.res\n";
        assert_eq!(
            changes(
                &step(),
                &[
                    ("tree.stat", stat, 0),
                    ("tree.sum", SUM.lines().last().unwrap(), 0)
                ]
            ),
            [
                "folder: 0755 root:root -> 0750 root:root",
                "g.conf: other content -> as rendered",
                "g.conf: 0644 root:root -> 0640 root:root",
                "a.res: no file -> file",
                "old.res: there -> absent",
            ]
        );
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let link = "a1ff 777 root root /etc/drbd.d\n";
        assert_eq!(
            verdict(&step(), &[("tree.stat", link, 0), ("tree.sum", "", 0)]),
            Verdict::Refuse("/etc/drbd.d is a symbolic link, not a folder".into())
        );
    }

    #[test]
    fn an_answer_that_is_none_is_not_taken_for_nothing_there() {
        let resource = resources_on(&step(), Platform::El7).remove(0);
        for sections in [
            vec![],
            vec![("tree.stat", "", 127), ("tree.sum", "", 127)],
            vec![("tree.stat", "odd\n", 0), ("tree.sum", "", 0)],
        ] {
            let answer = Answer::from_sections(sections);
            assert!(
                resource
                    .kind
                    .judge(&resource, &target(Platform::El7), &answer)
                    .is_err()
            );
        }
    }

    #[test]
    fn it_is_replaced_by_one_call() {
        let sections = [("tree.stat", "", 1), ("tree.sum", "", 0)];
        assert_eq!(
            actions(&step(), &sections),
            [
                "nw_tree_replace /etc/drbd.d 0750 root root 0640 2 g.conf \"$NW_BLOB/0\" a.res \"$NW_BLOB/1\" drbdadm -c '{joined}' dump"
            ]
        );
        let resource = resources_on(&step(), Platform::El7).remove(0);
        let preflight = resource.kind.preflight(&resource, &target(Platform::El7));
        assert_eq!(
            preflight[0].to_shell(),
            "nw_tree_check 2 g.conf \"$NW_BLOB/0\" a.res \"$NW_BLOB/1\" drbdadm -c '{joined}' dump"
        );
        assert_eq!(
            resource.kind.contents(&resource),
            [Text::plain("g\n"), Text::plain("a\n")]
        );
    }

    #[test]
    fn a_secret_in_a_file_is_compared_and_never_shown() {
        let step = json!({ "tree": "/etc/d", "files": [{ "name": "k", "content": crate::text::mark("pw") }] });
        let stat = "41c0 700 root root /etc/d\n8180 600 root root /etc/d/k\n";
        // printf abc | sha256sum
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  /etc/d/k\n";
        let sections = [("tree.stat", stat, 0), ("tree.sum", sum, 0)];
        assert_eq!(verdict(&step, &sections), Verdict::Same);
        let resource = resources_on(&step, Platform::El7).remove(0);
        let differs = |value: &str| {
            let vault = Vault::from([("pw".to_owned(), value.to_owned())]);
            let answer = Answer::from_sections(sections);
            let deltas = resource
                .kind
                .judge_secret(&resource, &target(Platform::El7), &answer, &vault)
                .unwrap();
            deltas.iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(differs("abc"), [] as [&str; 0]);
        assert_eq!(differs("abd"), ["k: other content -> as rendered"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let with = |key: &str, value: Value| {
            let mut step = step();
            step[key] = value;
            error(&step)
        };
        assert!(with("tree", json!("/etc")).contains("not replaced as a whole"));
        assert!(with("tree", json!("etc/x")).contains("absolute path"));
        for bad in ["", "a/b", "..", ".x", "-x", "a\nb", "a\\b"] {
            assert!(
                !with("files", json!([{ "name": bad, "content": "" }])).is_empty(),
                "{bad:?}"
            );
        }
        let file = json!({ "name": "a", "content": "" });
        assert!(with("files", json!([file, file])).contains("`a` stands twice"));
        assert!(with("check", json!("true")).contains("{staged}"));
        let secret = json!([{ "name": "a", "content": crate::text::mark("pw") }]);
        let mut open = step();
        open["files"] = secret;
        open["mode"] = json!("0644");
        assert!(error(&open).contains("everybody may read it"));
    }
}
