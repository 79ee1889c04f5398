//! `nodewright schema`.

use crate::exit::Exit;
use crate::report::write_whole;
use crate::site::text::editors::for_editors;
use crate::workplace::Context;
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
With a TOML language server, an editor completes and checks a file whose first line is: #:schema PATH/site.json")]
pub struct Args {
    /// The schema to print.
    #[arg(value_enum, default_value_t = SchemaName::Site)]
    which: SchemaName,
    /// Write all schemas into this folder, as site.json and role.json.
    #[arg(long, short, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A format that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SchemaName {
    /// An inventory.
    Site,
    /// A role file.
    Role,
}

impl SchemaName {
    fn text(self) -> String {
        let schema = match self {
            Self::Site => {
                let mut schema = crate::site::schema();
                for_editors(&mut schema);
                schema
            }
            Self::Role => crate::role::schema(),
        };
        format!("{schema:#}\n")
    }
}

/// Prints or writes JSON Schemas.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let Some(dir) = &args.out else {
        context.print(&args.which.text())?;
        return Ok(Exit::Done);
    };
    write_all(dir)?;
    Ok(Exit::Done)
}

/// The place where a site has its schemas, as the first lines of its files say.
pub const FOLDER: &str = "schema";

/// Writes all schemas into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn write_all(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, which) in [
        ("site.json", SchemaName::Site),
        ("role.json", SchemaName::Role),
    ] {
        let path = dir.join(name);
        write_whole(&path, which.text().as_bytes(), 0o644)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
