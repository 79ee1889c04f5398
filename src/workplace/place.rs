//! The beginning of every command that works on nodes: the site, its roles expanded, the ways in, the secrets.

use super::access::access;
use super::context::{Commit, Context};
use super::vault::Values;
use super::{At, Forks, Pick, Usage};
use crate::exit::Exit;
use crate::kind::Resource;
use crate::lab;
use crate::node::{AT, ConnectOptions, NodeAccess, Privilege, RunId, Secret, Way, ssh_config};
use crate::plan::{Intent, Selection};
use crate::report::{Reporter, write_whole};
use crate::role::Expansion;
use crate::run::{
    Ancestry, Engine, Event, Events, Guard, LabNetwork, Member, Origin, Setup, StopRequest,
};
use crate::site::tables::inventory::Sudo;
use crate::site::{Provision, Site, Sources};
use crate::survey::{Survey, matching};
use crate::text::Vault;
use anyhow::{Context as _, anyhow};
use indexmap::IndexMap;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time for which an unused connection stays open, so that the next command starts warm.
const PERSIST: Duration = Duration::from_mins(5);
/// The time that one way may take to log in, and one answer to come.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A site that is sound, with its roles.
pub struct Workplace {
    /// The site's folder.
    pub dir: PathBuf,
    /// The site.
    pub site: Site,
    /// The desired state of each node, in the site's order.
    pub nodes: IndexMap<String, Expansion>,
    /// The files that were read, for the places of what is found later.
    pub sources: Sources,
}

/// The parts of the site that a rehearsal in containers leaves out: steps that roles turn off there, and devices that
/// containers cannot have.
fn left_out(site: &Site, survey: &Survey) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |text: String| {
        if !all.contains(&text) {
            all.push(text);
        }
    };
    for node in site.node_names() {
        for role in site
            .roles_of(node)
            .iter()
            .filter_map(|name| survey.library.role(name))
        {
            for (name, var) in &role.vars {
                if let Some(value) = &var.in_container {
                    add(format!("{}.{name} = {value}", role.name));
                }
            }
        }
        let links = |r: &Resource| r.address.kind == "interface";
        if survey.nodes[node].resources.iter().any(links)
            && site.devices(node).iter().any(|d| !d.managed)
        {
            add(
                "links that they are reached over, or that their kernel lacks, are left alone"
                    .to_owned(),
            );
        }
    }
    all
}

