//! `nodewright review`.

use crate::exit::Exit;
use crate::report::json_line;
use crate::workplace::saved::Saved;
use crate::workplace::{self, Context, Usage, review};
use std::path::PathBuf;

/// Arguments of `review`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where the inventory says `review = true` in [site], `apply` takes only saved plans that another operator has signed. The
signature is of the file as it is, by an SSH key that the inventory has for the operator, and is written beside it.

Example:
  nodewright plan --out change.plan      by anna, who hands the file over
  nodewright review change.plan          by bob: shows the plan, asks, writes change.plan.sig
  nodewright apply ./change.plan")]
pub struct Args {
    /// The file that `plan --out` wrote.
    #[arg(value_name = "FILE", add = clap_complete::ArgValueCompleter::new(crate::workplace::completers::plans))]
    pub file: PathBuf,
    /// The SSH key to sign with; the public half of a key that an agent holds will do. Default: the first `--identity`,
    /// or `~/.ssh/id_ed25519`, `id_ecdsa` or `id_rsa`.
    #[arg(long, value_name = "KEY", value_hint = clap::ValueHint::FilePath)]
    pub key: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// An unsound site, a file that is no plan of this site as it is now, a key that is no other operator's.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let place = workplace::open_sound(context)?;
    let site = &place.site;
    let saved = Saved::load(context, &args.file)?;
    if saved.made_from_another(site) {
        let text = format!(
            "{} was made from another state of the site than the one in {}: take the author's changes in, then review",
            args.file.display(),
            context.site_dir()?.display()
        );
        return Err(Usage(text).into());
    }
    let key = review::key(context, args.key.as_deref())?;
    super::show::planned(&saved.plan()?, context)?;
    let question = format!("Made by {}. Sign it as reviewed? [y/N] ", saved.made_by());
    if !context.agrees(&question) {
        context.note("Not signed.\n");
        return Ok(Exit::Pending);
    }
    let by = review::sign(site, &saved, &args.file, &key)?;
    let file = review::signature_file(&args.file);
    if context.global.json {
        context.print(&json_line(
            &serde_json::json!({"event": "signed", "by": by, "file": file}),
        ))?;
    } else {
        context.note(&format!("Signed by {by}: {}\n", file.display()));
    }
    Ok(Exit::Done)
}
