//! Where the packages of a node come from: this machine's own apt configuration, narrowed to its distribution.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The apt sources of a machine for one release, in the two forms that apt reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// One-line entries (`deb URI SUITE COMPONENT…`).
    pub lines: String,
    /// Stanzas of deb822.
    pub stanzas: String,
}

/// Reads `sources.list` and `sources.list.d` below `apt` (`/etc/apt`) and keeps the entries of `codename`'s own
/// archive: a suite that starts with the name, and the component `main`.
///
/// Other archives that an operator added to the machine have no place on a bare node.
pub fn read(apt: &Path, codename: &str) -> Result<Sources> {
    let mut files = vec![apt.join("sources.list")];
    if let Ok(entries) = fs::read_dir(apt.join("sources.list.d")) {
        let mut more: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    let mut sources = Sources::default();
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|end| end.to_str()) {
            Some("list") => one_line(&text, codename, &mut sources.lines),
            Some("sources") => deb822(&text, codename, &mut sources.stanzas),
            _ => {}
        }
    }
    if sources.lines.is_empty() && sources.stanzas.is_empty() {
        bail!(
            "{} names no archive for `{codename} main`; the lab builds its nodes from this machine's own apt sources. Add one, or give a root filesystem with --root",
            apt.display()
        );
    }
    Ok(sources)
}

impl Sources {
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

fn one_line(text: &str, codename: &str, out: &mut String) {
    for line in text.lines().map(str::trim) {
        let Some(rest) = line.strip_prefix("deb") else {
            continue;
        };
        if !rest.starts_with([' ', '\t']) {
            continue;
        }
        let rest = rest.trim_start();
        let entry = match rest.strip_prefix('[') {
            Some(options) => options.split_once(']').map_or("", |(_, after)| after),
            None => rest,
        };
        let mut words = entry
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let uri = words.next().unwrap_or_default();
        let suite = words.next().unwrap_or_default();
        if usable(uri, suite, words, codename) {
            out.push_str(line);
            out.push('\n');
        }
    }
}

fn deb822(text: &str, codename: &str, out: &mut String) {
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza
                .lines()
                .find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then_some(value.trim())
                })
                .unwrap_or_default()
        };
        let fits = field("Types").split_whitespace().any(|kind| kind == "deb")
            && !field("Enabled").eq_ignore_ascii_case("no")
            && field("Suites").split_whitespace().any(|suite| {
                usable(
                    field("URIs"),
                    suite,
                    field("Components").split_whitespace(),
                    codename,
                )
            });
        if fits {
            out.push_str(stanza.trim_matches('\n'));
            out.push_str("\n\n");
        }
    }
}

fn usable<'a>(
    uri: &str,
    suite: &str,
    mut components: impl Iterator<Item = &'a str>,
    codename: &str,
) -> bool {
    let own = suite
        .strip_prefix(codename)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '/']));
    own && !uri.starts_with("cdrom:") && components.any(|component| component == "main")
}

/// `VERSION_CODENAME` of this machine, whose release the nodes share.
pub fn codename(os_release: &str) -> Result<String> {
    let value = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    match (value("ID").as_deref(), value("VERSION_CODENAME")) {
        (Some("debian"), Some(name)) if !name.is_empty() => Ok(name),
        (id, _) => bail!(
            "the lab builds Debian nodes from this machine's own apt sources, but this machine is `{}`; give a root filesystem with --root",
            id.unwrap_or("unknown")
        ),
    }
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
        let sources = read(dir.path(), "bookworm").unwrap();
        assert_eq!(
            sources.lines,
            "deb [signed-by=/k.gpg arch=amd64] http://a.test/debian bookworm main contrib\n"
        );
        assert_eq!(
            sources.stanzas,
            "Types: deb\nURIs: http://b.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        );
        let said = read(dir.path(), "sid").unwrap_err().to_string();
        assert!(said.contains("names no archive for `sid main`"), "{said}");
    }

    #[test]
    fn another_distribution_is_refused_with_what_to_do() {
        assert_eq!(
            codename("ID=debian\nVERSION_CODENAME=bookworm\n").unwrap(),
            "bookworm"
        );
        let said = codename("ID=fedora\nVERSION_ID=41\n")
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("`fedora`") && said.contains("--root"),
            "{said}"
        );
    }
}
