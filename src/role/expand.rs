//! From roles to resources: everything a node is to be, rendered from the site alone.

use super::check::{CheckEntry, CheckSeverity, Scope};
use super::file::{OpenEntry, Role};
use super::head::Head;
use super::library::Library;
use super::reader::Placed;
use super::render::{Around, Renderer};
use super::step::{SiteKey, Step};
use super::subject::{Common, Subject};
use crate::firewall::{OpenPorts, families};
use crate::kind::{Address, EditChange, Resource, StepMeta, Target};
use crate::site::{Finding, Place, Provision, Site, Sources, Table, any_of, did_you_mean, shown};
use crate::text::Text;
use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that the roles of a node ask for.
#[derive(Debug, Default)]
pub struct Expansion {
    /// The resources, in order.
    pub resources: Vec<Resource>,
    /// Questions about the running system.
    pub checks: Vec<Check>,
    /// Ports that are needed open.
    pub opens: Vec<OpenPorts>,
    /// The words that its roles provide, each with the role.
    pub provides: Vec<(Provision, String)>,
    /// Findings about roles, templates and the site's values for them.
    pub findings: Vec<Finding>,
}

/// A question about a running system.
#[derive(Clone, Debug)]
pub struct Check {
    /// Stable code.
    pub code: String,
    /// Its severity when it fails.
    pub severity: CheckSeverity,
    /// Its scope.
    pub scope: Scope,
    /// The step whose observation it reads; `None` where it has one of its own.
    pub of: Option<Selector>,
    /// The observation of its own. It is never changed, only seen.
    pub see: Option<Resource>,
    /// The port that is tried from outside.
    pub tcp: Option<Tcp>,
    /// The expected values, by the kind's own names.
    pub expect: Map<String, Json>,
    /// Names of values that are the same on all members.
    pub same: Vec<String>,
    /// The remedy.
    pub remedy: String,
    /// The role it belongs to.
    pub role: String,
    /// The place where it is written.
    pub place: String,
}

/// A TCP port that is tried from the operator's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Names one resource of a node: `KIND:NAME`, or `ROLE/KIND:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The role, when unset.
    pub role: Option<String>,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// The code of a file or folder of the site that a step names and that cannot be used.
pub const SITE_FILE: &str = "SITE-FILE";

impl Selector {
    /// Reads `KIND:NAME` or `ROLE/KIND:NAME`. A name may hold slashes: the role ends before the kind.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, name) = text.split_once(':')?;
        let (role, kind) = match head.split_once('/') {
            Some((role, kind)) => (Some(role.to_owned()), kind),
            None => (None, head),
        };
        let whole = !kind.is_empty() && !name.is_empty() && role.as_deref() != Some("");
        whole.then(|| Self {
            role,
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }

    /// Whether it names this resource.
    pub fn matches(&self, address: &Address) -> bool {
        self.kind == address.kind
            && self.name == address.name
            && self.role.as_ref().is_none_or(|r| *r == address.role)
    }
}

/// Renders everything the roles of a node of a site ask for.
pub fn expand(site: &Site, library: &Library, node: &str, sources: &Sources) -> Expansion {
    expand_subject(&Subject::of(site, node), library, sources)
}

/// The same for every node of a site, in its order; the parts that all nodes share are made once.
pub fn expand_all<'a>(
    site: &'a Site,
    library: &'a Library,
    sources: &'a Sources,
) -> impl Iterator<Item = (&'a str, Expansion)> {
    let common = Common::of(site);
    site.node_names().map(move |node| {
        let subject = Subject::among(site, node, &common);
        (node, expand_subject(&subject, library, sources))
    })
}

/// Every file whose whole content the resources set, by path; a change without one path is not in it. Secrets are
/// marks: [`Text::masked`] is for display.
pub fn files(resources: &[Resource]) -> BTreeMap<String, Text> {
    let mut files = BTreeMap::new();
    for edit in resources.iter().flat_map(|r| &r.files.edits) {
        if let EditChange::Whole { content, .. } = &edit.change {
            files.insert(edit.path.clone(), content.clone());
        }
    }
    files.extend(resources.iter().filter_map(|r| r.files.rendered.clone()));
    for folder in resources.iter().filter_map(|r| r.files.folder.as_ref()) {
        for (name, content) in &folder.files {
            files.insert(format!("{}/{name}", folder.path), content.clone());
        }
    }
    files
}

