//! Reviewed plans: where `[site] review` is set, `apply` takes a saved plan only with another operator's signature.
//!
//! The signature is OpenSSH's (`ssh-keygen -Y sign`), in a file of its own beside the plan. It guards against one person's
//! mistake; whoever may change the inventory may also take `review` out of it, which git and the plan then show.
//! The format that ssh-keygen signs and verifies: docs/facts/ssh.md#signatures.

use super::{Context, Usage, saved::Saved};
use crate::report::write_whole;
use crate::site::Site;
use crate::site::tables::inventory::Operator;
use anyhow::Context as _;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The purpose that a signature names: one made for another purpose does not count.
const NAMESPACE: &str = "nodewright-plan";

/// The bytes of a signature file, at most.
const LIMIT: u64 = 64 * 1024;

/// The file of a saved plan's signature: `change.plan.sig`.
pub fn signature_file(plan: &Path) -> PathBuf {
    let mut name = plan.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// The names of the operators who have an SSH key.
fn signers(site: &Site) -> impl Iterator<Item = (&str, &Operator)> {
    let all = site.inventory.operator.iter();
    all.map(|(name, operator)| (name.as_str(), operator))
        .filter(|(_, o)| o.key.is_some() || !o.keys.is_empty())
}

/// Checks that a plan made by this person can be reviewed: `made_by` is `anna@desk`, and anna is an operator of the site.
///
/// # Errors
/// [`Usage`], with the operators that there are.
pub fn author<'a>(site: &Site, made_by: &'a str) -> anyhow::Result<&'a str> {
    let name = made_by.split('@').next().unwrap_or_default();
    if signers(site).any(|(operator, _)| operator == name) {
        return Ok(name);
    }
    let all: Vec<&str> = signers(site).map(|(name, _)| name).collect();
    let text = format!(
        "the site demands a review (`[site] review`), and `{name}` is no operator with a key, so that nobody can tell \
         whose plan it is: work under the account of an operator ({})",
        all.join(", ")
    );
    Err(Usage(text).into())
}

/// Signs a saved plan with a private key, or with the agent's key of which `key` is the public half. Writes the signature
/// beside the plan and gives the name of the operator who signed.
///
/// # Errors
/// A key that cannot be used, that no operator of the site has, or that is of the plan's author. Nothing is written then.
pub fn sign(site: &Site, plan: &Saved, file: &Path, key: &Path) -> anyhow::Result<String> {
    let author = author(site, plan.made_by())?;
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsStr::new);
    let words = words.into_iter().chain([key.as_os_str()]);
    let signed = keygen(words, plan.bytes())?;
    if !signed.status.success() {
        let said = String::from_utf8_lossy(&signed.stderr);
        anyhow::bail!(
            "ssh-keygen cannot sign with {}: {}",
            key.display(),
            said.trim()
        );
    }
    let reviewer = signer(site, plan.bytes(), &signed.stdout)?.ok_or_else(|| {
        Usage(format!(
            "no operator of the site has the key {}",
            key.display()
        ))
    })?;
    other(author, &reviewer)?;
    let to = signature_file(file);
    write_whole(&to, &signed.stdout, 0o644)
        .with_context(|| format!("cannot write {}", to.display()))?;
    Ok(reviewer)
}

/// The operator who reviewed a saved plan.
///
/// # Errors
/// [`Usage`] where no signature is there, where it is of no operator of the site or of another content, and where it is of
/// the plan's author.
pub fn reviewer(site: &Site, plan: &Saved, file: &Path) -> anyhow::Result<String> {
    let author = author(site, plan.made_by())?;
    let beside = signature_file(file);
    let demands = |what: &str| {
        Usage(format!(
            "the site demands a review (`[site] review`), and {what}: another operator than `{author}` has to run \
             `nodewright review {}`",
            file.display()
        ))
    };
    let length = match std::fs::metadata(&beside) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(demands(&format!("there is no {}", beside.display())).into());
        }
        read => read
            .with_context(|| format!("cannot read {}", beside.display()))?
            .len(),
    };
    if length > LIMIT {
        return Err(demands(&format!("{} is no signature", beside.display())).into());
    }
    let signature =
        std::fs::read(&beside).with_context(|| format!("cannot read {}", beside.display()))?;
    let reviewer = signer(site, plan.bytes(), &signature)?.ok_or_else(|| {
        demands(&format!(
            "{} is no operator's signature of this plan",
            beside.display()
        ))
    })?;
    other(author, &reviewer)?;
    Ok(reviewer)
}

/// Refuses a review of the author's own plan.
fn other(author: &str, reviewer: &str) -> Result<(), Usage> {
    if author == reviewer {
        let text = format!("`{author}` made this plan: another operator has to review it");
        return Err(Usage(text));
    }
    Ok(())
}

/// The operator of whose key this is a signature of these bytes.
fn signer(site: &Site, bytes: &[u8], signature: &[u8]) -> anyhow::Result<Option<String>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (allowed, signed) = (
        folder.path().join("allowed"),
        folder.path().join("signature"),
    );
    std::fs::write(&signed, signature).context("cannot write a temporary file")?;
    for (name, operator) in signers(site) {
        let keys = operator.key.iter().chain(&operator.keys);
        let lines = keys.map(|k| {
            format!(
                "{name} namespaces=\"{NAMESPACE}\" {} {}\n",
                k.kind(),
                k.body()
            )
        });
        std::fs::write(&allowed, lines.collect::<String>())
            .context("cannot write a temporary file")?;
        let words = ["-Y", "verify", "-n", NAMESPACE, "-I", name, "-f"].map(OsStr::new);
        let files = [allowed.as_os_str(), OsStr::new("-s"), signed.as_os_str()];
        if keygen(words.into_iter().chain(files), bytes)?
            .status
            .success()
        {
            return Ok(Some(name.to_owned()));
        }
    }
    Ok(None)
}

/// Executes `ssh-keygen` with these bytes as its standard input. It asks for a passphrase on the terminal.
fn keygen<'a>(words: impl Iterator<Item = &'a OsStr>, input: &[u8]) -> anyhow::Result<Output> {
    let mut child = Command::new("ssh-keygen")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context(
            "cannot start ssh-keygen, which signs and verifies plans (OpenSSH 8.0 or later)",
        )?;
    // One that ends early says why.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(input));
    child.wait_with_output().context("ssh-keygen did not end")
}

/// The key to sign with: `named`, else the first that `--identity` names, else a usual one of the home folder.
///
/// # Errors
/// [`Usage`] where none is there.
pub fn key(context: &Context, named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = named.or(context.global.identity.first().map(PathBuf::as_path)) {
        return Ok(path.to_owned());
    }
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    let usual = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];
    let found = usual
        .into_iter()
        .map(|p| home.join(p))
        .find(|p| p.is_file());
    found.ok_or_else(|| {
        Usage("no SSH key is in the home folder: name the one to sign with by --key".to_owned())
            .into()
    })
}
