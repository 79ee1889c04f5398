//! The origin of roles and templates: shipped ones are in the binary, a file of the same path in the site wins.

use super::file::Role;
use super::site_files::SiteFiles;
use super::template::{TemplateError, Templates};
use crate::digest::sha256;
use crate::site::{FileId, Finding, Place, Sources, Table, Tree, Value, shown, windows_lines};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The shipped files: path and content.
static SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The folders that a library is made of.
const FOLDERS: [&str; 2] = ["roles", "templates"];

/// The beginning of the first line of an ejected file, before the path and the digest.
const EJECTED: &str = "ejected from the shipped ";

/// All roles and templates that a site can use.
#[derive(Debug)]
pub struct Library {
    roles: IndexMap<String, Role>,
    engine: Templates,
    templates: BTreeMap<String, FileId>,
    texts: BTreeMap<String, String>,
    site: Vec<(String, FileId)>,
    broken: BTreeSet<String>,
    files: SiteFiles,
}

impl Library {
    /// Reads the folders `roles` and `templates` of a site, and takes what is shipped for the rest.
    pub fn load(root: &Path, sources: &mut Sources, findings: &mut Vec<Finding>) -> Self {
        let mut files = Vec::new();
        for folder in FOLDERS {
            collect(root, Path::new(folder), &mut files, findings);
        }
        files.sort();
        let files = files
            .into_iter()
            .map(|(path, text)| (root.join(&path).display().to_string(), path, text));
        Self {
            files: SiteFiles::of(root),
            ..Self::build(SHIPPED, &files.collect::<Vec<_>>(), sources, findings)
        }
    }

