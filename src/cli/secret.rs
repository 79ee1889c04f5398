//! `nodewright secret`.

use crate::exit::Exit;
use crate::site::Site;
use crate::site::keys::{root_file, root_secret};
use crate::site::resolved::{membership, mirrors};
use crate::site::secrets::{Alphabet, FILE, Recipients, Secrets, generate};
use crate::survey::{Survey, SurveyError, knock_findings};
use crate::workplace::{Context, Usage, keys};
use anyhow::Context as _;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Arguments of `secret`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file secrets.age is encrypted to the operators with `secrets = true`: to their SSH keys (Ed25519, RSA) and age keys.

Examples:
  nodewright secret set bmc-node1                 from a hidden prompt
  nodewright secret set drbd --generate 40        a random value that nobody sees
  pass show bmc/node1 | nodewright secret set bmc-node1
  nodewright secret rekey                         after an operator joined or left")]
pub struct Args {
    /// The command.
    #[command(subcommand)]
    verb: SecretCommand,
}

/// A command on secrets.
#[derive(Debug, clap::Subcommand)]
enum SecretCommand {
    /// Set a value, from standard input or a hidden prompt.
    Set {
        /// The secret's name.
        name: String,
        /// Taken only to say that a value is no argument; clap would repeat it.
        #[arg(hide = true)]
        value: Option<String>,
        /// Generate a random value of LENGTH letters and digits instead.
        #[arg(long, value_name = "LENGTH", value_parser = clap::value_parser!(u16).range(8..=4096))]
        generate: Option<u16>,
    },
    /// Print a value.
    Get {
        /// The secret's name.
        name: String,
    },
    /// Delete a secret.
    Remove {
        /// The secret's name.
        name: String,
    },
    /// Edit all secrets in $VISUAL or $EDITOR; the clear text stays in memory (tmpfs).
    Edit,
    /// Generate missing keys: an SSH key pair for root of each member, and the cluster's authentication key.
    Keys,
    /// Encrypt the file again, to the current operators of the site.
    Rekey,
    /// List the names of the secrets.
    List,
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be opened or written, or there is no such secret.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let survey = context.survey()?;
    let site = survey.site.as_ref().ok_or(SurveyError::NotSound)?;
    let dir = survey.dir.as_path();
    let mut secrets = keys::open(context, dir)?;
    let missing = |name: &str| {
        let there: Vec<_> = secrets.names().collect();
        let there = match there.as_slice() {
            [] => "there are none yet".to_owned(),
            some => format!("there is {}", some.join(", ")),
        };
        Usage(format!(
            "no secret is called {}; {there}",
            crate::site::shown(name)
        ))
    };
    match &args.verb {
        SecretCommand::Get { name } => {
            let value = secrets.get(name).ok_or_else(|| missing(name))?;
            context.hand_over(&format!("{value}\n"))?;
        }
        SecretCommand::List => list(context, dir, site, &secrets)?,
        SecretCommand::Set { value: Some(_), .. } => {
            let why = "the value of a secret is no argument: others see it, and shells record it\n  \
                       `nodewright secret set NAME` asks for it, or takes it from standard input";
            return Err(Usage(why.to_owned()).into());
        }
        SecretCommand::Set {
            name,
            value: None,
            generate: length,
        } => {
            let value = match length {
                Some(length) => generate(usize::from(*length), Alphabet::Alphanumeric),
                None => prompt(name)?,
            };
            secrets
                .set(name, &value)
                .map_err(|e| Usage(e.to_string()))?;
            if name == membership::KEY
                && let Some(problem) = membership::key_problem(&value)
            {
                return Err(Usage(problem).into());
            }
            sound_knock(&survey, &secrets, name)?;
            keys::save(context, dir, site, &secrets)?;
        }
        SecretCommand::Remove { name } => {
            let error = missing(name);
            if !secrets.remove(name) {
                return Err(error.into());
            }
            keys::save(context, dir, site, &secrets)?;
        }
        SecretCommand::Edit => match edited(&secrets)? {
            Some(new) => keys::save(context, dir, site, &new)?,
            None => context.note("Nothing was changed.\n"),
        },
        SecretCommand::Keys => root_keys(context, dir, site, &mut secrets)?,
        SecretCommand::Rekey => keys::save(context, dir, site, &secrets)?,
    }
    Ok(Exit::Done)
}

