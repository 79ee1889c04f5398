//! A folder of packages in the site: its content, and whether its metadata is of these very packages.
//!
//! Metadata is made by the operator and is part of the site: `createrepo_c` writes the times of files into it, so what
//! one desk made anew another would make differently, and every run would have something to do.

use crate::digest::sha256_of;
use crate::kind::{SiteFile, is_deb, is_rpm};
use crate::platform::PackageTool;
use crate::site::shown;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The depth at which packages may lie in a folder.
const DEEPEST: usize = 6;
/// Metadata may have this many bytes, unpacked.
const LONGEST: u64 = 1 << 29;

/// A folder of packages.
#[derive(Debug)]
pub struct PackageFolder {
    path: String,
    /// Its packages and metadata by their path below it.
    files: BTreeMap<String, SiteFile>,
    /// Its fault for yum and dnf.
    rpm: Result<(), String>,
    /// Its fault for apt.
    deb: Result<(), String>,
}

impl PackageFolder {
    /// Reads the folder at this path below the site's. Files that are neither packages nor metadata are ignored.
    pub fn read(site: &Path, path: &str) -> Result<Self, String> {
        let dir = site.join(path);
        if !dir.is_dir() {
            return Err(format!("the site has no folder {}", shown(path)));
        }
        let mut folder = Self {
            path: path.to_owned(),
            files: BTreeMap::new(),
            rpm: Ok(()),
            deb: Ok(()),
        };
        folder.walk(&dir, "", 0)?;
        folder.rpm = folder.check_rpm(&dir);
        folder.deb = folder.check_deb(&dir);
        Ok(folder)
    }

    /// The files that a node with this tool gets.
    pub fn files(&self, tool: PackageTool) -> Result<Vec<SiteFile>, String> {
        let (sound, mine): (_, fn(&str) -> bool) = match tool {
            PackageTool::Yum | PackageTool::Dnf => (&self.rpm, of_yum),
            PackageTool::Apt => (&self.deb, of_apt),
        };
        sound.clone()?;
        let mine = self.files.iter().filter(|(name, _)| mine(name));
        Ok(mine.map(|(_, file)| file.clone()).collect())
    }

    fn walk(&mut self, dir: &Path, below: &str, depth: usize) -> Result<(), String> {
        let folder = self.path.clone();
        let cannot = |name: &str, e: std::io::Error| {
            format!("{} cannot be read: {e}", shown(&format!("{folder}/{name}")))
        };
        let entries = std::fs::read_dir(dir).map_err(|e| cannot(below, e))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| cannot(below, e))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names.iter().filter(|n| !n.starts_with('.')) {
            let (full, name) = (dir.join(name), format!("{below}{name}"));
            if full.is_dir() {
                if depth < DEEPEST {
                    self.walk(&full, &format!("{name}/"), depth + 1)?;
                }
                continue;
            }
            if !of_yum(&name) && !of_apt(&name) {
                continue;
            }
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._+~^:%@=-/".contains(&b);
            if !name.bytes().all(plain) || name.split('/').any(|part| part.starts_with('-')) {
                return Err(format!(
                    "{} in {} cannot be pushed: names have letters, digits and `._+~^:%@=-`",
                    shown(&name),
                    shown(&self.path)
                ));
            }
            let content = File::open(&full).map_err(|e| cannot(&name, e))?;
            let (bytes, sha256) = sha256_of(content).map_err(|e| cannot(&name, e))?;
            let path = format!("{}/{name}", self.path);
            let file = SiteFile {
                path,
                bytes,
                sha256,
            };
            self.files.insert(name, file);
        }
        Ok(())
    }

    fn check_rpm(&self, dir: &Path) -> Result<(), String> {
        let make = format!(
            "`createrepo_c --general-compress-type=gz {}` makes it",
            self.path
        );
        let path = shown(&self.path);
        let wrong = |why: &str| format!("the metadata of {path} {why}; {make} anew");
        let packages: BTreeSet<&str> = self.named(is_rpm);
        if packages.is_empty() {
            return Err(format!("{path} holds no package for yum and dnf (*.rpm)"));
        }
        if !self.files.contains_key("repodata/repomd.xml") {
            return Err(format!("{path} has no metadata; {make}"));
        }
        let text = read_text(&dir.join("repodata/repomd.xml")).map_err(|e| wrong(&e))?;
        let mut primary = None;
        for part in parts(&text, "data").map_err(|e| wrong(&e))? {
            let Some(file) = self.files.get(&part.href) else {
                return Err(wrong(&format!(
                    "names {}, which is not there",
                    shown(&part.href)
                )));
            };
            if part.sha256.as_ref().is_some_and(|s| *s != file.sha256) {
                return Err(wrong(&format!("names another {}", shown(&part.href))));
            }
            if part.kind == "primary" {
                primary = Some(part.href);
            }
        }
        let Some(primary) = primary else {
            return Err(wrong("lists no packages"));
        };
        let extension = Path::new(&primary).extension().unwrap_or_default();
        if extension != "gz" && extension != "xml" {
            return Err(wrong(&format!(
                "is compressed in a way that not every release reads ({})",
                shown(&primary)
            )));
        }
        let text = read_text(&dir.join(&primary)).map_err(|e| wrong(&e))?;
        let listed = parts(&text, "package").map_err(|e| wrong(&e))?;
        let listed = listed.into_iter().map(|p| (p.href, p.sha256)).collect();
        self.compare(&packages, &listed).map_err(|e| wrong(&e))
    }

    fn check_deb(&self, dir: &Path) -> Result<(), String> {
        let make = format!(
            "`(cd {} && dpkg-scanpackages --multiversion . >Packages)` makes it",
            self.path
        );
        let path = shown(&self.path);
        let wrong = |why: &str| format!("the metadata of {path} {why}; {make} anew");
        let packages = self.named(is_deb);
        if packages.is_empty() {
            return Err(format!("{path} holds no package for apt (*.deb)"));
        }
        let Some(index) = self.files.get("Packages") else {
            return Err(format!("{path} has no metadata; {make}"));
        };
        let text = read_text(&dir.join("Packages")).map_err(|e| wrong(&e))?;
        let mut listed = BTreeMap::new();
        for stanza in text.split("\n\n") {
            let field = |name: &str| {
                let line = stanza.lines().find_map(|l| l.strip_prefix(name));
                line.map(|value| value.trim().to_owned())
            };
            if let Some(name) = field("Filename:") {
                let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
                listed.insert(name, field("SHA256:"));
            }
        }
        self.compare(&packages, &listed).map_err(|e| wrong(&e))?;
        for name in ["Release", "InRelease"] {
            if !self.files.contains_key(name) {
                continue;
            }
            let text = read_text(&dir.join(name)).map_err(|e| wrong(&e))?;
            let line = format!(" {} {} Packages", index.sha256, index.bytes);
            let plain = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ");
            if !text.lines().any(|l| plain(l) == line.trim_start()) {
                return Err(format!(
                    "{} in {path} is not of the `Packages` beside it; make it anew, or remove it where nobody signs it",
                    shown(name)
                ));
            }
        }
        Ok(())
    }

    fn named(&self, wanted: fn(&str) -> bool) -> BTreeSet<&str> {
        let names = self.files.keys().map(String::as_str);
        names.filter(|name| wanted(name)).collect()
    }

    /// Compares the packages with what metadata lists, name and digest.
    fn compare(
        &self,
        packages: &BTreeSet<&str>,
        listed: &BTreeMap<String, Option<String>>,
    ) -> Result<(), String> {
        for name in packages {
            match listed.get(*name) {
                None => return Err(format!("does not list {}", shown(name))),
                Some(Some(sha256)) if *sha256 != self.files[*name].sha256 => {
                    return Err(format!("is of another {}", shown(name)));
                }
                Some(_) => {}
            }
        }
        let gone = listed.keys().find(|name| !packages.contains(name.as_str()));
        gone.map_or(Ok(()), |name| {
            Err(format!("lists {}, which is not there", shown(name)))
        })
    }
}