    /// The same from texts: a site's files, as pairs of path (`roles/x.toml`) and content.
    pub fn of<'a>(
        site: impl IntoIterator<Item = (&'a str, &'a str)>,
        sources: &mut Sources,
        findings: &mut Vec<Finding>,
    ) -> Self {
        Self::of_texts(SHIPPED, site, sources, findings)
    }

    /// The same without anything that is shipped.
    pub fn bare<'a>(
        site: impl IntoIterator<Item = (&'a str, &'a str)>,
        sources: &mut Sources,
        findings: &mut Vec<Finding>,
    ) -> Self {
        Self::of_texts(&[], site, sources, findings)
    }

    fn of_texts<'a>(
        shipped: &[(&str, &str)],
        site: impl IntoIterator<Item = (&'a str, &'a str)>,
        sources: &mut Sources,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let files = site
            .into_iter()
            .map(|(path, text)| (path.to_owned(), path.to_owned(), text.to_owned()));
        Self::build(shipped, &files.collect::<Vec<_>>(), sources, findings)
    }

    /// Shipped files as path and content; files of the site as shown path, path, content.
    fn build(
        shipped: &[(&str, &str)],
        site: &[(String, String, String)],
        sources: &mut Sources,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut files = BTreeMap::new();
        for (path, text) in shipped {
            let path = (*path).to_owned();
            files.insert(path.clone(), (format!("shipped:{path}"), *text));
        }
        let mut own = Vec::new();
        for (shown, path, text) in site {
            files.insert(path.clone(), (shown.clone(), text.as_str()));
            own.push(path.clone());
        }
        let mut ids = BTreeMap::new();
        for (path, (shown, text)) in &files {
            ids.insert(path.clone(), sources.add(shown.as_str(), *text));
        }
        let templates: BTreeMap<String, FileId> = ids
            .iter()
            .filter_map(|(path, id)| Some((path.strip_prefix("templates/")?.to_owned(), *id)))
            .collect();
        let texts: BTreeMap<String, String> = templates
            .iter()
            .map(|(name, id)| (name.clone(), sources.text(*id).to_owned()))
            .collect();
        let (engine, errors) = Templates::new(texts.clone());
        let mut roles = IndexMap::new();
        for (path, id) in &ids {
            if let Some(name) = path
                .strip_prefix("roles/")
                .and_then(|p| p.strip_suffix(".toml"))
            {
                let role = Role::read(name, *id, sources, &engine, findings);
                if !own.contains(path) {
                    findings.extend(own_only(&role));
                }
                roles.insert(name.to_owned(), role);
            }
        }
        let mut library = Self {
            roles,
            engine,
            templates,
            texts,
            site: own
                .into_iter()
                .filter_map(|path| ids.get(&path).map(|id| (path.clone(), *id)))
                .collect(),
            broken: BTreeSet::new(),
            files: SiteFiles::default(),
        };
        // A file that is only copied need not be a template.
        let copied = library.copied();
        for error in &errors {
            let Some(name) = error.template.as_ref().filter(|t| !copied.contains(*t)) else {
                continue;
            };
            findings.extend(library.finding(error));
            library.broken.insert(name.clone());
        }
        for (name, file) in library
            .templates
            .iter()
            .filter(|(name, _)| !copied.contains(*name))
        {
            if let Some(start) = library.texts[name].find("\r\n") {
                let end = start + 1;
                let file = *file;
                findings.push(windows_lines(Place { file, start, end }));
            }
        }
        library
    }

    /// A role by its name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(name)
    }

    /// Every role, by name.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// Other files of the site.
    pub fn site_files(&self) -> &SiteFiles {
        &self.files
    }

    /// The engine of templates.
    pub(super) fn engine(&self) -> &Templates {
        &self.engine
    }

    /// Whether a template was reported as one that cannot be read.
    pub(super) fn is_broken(&self, template: &str) -> bool {
        self.broken.contains(template)
    }

    /// The names of all templates.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(String::as_str)
    }

    /// A file under `templates/` as it is, for `copy`; the line about its ejection is left out.
    pub(super) fn copy(&self, name: &str) -> Option<&str> {
        let text = self.texts.get(name)?;
        Some(match text.split_once('\n') {
            Some((first, rest)) if origin(first).is_some() => rest,
            _ => text,
        })
    }

    /// The text of a template.
    pub(super) fn text(&self, template: &str) -> Option<&str> {
        self.texts.get(template).map(String::as_str)
    }

    /// That there is no such template, which is named at a place.
    pub(super) fn no_template(&self, name: &str, place: Place) -> Finding {
        let known: Vec<_> = self.templates().collect();
        let finding = Finding::error(
            "TEMPLATE-MISSING",
            format!("there is no file templates/{name}"),
        )
        .at(place);
        match crate::site::did_you_mean(name, &known) {
            Some(near) => finding.help(format!("did you mean {}?", shown(&near))),
            None => finding,
        }
    }

    /// A template's error as a finding in its file. `None` for an error in a value of a role file.
    pub(super) fn finding(&self, error: &TemplateError) -> Option<Finding> {
        let name = error.template.as_ref()?;
        let mut finding = Finding::error("TEMPLATE", error.message.clone());
        finding.help.clone_from(&error.help);
        if let Some(file) = self.templates.get(name) {
            finding = finding.at(Place {
                file: *file,
                start: error.range.start,
                end: error.range.end,
            });
        }
        Some(finding)
    }

    /// The files of `templates/` that some role copies.
    fn copied(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for step in self.roles.values().flat_map(|r| &r.steps) {
            copies(&step.own, &mut names);
        }
        names
    }

    /// Ejected files of the site whose shipped origin is another by now.
    pub fn moved(&self, sources: &Sources) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, file) in &self.site {
            let text = sources.text(*file);
            let first = text.lines().next().unwrap_or_default();
            let Some((origin, digest)) = origin(first) else {
                continue;
            };
            let place = Place {
                file: *file,
                start: 0,
                end: first.len(),
            };
            let message = match shipped(origin) {
                None => format!("{} is no longer shipped", shown(origin)),
                Some(content) if sha256(content.as_bytes()) != digest => {
                    format!(
                        "the shipped {} has changed since this was ejected",
                        shown(origin)
                    )
                }
                Some(_) => continue,
            };
            findings.push(
                Finding::warning("EJECT-MOVED", message)
                    .at(place)
                    .help(format!(
                        "compare the two: `nodewright eject` shows the shipped one; then eject {path} anew or take \
                         its digest over into this line"
                    )),
            );
        }
        findings
    }
}

