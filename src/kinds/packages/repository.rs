//! Package repositories of yum, dnf and apt, and whether their lists were fetched since they were set up.

use super::repository_folder::{PLACE, Packages, Pushed, SiteText};
use crate::kind::valid;
use crate::kind::values::OneOrMany;
use crate::kind::{
    Answer, Attributes, Circumstances, Delta, Depends, Edit, EditChange, Files, Kind, Observe,
    Orphans, Payload, Running, Runs, Target, Verdict,
};
use crate::platform::PackageTool;
use crate::sh::Call;
use crate::text::Text;
use std::fmt::Write as _;

/// `repository = "elrepo"`.
pub struct RepositoryKind;

/// The keys of a step of kind `repository`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of a step")]
pub struct Want {
    /// Its id, which also names its file.
    repository: String,
    /// The place where its packages are: one URL or several (`http`, `https`, `ftp` or `file`).
    #[serde(default)]
    url: OneOrMany,
    /// In place of a URL: a folder of the site with packages and their metadata, which is pushed to the node. Without a
    /// key its packages are taken as they are.
    folder: Option<Packages>,
    /// A description, for display.
    description: Option<String>,
    /// Debian: the suite (`bookworm`); of a flat repository a path that ends in `/`.
    suite: Option<String>,
    /// Debian: the components (`main`).
    #[serde(default)]
    components: Vec<String>,
    /// Whether packages are installed from it.
    #[serde(default = "yes")]
    enabled: bool,
    /// The key that signs it: the key itself (`-----BEGIN PGP …`), a path on the node, or on EL a URL.
    gpgkey: Option<String>,
    /// In place of `gpgkey`: a file of the site with the key (`-----BEGIN PGP …`).
    key_file: Option<SiteText>,
    /// Signatures are not checked.
    #[serde(default)]
    unsigned: bool,
    /// Packages that are not taken from it; `*` matches anything. Debian: its hosts are pinned so.
    #[serde(default)]
    exclude: Vec<String>,
    /// EL: its priority, the lowest number wins (yum needs its plugin for that). Debian: the pin of its host, the
    /// highest number wins.
    priority: Option<u16>,
    /// EL6 to EL8, whose mirrors are gone: `url` is an archive of this point release (ends in `/6.10`), and CentOS's
    /// own repositories are pointed at it.
    #[serde(default)]
    vault: bool,
    /// Debian: its lists may be older than their date of validity, as in an archive of an old release.
    #[serde(default)]
    expired: bool,
}

/// Whether the lists are those of the repositories.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// False when repositories were set up otherwise since the lists were fetched.
    fresh: bool,
    /// The content of its folder.
    #[serde(skip)]
    pushed: Pushed,
}

const SECTION: &str = "repository";
/// Folder of keys on EL.
const KEYS: &str = "/etc/pki/rpm-gpg";

fn yes() -> bool {
    true
}

impl Want {
    /// The key, when the step holds the key itself.
    fn own_key(&self) -> Option<&str> {
        let file = self.key_file.as_ref().map(|file| file.0.as_str());
        let key = file.or(self.gpgkey.as_deref());
        key.filter(|key| key.trim_start().starts_with("-----BEGIN"))
    }

    fn has_key(&self) -> bool {
        self.gpgkey.is_some() || self.key_file.is_some()
    }

    /// Whether signatures are checked.
    fn is_signed(&self) -> bool {
        !self.unsigned && (self.folder.is_none() || self.has_key())
    }

    /// The place where its packages are for the package tool.
    fn urls(&self) -> Vec<String> {
        match &self.folder {
            Some(_) => vec![format!("file://{PLACE}/{}", self.repository)],
            None => self.url.0.clone(),
        }
    }