/// Makes the keys of root that are not there yet. The private half goes into the encrypted file first: a public one
/// without it would open nothing.
fn root_keys(
    context: &Context,
    dir: &Path,
    site: &Site,
    secrets: &mut Secrets,
) -> anyhow::Result<()> {
    let members = site.members();
    // docs/facts/ssh.md#keys-and-algorithms-of-old-releases
    let old = members.iter().any(|m| !site.platform_of(m).knows_ed25519());
    let words: &[&str] = if old {
        &["-t", "rsa", "-b", "4096"]
    } else {
        &["-t", "ed25519"]
    };
    let mut made = Vec::new();
    for node in members {
        let (name, file) = (root_secret(node), root_file(node));
        if secrets.get(&name).is_some() && site.keys().root.contains_key(node) {
            continue;
        }
        let folder = memory()?;
        let path = folder.path().join("key");
        let done = std::process::Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", &format!("root@{node}"), "-f"])
            .arg(&path)
            .args(words)
            .stdin(std::process::Stdio::null())
            .output()
            .context("cannot start ssh-keygen")?;
        let stderr = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "ssh-keygen: {}", stderr.trim());
        secrets.set(&name, std::fs::read_to_string(&path)?.trim_end())?;
        made.push((
            node,
            file,
            std::fs::read_to_string(path.with_extension("pub"))?,
        ));
    }
    let shared = site.totem().filter(|t| secrets.get(t.key).is_none());
    if let Some(totem) = &shared {
        let value = generate(membership::KEY_LENGTH, Alphabet::Alphanumeric);
        secrets.set(totem.key, &value)?;
    }
    let mirrors = site.mirror_secret().filter(|s| secrets.get(s).is_none());
    if let Some(name) = mirrors {
        secrets.set(
            name,
            &generate(mirrors::SECRET_LENGTH, Alphabet::Alphanumeric),
        )?;
    }
    if made.is_empty() && shared.is_none() && mirrors.is_none() {
        context.note("Nothing was lacking.\n");
        return Ok(());
    }
    keys::save(context, dir, site, secrets)?;
    if let Some(totem) = shared {
        context.note(&format!(
            "A key for the members of the cluster: {} in {FILE}.\n",
            totem.key
        ));
    }
    if let Some(name) = mirrors {
        context.note(&format!("A secret for the mirrors: {name} in {FILE}.\n"));
    }
    std::fs::create_dir_all(dir.join(crate::site::keys::FOLDER))?;
    for (node, file, text) in made {
        crate::report::write_whole(&dir.join(&file), text.as_bytes(), 0o644)
            .with_context(|| format!("cannot write {file}"))?;
        context.note(&format!(
            "A key for root of {node}: {file}; commit it with {FILE}.\n"
        ));
    }
    Ok(())
}

/// Refuses a knock sequence with a fault: one that nobody could knock, or that everybody would.
fn sound_knock(survey: &Survey, secrets: &Secrets, name: &str) -> anyhow::Result<()> {
    let site = survey.site.as_ref().ok_or(SurveyError::NotSound)?;
    let knock = site.inventory.firewall.knock.as_ref();
    if knock.is_none_or(|k| k.sequence.secret != *name) {
        return Ok(());
    }
    let wrong = knock_findings(site, &survey.nodes, &secrets.vault());
    let Some(first) = wrong.first() else {
        return Ok(());
    };
    let help = first.help.clone().unwrap_or_default();
    Err(Usage(format!("{}; nothing was changed\n  {help}", first.message)).into())
}

fn list(context: &Context, dir: &Path, site: &Site, secrets: &Secrets) -> anyhow::Result<()> {
    for name in secrets.names() {
        let text = if context.global.json {
            format!(
                "{}\n",
                serde_json::json!({ "event": "secret", "name": name })
            )
        } else {
            format!("{name}\n")
        };
        context.print(&text)?;
    }
    let file = std::fs::read(dir.join(FILE)).unwrap_or_default();
    if !file.is_empty() && Recipients::of(site)?.differ_from(&file)? {
        context.note(
            "The file is encrypted to others than the site's operators: nodewright secret rekey\n",
        );
    }
    Ok(())
}

/// A value from standard input; its last line break is not part of it.
fn prompt(name: &str) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("Value of {name} (not shown): "))
            .context("cannot ask for the value");
    }
    let mut value = String::new();
    std::io::stdin()
        .read_to_string(&mut value)
        .context("the value on standard input is not text")?;
    if value.ends_with('\n') {
        value.pop();
    }
    Ok(value)
}

/// A folder in memory where there is one, of this user alone. It is removed when it is dropped, whatever happens.
fn memory() -> anyhow::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let builder = tempfile::Builder::new()
        .prefix("nodewright-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir_in(place)?;
    Ok(builder)
}

/// The secrets as the operator's editor left them; `None` where they did not change.
fn edited(secrets: &Secrets) -> anyhow::Result<Option<Secrets>> {
    let folder = memory()?;
    let mut file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile_in(folder.path())?;
    file.write_all(secrets.to_toml().as_bytes())?;
    file.flush()?;
    loop {
        let status = editor()
            .arg(file.path())
            .status()
            .context("cannot start the editor; name one in $EDITOR")?;
        if !status.success() {
            return Err(Usage(format!(
                "the editor ended with {status}; nothing was changed"
            ))
            .into());
        }
        match Secrets::from_toml(&std::fs::read_to_string(file.path())?) {
            Ok(new) => return Ok((new != *secrets).then_some(new)),
            Err(error) if std::io::stdin().is_terminal() => {
                let mut line = String::new();
                writeln!(std::io::stderr(), "{error}\nEnter edits again, q gives up.")?;
                std::io::stdin().read_line(&mut line)?;
                if line.trim() == "q" {
                    return Ok(None);
                }
            }
            Err(error) => return Err(Usage(format!("{error}; nothing was changed")).into()),
        }
    }
}

/// The operator's editor with its own arguments.
fn editor() -> std::process::Command {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|key| std::env::var(key).ok());
    let line = named
        .filter(|l| !l.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    let mut words = line.split_whitespace().map(PathBuf::from);
    let mut command = std::process::Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}
