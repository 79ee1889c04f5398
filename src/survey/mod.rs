//! A site read whole: inventory, roles, templates, the expansion for every node, and the findings about them.
//!
//! Every command reads it before it contacts a node. Pure but for reading the site's files.

mod codes;
mod files;
mod knock;

pub use codes::CODES;
pub use files::{RenderedFile, rendered};
pub use knock::knock_findings;

use crate::kind::Resource;
use crate::plan::Selection;
use crate::plan::fold::{EditRequest, conflicts};
use crate::platform::PackageTool;
use crate::role::{Check, Expansion, Library, SITE_FILE, expand_all, unknown_names};
use crate::rules;
use crate::site::words::types::Date;
use crate::site::{Finding, Overrides, SelectError, Severity, Site, Sources};
use crate::text::did_you_mean;
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// A site and what was found in it.
#[derive(Debug)]
pub struct Survey {
    /// Its folder.
    pub dir: PathBuf,
    /// The files that were read, for the places of findings.
    pub sources: Sources,
    /// The site, unless its syntax or types are wrong.
    pub site: Option<Site>,
    /// Its roles and templates, shipped ones included.
    pub library: Library,
    /// The expansion for each node, in the site's order; its findings are moved to `findings`.
    pub nodes: IndexMap<String, Expansion>,
    /// Everything that is wrong, each once.
    pub findings: Vec<Finding>,
    /// Warnings that the site accepts, each with the reason.
    pub accepted: Vec<(Finding, String)>,
}

/// The reason why a command cannot go on with a site.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// Something in it is an error.
    #[error("the site has errors; `nodewright check` lists them")]
    NotSound,
    /// A word names no node and no group.
    #[error(transparent)]
    Node(#[from] SelectError),
    /// A glob matches nothing.
    #[error(
        "`{0}` matches no resource of the selected nodes; an address is ROLE/KIND:NAME, and `*` matches any text"
    )]
    Glob(String),
}

impl Survey {
    /// Reads the site in a folder. Never fails: a file that cannot be read is a finding. `today` decides which
    /// acceptances have expired.
    pub fn of(dir: &Path, overrides: &Overrides, today: &Date) -> Self {
        let mut loaded = crate::site::load(dir, overrides);
        let (mut sources, mut findings) = (loaded.sources, loaded.findings);
        let mut of_roles = Vec::new();
        let library = Library::load(dir, &mut sources, &mut of_roles);
        of_roles.extend(library.moved(&sources));
        // An unresolved name would be reported once more by every file that uses it.
        let resolved = findings.iter().all(|f| f.severity != Severity::Error);
        let expanded: Vec<_> = loaded
            .site
            .iter()
            .filter(|_| resolved)
            .flat_map(|s| expand_all(s, &library, &sources))
            .map(|(node, expansion)| (node.to_owned(), expansion))
            .collect();
        let provided = expanded
            .iter()
            .map(|(node, expansion)| (node.clone(), expansion.provides.clone()));
        loaded.site = loaded.site.map(|s| s.with_provided(provided.collect()));
        let judged = loaded
            .site
            .as_ref()
            .filter(|_| resolved)
            .map(|s| rules::run(s, today))
            .unwrap_or_default();
        findings.extend(judged.findings);
        // Findings of shipped roles that follow from an unsound site are left out.
        let unsound = findings.iter().any(|f| f.severity == Severity::Error);
        findings.extend(of_roles);
        let file_findings = loaded.site.iter();
        let file_findings: Vec<Finding> = file_findings
            .flat_map(|s| site_files(s, &library))
            .collect();
        findings.extend(file_findings.iter().cloned());
        let site_vars = loaded.site.iter().filter(|_| resolved);
        findings.extend(site_vars.flat_map(|s| strange_vars(s, &library)));
        let mut nodes = IndexMap::new();
        let named = loaded.site.iter().filter(|_| resolved);
        let named: Vec<Finding> = named
            .flat_map(|s| unknown_names(s, &library, &sources))
            .collect();
        for (node, mut expansion) in expanded {
            let wrong = std::mem::take(&mut expansion.findings);
            // A value that a role only passes on is reported where the site declares it.
            let again = |f: &Finding| {
                f.code == SITE_FILE && file_findings.iter().any(|t| t.message == f.message)
            };
            let follows = |f: &Finding| unsound && f.place.is_some_and(|p| sources.is_shipped(p));
            findings.extend(wrong.into_iter().filter(|f| !again(f) && !follows(f)));
            findings.extend(
                at_odds(&expansion.resources)
                    .into_iter()
                    .filter(|_| !unsound),
            );
            nodes.insert(node, expansion);
        }
        // Rendered roles have reported their unknown names already.
        let told = |f: &Finding| {
            let same = |t: &Finding| {
                t.message == f.message && t.place.map(|p| p.file) == f.place.map(|p| p.file)
            };
            findings.iter().any(same)
        };
        let untold: Vec<Finding> = named.into_iter().filter(|f| !told(f)).collect();
        findings.extend(untold);
        let mut each: Vec<Finding> = Vec::new();
        for finding in findings {
            if !each.contains(&finding) {
                each.push(finding);
            }
        }
        Self {
            dir: dir.to_owned(),
            sources,
            site: loaded.site,
            library,
            nodes,
            findings: each,
            accepted: judged.accepted,
        }
    }