/// A package or metadata of yum and dnf.
fn of_yum(name: &str) -> bool {
    is_rpm(name) || name.starts_with("repodata/")
}

/// A package or metadata of apt.
fn of_apt(name: &str) -> bool {
    is_deb(name) || ["Packages", "Release", "Release.gpg", "InRelease"].contains(&name)
}

/// A file as text, unpacked.
fn read_text(path: &Path) -> Result<String, String> {
    let read = || {
        let file = File::open(path)?;
        let mut text = String::new();
        if path.extension().is_some_and(|e| e == "gz") {
            let unpacked = flate2::read::MultiGzDecoder::new(file);
            unpacked.take(LONGEST).read_to_string(&mut text)?;
        } else {
            file.take(LONGEST).read_to_string(&mut text)?;
        }
        Ok::<_, std::io::Error>(text)
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    read().map_err(|e| format!("has {} that cannot be read: {e}", shown(&name)))
}

/// One thing that metadata lists: a file by its place.
#[derive(Debug, Default, PartialEq, Eq)]
struct MetadataEntry {
    kind: String,
    href: String,
    sha256: Option<String>,
}

/// The elements of this name in metadata of yum and dnf, each with its `location` and its `checksum`.
fn parts(text: &str, element: &str) -> Result<Vec<MetadataEntry>, String> {
    let broken = |e: &dyn std::fmt::Display| format!("cannot be read: {e}");
    let attribute = |tag: &BytesStart<'_>, name: &str| -> Result<Option<String>, String> {
        let found = tag.try_get_attribute(name).map_err(|e| broken(&e))?;
        let value = found.map(|a| a.normalized_value(XmlVersion::Explicit1_0));
        let value = value.transpose().map_err(|e| broken(&e))?;
        Ok(value.map(std::borrow::Cow::into_owned))
    };
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut parts, mut part, mut sum) = (Vec::new(), None, false);
    loop {
        match reader.read_event().map_err(|e| broken(&e))? {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.local_name();
                let name = name.as_ref();
                if name == element {
                    part = Some(MetadataEntry {
                        kind: attribute(&tag, "type")?.unwrap_or_default(),
                        ..MetadataEntry::default()
                    });
                } else if let Some(part) = &mut part {
                    sum =
                        name == "checksum" && attribute(&tag, "type")?.as_deref() == Some("sha256");
                    if name == "location" {
                        part.href = attribute(&tag, "href")?.unwrap_or_default();
                    }
                }
            }
            Event::Text(text) if sum => {
                if let Some(part) = &mut part {
                    part.sha256 = Some(text.trim().to_owned());
                }
            }
            Event::End(tag) => {
                sum = false;
                if tag.local_name().as_ref() == element {
                    parts.extend(part.take());
                }
            }
            Event::Eof => return Ok(parts),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "packages_tests.rs"]
mod tests;
