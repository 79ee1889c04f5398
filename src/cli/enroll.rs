//! `nodewright enroll`.

use crate::exit::Exit;
use crate::node::first_contact::{self, Pinned};
use crate::node::{ConnectOptions, NodeError};
use crate::site::Site;
use crate::site::tables::inventory::Sudo;
use crate::site::words::types::{SshKey, UserName};
use crate::workplace::{self, Context, Nodes, Usage};
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Arguments of `enroll`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Compare the fingerprints with those on the console of the node: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.")]
pub struct Args {
    /// The nodes.
    #[command(flatten)]
    pub nodes: Nodes,
    /// The public key to install. Default: your key in [operator] of the site.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Accept the fingerprints without asking.
    #[arg(long, short)]
    pub yes: bool,
}

/// Enrols one node after the other.
///
/// # Errors
/// An unsound site, an unknown node, a key that cannot be read, a `known_hosts` that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    if context.global.lab {
        return Err(
            Usage("a lab's nodes are known already; enroll is for real ones".to_owned()).into(),
        );
    }
    let place = workplace::open_sound(context)?;
    let nodes = place.select(&args.nodes.nodes)?;
    let key = public_key(args.key.as_deref(), &place.site, |_| true)?;
    let known_hosts = std::path::absolute(place.dir.join("known_hosts"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let mut worst = Exit::Done;
    for (node, options) in place.ways(context, &nodes, None)? {
        context.print(&format!("{node}\n"))?;
        let sudo = place.site.login(&node).sudo;
        let done = runtime.block_on(enroll(args, context, &options, &known_hosts, &key, sudo));
        match done? {
            Ok(()) => {}
            Err(error) => {
                context.warn(&format!("  {}. {}\n", error.failure, error.advice()));
                worst = if error.is_unreachable() {
                    Exit::Unreachable
                } else {
                    Exit::Failed
                };
            }
        }
    }
    Ok(worst)
}

/// Enrolls one node. The outer error is one of this machine, the inner one of the node.
async fn enroll(
    args: &Args,
    context: &Context,
    options: &ConnectOptions,
    known_hosts: &Path,
    key: &str,
    sudo: Sudo,
) -> anyhow::Result<Result<(), NodeError>> {
    let keys = match first_contact::host_keys(options).await {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(error)),
    };
    for key in &keys {
        context.print(&format!("  {}\n", key.fingerprint))?;
    }
    if !args.yes && !context.agrees("  Are these the node's own? [y/N] ") {
        context.print("  left out: its host keys are not pinned\n")?;
        return Ok(Ok(()));
    }
    let pinned = first_contact::pin(known_hosts, &options.access.name, &keys)
        .context("cannot pin the host keys")?;
    context.print(match pinned {
        Pinned::New => "  host keys pinned\n",
        Pinned::Changed => "  host keys changed: the new ones are pinned\n",
        Pinned::Same => "  host keys as they were pinned\n",
    })?;
    let installed = match first_contact::install_key(options, key).await {
        Ok(installed) => installed,
        Err(error) => return Ok(Err(error)),
    };
    context.print(if installed {
        "  your key is installed\n"
    } else {
        "  your key was there\n"
    })?;
    if sudo != Sudo::None {
        if let Err(error) = first_contact::lift_requiretty(options).await {
            return Ok(Err(error));
        }
        context.print("  sudo needs no terminal for you\n")?;
    }
    Ok(Ok(()))
}

/// The operator's public key: the named file's, or the first that the site has under the name of who runs this and that is
/// taken.
pub(super) fn public_key(
    named: Option<&Path>,
    site: &Site,
    takes: impl Fn(&SshKey) -> bool,
) -> anyhow::Result<String> {
    if let Some(path) = named {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(text.trim().to_owned());
    }
    let who = Context::operator();
    let user = who.split('@').next().unwrap_or_default();
    let operators = &site.inventory.operator;
    let found = operators.iter().find(|(name, _)| name.as_str() == user);
    let key = found.and_then(|(_, operator)| operator.all_keys().find(|key| takes(key)));
    key.map(ToString::to_string).ok_or_else(|| {
        let names: Vec<&str> = operators.keys().map(UserName::as_str).collect();
        Usage(format!(
            "which key? You are {user} here, and the site's operators are {}: name a public key with --key",
            names.join(", ")
        ))
        .into()
    })
}