    fn repo_file(&self) -> String {
        let id = &self.repository;
        let mut text = format!("[{id}]\nname={}\n", self.description.as_ref().unwrap_or(id));
        let _ = writeln!(text, "baseurl={}", self.urls().join("\n        "));
        let _ = writeln!(text, "enabled={}", i32::from(self.enabled));
        let _ = writeln!(text, "gpgcheck={}", i32::from(self.is_signed()));
        if self.own_key().is_some() {
            let _ = writeln!(text, "gpgkey=file://{KEYS}/RPM-GPG-KEY-{id}");
        } else if let Some(key) = &self.gpgkey {
            let key = if key.starts_with('/') {
                format!("file://{key}")
            } else {
                key.clone()
            };
            let _ = writeln!(text, "gpgkey={key}");
        }
        if let Some(priority) = self.priority {
            let _ = writeln!(text, "priority={priority}");
        }
        if !self.exclude.is_empty() {
            let _ = writeln!(text, "exclude={}", self.exclude.join(" "));
        }
        text
    }

    fn sources_file(&self) -> String {
        let mut text = String::new();
        if let Some(description) = &self.description {
            let _ = writeln!(text, "# {description}");
        }
        let _ = writeln!(text, "Types: deb\nURIs: {}", self.urls().join(" "));
        let _ = writeln!(text, "Suites: {}", self.suite.as_deref().unwrap_or("./"));
        if !self.components.is_empty() {
            let _ = writeln!(text, "Components: {}", self.components.join(" "));
        }
        if !self.enabled {
            text.push_str("Enabled: no\n");
        }
        if self.expired {
            text.push_str("Check-Valid-Until: no\n");
        }
        if !self.is_signed() {
            text.push_str("Trusted: yes\n");
        }
        if let Some(key) = self.own_key() {
            text.push_str("Signed-By:\n");
            for line in key.trim().lines().map(str::trim_end) {
                let _ = writeln!(text, " {}", if line.is_empty() { "." } else { line });
            }
        } else if let Some(path) = &self.gpgkey {
            let _ = writeln!(text, "Signed-By: {path}");
        }
        text
    }

    /// Pins every host it is fetched from; a folder has no host. The first pin that fits counts.
    fn pin_file(&self) -> String {
        let mut hosts: Vec<_> = self
            .url
            .0
            .iter()
            .map(|url| {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let host = rest.split('/').next().unwrap_or_default();
                host.rsplit('@')
                    .next()
                    .unwrap_or_default()
                    .split(':')
                    .next()
                    .unwrap_or_default()
            })
            .collect();
        hosts.dedup();
        let mut pins = Vec::new();
        let mut pin = |packages: &str, host: &str, priority: i32| {
            pins.push(format!(
                "Package: {packages}\nPin: origin \"{host}\"\nPin-Priority: {priority}\n"
            ));
        };
        for host in &hosts {
            if !self.exclude.is_empty() {
                pin(&self.exclude.join(" "), host, -1);
            }
            if let Some(priority) = self.priority {
                pin("*", host, priority.into());
            }
        }
        pins.join("\n")
    }
}

impl Want {
    /// The fault of a folder of packages.
    fn check_folder(&self, target: &Target) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        if self.vault {
            return Err("`vault` takes a `url`, not a `folder`".into());
        }
        if target.platform.package_tool().is_rpm() {
            return Ok(());
        }
        if self.suite.is_some() || !self.components.is_empty() {
            return Err("a `folder` has no `suite` and no `components`".into());
        }
        if !self.exclude.is_empty() {
            return Err("apt cannot `exclude` packages of a `folder`: leave them out of it".into());
        }
        if self.is_signed() && !folder.has("InRelease") && !folder.has("Release.gpg") {
            return Err("apt checks the signature of a repository's `Release`, and the `folder` has no `InRelease` or `Release.gpg`: sign it, or leave the key out".into());
        }
        Ok(())
    }
}

fn whole(path: String, content: String) -> Edit {
    Edit {
        path,
        change: EditChange::Whole {
            content: Text::plain(content),
            check: None,
            once: false,
        },
        attributes: Attributes::default(),
    }
}