/// Reads the site of this command and expands all its nodes; says what is wrong and ends when something is.
///
/// # Errors
/// When there is no site here, or it is not sound; its findings have been shown.
pub fn open_sound(context: &Context) -> anyhow::Result<Workplace> {
    let survey = context.sound()?;
    let site = survey.sound()?.clone();
    if context.global.lab {
        let nodes = site.node_names();
        let others = nodes
            .map(|node| (site.platform_of(node), site.declared_platform_of(node)))
            .filter(|(runs, declared)| runs != declared);
        let mut notes = Vec::new();
        for other in others {
            if !notes.contains(&other) {
                notes.push(other);
                let (runs, declared) = other;
                context.note(&format!("lab: rendered for {runs} instead of {declared}\n"));
            }
        }
        // Resources that depend on fence devices fail there, and no check reports it.
        let unasked = |node| {
            let shoots = site.shoots(node);
            !shoots.asked && !shoots.devices.is_empty()
        };
        if site.node_names().any(unasked) {
            context.note("lab: containers have no fence devices; none is asked, and fencing does not start\n");
        }
    }
    if context.global.lab && crate::workplace::lab::containers() {
        let left_out = left_out(&site, &survey);
        if !left_out.is_empty() {
            context.note(&format!(
                "lab: containers differ from nodes: {}\n",
                left_out.join("; ")
            ));
        }
    }
    Ok(Workplace {
        dir: survey.dir,
        site,
        nodes: survey.nodes,
        sources: survey.sources,
    })
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
    fn picked(&self, node: &str, selection: &Selection) -> Vec<Resource> {
        let resources = self.nodes[node].resources.iter();
        let taken = resources.filter(|r| selection.takes(&r.address));
        taken.cloned().collect()
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
        values: Values,
    ) -> anyhow::Result<Setup> {
        let selection = pick.selection();
        matching(&selection, nodes.iter().map(|n| &self.nodes[n]))?;
        let vault = self.vault_for(context, values)?;
        let known = (values == Values::Needed).then_some(&vault);
        let ways = self.ways(context, nodes, known)?;
        let mut members = Vec::new();
        let mut password = None;
        for (node, connect) in ways {
            let privilege = if context.global.lab {
                Privilege::Root
            } else {
                match self.site.login(&node).sudo {
                    Sudo::None => Privilege::Root,
                    Sudo::Nopasswd => Privilege::SudoNoPassword,
                    Sudo::Password => Privilege::SudoPassword(prompt_once(&mut password)?),
                }
            };
            let expansion = &self.nodes[&node];
            members.push(Member {
                target: self.site.target(&node),
                resources: self.picked(&node, &selection),
                watched: expansion
                    .checks
                    .iter()
                    .filter_map(|c| c.see.clone())
                    .collect(),
                connect,
                privilege,
                records_etc: self.site.provides(&node, Provision::EtcRecord),
                partial: !selection.is_all(),
                trusts: self.trusts(&node),
                logins: self.logins(&node),
            });
        }
        if !selection.is_all() && members.iter().all(|m| m.resources.is_empty()) {
            return Err(Usage("--only and --skip leave no resource at all: name more with --only, or leave out less with --skip".to_owned()).into());
        }
        let commit = Commit::of(&self.dir);
        let lab = if context.global.lab {
            lab::LabState::load(&crate::workplace::lab::default_name())?
        } else {
            None
        };
        Ok(Setup {
            dir: self.dir.clone(),
            outside: lab.map(|lab| LabNetwork {
                command: lab.way_in(),
                hosts: (lab.nodes.iter())
                    .map(|node| (self.site.login(&node.name).host, node.address()))
                    .collect(),
                off: (lab.nodes.iter())
                    .filter(|node| !node.is_on())
                    .map(|node| node.name.clone())
                    .collect(),
            }),
            members,
            cluster: self
                .site
                .members()
                .into_iter()
                .map(ToOwned::to_owned)
                .collect(),
            vault,
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
            answers_within: None,
            wait: false,
            intent: Intent::default(),
            over: RefCell::default(),
            asks: Cell::new(false),
            destroy: BTreeSet::new(),
            guard: {
                let guard = &self.site.inventory.site.guard;
                Guard {
                    seconds: guard.window.get().as_secs(),
                    ways: guard.ways.iter().map(|w| w.get().word()).collect(),
                }
            },
        })
    }

    /// The same for an operation or a question: all that the site has of these nodes, 32 of them at a time.
    ///
    /// # Errors
    /// Failures to read secrets, keys or the lab.
    pub fn setup_whole(
        &self,
        context: &Context,
        nodes: &[String],
        values: Values,
    ) -> anyhow::Result<Setup> {
        self.setup(
            context,
            nodes,
            &Pick::default(),
            Forks { forks: 32 },
            values,
        )
    }

    /// The peers whose root is let in here by its key.
    fn trusts(&self, node: &str) -> Vec<String> {
        let site = &self.site;
        let keyed = |name: &str| {
            site.keys().root.contains_key(name) && site.provides(name, Provision::PeerLogin)
        };
        let peers = site.peers_of(node).into_iter().filter(|p| keyed(p));
        peers
            .filter(|_| site.keys().host.contains_key(node))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The accounts by which somebody comes to a node: this run's, and those of the site's operators.
    fn logins(&self, node: &str) -> BTreeSet<String> {
        let login = self.site.login(node).user;
        let operators = self.site.inventory.operator.keys().map(ToString::to_string);
        operators.chain(login).chain(["root".to_owned()]).collect()
    }

    /// The way in which each node is reached, in the site's order; writes the generated `ssh_config`.
    pub fn ways(
        &self,
        context: &Context,
        nodes: &[String],
        vault: Option<&Vault>,
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
            if !context.global.at.is_empty() {
                let why = "a lab's nodes are reached by the lab, wherever they are: --at is for real ones";
                return Err(Usage(why.to_owned()).into());
            }
            let lab = lab::LabState::load(&crate::workplace::lab::default_name())?
                .ok_or_else(|| Usage("no lab is up: `nodewright lab up`".to_owned()))?;
            return nodes
                .iter()
                .map(|node| {
                    let found = lab.node(node).map_err(|_| {
                        Usage(format!("the lab has no node {node}; take it down and up again from the site's folder"))
                    })?;
                    let way = Way {
                        alias: node.clone(),
                        word: "direct".to_owned(),
                        host: found.address().to_string(),
                        port: None,
                        user: None,
                        door: None,
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
        let door = self.doors(context, vault);
        let mut all: Vec<NodeAccess> = self
            .site
            .node_names()
            .map(|n| access(&self.site, n, &known_hosts, None, &door))
            .collect();
        for At { node, host, port } in &context.global.at {
            let Some(one) = all.iter_mut().find(|a| a.name == *node) else {
                return Err(
                    Usage(format!("--at {node}={host}: the site has no node {node}")).into(),
                );
            };
            let login = self.site.login(node);
            one.ways.push(Way {
                alias: format!("{node}.{AT}"),
                word: AT.to_owned(),
                host: host.clone(),
                port: port.or(login.port),
                user: login.user,
                door: None,
                jump: None,
                proxy_command: None,
            });
        }
        let text = ssh_config(&all).map_err(|e| anyhow!(e))?;
        let config = self.private_dir()?.join("ssh_config");
        write_whole(&config, text.as_bytes(), 0o600)
            .with_context(|| format!("cannot write {}", config.display()))?;
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

/// The file that the sudo password is read from where there is no terminal; a descriptor is `/dev/fd/3`.
const SUDO_PASSWORD_FILE: &str = "NODEWRIGHT_SUDO_PASSWORD_FILE";

/// The operator's sudo password, asked once a command.
fn prompt_once(password: &mut Option<Secret>) -> anyhow::Result<Secret> {
    if let Some(known) = password {
        return Ok(known.clone());
    }
    super::keys::leave_no_core();
    let text = match std::env::var(SUDO_PASSWORD_FILE) {
        Ok(path) => {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("{SUDO_PASSWORD_FILE}: cannot read {path}"))?;
            let line = text.lines().next().unwrap_or_default().to_owned();
            if line.is_empty() {
                return Err(Usage(format!("{SUDO_PASSWORD_FILE}: the first line of {path} is empty")).into());
            }
            line
        }
        Err(_) => rpassword::prompt_password("Your sudo password on the nodes: ").map_err(|_| {
            Usage(format!(
                "sudo on the nodes needs your password, and there is no terminal to ask on: name a file with it in \
                 {SUDO_PASSWORD_FILE}, such as /dev/fd/3"
            ))
        })?,
    };
    let secret = Secret::new(text);
    *password = Some(secret.clone());
    Ok(secret)
}

/// Whether a word is the name of a commit, in hexadecimal digits.
fn is_commit(word: &str) -> bool {
    (7..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a commit of the site is part of this checkout; `None` where git does not know.
fn ancestry(dir: &Path, in_git: bool) -> Option<Ancestry> {
    let dir = dir.to_owned();
    // Nodes mostly name the same commit: git is run once for each.
    let known = RefCell::new(BTreeMap::new());
    in_git.then(|| {
        Box::new(move |commit: &str| {
            // The node's journal names it, so only the name of a commit may reach git.
            if !is_commit(commit) {
                return None;
            }
            if let Some(known) = known.borrow().get(commit) {
                return *known;
            }
            let status = std::process::Command::new("git")
                .arg("-C")
                .arg(&dir)
                .args(["merge-base", "--is-ancestor", commit, "HEAD"])
                .stdin(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .status();
            let contained = status.ok().map(|s| s.success());
            known.borrow_mut().insert(commit.to_owned(), contained);
            contained
        }) as Ancestry
    })
}

/// The place where the sockets of open connections live.
pub fn runtime_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if dir.len() < 40 => Path::new(&dir).join("nodewright"),
        _ => PathBuf::from(format!(
            "/tmp/nodewright-{}",
            std::env::var("USER").unwrap_or_else(|_| "user".to_owned())
        )),
    }
}

/// A port of the loopback address that nothing listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Waits for Ctrl-C.
///
/// # Errors
/// When the runtime cannot start.
pub fn until_interrupted() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
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
            reporter.show(&event);
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
    let (send, request) = tokio::sync::watch::channel(StopRequest::No);
    Ok(tokio::task::LocalSet::new().block_on(&runtime, async move {
        let answers = events.clone();
        let mut engine = Engine::new(setup, events, request);
        let at_work = engine.at_work();
        tokio::task::spawn_local(async move {
            let mut next = [
                (
                    StopRequest::Stop,
                    "stops after the step under way; Ctrl-C once more detaches, and the run goes on by itself",
                ),
                (StopRequest::Detach, "detaches; the run goes on by itself"),
            ]
            .into_iter();
            while tokio::signal::ctrl_c().await.is_ok() {
                if !at_work.get() {
                    // No work was begun, so there is nothing to report. The code is that of a program ended by SIGINT.
                    std::process::exit(Exit::Interrupted as i32);
                }
                if let Some((request, answer)) = next.next() {
                    // At once, however long the step takes.
                    let text = answer.to_owned();
                    let _ = answers.send(Event::Note { node: None, text });
                    let _ = send.send(request);
                }
            }
        });
        work(&mut engine).await
    }))
}