/// A shipped role (with its templates) or one shipped template, as files to be written into a site: path and content.
/// The first line of each names its origin and its digest.
pub fn eject(name: &str) -> Result<Vec<(String, String)>, String> {
    let template = name.strip_prefix("templates/").unwrap_or(name);
    let wanted = |path: &str| {
        path == format!("roles/{name}.toml")
            || path == format!("templates/{template}")
            || path.starts_with(&format!("templates/{name}/"))
    };
    let files: Vec<_> = SHIPPED
        .iter()
        .filter(|(path, _)| wanted(path))
        .map(|(path, content)| {
            let line = format!("{EJECTED}{path}, sha256 {}", sha256(content.as_bytes()));
            let line = if path.starts_with("roles/") {
                format!("# {line}\n")
            } else {
                format!("{{# {line} -#}}\n")
            };
            ((*path).to_owned(), format!("{line}{content}"))
        })
        .collect();
    if files.is_empty() {
        let roles: Vec<_> = SHIPPED
            .iter()
            .filter_map(|(p, _)| p.strip_prefix("roles/")?.strip_suffix(".toml"))
            .collect();
        return Err(format!(
            "there is no shipped role or template {}; the shipped roles are {}",
            shown(name),
            crate::site::any_of(&roles)
        ));
    }
    Ok(files)
}

/// The steps of a shipped role whose kind is for a site's own roles alone.
fn own_only(role: &Role) -> Vec<Finding> {
    let seen = role.checks.iter().filter_map(|check| check.see.as_ref());
    let steps = role.steps.iter().chain(seen);
    steps
        .filter(|step| step.kind.own_only())
        .map(|step| {
            let kind = step.kind.name();
            Finding::error(
                "ROLE-OWN-ONLY",
                format!("a shipped role must not use `{kind}`, which is for a site's own roles"),
            )
            .at(step.place)
            .help("use the kind that is made for it, or write one")
        })
        .collect()
}

/// Path and digest of an ejected file's origin, from its first line.
fn origin(first: &str) -> Option<(&str, &str)> {
    let rest = first
        .strip_prefix("# ")
        .or_else(|| first.strip_prefix("{# ")?.strip_suffix(" -#}"))?;
    rest.strip_prefix(EJECTED)?.split_once(", sha256 ")
}

fn shipped(path: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(p, _)| *p == path).map(|(_, c)| *c)
}

fn copies(table: &Table, names: &mut BTreeSet<String>) {
    for (key, (_, tree)) in table {
        match &tree.value {
            Value::Str(text) if key == "copy" => {
                names.insert(text.clone());
            }
            Value::Table(inner) => copies(inner, names),
            Value::Array(list) => {
                for inner in list.iter().filter_map(Tree::as_table) {
                    copies(inner, names);
                }
            }
            _ => {}
        }
    }
}