impl Kind for RepositoryKind {
    const NAME: &'static str = "repository";
    const DOC: &'static str = "Package repositories of yum, dnf and apt; their lists are fetched anew when any repository changed.";
    const SHELL: crate::shell::Shell = super::package::SHELL;
    const ORPHANS: Orphans = Orphans {
        after_removal: Self::after_removal,
        ..Orphans::removed(
            "its files (list, pin, own key, pushed packages) go, and the lists are fetched anew; of a vault, which is edited into CentOS's own files, nothing goes",
        )
    };
    const RUNNING: &'static dyn Runs = &Running {
        ends_stage: true,
        compare: Self::compare,
        contents: |want, seen, _| Self::contents(want, seen),
        compare_written: Some(Self::compare_written),
        actions: Self::actions,
        together: true,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.repository.clone()
    }

    fn validate(want: &Want, target: &Target) -> Result<(), String> {
        let id = &want.repository;
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if id.is_empty() || id.starts_with(['-', '.']) || !id.bytes().all(ok) {
            return Err(format!(
                "`{}` is no id of a repository: letters, digits and `._-`",
                id.escape_debug()
            ));
        }
        if want.url.0.is_empty() == want.folder.is_none() {
            return Err("name a `url`, or a `folder` of the site with the packages".into());
        }
        want.check_folder(target)?;
        for pattern in &want.exclude {
            let ok = |b: u8| b.is_ascii_alphanumeric() || b"+._-*?".contains(&b);
            if pattern.is_empty() || pattern.starts_with('-') || !pattern.bytes().all(ok) {
                return Err(format!(
                    "`{}` is no package that could be excluded: letters, digits and `+._-*?`",
                    pattern.escape_debug()
                ));
            }
        }
        for url in &want.url.0 {
            valid::plain("url", url)?;
            let known = ["http://", "https://", "ftp://", "file:///"];
            if !known.iter().any(|start| url.starts_with(start))
                || url.contains(|c: char| c.is_whitespace() || c == '"')
            {
                return Err(format!(
                    "url `{}` must start with http://, https://, ftp:// or file:/// and hold no blanks",
                    url.escape_debug()
                ));
            }
        }
        let words = want
            .components
            .iter()
            .chain(&want.suite)
            .chain(&want.description);
        if words.into_iter().any(|w| w.is_empty() || w.contains('\n')) {
            return Err(
                "`description`, `suite` and `components` are words without line breaks".into(),
            );
        }
        if want.unsigned && want.has_key() {
            return Err("a key and `unsigned` contradict each other".into());
        }
        if want.key_file.is_some() && (want.gpgkey.is_some() || want.own_key().is_none()) {
            return Err("`key_file` stands for `gpgkey`, and holds the key as text (`-----BEGIN PGP …`): `gpg --armor --export`".into());
        }
        if let Some(key) = &want.gpgkey {
            let url = target.platform.package_tool().is_rpm() && key.contains("://");
            if want.own_key().is_none()
                && (!(key.starts_with('/') || url) || key.contains(char::is_whitespace))
            {
                return Err("`gpgkey` is a key (`-----BEGIN PGP …`), an absolute path on the node, or on EL a URL".into());
            }
        }
        if !target.platform.package_tool().is_rpm() && !target.platform.has_sources_files() {
            return Err(format!(
                "apt of {} reads no `.sources` files: name the repository in a `file` of /etc/apt/sources.list.d",
                target.platform
            ));
        }
        if target.platform.package_tool().is_rpm() {
            if want.vault && target.platform.stock_repositories().is_empty() {
                return Err(format!(
                    "`vault` is for releases whose mirrors are gone: {} has its own",
                    target.platform
                ));
            }
            if want.vault
                && (want.url.0.len() != 1
                    || want.has_key()
                    || want.priority.is_some()
                    || !want.exclude.is_empty())
            {
                return Err(
                    "`vault` takes one `url` and keeps CentOS's own keys, priorities and excludes"
                        .into(),
                );
            }
        } else {
            if want.vault {
                return Err("`vault` is for EL: of an archived Debian give `url`, `suite`, `components` and `expired = true`".into());
            }
            match &want.suite {
                _ if want.folder.is_some() => {}
                None => return Err("`suite` is missing: on Debian a repository has one (`bookworm`)".into()),
                Some(suite) if suite.ends_with('/') == want.components.is_empty() => {}
                Some(_) => return Err("name `components` (`[\"main\"]`), or end the `suite` of a flat repository in `/`".into()),
            }
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }

    fn depends(want: &Want, target: &Target) -> Depends {
        Depends {
            paths: Self::paths(want, target),
        }
    }
}

