//! The origin of a node's packages: this machine's own apt configuration, narrowed to its distribution.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, bail};

use super::debian;

/// The apt sources of a machine for one release, in the two forms that apt reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AptSources {
    /// One-line entries (`deb URI SUITE COMPONENT…`).
    pub lines: String,
    /// Stanzas of deb822.
    pub stanzas: String,
}

/// The suites that every release has, behind its codename.
const SUITES: [&str; 3] = ["", "-updates", "-security"];

/// The sources of a release that this machine's own apt configuration gives.
pub fn of_machine(codename: &str) -> Result<AptSources> {
    read(Path::new("/etc/apt"), codename, &debian::own()?)
}

/// Says of an error of apt what it comes from, where this machine is set up for its own release alone.
pub fn explained(error: Error, codename: &str) -> Error {
    let message = error.to_string();
    if message.contains("NO_PUBKEY") {
        error.context(format!(
            "this machine has no key for the archive of `{codename}`; install a debian-archive-keyring that knows this release"
        ))
    } else if message.contains("does not have a Release file") {
        error.context(format!(
            "the archives that this machine's apt names do not have `{codename}`"
        ))
    } else {
        error
    }
}

/// Reads `sources.list` and `sources.list.d` below `apt` (`/etc/apt`) and keeps the entries of `codename`'s own
/// archive: a suite that starts with the name, and the component `main`.
///
/// Other archives that an operator added to the machine have no place on a bare node. Where the machine names no archive
/// of `codename`, those of its `own` release serve: one archive holds all releases, under the codename of each.
fn read(apt: &Path, codename: &str, own: &str) -> Result<AptSources> {
    let files = files(apt);
    let mut sources = AptSources::of(&files, codename, codename);
    if sources.is_empty() {
        sources = AptSources::of(&files, own, codename);
    }
    if sources.is_empty() {
        bail!(
            "{} names no archive for `{codename} main`; the lab builds its nodes from this machine's own apt sources. Add one, or give a root filesystem with --root",
            apt.display()
        );
    }
    Ok(sources)
}

/// The files that apt reads, in its order: name and content.
fn files(apt: &Path) -> Vec<(PathBuf, String)> {
    let mut files = vec![apt.join("sources.list")];
    if let Ok(entries) = fs::read_dir(apt.join("sources.list.d")) {
        let mut more: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    let text = |file: PathBuf| fs::read_to_string(&file).ok().map(|text| (file, text));
    files.into_iter().filter_map(text).collect()
}

impl AptSources {
    /// The entries of the release `named` in some files, for the release `codename`.
    fn of(files: &[(PathBuf, String)], named: &str, codename: &str) -> Self {
        let mut sources = Self::default();
        for (file, text) in files {
            match file.extension().and_then(|end| end.to_str()) {
                Some("list") => one_line(text, named, codename, &mut sources.lines),
                Some("sources") => deb822(text, named, codename, &mut sources.stanzas),
                _ => {}
            }
        }
        sources
    }

    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.stanzas.is_empty()
    }

    /// Writes the sources as files into `dir` and gives their paths, in the order apt should read them.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for (name, text) in [("lab.list", &self.lines), ("lab.sources", &self.stanzas)] {
            if !text.is_empty() {
                let path = dir.join(name);
                fs::write(&path, text)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                files.push(path);
            }
        }
        Ok(files)
    }
}

fn one_line(text: &str, named: &str, codename: &str, out: &mut String) {
    for line in text.lines().map(str::trim) {
        let Some(rest) = line.strip_prefix("deb") else {
            continue;
        };
        if !rest.starts_with([' ', '\t']) {
            continue;
        }
        let rest = rest.trim_start();
        let (options, entry) = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').unwrap_or_default(),
            None => ("", rest),
        };
        let mut words = entry
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let uri = words.next().unwrap_or_default();
        let suite = words.next().unwrap_or_default();
        let components: Vec<&str> = words.collect();
        let Some(suite) = suite_of(suite, named, codename) else {
            continue;
        };
        if usable(uri, &components) {
            out.push_str("deb ");
            if !options.is_empty() {
                let _ = write!(out, "[{options}] ");
            }
            let _ = writeln!(out, "{uri} {suite} {}", components.join(" "));
        }
    }
}

