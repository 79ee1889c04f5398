//! What every command that works on nodes begins with: the site, its roles expanded, the ways in, the secrets.

use super::context::{Commit, Context};
use super::{Forks, Pick, Usage};
use crate::exit::Exit;
use crate::lab;
use crate::node::{ConnectOptions, NodeAccess, Privilege, RunId, Secret, Way, ssh_config};
use crate::plan::fold::{self, Wish};
use crate::report::Reporter;
use crate::resource::{Platform, Resource};
use crate::role::{Check, Expansion, Library, expand};
use crate::run::{Ancestry, Engine, Event, Events, Member, Origin, Setup, Wish as RunWish, access};
use crate::site::inventory::Sudo;
use crate::site::{Finding, Overrides, Severity, Site, Sources};
use crate::text::Vault;
use anyhow::{Context as _, anyhow};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an unused connection stays open, so that the next command starts warm.
const PERSIST: Duration = Duration::from_secs(300);
/// How long one way may take to log in, and one answer to come.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A site that is sound, with its roles.
pub struct Workplace {
    /// The site's folder.
    pub dir: PathBuf,
    /// The site.
    pub site: Site,
    /// Its roles and templates.
    pub library: Library,
    /// All files that were read.
    pub sources: Sources,
    /// The expansion of each node, in the site's order.
    pub nodes: BTreeMap<String, Expansion>,
    /// Everything that was found; none of it an error.
    pub findings: Vec<Finding>,
}

/// What came of reading a site: a workplace, or only findings.
pub struct Opened {
    /// The site, unless an error was found.
    pub workplace: Option<Workplace>,
    /// The files, for the places of findings.
    pub sources: Sources,
    /// Everything that was found.
    pub findings: Vec<Finding>,
}

/// Reads the site of this command and expands all its nodes. Every finding is there at once.
///
/// # Errors
/// [`Usage`] when there is no site here.
pub fn open(context: &Context) -> anyhow::Result<Opened> {
    let dir = context.site_dir()?;
    let overrides = Overrides {
        platform: context.global.lab.then_some(Platform::Debian12),
    };
    let loaded = crate::site::load(&dir, &overrides);
    let (mut sources, mut findings) = (loaded.sources, loaded.findings);
    let wrong = |findings: &[Finding]| findings.iter().any(|f| f.severity == Severity::Error);
    let Some(site) = loaded.site.filter(|_| !wrong(&findings)) else {
        return Ok(Opened {
            workplace: None,
            sources,
            findings,
        });
    };
    let library = Library::load(&dir, &mut sources, &mut findings);
    findings.extend(library.moved(&sources));
    let mut nodes = BTreeMap::new();
    let names: Vec<String> = site.node_names().map(ToOwned::to_owned).collect();
    for node in names {
        let mut expansion = expand(&site, &library, &node, &sources);
        findings.append(&mut expansion.findings);
        findings.extend(conflicts(&node, &expansion.resources));
        nodes.insert(node, expansion);
    }
    dedup(&mut findings);
    if wrong(&findings) {
        return Ok(Opened {
            workplace: None,
            sources,
            findings,
        });
    }
    let workplace = Workplace {
        dir,
        site,
        library,
        sources,
        nodes,
        findings,
    };
    Ok(Opened {
        sources: workplace.sources.clone(),
        findings: workplace.findings.clone(),
        workplace: Some(workplace),
    })
}

/// The same, for commands that cannot do anything without: says what is wrong and ends.
///
/// # Errors
/// [`Usage`] when the site is not sound; its findings have been shown.
pub fn open_sound(context: &Context) -> anyhow::Result<Workplace> {
    let opened = open(context)?;
    let Some(workplace) = opened.workplace else {
        for finding in opened
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Error)
        {
            context.warn(&finding.render(&opened.sources, context.err_look.colour));
        }
        return Err(Usage(
            "the site is not sound; `nodewright check` says everything about it".to_owned(),
        )
        .into());
    };
    if context.global.lab {
        let declared = workplace.site.inventory.site.platform;
        if declared != Platform::Debian12 {
            context.note(&format!(
                "lab: rendered for debian12 instead of {declared}\n"
            ));
        }
    }
    Ok(workplace)
}

/// Two steps that want different things of one place, on one node.
fn conflicts(node: &str, resources: &[Resource]) -> Vec<Finding> {
    let mut paths: BTreeMap<&str, Vec<Wish<'_>>> = BTreeMap::new();
    for resource in resources {
        for edit in &resource.edits {
            paths.entry(&edit.path).or_default().push(Wish {
                address: &resource.address,
                edit,
            });
        }
    }
    paths
        .iter()
        .flat_map(|(path, wishes)| fold::conflicts(path, wishes))
        .map(|conflict| {
            Finding::error("CONFLICT", format!("{node}: {conflict}")).help(
                "let one step say what the path is to be, or give them different places in it",
            )
        })
        .collect()
}

/// The same finding about several nodes is said once.
fn dedup(findings: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    findings.retain(|f| seen.insert((f.code, f.message.clone(), format!("{:?}", f.place))));
}