    /// The number of errors, and that of warnings.
    pub fn count(&self) -> (usize, usize) {
        let error = |f: &&Finding| f.severity == Severity::Error;
        let errors = self.findings.iter().filter(error).count();
        (errors, self.findings.len() - errors)
    }

    /// The site, when nothing in it is an error.
    ///
    /// # Errors
    /// [`SurveyError::NotSound`].
    pub fn sound(&self) -> Result<&Site, SurveyError> {
        let site = self.site.as_ref().filter(|_| self.count().0 == 0);
        site.ok_or(SurveyError::NotSound)
    }

    /// The selected nodes of a sound site with the selected part of what they are to be, in the site's order.
    ///
    /// # Errors
    /// When the site is not sound, a word names nothing, or a glob matches nothing on these nodes.
    pub fn select<S: AsRef<str>>(
        &self,
        nodes: &[S],
        selection: &Selection,
    ) -> Result<Vec<(&str, Vec<&Resource>)>, SurveyError> {
        let chosen = self.sound()?.select(nodes)?;
        let names = self.nodes.iter().filter(|(n, _)| chosen.contains(n));
        matching(selection, names.clone().map(|(_, e)| e))?;
        let picked = names.map(|(node, expansion)| {
            let resources = expansion.resources.iter();
            let taken = resources.filter(|r| selection.takes(&r.address));
            (node.as_str(), taken.collect())
        });
        Ok(picked.collect())
    }
}

/// Fails when a glob matches no resource of these nodes: almost always a typing error.
///
/// # Errors
/// [`SurveyError::Glob`].
pub fn matching<'a>(
    selection: &Selection,
    nodes: impl Iterator<Item = &'a Expansion>,
) -> Result<(), SurveyError> {
    let all: Vec<_> = nodes
        .flat_map(|e| &e.resources)
        .map(|r| r.address.clone())
        .collect();
    let glob = selection.unmatched(&all).into_iter().next();
    glob.map_or(Ok(()), |glob| Err(SurveyError::Glob(glob)))
}

/// Findings about files and folders that the inventory names.
fn site_files(site: &Site, library: &Library) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, repository) in &site.inventory.repository {
        let mut tools: Vec<PackageTool> = Vec::new();
        for node in site.node_names() {
            let platform = site.platform_of(node);
            if repository.is_for(platform) && !tools.contains(&platform.package_tool()) {
                tools.push(platform.package_tool());
            }
        }
        let files = library.site_files();
        let mut finding = |key: &str, why: String| {
            let place = site.value_place(&["repository", name.as_str(), key]);
            findings.push(Finding::error(SITE_FILE, why).at(place));
        };
        if let Some(folder) = &repository.folder {
            for tool in &tools {
                if let Err(why) = files.packages(folder.as_str(), *tool) {
                    finding("folder", why);
                }
            }
        }
        if let Some(file) = &repository.key_file
            && let Err(why) = files.text(file.as_str())
        {
            finding("key_file", why);
        }
    }
    findings
}

/// Steps that want different things of the same place.
fn at_odds(resources: &[Resource]) -> Vec<Finding> {
    let mut paths: IndexMap<&str, Vec<EditRequest<'_>>> = IndexMap::new();
    for resource in resources {
        for edit in &resource.files.edits {
            let address = &resource.address;
            paths
                .entry(&edit.path)
                .or_default()
                .push(EditRequest { address, edit });
        }
    }
    let place = |address: &crate::kind::Address| {
        let found = resources.iter().find(|r| r.address == *address);
        found.map_or_else(String::new, |r| r.step.place.clone())
    };
    let found = paths
        .iter()
        .flat_map(|(path, wishes)| conflicts(path, wishes));
    found
        .map(|c| {
            let help = format!(
                "the steps are in {} and {}",
                place(&c.first),
                place(&c.second)
            );
            Finding::error("CONFLICT", c.to_string()).help(help)
        })
        .collect()
}

/// Variables of roles that are not there, or that no node has. A table that is called like no role at all may be free.
fn strange_vars(site: &Site, library: &Library) -> Vec<Finding> {
    let inventory = &site.inventory;
    let of_site = [(Vec::new(), &inventory.vars)].into_iter();
    let of_groups = inventory.group.iter();
    let of_groups = of_groups.map(|(name, group)| (vec!["group", name.as_str()], &group.vars));
    let of_nodes = site
        .nodes()
        .map(|(name, node)| (vec!["node", name], &node.vars));
    let in_use: Vec<String> = site.node_names().flat_map(|n| site.roles_of(n)).collect();
    let mut findings = Vec::new();
    for (path, vars) in of_site.chain(of_groups).chain(of_nodes) {
        for (name, _) in vars.iter().filter(|(_, value)| value.is_object()) {
            if in_use.contains(name) {
                continue;
            }
            let (message, help) = match did_you_mean(name, &in_use) {
                _ if library.role(name).is_some() => (
                    format!("no node has the role `{name}` whose variables these are"),
                    format!("name it in the `roles` of a group, or take `vars.{name}` out"),
                ),
                Some(near) => (
                    format!("no role is called `{name}`"),
                    format!("did you mean `{near}`?"),
                ),
                None => continue,
            };
            let path = [path.as_slice(), &["vars", name]].concat();
            findings.push(
                Finding::warning("VARS-IDLE", message)
                    .at(site.value_place(&path))
                    .help(help),
            );
        }
    }
    findings
}