/// Reads every file under a folder of the site; hidden files and editors' backups are passed over.
fn collect(
    root: &Path,
    folder: &Path,
    files: &mut Vec<(String, String)>,
    findings: &mut Vec<Finding>,
) {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let path = folder.join(&name);
        let full = root.join(&path);
        if full.is_dir() {
            collect(root, &path, files, findings);
            continue;
        }
        match std::fs::read_to_string(&full) {
            Ok(text) => files.push((path.to_string_lossy().into_owned(), text)),
            Err(why) => findings.push(Finding::unread(&full, &why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_role_can_be_read() {
        let mut sources = Sources::default();
        let mut findings = Vec::new();
        let library = Library::of([], &mut sources, &mut findings);
        let shown: Vec<_> = findings.iter().map(|f| f.render(&sources, false)).collect();
        assert_eq!(shown.join("\n"), "");
        assert!(library.role("base").is_some() && library.role("etckeeper").is_some());
        assert!(library.roles().all(|r| r.description.len() > 10));
    }

    #[test]
    fn a_file_of_the_site_wins() {
        let mut sources = Sources::default();
        let mut findings = Vec::new();
        let own = ("roles/base.toml", "description = 'mine'\n");
        let library = Library::of([own], &mut sources, &mut findings);
        assert_eq!(library.role("base").unwrap().description, "mine");
        assert_eq!(findings, []);
    }

    #[test]
    fn a_shipped_role_uses_no_kind_that_is_for_own_roles() {
        let text = "description = 'x'\n[[step]]\ncommand = ['true']\nunless = ['true']\n";
        let findings_of = |shipped: &[(&str, &str)], site: &[(String, String, String)]| {
            let (mut sources, mut findings) = (Sources::default(), Vec::new());
            Library::build(shipped, site, &mut sources, &mut findings);
            let shown = findings.iter().map(|f| f.render(&sources, false));
            shown.collect::<Vec<_>>().join("\n")
        };
        let shipped = findings_of(&[("roles/x.toml", text)], &[]);
        assert!(shipped.contains("roles/x.toml:3:1"), "{shipped}");
        assert!(
            shipped.contains("error[ROLE-OWN-ONLY]: a shipped role must not use `command`"),
            "{shipped}"
        );
        let path = || "roles/x.toml".to_owned();
        assert_eq!(findings_of(&[], &[(path(), path(), text.to_owned())]), "");
        // A file of the same path in the site wins, and is the site's own.
        let both = findings_of(
            &[("roles/x.toml", text)],
            &[(path(), path(), text.to_owned())],
        );
        assert_eq!(both, "");
    }

    #[test]
    fn an_ejected_file_names_its_origin_and_is_watched() {
        let files = eject("base").unwrap();
        assert_eq!(files[0].0, "roles/base.toml");
        let mut sources = Sources::default();
        let mut findings = Vec::new();
        let own: Vec<_> = files
            .iter()
            .map(|(p, c)| (p.as_str(), c.as_str()))
            .collect();
        let library = Library::of(own, &mut sources, &mut findings);
        assert_eq!(
            (findings.as_slice(), library.moved(&sources)),
            (&[][..], vec![])
        );
        let old = files[0].1.replacen("sha256 ", "sha256 0", 1);
        let library = Library::of(
            [("roles/base.toml", old.as_str())],
            &mut sources,
            &mut findings,
        );
        let moved = library.moved(&sources);
        assert_eq!(moved.len(), 1);
        assert_eq!(
            moved[0].location(&sources).unwrap().to_string(),
            "roles/base.toml:1:1"
        );
        assert!(
            moved[0].message.contains("has changed since"),
            "{}",
            moved[0].message
        );
        assert!(eject("bsae").unwrap_err().contains("`base`"));
    }

    #[test]
    fn a_template_with_the_line_of_its_origin_renders_the_same() {
        for (path, content) in SHIPPED.iter().filter(|(p, _)| p.starts_with("templates/")) {
            assert_eq!(
                content.trim_start(),
                *content,
                "{path} begins with white space"
            );
        }
    }

    #[test]
    fn windows_line_ends_are_reported_to_be_that() {
        let mut sources = Sources::default();
        let mut findings = Vec::new();
        let role = "description = \"d\"\r\n[[step]]\r\nfile = \"/etc/x\"\r\ncontent = \"\"\"\r\na\r\nb\"\"\"\r\n";
        let files = [("templates/x/awk", "a\r\nb\r\n"), ("roles/mine.toml", role)];
        Library::of(files, &mut sources, &mut findings);
        let told: Vec<String> = findings
            .iter()
            .map(|f| format!("{} {}", f.location(&sources).unwrap(), f.message))
            .collect();
        assert_eq!(
            told,
            [
                "roles/mine.toml:4:11 the lines end in CR and LF here, as on Windows",
                "templates/x/awk:1:2 the lines end in CR and LF here, as on Windows",
            ]
        );
    }

    #[test]
    fn a_template_that_cannot_be_read_is_a_finding() {
        let mut sources = Sources::default();
        let mut findings = Vec::new();
        Library::of([("templates/x/awk", "{{ {%")], &mut sources, &mut findings);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].location(&sources).unwrap().to_string(),
            "templates/x/awk:1:5"
        );
    }
}