impl Workplace {
    /// The nodes that are meant: named nodes and groups, or all.
    ///
    /// # Errors
    /// [`Usage`] when a word names nothing.
    pub fn select(&self, words: &[String]) -> anyhow::Result<Vec<String>> {
        if words.is_empty() {
            return Ok(self.site.node_names().map(ToOwned::to_owned).collect());
        }
        self.site
            .select(words)
            .map_err(|e| Usage(e.to_string()).into())
    }

    /// The resources of a node that are meant by `--only` and `--skip`.
    fn picked(&self, node: &str, pick: &Pick) -> Vec<Resource> {
        let matches = |globs: &[String], text: &str| {
            globs
                .iter()
                .any(|g| wildmatch::WildMatch::new(g).matches(text))
        };
        self.nodes[node]
            .resources
            .iter()
            .filter(|r| {
                let address = r.address.to_string();
                (pick.only.is_empty() || matches(&pick.only, &address))
                    && !matches(&pick.skip, &address)
            })
            .cloned()
            .collect()
    }

    /// The checks of a node.
    pub fn checks(&self, node: &str) -> &[Check] {
        &self.nodes[node].checks
    }

    /// Everything a run over these nodes needs.
    ///
    /// # Errors
    /// [`Usage`] when a glob matches nothing; failures to read secrets, keys or the lab.
    pub fn setup(
        &self,
        context: &Context,
        nodes: &[String],
        pick: &Pick,
        forks: Forks,
    ) -> anyhow::Result<Setup> {
        let ways = self.ways(context, nodes)?;
        let mut members = Vec::new();
        let mut password = None;
        for (node, connect) in ways {
            let privilege = if context.global.lab {
                Privilege::Root
            } else {
                match self.site.login(&node).sudo {
                    Sudo::None => Privilege::Root,
                    Sudo::Nopasswd => Privilege::SudoNoPassword,
                    Sudo::Password => Privilege::SudoPassword(ask_once(&mut password, context)?),
                }
            };
            let expansion = &self.nodes[&node];
            members.push(Member {
                target: self.site.target(&node),
                resources: self.picked(&node, pick),
                watched: expansion
                    .checks
                    .iter()
                    .filter_map(|c| c.see.clone())
                    .collect(),
                connect,
                privilege,
                etckeeper: self.site.roles_of(&node).iter().any(|r| r == "etckeeper"),
                partial: !pick.only.is_empty() || !pick.skip.is_empty(),
            });
        }
        let picky = !pick.only.is_empty() || !pick.skip.is_empty();
        if picky && members.iter().all(|m| m.resources.is_empty()) {
            return Err(Usage("--only and --skip leave no resource at all; `nodewright plan -v` shows the addresses".to_owned()).into());
        }
        for glob in &pick.only {
            let glob_matches = wildmatch::WildMatch::new(glob);
            let any = nodes
                .iter()
                .flat_map(|n| &self.nodes[n].resources)
                .any(|r| glob_matches.matches(&r.address.to_string()));
            if !any {
                return Err(Usage(format!(
                    "--only {glob} matches no resource of {}",
                    nodes.join(", ")
                ))
                .into());
            }
        }
        let commit = Commit::of(&self.dir);
        Ok(Setup {
            members,
            cluster: self
                .site
                .members()
                .into_iter()
                .map(ToOwned::to_owned)
                .collect(),
            vault: self.vault(context)?,
            origin: Origin {
                run: RunId::now().context("cannot name the run")?,
                site: self.site.name().to_owned(),
                commit: commit
                    .as_ref()
                    .map(|c| format!("{}{}", c.id, if c.dirty { "+" } else { "" })),
                who: Context::operator(),
            },
            ancestry: ancestry(&self.dir, commit.is_some()),
            forks: usize::from(forks.forks),
        })
    }

    /// The values of the secrets that the nodes' files need; nothing is opened where none is needed.
    fn vault(&self, context: &Context) -> anyhow::Result<Vault> {
        let needed = self
            .nodes
            .values()
            .flat_map(|n| &n.resources)
            .any(|r| r.value.to_string().contains(['\u{F0000}', '\u{F0001}']));
        let _ = context;
        if needed {
            Err(anyhow!("secrets cannot be opened yet"))
        } else {
            Ok(Vault::new())
        }
    }

