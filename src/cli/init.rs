//! `nodewright init`.

use super::init_from;
use crate::exit::Exit;
use crate::report::write_whole;
use crate::workplace::{Context, Usage};
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// The files of a starter site. `SITE` and `VERSION` are replaced by the site's name and this program's version.
const FILES: [(&str, &str); 5] = [
    ("inventory.toml", include_str!("starter/inventory.toml")),
    ("roles/motd.toml", include_str!("starter/motd.toml")),
    ("templates/motd/motd", include_str!("starter/motd")),
    (".gitignore", include_str!("starter/gitignore")),
    ("README.md", include_str!("starter/README.md")),
];

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The new or empty folder.
    #[arg(value_name = "SITE")]
    dir: PathBuf,
    /// Observe these nodes over `ssh NODE` and write their facts into the site: release, addresses, MACs, disks.
    #[arg(long, value_name = "NODE", num_args = 1..)]
    from: Vec<String>,
}

/// Writes a starter site.
///
/// # Errors
/// When the folder holds anything, or a file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let dir = &args.dir;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let entries = std::fs::read_dir(dir)?.flatten().map(|e| e.file_name());
    if let Some(entry) = entries.filter(|name| name != ".git").min() {
        return Err(Usage(format!(
            "{} is not empty: {} is in it\n  a starter is written into a new or empty folder only",
            dir.display(),
            entry.to_string_lossy().escape_debug()
        ))
        .into());
    }
    let name = name(dir);
    let seen = init_from::facts_of(&args.from)?;
    for (path, text) in FILES {
        let filled = if seen.is_empty() || path != "inventory.toml" {
            text.to_owned()
        } else {
            init_from::fill(text, &seen)
        };
        let text = filled.as_str();
        let text = text.replace("SITE", &name).replace("VERSION", minor());
        let path = dir.join(path);
        let folder = path.parent().expect("a file of the site is in a folder");
        std::fs::create_dir_all(folder)
            .and_then(|()| write_whole(&path, text.as_bytes(), 0o644))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    super::schema::write_all(&dir.join(super::schema::FOLDER))?;
    context.note(&format!(
        "A starter site is in {}. Put your own nodes into its inventory.toml, then: nodewright check\n",
        dir.display()
    ));
    Ok(Exit::Done)
}

/// The folder's name as far as it can be a site's.
fn name(dir: &Path) -> String {
    let full = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let kept = name
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let kept = kept.trim_matches('-');
    if kept.starts_with(|c: char| c.is_ascii_lowercase()) {
        kept.to_owned()
    } else {
        "cluster".to_owned()
    }
}

/// This version without its last number.
fn minor() -> &'static str {
    let version = env!("CARGO_PKG_VERSION");
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_named_after_its_folder() {
        assert_eq!(name(Path::new("/nowhere/My Rack_2/")), "my-rack-2");
        assert_eq!(name(Path::new("/nowhere/42")), "cluster");
    }

    #[test]
    fn the_version_that_a_site_requires_has_two_numbers() {
        assert_eq!(minor().matches('.').count(), 1);
    }
}
