//! `nodewright kickstart`.

use super::enroll::public_key;
use crate::exit::Exit;
use crate::report::{findings, write_whole};
use crate::role::{Given, answers, host_key_secret, on_one_line};
use crate::site::resolved::installation::{CODE, Disposal, Installation, Part};
use crate::site::tables::inventory::Sudo;
use crate::site::words::types::{SshKey, Url, Word as _};
use crate::site::{Finding, Site, shown};
use crate::survey::{Survey, SurveyError};
use crate::text::{Text, Vault};
use crate::workplace::{Context, Usage, keys};
use anyhow::Context as _;
use clap_complete::ArgValueCompleter;
use std::path::PathBuf;

/// Arguments of `kickstart`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Contacts no node. The installer that gets the file keeps the partition table: it formats the partitions of the system (/, \
/boot, /boot/efi, /opt, /tmp, /usr, /var, swap), and keeps those of mirrors and whatever else is mounted. It stops before it \
writes anything where the disk, a number or a size is another than in the site.

Where the site has the private host keys of NODE, as secrets host-rsa-NODE, host-ecdsa-NODE or host-ed25519-NODE, they are in \
the file: keep it as a secret.

Examples:
  nodewright kickstart node2 -o node2.ks                              / was lost, mirrors and data are kept
  nodewright kickstart node2 -o node2.ks --new-disk scsi-3600508e01   the disk was replaced by a blank one
  nodewright kickstart node2 -o node2.ks --format /local              /local is lost as well")]
pub struct Args {
    /// The node.
    #[arg(value_name = "NODE", add = ArgValueCompleter::new(crate::workplace::completers::node_names))]
    node: String,
    /// Write the file, readable for you alone. Default: to standard output.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Make a new partition table with all partitions of the site, on the node's disk of this id. The installer refuses a
    /// disk that is not blank.
    #[arg(long, value_name = "DISK-ID")]
    new_disk: Option<String>,
    /// Format the partition of this mount point, too, although it carries data.
    #[arg(long, value_name = "MOUNT", conflicts_with = "new_disk")]
    format: Vec<String>,
    /// Fetch packages from this mirror. Default: from the medium that the installer was started from.
    #[arg(long, value_name = "URL", value_parser = url)]
    source: Option<Url>,
    /// The public key that opens the account. Default: your key in [operator] of the site.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Leave out the private host keys that the site has: the node gets new ones, and `enroll` has to pin them.
    #[arg(long)]
    no_host_keys: bool,
}

/// Writes the file from which a node's installer works.
///
/// # Errors
/// An unsound site, an unknown node, a key that cannot be read, a file that cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.sound()?;
    let site = survey.sound()?;
    let node = args.node.as_str();
    if site.select(&[node]).map_err(SurveyError::from)? != [node] {
        return Err(Usage(format!("`{node}` is a group: name one node")).into());
    }
    let platform = site.platform_of(node);
    let key = public_key(args.key.as_deref(), site, |key| {
        platform.knows_key(key.kind())
    })?;
    let vault = if args.no_host_keys {
        Vault::new()
    } else {
        host_keys(context, &survey, node)?
    };
    let (text, installation) = match made(args, &survey, site, &key, &vault) {
        Ok(made) => made,
        Err(found) => {
            let text = findings([&*found], &survey.sources, &context.err_style);
            context.warn(&text);
            return Ok(Exit::Usage);
        }
    };
    let text = text.reveal(&vault)?;
    match &args.out {
        Some(path) => write_whole(path, text.as_bytes(), 0o600)
            .with_context(|| format!("cannot write {}", path.display()))?,
        None => context.hand_over(&text)?,
    }
    context.note(&summary(&installation, !vault.is_empty()));
    Ok(Exit::Done)
}