fn deb822(text: &str, named: &str, codename: &str, out: &mut String) {
    for stanza in text.split("\n\n") {
        let split = |line: &'_ str| -> Option<(String, String)> {
            let (key, value) = line.split_once(':')?;
            Some((key.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let field = |name: &str| {
            let mut fields = stanza.lines().filter_map(split);
            fields
                .find_map(|(key, value)| (key == name).then_some(value))
                .unwrap_or_default()
        };
        let suites = field("suites");
        let suites: Vec<String> = suites
            .split_whitespace()
            .filter_map(|suite| suite_of(suite, named, codename))
            .collect();
        let components = field("components");
        let components: Vec<&str> = components.split_whitespace().collect();
        let fits = field("types").split_whitespace().any(|kind| kind == "deb")
            && !field("enabled").eq_ignore_ascii_case("no")
            && !suites.is_empty()
            && usable(&field("uris"), &components);
        if fits {
            for line in stanza.trim_matches('\n').lines() {
                if split(line).is_some_and(|(key, _)| key == "suites") {
                    let _ = writeln!(out, "Suites: {}", suites.join(" "));
                } else {
                    let _ = writeln!(out, "{line}");
                }
            }
            out.push('\n');
        }
    }
}

/// The suite of the release `codename` that corresponds to this one of the release `named`.
fn suite_of(suite: &str, named: &str, codename: &str) -> Option<String> {
    let rest = suite.strip_prefix(named)?;
    if named == codename {
        let own = rest.is_empty() || rest.starts_with(['-', '/']);
        return own.then(|| suite.to_owned());
    }
    SUITES.contains(&rest).then(|| format!("{codename}{rest}"))
}

fn usable(uri: &str, components: &[&str]) -> bool {
    !uri.starts_with("cdrom:") && components.contains(&"main")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_distributions_own_archive_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        fs::write(
            dir.path().join("sources.list"),
            "# deb http://x bookworm main\ndeb-src http://a.test/debian bookworm main\n\
             deb [signed-by=/k.gpg arch=amd64] http://a.test/debian bookworm main contrib\n\
             deb cdrom:[Debian]/ bookworm main\ndeb http://a.test/debian trixie main\n\
             deb http://vendor.test/apt bookworm stable\n",
        )
        .unwrap();
        fs::write(
            dir.path().join("sources.list.d/debian.sources"),
            "Types: deb\nURIs: http://b.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n\
             Types: deb\nURIs: http://c.test/\nSuites: bookworm\nComponents: main\nEnabled: no\n",
        )
        .unwrap();
        fs::write(
            dir.path().join("sources.list.d/off.sources.disabled"),
            "Types: deb\nURIs: http://d.test/\nSuites: bookworm\nComponents: main\n",
        )
        .unwrap();
        let sources = read(dir.path(), "bookworm", "bookworm").unwrap();
        assert_eq!(
            sources.lines,
            "deb [signed-by=/k.gpg arch=amd64] http://a.test/debian bookworm main contrib\n"
        );
        assert_eq!(
            sources.stanzas,
            "Types: deb\nURIs: http://b.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        );
        let message = read(dir.path(), "sid", "sid").unwrap_err().to_string();
        assert!(
            message.contains("names no archive for `sid main`"),
            "{message}"
        );
    }

    #[test]
    fn another_release_comes_from_its_own_archive_or_from_where_this_one_does() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sources.list.d")).unwrap();
        let list = dir.path().join("sources.list");
        fs::write(
            &list,
            "deb [signed-by=/k.gpg] http://bookworm.test/debian bookworm main # bookworm\n\
             deb http://bookworm.test/debian bookworm-backports main\n",
        )
        .unwrap();
        fs::write(
            dir.path().join("sources.list.d/debian.sources"),
            "Types: deb\n# Suites: bookworm\nURIs: http://bookworm.test/security\n\
             Suites: bookworm-security bookworm-proposed-updates\nComponents: main\nSigned-By: /bookworm.gpg\n\n\
             Types: deb\nURIs: http://c.test/\nSuites: bookworm-backports\nComponents: main\n",
        )
        .unwrap();
        let sources = read(dir.path(), "trixie", "bookworm").unwrap();
        assert_eq!(
            sources.lines,
            "deb [signed-by=/k.gpg] http://bookworm.test/debian trixie main\n"
        );
        assert_eq!(
            sources.stanzas,
            "Types: deb\n# Suites: bookworm\nURIs: http://bookworm.test/security\n\
             Suites: trixie-security\nComponents: main\nSigned-By: /bookworm.gpg\n\n"
        );
        fs::write(&list, "deb http://a.test/debian trixie main\n").unwrap();
        let sources = read(dir.path(), "trixie", "bookworm").unwrap();
        assert_eq!(
            sources,
            AptSources {
                lines: "deb http://a.test/debian trixie main\n".into(),
                stanzas: String::new()
            }
        );
    }
}
