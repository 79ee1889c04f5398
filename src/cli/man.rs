//! `nodewright man`.

use crate::exit::Exit;
use crate::report::write_whole;
use crate::workplace::Context;
use anyhow::Context as _;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one page for each command into this folder. Default: the main page to standard output.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Writes the manual pages.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let command = super::help::command();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        context.print(&String::from_utf8_lossy(&page))?;
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, page) in pages(command)? {
        let path = dir.join(name);
        write_whole(&path, &page, 0o644)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Exit::Done)
}

/// Every page: its file's name and its text.
fn pages(mut command: clap::Command) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    command.build();
    let mut pages = Vec::new();
    let mut open = vec![command];
    while let Some(command) = open.pop() {
        if command.is_hide_set() {
            continue;
        }
        open.extend(command.get_subcommands().cloned());
        let man = clap_mangen::Man::new(command);
        let mut page = Vec::new();
        man.render(&mut page)?;
        pages.push((man.get_filename(), page));
    }
    Ok(pages)
}
