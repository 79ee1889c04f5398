//! The operator's private keys, and the site's encrypted file opened by them.

use super::{Context, Usage};
use crate::report::write_whole;
use crate::site::Site;
use crate::site::secrets::{AskPassphrase, FILE, Keyring, Recipients, Secrets};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The place where keys are looked for in the home folder when none is named.
const USUAL: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_rsa", ".config/age/keys.txt"];

/// The source of a key's passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassphraseFrom {
    /// The operator, on the terminal.
    Operator,
    /// Nobody: a key with a passphrase opens nothing.
    Nobody,
}

/// The keys that `--identity` names, or the usual ones that are there and can open anything.
///
/// # Errors
/// When a named key cannot be read or used.
pub fn keyring(named: &[PathBuf], ask: PassphraseFrom) -> anyhow::Result<Keyring> {
    keyring_noting(named, ask, &Unasked::default())
}

/// The keys whose passphrase could not be asked for.
type Unasked = Arc<Mutex<Vec<String>>>;

fn keyring_noting(
    named: &[PathBuf],
    ask: PassphraseFrom,
    unasked: &Unasked,
) -> anyhow::Result<Keyring> {
    let unasked = Arc::clone(unasked);
    let ask: AskPassphrase = Arc::new(move |key| {
        let said = match ask {
            PassphraseFrom::Operator => {
                rpassword::prompt_password(format!("Passphrase of {key}: ")).ok()
            }
            PassphraseFrom::Nobody => None,
        };
        if said.is_none()
            && let Ok(mut keys) = unasked.lock()
        {
            keys.push(key.to_owned());
        }
        said
    });
    let mut keyring = Keyring::default();
    for path in named {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        keyring.add(&path.display().to_string(), &bytes, &ask)?;
    }
    if named.is_empty() {
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        for path in USUAL.map(|p| home.join(p)) {
            if let Ok(bytes) = std::fs::read(&path) {
                // A usual key of a sort that opens nothing is not what the operator asked for.
                let _ = keyring.add(&path.display().to_string(), &bytes, &ask);
            }
        }
    }
    Ok(keyring)
}

/// The site's secrets; none where the site has no encrypted file yet.
///
/// # Errors
/// When the file cannot be read or no key opens it.
pub fn open(context: &Context, site: &Path) -> anyhow::Result<Secrets> {
    open_with(&context.global.identity, site, PassphraseFrom::Operator)
}

/// The same with these keys named.
///
/// # Errors
/// As [`open`].
pub fn open_with(named: &[PathBuf], site: &Path, ask: PassphraseFrom) -> anyhow::Result<Secrets> {
    let path = site.join(FILE);
    let bytes = match std::fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Secrets::default()),
        read => read.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let unasked = Unasked::default();
    let keyring = keyring_noting(named, ask, &unasked)?;
    if keyring.is_empty() {
        let usual = USUAL.map(|p| format!("~/{p}")).join(", ");
        return Err(Usage(format!(
            "no private key to open {FILE} with: none of {usual} is there; name one with --identity"
        ))
        .into());
    }
    leave_no_core();
    Secrets::open(&bytes, &keyring).map_err(|error| {
        let unasked = unasked.lock().map(|keys| keys.join(", "));
        match unasked {
            Ok(keys) if !keys.is_empty() => Usage(format!(
                "{FILE} is not opened: {keys} has a passphrase, and there is no terminal to ask for it; name a key \
                 without one with --identity"
            ))
            .into(),
            _ => error.into(),
        }
    })
}

/// Has the kernel write no core dump of this process, nor hand one to a service: from now on it holds secrets. Programs
/// that it starts get the limit, too, and an editor of secrets needs it.
pub fn leave_no_core() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // There is no other way where even this is refused.
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Writes the site's secrets, encrypted to its operators, and warns an operator whose keys cannot open it.
///
/// # Errors
/// When nobody could open the file again, or it cannot be written.
pub fn save(context: &Context, dir: &Path, site: &Site, secrets: &Secrets) -> anyhow::Result<()> {
    let recipients = Recipients::of(site).map_err(|e| Usage(e.to_string()))?;
    let path = dir.join(FILE);
    write_whole(&path, &secrets.close(&recipients)?, 0o644)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let names = recipients.names().join(", ");
    context.note(&format!("{FILE} is encrypted to {names}.\n"));
    let own = keyring(&context.global.identity, PassphraseFrom::Nobody)?;
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if !own.may_open(&bytes) {
        context.warn(&format!(
            "None of your keys opens {FILE} again: only {names} can.\n"
        ));
    }
    Ok(())
}