/// The file, private host keys as marks, and what it does to the disk.
fn made(
    args: &Args,
    survey: &Survey,
    site: &Site,
    key: &str,
    vault: &Vault,
) -> Result<(Text, Installation), Box<Finding>> {
    let node = args.node.as_str();
    let platform = site.platform_of(node);
    let error = |path: &[&str], message: String| {
        let own = site.value_place(&[&["node", node], path].concat());
        let written = site.place(&[&["node", node], path].concat()).is_some();
        let place = if written {
            own
        } else {
            site.value_place(&[&["site"], path].concat())
        };
        Finding::error(CODE, message).at(place)
    };
    let Some(installer) = platform.installer() else {
        let found = error(
            &["platform"],
            format!("for {platform} no installer's file is known"),
        );
        return Err(Box::new(found.help(
            "install it by hand, with sshd and your key, and its partitions by number as in the site",
        )));
    };
    let kind = key.split(' ').next().unwrap_or_default();
    if let Err(why) = SshKey::parse(key) {
        return Err(Box::new(Finding::error(
            CODE,
            format!("the key to install is none: {why}"),
        )));
    }
    if !platform.knows_key(kind) {
        let message = format!("the sshd of {platform} knows no keys of type {kind}");
        let found = error(&["platform"], message);
        return Err(Box::new(found.help("name an RSA key with --key FILE")));
    }
    let login = site.login(node);
    if login.sudo == Sudo::Password {
        let message = "an account whose password sudo asks for cannot be made: a file would hold the password";
        let found = error(&["ssh", "sudo"], message.to_owned());
        return Err(Box::new(found.help(
            "write `sudo = \"nopasswd\"` until the node is installed, or let the node be reached as root",
        )));
    }
    let disposal = Disposal {
        new_disk: args.new_disk.is_some(),
        format: args.format.clone(),
    };
    let installation = site.installation(node, &disposal)?;
    if let (Some(named), Some(disk)) = (
        &args.new_disk,
        site.node(node).and_then(|n| n.disk.as_ref()),
    ) && *named != disk.id.as_str()
    {
        let message = format!(
            "--new-disk names {}, the disk of `{node}` is {}",
            shown(named),
            disk.id
        );
        let found =
            Finding::error(CODE, message).at(site.value_place(&["node", node, "disk", "id"]));
        return Err(Box::new(found.help(
            "where the disk was replaced, write the new one's id into the site first",
        )));
    }
    let kinds = host_key_secret(node)
        .into_iter()
        .filter(|(kind, secret)| {
            vault.contains_key(secret) && platform.knows_key(&format!("ssh-{kind}"))
        })
        .map(|(kind, _)| kind);
    let given = Given {
        installation: &installation,
        installer,
        key,
        host_keys: &kinds.collect::<Vec<_>>(),
        source: args.source.as_ref(),
    };
    let text = answers(site, &survey.library, node, &given)?;
    Ok((text, installation))
}

/// The private halves of a node's host keys that the site has, each on one line.
fn host_keys(context: &Context, survey: &Survey, node: &str) -> anyhow::Result<Vault> {
    let secrets = keys::open(context, &survey.dir)
        .context("the saved host keys cannot be read; --no-host-keys leaves them out")?;
    let mut vault = Vault::new();
    for (_, name) in host_key_secret(node) {
        let Some(value) = secrets.get(&name) else {
            continue;
        };
        let line = on_one_line(value).ok_or_else(|| {
            Usage(format!(
                "secret {name} is no private key: it is what /etc/ssh/ssh_host_…_key of the node holds"
            ))
        })?;
        vault.insert(name, line);
    }
    Ok(vault)
}

/// The installer's work on the disk, in a few lines.
fn summary(installation: &Installation, host_keys: bool) -> String {
    let list = |takes: &dyn Fn(&Part) -> bool| {
        let taken = installation.partitions.iter().filter(|p| takes(p));
        let named = taken.map(|p| format!("{} ({})", p.purpose, p.number));
        let named: Vec<_> = named.collect();
        if named.is_empty() {
            "nothing".to_owned()
        } else {
            named.join(", ")
        }
    };
    let mirror = |p: &Part| p.purpose == "mirror";
    let mut text = match installation.table {
        Some(table) => format!(
            "New table ({table}) on {}, if it is blank. Made: {}.\n",
            installation.disk,
            list(&|_| true)
        ),
        None => format!(
            "Formatted: {}. Kept: {}.\n",
            list(&|p| p.formatted),
            list(&|p| mirror(p) || !p.formatted)
        ),
    };
    text += if host_keys {
        "The file holds the node's private host keys: keep it as a secret.\n"
    } else {
        "The node gets new host keys: `nodewright enroll` pins them.\n"
    };
    text
}

fn url(text: &str) -> Result<Url, String> {
    Url::parse(text)
}