    /// How each node is reached, in the site's order; writes the generated `ssh_config`.
    fn ways(
        &self,
        context: &Context,
        nodes: &[String],
    ) -> anyhow::Result<Vec<(String, ConnectOptions)>> {
        let runtime_dir = runtime_dir();
        let options = |config: &Path, access: NodeAccess| ConnectOptions {
            config: config.to_owned(),
            access,
            runtime_dir: runtime_dir.clone(),
            persist: PERSIST,
            timeout: TIMEOUT,
        };
        if context.global.lab {
            let lab = lab::State::load(lab::DEFAULT_NAME)?
                .ok_or_else(|| Usage("no lab is up: `nodewright lab up`".to_owned()))?;
            return nodes
                .iter()
                .map(|node| {
                    let found = lab.node(node).map_err(|_| {
                        Usage(format!("the lab has no node {node}; take it down and up again from the site's folder"))
                    })?;
                    let way = Way {
                        alias: node.clone(),
                        host: found.address().to_string(),
                        port: None,
                        user: None,
                        jump: None,
                        proxy_command: None,
                    };
                    let access = NodeAccess {
                        name: node.clone(),
                        ways: vec![way],
                        old_algorithms: false,
                        known_hosts: lab.known_hosts.clone(),
                        identity: None,
                    };
                    Ok((node.clone(), options(&lab.ssh_config, access)))
                })
                .collect();
        }
        let known_hosts = std::path::absolute(self.dir.join("known_hosts"))?;
        let all: Vec<NodeAccess> = self
            .site
            .node_names()
            .map(|n| access(&self.site, n, &known_hosts, None))
            .collect();
        let text = ssh_config(&all).map_err(|e| anyhow!(e))?;
        let config = self.private_dir()?.join("ssh_config");
        write_atomically(&config, text.as_bytes())?;
        let wanted = |n: &String| {
            all.iter()
                .find(|a| a.name == *n)
                .cloned()
                .map(|a| (n.clone(), options(&config, a)))
        };
        Ok(nodes.iter().filter_map(wanted).collect())
    }

    /// The folder in the site for what is generated there and not committed.
    fn private_dir(&self) -> anyhow::Result<PathBuf> {
        let dir = std::path::absolute(self.dir.join(".nodewright"))?;
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let ignore = dir.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n")
                .with_context(|| format!("cannot write {}", ignore.display()))?;
        }
        Ok(dir)
    }
}

/// The operator's sudo password, asked once a command.
fn ask_once(password: &mut Option<Secret>, context: &Context) -> anyhow::Result<Secret> {
    if let Some(known) = password {
        return Ok(known.clone());
    }
    let text = match std::env::var("NODEWRIGHT_SUDO_PASSWORD_FILE") {
        Ok(path) => std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {path}"))?
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
        Err(_) => rpassword::prompt_password("Your sudo password on the nodes: ")
            .context("cannot ask for the password")?,
    };
    let _ = context;
    let secret = Secret::new(text);
    *password = Some(secret.clone());
    Ok(secret)
}

/// Whether a commit of the site is part of what is checked out here; `None` where git cannot say.
fn ancestry(dir: &Path, in_git: bool) -> Option<Ancestry> {
    let dir = dir.to_owned();
    in_git.then(|| {
        Box::new(move |commit: &str| {
            let status = std::process::Command::new("git")
                .arg("-C")
                .arg(&dir)
                .args(["merge-base", "--is-ancestor", commit, "HEAD"])
                .stdin(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status()
                .ok()?;
            Some(status.success())
        }) as Ancestry
    })
}

/// Replaces a file whole or not at all.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)
        .with_context(|| format!("cannot write in {}", dir.display()))?;
    file.write_all(bytes)?;
    file.persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

fn runtime_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if dir.len() < 40 => Path::new(&dir).join("nodewright"),
        _ => PathBuf::from(format!(
            "/tmp/nodewright-{}",
            std::env::var("USER").unwrap_or_else(|_| "user".to_owned())
        )),
    }
}

/// Today, as rules about dates want it: `2027-06-30`.
fn today() -> String {
    crate::run::today()
}

/// Runs work with an engine on a thread of its own, while what happens is shown on this one. `after` is called once an
/// event has been shown.
///
/// # Errors
/// When the runtime cannot start.
pub fn with_engine<T: Send>(
    reporter: &mut Reporter,
    setup: Setup,
    mut after: impl FnMut(&Event),
    work: impl AsyncFnOnce(&mut Engine) -> T + Send,
) -> anyhow::Result<T> {
    let (events, received) = std::sync::mpsc::channel::<Event>();
    std::thread::scope(|scope| {
        let worker = scope.spawn(move || drive(setup, events, work));
        for event in received {
            reporter.tell(&event);
            after(&event);
        }
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn drive<T>(
    setup: Setup,
    events: Events,
    work: impl AsyncFnOnce(&mut Engine) -> T,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let (send, wish) = tokio::sync::watch::channel(RunWish::GoOn);
    Ok(tokio::task::LocalSet::new().block_on(&runtime, async move {
        tokio::task::spawn_local(async move {
            for next in [RunWish::Stop, RunWish::Detach] {
                if tokio::signal::ctrl_c().await.is_err() {
                    return;
                }
                let _ = send.send(next);
            }
            std::future::pending::<()>().await;
        });
        let mut engine = Engine::new(setup, events, wish);
        work(&mut engine).await
    }))
}

/// What a command ends with because of nodes that failed, if any did: the gravest.
pub fn worst(engine: &Engine) -> Option<Exit> {
    let order = [
        Exit::Refused,
        Exit::PutBack,
        Exit::Locked,
        Exit::Failed,
        Exit::Findings,
        Exit::Unreachable,
    ];
    let found: Vec<Exit> = engine.troubles().values().map(|t| t.exit).collect();
    order.into_iter().find(|e| found.contains(e))
}