/// Renders everything the roles of a node ask for.
pub fn expand_subject(subject: &Subject, library: &Library, sources: &Sources) -> Expansion {
    let mut expander = Expander {
        subject,
        library,
        sources,
        target: Target {
            node: subject.node.clone(),
            platform: subject.platform,
        },
        index: 0,
        places: BTreeMap::new(),
        wanted: Vec::new(),
        out: Expansion::default(),
    };
    let roles = expander.roles();
    let sound = roles.iter().all(|role| role.sound);
    let parts: Vec<_> = roles
        .into_iter()
        .filter_map(|r| expander.opens(r))
        .collect();
    let firewall = expander.firewall();
    for (role, mut around) in parts {
        around.set("firewall", firewall.clone());
        expander.role(role, &around);
    }
    if sound {
        expander.check_selectors();
    }
    expander.out
}

struct Expander<'a> {
    subject: &'a Subject,
    library: &'a Library,
    sources: &'a Sources,
    target: Target,
    index: usize,
    places: BTreeMap<Address, Place>,
    wanted: Vec<(Selector, Place)>,
    out: Expansion,
}

impl<'a> Expander<'a> {
    /// The roles of the node that there are, their order checked.
    fn roles(&mut self) -> Vec<&'a Role> {
        let library = self.library;
        let mut roles: Vec<(&Role, Option<Place>)> = Vec::new();
        for (name, place) in &self.subject.roles {
            if let Some(role) = library.role(name) {
                roles.push((role, *place));
                continue;
            }
            let known: Vec<_> = library.roles().map(|r| &r.name).collect();
            let help = did_you_mean(name, &known).map_or_else(
                || {
                    format!(
                        "there are {}; a role of your own is roles/{name}.toml",
                        any_of(&known)
                    )
                },
                |near| format!("did you mean {}?", shown(&near)),
            );
            self.out.findings.push(
                Finding::error("ROLE-MISSING", format!("there is no role {}", shown(name)))
                    .at(*place)
                    .help(help),
            );
        }
        for (at, (role, place)) in roles.iter().enumerate() {
            for after in &role.after {
                let before = roles.iter().position(|(r, _)| r.name == after.value);
                let named = self.subject.roles.iter().any(|(n, _)| *n == after.value);
                let (own, other) = (shown(&role.name), shown(&after.value));
                let finding = match before {
                    Some(before) if before < at => continue,
                    Some(_) => {
                        let message = format!("role {own} comes before {other}");
                        Finding::error("ROLE-ORDER", message)
                            .help(format!("put {other} before {own}"))
                    }
                    None if named => continue,
                    None => {
                        let message = format!("role {own} needs role {other}");
                        Finding::error("ROLE-AFTER", message).help(format!("add {other} before it"))
                    }
                };
                let finding = finding.at(*place);
                self.out
                    .findings
                    .push(finding.also(after.place, "it comes after this one"));
            }
        }
        roles.into_iter().map(|(role, _)| role).collect()
    }

    /// The ports that a role needs open, and the context of its values; `None` where its condition does not hold.
    fn opens(&mut self, role: &'a Role) -> Option<(&'a Role, Around)> {
        let mut around = Around::new(&self.subject.context);
        let vars = self.subject.vars(role, &mut self.out.findings);
        around.set("vars", vars);
        around.set("platform", self.subject.words(role));
        around.set("firewall", Value::from(Serde(&self.subject.firewall)));
        if !self.renderer(role).holds(role.when.as_ref(), &around) {
            return None;
        }
        let provides = role.provides.iter();
        let provides = provides.map(|what| (*what, role.name.clone()));
        self.out.provides.extend(provides);
        for (name, expression) in &role.lets {
            let value = self.renderer(role).expression(expression, &around)?;
            around.set(name, value);
        }
        for open in &role.opens {
            for around in self.rounds(role, open.each.as_ref(), open.when.as_ref(), &around) {
                self.open(role, open, &around);
            }
        }
        Some((role, around))
    }

    /// The value of `firewall` for steps and checks: with all that is open on the node, whichever role requests it.
    fn firewall(&self) -> Value {
        let firewall = &self.subject.firewall;
        let mut all = serde_json::json!(firewall);
        all["families"] = families(firewall, &self.out.opens);
        Value::from(Serde(all))
    }

    fn role(&mut self, role: &'a Role, around: &Around) {
        for step in &role.steps {
            self.index += 1;
            if !step.sound {
                continue;
            }
            let rounds = self.rounds(role, step.each.as_ref(), step.when.as_ref(), around);
            if step.meta.once && !self.among_members("once = true", step.place, !rounds.is_empty())
            {
                continue;
            }
            for around in rounds {
                if let Some(resources) = self.step(role, step, &around) {
                    self.add(resources, step.place);
                }
            }
        }
        for check in &role.checks {
            let rounds = self.rounds(role, check.each.as_ref(), check.when.as_ref(), around);
            let cluster = check.scope == Scope::Cluster;
            let what = "scope = \"cluster\"";
            if cluster && !self.among_members(what, check.place, !rounds.is_empty()) {
                continue;
            }
            for around in rounds {
                self.check(role, check, &around);
            }
        }
    }

    /// Whether the node has others in a cluster, which what is written at a place needs if it is `used`.
    fn among_members(&mut self, what: &str, place: Place, used: bool) -> bool {
        if self.subject.alone && used {
            let node = shown(&self.subject.node);
            let message = format!("`{what}` needs all members of a cluster, and {node} is in none");
            self.out.findings.push(
                Finding::error("CLUSTER-NONE", message)
                    .at(place)
                    .help("add `when = \"peers\"`, or leave it out"),
            );
        }
        !self.subject.alone
    }

    fn renderer<'b>(&'b mut self, role: &'b Role) -> Renderer<'b> {
        Renderer {
            library: self.library,
            sources: self.sources,
            role,
            platform: self.subject.platform,
            findings: &mut self.out.findings,
        }
    }

    /// The surroundings of each round of a loop for which `when` holds; one round where there is no loop.
    fn rounds(
        &mut self,
        role: &Role,
        each: Option<&Placed<Head>>,
        when: Option<&Placed<String>>,
        around: &Around,
    ) -> Vec<Around> {
        self.renderer(role).rounds(each, when, around)
    }

    fn step(&mut self, role: &Role, step: &Step, around: &Around) -> Option<Vec<Resource>> {
        let index = self.index;
        let target = self.target.clone();
        let location = self.sources.locate(step.place);
        let mut renderer = self.renderer(role);
        let source = match &step.source {
            Some(source) => Some(renderer.text(source, around)?),
            None => None,
        };
        let mut own = renderer.table(&step.own, around)?;
        self.read_site(step, &mut own)?;
        let meta = Arc::new(StepMeta {
            index,
            place: format!("{}:{}", location.file, location.line),
            source,
            ..step.meta.clone()
        });
        match step.kind.read(&role.name, own, &meta, &target) {
            Ok(resources) => Some(resources),
            Err(why) => {
                let place = named_key(&why, &step.own).unwrap_or(step.place);
                self.out
                    .findings
                    .push(Finding::error("STEP", format!("{}: {why}", step.kind.name())).at(place));
                None
            }
        }
    }

    /// Replaces the paths of files and folders of the site by their contents.
    fn read_site(&mut self, step: &Step, own: &mut Map<String, Json>) -> Option<()> {
        let files = self.library.site_files();
        for (key, what) in &step.site_keys {
            let Some(Json::String(path)) = own.get(key) else {
                continue;
            };
            let tool = self.target.platform.package_tool();
            let read = match what {
                SiteKey::Text => files.text(path).map(Json::from),
                SiteKey::Image => files.image(path).map(|file| serde_json::json!(file)),
                SiteKey::Packages => files
                    .packages(path, tool)
                    .map(|files| serde_json::json!({ "folder": path, "files": files })),
            };
            match read {
                Ok(value) => _ = own.insert(key.clone(), value),
                Err(why) => {
                    let place = step.own.get(key).map_or(step.place, |(_, tree)| tree.place);
                    self.out
                        .findings
                        .push(Finding::error(SITE_FILE, why).at(place));
                    return None;
                }
            }
        }
        Some(())
    }

    fn add(&mut self, resources: Vec<Resource>, place: Place) {
        for resource in resources {
            if let Some(first) = self.places.get(&resource.address) {
                self.out.findings.push(
                    Finding::error(
                        "STEP-TWICE",
                        format!("`{}` is described twice", resource.address),
                    )
                    .at(place)
                    .help("make one step of the two")
                    .also(*first, "first described here"),
                );
                continue;
            }
            self.places.insert(resource.address.clone(), place);
            self.out.resources.push(resource);
        }
    }

    fn open(&mut self, role: &Role, entry: &OpenEntry, around: &Around) {
        let Some(own) = self.renderer(role).table(&entry.own, around) else {
            return;
        };
        let mut open = OpenPorts::of(&role.name);
        for (key, value) in own {
            let list = match value {
                Json::Array(list) => list,
                one => vec![one],
            };
            let place = entry
                .own
                .get(&key)
                .map_or(entry.place, |(_, tree)| tree.place);
            for item in list {
                if let Err(why) = open.take(&key, &item) {
                    self.out
                        .findings
                        .push(Finding::error("OPEN", why).at(place));
                }
            }
        }
        if open.from.is_empty() {
            open.from.push("any".to_owned());
        }
        let zones = &self.subject.zones;
        for (key, name) in [("zone", &open.zone)]
            .into_iter()
            .chain(open.from.iter().map(|from| ("from", from)))
        {
            let known = zones.contains(name) || key == "from" && OpenPorts::is_source(name);
            if known {
                continue;
            }
            let place = entry
                .own
                .get(key)
                .map_or(entry.place, |(_, tree)| tree.place);
            let finding =
                Finding::error("OPEN", format!("there is no zone {}", shown(name))).at(place);
            self.out.findings.push(match did_you_mean(name, zones) {
                Some(near) => finding.help(format!("did you mean {}?", shown(&near))),
                None => finding.help(format!("the site has {}", any_of(zones))),
            });
        }
        if let Some(why) = open.nobody(&self.subject.firewall, self.subject.alone) {
            let place = entry.own.get("from").map_or(entry.place, |(_, t)| t.place);
            self.out
                .findings
                .push(Finding::error("OPEN", why).at(place));
        }
        self.out.opens.push(open);
    }

    fn check(&mut self, role: &Role, entry: &CheckEntry, around: &Around) {
        let Some(own) = self.renderer(role).table(&entry.own, around) else {
            return;
        };
        let text = |key: &str| own.get(key).and_then(Json::as_str);
        let see = match &entry.see {
            Some(step) if !step.sound => return,
            Some(step) => {
                let Some(mut resources) = self.step(role, step, around) else {
                    return;
                };
                if resources.len() != 1 {
                    self.out.findings.push(
                        Finding::error("CHECK", "`see` names exactly one thing").at(step.place),
                    );
                    return;
                }
                resources.pop()
            }
            None => None,
        };
        let of = match text("of") {
            Some(text) => {
                let place = entry.own.get("of").map_or(entry.place, |(_, t)| t.place);
                let Some(selector) = Selector::parse(text) else {
                    self.out.findings.push(
                        Finding::error("CHECK", format!("{} names no resource", shown(text)))
                            .at(place)
                            .help("a resource is named `KIND:NAME`, such as `service:sshd`"),
                    );
                    return;
                };
                self.wanted.push((selector.clone(), place));
                Some(selector)
            }
            None => None,
        };
        let tcp = match own.get("tcp") {
            Some(tcp) => match self.tcp(tcp) {
                Ok(tcp) => Some(tcp),
                Err(why) => {
                    let place = entry.own.get("tcp").map_or(entry.place, |(_, t)| t.place);
                    self.out
                        .findings
                        .push(Finding::error("CHECK", why).at(place));
                    return;
                }
            },
            None => None,
        };
        let location = self.sources.locate(entry.code.place);
        self.out.checks.push(Check {
            code: entry.code.value.clone(),
            severity: entry.severity,
            scope: entry.scope,
            of,
            see,
            tcp,
            expect: own
                .get("expect")
                .and_then(Json::as_object)
                .cloned()
                .unwrap_or_default(),
            same: own
                .get("same")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            remedy: text("remedy").unwrap_or_default().to_owned(),
            role: role.name.clone(),
            place: format!("{}:{}", location.file, location.line),
        });
    }

    /// The port that a check tries from outside.
    fn tcp(&self, value: &Json) -> Result<Tcp, String> {
        let port = match &value["port"] {
            Json::Number(number) => number.as_u64(),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        let port = port.and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0);
        let host = match &value["host"] {
            Json::String(host) => host.clone(),
            _ => self.subject.host.clone(),
        };
        Ok(Tcp {
            port: port.ok_or_else(|| format!("{} is no port", value["port"]))?,
            host,
        })
    }

    /// A check needs a step that observes what it reads.
    fn check_selectors(&mut self) {
        for (selector, place) in &self.wanted {
            if self.places.keys().any(|address| selector.matches(address)) {
                continue;
            }
            let name = format!("{}:{}", selector.kind, selector.name);
            let known: Vec<_> = self
                .places
                .keys()
                .map(|a| format!("{}:{}", a.kind, a.name))
                .collect();
            let mut finding =
                Finding::error("CHECK", format!("no step describes {}", shown(&name))).at(*place);
            if let Some(near) = did_you_mean(&name, &known) {
                finding = finding.help(format!("did you mean {}?", shown(&near)));
            }
            self.out.findings.push(finding);
        }
    }
}

/// The place of the key that a kind's message begins with: "`mode`: …".
fn named_key(why: &str, own: &Table) -> Option<Place> {
    let path = why.strip_prefix('`')?.split('`').next()?;
    let key = path.split(['.', '[']).next()?;
    own.get(key).map(|(_, tree)| tree.place)
}

#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod tests;