/// Whether a selection includes one of the resources that a check reads. A check that tries a port reads no step, so a
/// selection of steps does not include it.
pub fn is_asked(check: &Check, resources: &[Resource], selection: &Selection) -> bool {
    match (&check.see, &check.of) {
        (Some(own), _) => selection.takes(&own.address),
        (None, Some(of)) => resources
            .iter()
            .any(|r| of.matches(&r.address) && selection.takes(&r.address)),
        (None, None) => !selection.names(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::words::types::Word as _;
    use std::collections::BTreeSet;

    const SITE: &str = include_str!("../../inventory/crosslink/inventory.toml");

    fn survey(text: &str) -> Survey {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("inventory.toml"), text).unwrap();
        let today = Date::parse("2026-12-01").unwrap();
        Survey::of(dir.path(), &Overrides::default(), &today)
    }

    #[test]
    fn checks_of_what_a_selection_leaves_out_are_left_out() {
        let survey = survey(SITE);
        let node = &survey.nodes["node1"];
        let asked = |only: &[&str], skip: &[&str]| -> BTreeSet<&str> {
            let selection = Selection::new(only, skip);
            let checks = node.checks.iter();
            let asked = checks.filter(|c| is_asked(c, &node.resources, &selection));
            asked.map(|c| c.role.as_str()).collect()
        };
        assert!(asked(&[], &[]).len() > 4);
        assert_eq!(asked(&["base/*"], &[]), BTreeSet::from(["base"]));
        assert!(!asked(&[], &["base/*"]).contains("base"));
        assert!(asked(&["base/file:/etc/nothing"], &[]).is_empty());
    }

    fn errors(survey: &Survey) -> Vec<String> {
        let errors = survey.findings.iter();
        let errors = errors.filter(|f| f.severity == Severity::Error);
        errors.map(|f| f.message.clone()).collect()
    }

    #[test]
    fn a_name_that_leads_nowhere_is_one_error_and_not_one_in_every_file() {
        let text = SITE.replace("ring      = \"yellow\"", "ring      = \"yelow\"");
        assert_ne!(text, SITE);
        let errors = errors(&survey(&text));
        assert_eq!(errors.len(), 1, "{errors:#?}");
    }

    #[test]
    fn variables_of_a_role_that_nobody_has_are_reported() {
        let told = |vars: &str| -> Vec<String> {
            let survey = survey(&format!("{SITE}\n{vars}\n"));
            let told = survey.findings.iter().filter(|f| f.code == "VARS-IDLE");
            told.map(|f| format!("{}; {}", f.message, f.help.as_deref().unwrap_or_default()))
                .collect()
        };
        assert_eq!(
            told("[vars.bse]\nmachine = false"),
            ["no role is called `bse`; did you mean `base`?"]
        );
        assert_eq!(
            told("[group.more]\nnodes = [\"node1\"]\nvars.bse.machine = false").len(),
            1
        );
        assert_eq!(told("[vars.base]\nmachine = false"), [""; 0]);
        assert_eq!(told("[vars.rack]\nrow = 3"), [""; 0]);
    }

    #[test]
    fn what_follows_from_a_site_that_is_not_sound_is_not_reported_again() {
        for (right, wrong) in [
            (
                "blue   = { nic = \"eth3\"",
                "blue   = { vlan = 4000, nic = \"enp0s20f0u1u2\"",
            ),
            (
                "name     = \"crosslink\"",
                "name     = \"crosslink-in-another-town\"",
            ),
        ] {
            let text = SITE.replacen(right, wrong, 1);
            assert_ne!(text, SITE, "{right}");
            let survey = survey(&text);
            let shipped = survey
                .findings
                .iter()
                .filter(|f| f.place.is_some_and(|p| survey.sources.is_shipped(p)));
            let shipped: Vec<_> = shipped.map(|f| &f.message).collect();
            assert!(!errors(&survey).is_empty(), "{wrong}");
            assert_eq!(shipped, [""; 0], "{wrong}");
        }
    }

    #[test]
    fn a_table_that_is_there_twice_is_one_error() {
        for again in [
            "[node.node1]\nhost_id = 3\n",
            "[services]\ntime = [\"a\"]\n",
            "[zone]\nred = { nic = \"eth7\" }\n",
        ] {
            let errors = errors(&survey(&format!("{SITE}\n{again}")));
            assert_eq!(errors.len(), 1, "{again}: {errors:#?}");
        }
    }
}