impl RepositoryKind {
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        let id = &want.repository;
        if want.vault {
            let root = want.url.0[0].trim_end_matches('/');
            return target
                .platform
                .stock_repositories()
                .iter()
                .flat_map(|(file, section, below)| {
                    let enabled = if want.enabled { "1" } else { "0" };
                    [
                        ("mirrorlist", None),
                        ("baseurl", Some(format!("{root}/{below}"))),
                        ("enabled", Some(enabled.to_owned())),
                    ]
                    .map(|(key, value)| Edit {
                        path: format!("/etc/yum.repos.d/{file}"),
                        change: EditChange::Ini {
                            section: (*section).to_owned(),
                            key: key.to_owned(),
                            value: value.map(Text::plain),
                            separator: "=".to_owned(),
                        },
                        attributes: Attributes::default(),
                    })
                })
                .collect();
        }
        let mut edits = Vec::new();
        if target.platform.package_tool() == PackageTool::Apt {
            edits.push(whole(
                format!("/etc/apt/sources.list.d/{id}.sources"),
                want.sources_file(),
            ));
            if want.priority.is_some() || !want.exclude.is_empty() {
                edits.push(whole(
                    format!("/etc/apt/preferences.d/{id}.pref"),
                    want.pin_file(),
                ));
            }
        } else {
            if let Some(key) = want.own_key() {
                edits.push(whole(
                    format!("{KEYS}/RPM-GPG-KEY-{id}"),
                    format!("{}\n", key.trim()),
                ));
            }
            edits.push(whole(
                format!("/etc/yum.repos.d/{id}.repo"),
                want.repo_file(),
            ));
        }
        edits
    }

    fn observe(wants: &[&Want], target: &Target, observe: &mut Observe) {
        let tool = target.platform.package_tool().word();
        observe.section(SECTION, Call::new("nw_repository_state").arg(tool));
        let pushed = wants.iter().filter(|w| w.folder.is_some());
        Pushed::observe(pushed.map(|w| w.repository.clone()).collect(), observe);
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let fresh = match answer.text(SECTION).trim() {
            "fresh" => true,
            "stale" => false,
            other => {
                return Err(format!(
                    "the state of the package lists makes no sense: `{other}`"
                ));
            }
        };
        let pushed = match &want.folder {
            Some(_) => Pushed::read(&want.repository, answer)?,
            None => Pushed::default(),
        };
        Ok(Seen { fresh, pushed })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let folder = want.folder.as_ref();
        let mut deltas = folder.map_or(Vec::new(), |folder| folder.deltas(&seen.pushed));
        if !seen.fresh || !deltas.is_empty() {
            deltas.push(Delta::new("lists", "of other repositories", "fetched"));
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn contents(want: &Want, seen: &Seen) -> Vec<Payload> {
        let folder = want.folder.as_ref();
        folder.map_or(Vec::new(), |folder| folder.contents(&seen.pushed))
    }

    fn paths(want: &Want, target: &Target) -> Vec<String> {
        let mut paths: Vec<_> = Self::edits(want, target)
            .into_iter()
            .map(|edit| edit.path)
            .collect();
        paths.dedup();
        paths
    }

    fn compare_written(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let pushed = seen.pushed.clone();
        let seen = Seen {
            fresh: false,
            pushed,
        };
        Self::compare(want, &seen, circumstances)
    }

    fn actions(wants: &[(&Want, &Seen)], circumstances: &Circumstances<'_>) -> Vec<Call> {
        let (mut calls, mut blob) = (Vec::new(), 0);
        for (want, seen) in wants {
            if let Some(folder) = &want.folder
                && !folder.deltas(&seen.pushed).is_empty()
            {
                calls.push(folder.push(&want.repository, &seen.pushed, blob));
                blob += Self::contents(want, seen).len();
            }
        }
        calls.push(Self::fetch(circumstances.target));
        calls
    }

    fn fetch(target: &Target) -> Call {
        Call::new("nw_repository").arg(target.platform.package_tool().word())
    }

    fn after_removal(target: &Target) -> Vec<Call> {
        vec![Call::new("nw_repository_sweep"), Self::fetch(target)]
    }
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
